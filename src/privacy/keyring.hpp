// Personal data where it is written down for good: encrypted with a key of the person, so that
// destroying the key erases it everywhere at once, and what was sealed or signed stays as it is.
//
// A process makes a key of its own for a person when it first needs one, in the transaction that
// needs it; nothing has to be asked before anything can be written. docs/decisions/0027.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <base/task.hpp>
#include <describe/codec.hpp>
#include <pg/pg.hpp>

namespace haat::pg {
class PlainConnection;
}

namespace haat::privacy {

struct Key {
    Uuid id;
    Uuid person;
    std::array<unsigned char, 32> bytes{};
};
using KeyPtr = std::shared_ptr<Key const>;

/// The keys that this process knows. From any thread.
class Keyring {
public:
    /// Keys lie in the database sealed with one made from this.
    explicit Keyring(std::string_view server_secret);

    std::string seal(Key const& key) const;
    /// Nothing when it was sealed with another server's secret.
    KeyPtr open(Uuid const& id, Uuid const& person, std::string_view sealed) const;

    KeyPtr of_person(Uuid const& person) const;
    KeyPtr by_id(Uuid const& id) const; // as long as it is certain that it was not destroyed
    void made(KeyPtr key);
    void read(KeyPtr key);
    void forget(Uuid const& person);
    void forget_all();

private:
    using Clock = std::chrono::steady_clock;
    struct Known {
        KeyPtr key;
        Clock::time_point until;
    };

    std::array<unsigned char, 32> master_{};
    mutable std::mutex mutex_;
    std::map<Uuid, KeyPtr> of_person_;
    std::map<Uuid, Known> by_id_;
};

/// Encrypts parts of the JSON in place, each with a key of its person, or of `otherwise` where the
/// part names nobody. New keys are written by the transaction.
void veil(Tx&, std::string& json, describe::PersonalParts const&, Uuid const& otherwise);
/// The same of a text that is no JSON.
std::string veil_text(Tx&, std::string_view text, Uuid const& person);

bool is_veiled(std::string_view text);
/// Makes readable, in place, what is veiled in these texts, with one query at the most. What was
/// erased becomes null, a text that is no JSON becomes empty.
Task<void> unveil(pg::Database&, std::vector<std::string*> texts);

/// The same for commands.
void unveil(pg::PlainConnection&, Keyring&, std::vector<std::string*> const& texts);

/// Destroys the person's keys when the transaction commits, on every node within a second; gives
/// how many. Everybody may erase themselves, administrators and workers anybody.
Task<std::int32_t> erase(Tx&, Uuid person);

/// Nodes tell one another here; a payload is a person, an empty one: anybody.
inline constexpr char const* erased_channel = "haat_erased";
/// What was heard there.
void heard_erased(Keyring&, std::string_view payload);
/// For every process with keys, on one of its databases.
void hear_erasures(pg::Database&);

} // namespace haat::privacy
