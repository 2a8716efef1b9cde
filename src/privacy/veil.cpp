// What a veil looks like: "veil:1:" and, in base64url, the key's id, a nonce and the encrypted
// JSON value with its tag. In JSON it is a string.
#include <privacy/keyring.hpp>

#include <algorithm>
#include <map>
#include <optional>

#include <sodium.h>

#include <base/clock.hpp>
#include <base/refusal.hpp>
#include <pg/database.hpp>
#include <pg/plain.hpp>

namespace haat::privacy {

namespace {

constexpr std::string_view prefix = "veil:1:";
constexpr std::string_view prefix_in_json = "\"veil:1:";
constexpr std::size_t id_size = 16;
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr int alphabet = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

struct KeyRow {
    Uuid id;
    Uuid person;
    std::string sealed;
};
HAAT_DESCRIBE(KeyRow, id, person, sealed)

namespace sql {
Exec<Uuid, Uuid, std::string> keep_key{"privacy.keep_key", "select privacy.keep_key($1, $2, $3)"};
Many<KeyRow, std::vector<Uuid>> find_keys{"privacy.find_keys",
                                          "select {row} from privacy.find_keys($1)"};
One<std::int32_t, Uuid> erase{"privacy.erase", "select privacy.erase($1)"};
} // namespace sql

/// What this process knows of the persons in this database.
Keyring& keyring_of(pg::Database& database) {
    if (!database.keyring()) throw Fault("this database was opened without a keyring");
    return *database.keyring();
}

/// Keys that a transaction makes and destroys: its own at once, everybody's when it has committed.
struct Keys final : pg::Companion {
    explicit Keys(std::shared_ptr<Keyring> ring) : keyring(std::move(ring)) {}
    void committed() override {
        for (KeyPtr const& key : made) keyring->made(key);
        for (Uuid const& person : erased) keyring->forget(person);
    }
    static Keys& of(Tx& tx) {
        auto& companion = tx.companion();
        if (!companion) companion = std::make_unique<Keys>(tx.database().keyring());
        return dynamic_cast<Keys&>(*companion);
    }
    std::shared_ptr<Keyring> keyring;
    std::vector<KeyPtr> made;
    std::vector<Uuid> erased;
};

KeyPtr key_for(Tx& tx, Uuid const& person) {
    Keyring& keyring = keyring_of(tx.database());
    if (KeyPtr key = keyring.of_person(person)) return key;
    Keys& own = Keys::of(tx);
    for (KeyPtr const& key : own.made)
        if (key->person == person) return key;
    auto const key = std::make_shared<Key>();
    key->id = new_uuid();
    key->person = person;
    randombytes_buf(key->bytes.data(), key->bytes.size());
    tx.later(sql::keep_key, key->id, person, keyring.seal(*key));
    own.made.push_back(key);
    return key;
}

void append_veiled(std::string& out, Key const& key, std::string_view plain) {
    std::string bytes(id_size + nonce_size + plain.size() + tag_size, '\0');
    auto* const at = reinterpret_cast<unsigned char*>(bytes.data());
    std::copy(key.id.bytes.begin(), key.id.bytes.end(), at);
    unsigned char* const nonce = at + id_size;
    randombytes_buf(nonce, nonce_size);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        nonce + nonce_size, nullptr, reinterpret_cast<unsigned char const*>(plain.data()),
        plain.size(), at, id_size, nullptr, nonce, key.bytes.data());
    std::size_t const begin = out.size() + prefix.size();
    out += prefix;
    out.resize(begin + sodium_base64_encoded_len(bytes.size(), alphabet));
    sodium_bin2base64(out.data() + begin, out.size() - begin, at, bytes.size(), alphabet);
    out.pop_back(); // the NUL
}

/// One veil within a text.
struct Veil {
    std::size_t at;   // of its first letter, a quote in JSON
    std::size_t size; // up to its last one
    std::string bytes;

