// What is quick to ask and may be forgotten: values with a time, counters, paces, locks. In process
// (memory.hpp), or shared by all nodes through Redis (redis.hpp); one suite runs against both.
//
// A store that is away makes the server slower, never wrong and never broken: nothing here throws,
// every answer comes within the store's time-out, and each method says what it answers then. Facts
// that must last belong into PostgreSQL.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <base/task.hpp>
#include <telemetry/metrics.hpp>

namespace haat::kv {

using std::chrono::milliseconds;

/// Null: there is none, or the store is away.
using Value = std::shared_ptr<std::string const>;

enum class Outcome : std::uint8_t { done, refused, away };

inline constexpr std::size_t tags_max = 8; // of one value

/// How often the tags had been dropped when a value began to be made.
struct Stamp {
    std::vector<std::int64_t> generations; // in the order of the tags
    bool away = false;
    bool operator==(Stamp const&) const = default;
};

/// A value, or what set() wants to know of the one that is about to be made.
struct Look {
    Value value;
    Stamp stamp; // of a miss
};

struct Keep {
    milliseconds ttl{0};                    // 0: until it is removed or room is needed
    std::span<std::string_view const> tags; // drop_tag() of any of them removes it
    Stamp const* unless_dropped = nullptr;  // refused when a tag was dropped since this stamp
    bool only_if_absent = false;            // refused when there is a value
};

/// Held by one at a time. The token grows with every acquisition of any lock of this store: what
/// the lock protects refuses a smaller one than it has seen, because a holder may be late.
struct Lock {
    Outcome outcome = Outcome::away;
    std::string name;
    std::int64_t token = 0;
    explicit operator bool() const { return outcome == Outcome::done; }
};

/// `limit` at once, and `limit` per `window` in the long run.
struct Pace {
    int limit = 1;
    milliseconds window{1'000};
};
struct Taken {
    Outcome outcome = Outcome::away;
    std::chrono::nanoseconds full_in{0}; // until the allowance is full again
};

/// Since the start.
struct Figures {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t operations = 0;
    std::uint64_t away = 0;       // operations that were answered as away
    std::uint64_t reconnects = 0; // connections made after the first
    std::uint64_t entries = 0;    // in process only
    std::uint64_t bytes = 0;      // in process only
    std::uint64_t evicted = 0;    // in process only
    bool up = true;
    metrics::Distribution latency;
};

class Flights;

/// Called on the loop it belongs to (a store in process: on any). The views of arguments are read
/// until the await returns.
class Store {
public:
    Store();
    virtual ~Store();
    Store(Store const&) = delete;

    virtual Task<Value> get(std::string_view key) = 0;
    /// In the order of the keys.
    virtual Task<std::vector<Value>> get_many(std::span<std::string_view const> keys) = 0;
    /// As get(); on a miss with the stamp for `unless_dropped`, in the same round trip.
    virtual Task<Look> look(std::string_view key, std::span<std::string_view const> tags) = 0;

    /// While the store is away, the value that stands there is removed as soon as it is back.
    virtual Task<Outcome> set(std::string_view key, std::string_view value, Keep const& keep) = 0;
    Task<Outcome> set(std::string_view key, std::string_view value, milliseconds ttl);
    /// Sets when the value is `expected`, or when there is none and nothing is expected.
    virtual Task<Outcome> compare_and_set(std::string_view key,
                                          std::optional<std::string_view> expected,
                                          std::string_view value, milliseconds ttl) = 0;
    /// Done also when there was none. While the store is away: as soon as it is back.
    virtual Task<Outcome> remove(std::string_view key) = 0;
    /// After the commit. While the store is away: as soon as it is back.
    virtual Task<Outcome> drop_tag(std::string_view tag) = 0;

    /// The new number; `ttl` counts from the first increment. Nothing when the store is away, the
    /// value is no number, or the number would not fit.
    virtual Task<std::optional<std::int64_t>> increment(std::string_view key, std::int64_t by,
                                                        milliseconds ttl) = 0;
    /// milliseconds::max() for a value without end; nothing when there is none, or away.
    virtual Task<std::optional<milliseconds>> ttl(std::string_view key) = 0;
    /// Refused when there is no value.
    virtual Task<Outcome> expire(std::string_view key, milliseconds ttl) = 0;

    /// Takes `count` of an allowance (GCRA), or refuses and takes nothing. A negative count gives
    /// back. `anyway`: takes even what is not there, to tell what was allowed elsewhere.
    virtual Task<Taken> take(std::string_view key, Pace pace, int count, bool anyway) = 0;

    /// Refused when another holds it. It ends by itself after `ttl`.
    virtual Task<Lock> acquire(std::string_view name, milliseconds ttl) = 0;
    /// Refused when it is not ours any more.
    virtual Task<Outcome> renew(Lock const& lock, milliseconds ttl) = 0;
    virtual Task<Outcome> release(Lock const& lock) = 0;

    // From any thread.
    virtual bool up() const = 0;
    /// Why it is away; empty when it is up.
    virtual std::string trouble() const = 0;
    virtual Figures figures() const = 0;

    /// Values that are being made, so that one makes them and the others wait; see cached.hpp.
    Flights& flights() { return *flights_; }
    void share_flights(std::shared_ptr<Flights> flights) { flights_ = std::move(flights); }

private:
    std::shared_ptr<Flights> flights_;
};

} // namespace haat::kv