    Uuid key() const {
        Uuid id;
        std::copy_n(bytes.begin(), id_size, id.bytes.begin());
        return id;
    }
    std::optional<std::string> open(Key const& key) const {
        auto const* const from = reinterpret_cast<unsigned char const*>(bytes.data());
        std::string plain(bytes.size() - id_size - nonce_size - tag_size, '\0');
        int const wrong = crypto_aead_xchacha20poly1305_ietf_decrypt(
            reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr,
            from + id_size + nonce_size, bytes.size() - id_size - nonce_size, from, id_size,
            from + id_size, key.bytes.data());
        if (wrong != 0) return std::nullopt;
        return plain;
    }
};

/// The bytes of what is written in this alphabet from `at` on; nothing when that is no veil.
std::optional<Veil> veil_at(std::string_view text, std::size_t at, std::string_view begin) {
    std::string_view letters = text.substr(at + begin.size());
    if (begin.front() == '"') letters = letters.substr(0, letters.find('"'));
    Veil veil{at, 0, std::string(letters.size(), '\0')};
    std::size_t size = 0;
    char const* end = nullptr;
    sodium_base642bin(reinterpret_cast<unsigned char*>(veil.bytes.data()), veil.bytes.size(),
                      letters.data(), letters.size(), nullptr, &size, &end, alphabet);
    if (size < id_size + nonce_size + tag_size) return std::nullopt;
    veil.bytes.resize(size);
    veil.size = static_cast<std::size_t>(end - text.data()) - at;
    if (begin.front() != '"') return veil;
    if (at + veil.size >= text.size() || text[at + veil.size] != '"') return std::nullopt;
    ++veil.size;
    return veil;
}

std::vector<Veil> veils_in(std::string_view text) {
    std::vector<Veil> found;
    if (text.starts_with(prefix)) {
        if (auto veil = veil_at(text, 0, prefix)) found.push_back(std::move(*veil));
        return found;
    }
    for (std::size_t at = 0; (at = text.find(prefix_in_json, at)) != text.npos; ++at)
        if (at == 0 || text[at - 1] != '\\') // else the quote stands within a string
            if (auto veil = veil_at(text, at, prefix_in_json)) found.push_back(std::move(*veil));
    return found;
}

/// Texts on their way to being readable.
class Lifting {
public:
    Lifting(Keyring& keyring, std::vector<std::string*> const& texts) : keyring_(keyring) {
        for (std::string* const text : texts) {
            std::vector<Veil> veils = veils_in(*text);
            if (veils.empty()) continue;
            for (Veil const& veil : veils) look_up(veil.key());
            found_.emplace_back(text, std::move(veils));
        }
    }
    std::vector<Uuid> const& unknown() const { return unknown_; }
    void learn(KeyRow const& row) {
        KeyPtr const key = keyring_.open(row.id, row.person, row.sealed);
        if (key) keyring_.read(key);
        keys_[row.id] = key;
    }
    void finish() const {
        for (auto const& [text, veils] : found_) lift(*text, veils);
    }

private:
    void look_up(Uuid const& id) {
        auto const [at, fresh] = keys_.try_emplace(id);
        if (!fresh) return;
        at->second = keyring_.by_id(id);
        if (!at->second) unknown_.push_back(id);
    }
    void lift(std::string& text, std::vector<Veil> const& veils) const {
        bool const json = !text.starts_with(prefix);
        std::string out;
        std::size_t done = 0;
        for (Veil const& veil : veils) {
            KeyPtr const& key = keys_.at(veil.key());
            std::optional<std::string> const plain = key ? veil.open(*key) : std::nullopt;
            out.append(text, done, veil.at - done);
            out += plain ? std::string_view(*plain) : std::string_view(json ? "null" : "");
            done = veil.at + veil.size;
        }
        out.append(text, done);
        text = std::move(out);
    }

    Keyring& keyring_;
    std::vector<std::pair<std::string*, std::vector<Veil>>> found_;
    std::map<Uuid, KeyPtr> keys_; // nothing: it is not there any more
    std::vector<Uuid> unknown_;
};

} // namespace

void veil(Tx& tx, std::string& json, describe::PersonalParts const& parts, Uuid const& otherwise) {
    if (parts.empty()) return;
    std::string out;
    std::size_t done = 0;
    for (describe::PersonalPart const& part : parts) {
        KeyPtr const key = key_for(tx, part.person.value_or(otherwise));
        out.append(json, done, part.at - done).append("\"");
        append_veiled(out, *key, std::string_view(json).substr(part.at, part.size));
        out += '"';
        done = part.at + part.size;
    }
    out.append(json, done);
    json = std::move(out);
}

std::string veil_text(Tx& tx, std::string_view text, Uuid const& person) {
    std::string out;
    if (!text.empty()) append_veiled(out, *key_for(tx, person), text);
    return out;
}

bool is_veiled(std::string_view text) { return text.find(prefix) != text.npos; }

Task<void> unveil(pg::Database& database, std::vector<std::string*> texts) {
    std::erase_if(texts, [](std::string const* text) { return !is_veiled(*text); });
    if (texts.empty()) co_return;
    Lifting lifting(keyring_of(database), texts);
    if (!lifting.unknown().empty()) {
        pg::Reader read(database, pg::nobody);
        std::vector<KeyRow> const rows = co_await read(sql::find_keys, lifting.unknown());
        for (KeyRow const& row : rows) lifting.learn(row);
    }
    lifting.finish();
}

void unveil(pg::PlainConnection& database, Keyring& keyring,
            std::vector<std::string*> const& texts) {
    Lifting lifting(keyring, texts);
    std::string ids = "{";
    for (Uuid const& id : lifting.unknown()) ids += (ids.size() > 1 ? "," : "") + to_string(id);
    auto const rows =
        database.ask("select id, person, sealed from privacy.find_keys($1::uuid[])", {ids + "}"});
    for (auto const& row : rows) {
        KeyRow found;
        parse(row[0].value_or(""), found.id);
        parse(row[1].value_or(""), found.person);
        found.sealed = row[2].value_or("");
        lifting.learn(found);
    }
    lifting.finish();
}

void hear_erasures(pg::Database& database) {
    database.listen(erased_channel, [keyring = database.keyring()](std::string_view payload) {
        heard_erased(*keyring, payload);
    });
}

Task<std::int32_t> erase(Tx& tx, Uuid person) {
    std::int32_t const gone = co_await tx(sql::erase, person);
    if (tx.database().keyring()) Keys::of(tx).erased.push_back(person);
    tx.announce(erased_channel, to_string(person));
    co_return gone;
}

} // namespace haat::privacy
