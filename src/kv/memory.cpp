#include <kv/memory.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <ctime>
#include <mutex>
#include <random>
#include <unordered_map>

#include <base/hash.hpp>
#include <kv/shard.hpp>

namespace haat::kv {

namespace {

Nanos coarse_now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return std::chrono::nanoseconds(std::chrono::seconds(time.tv_sec)).count() + time.tv_nsec;
}

Nanos nanos(milliseconds duration) { return std::chrono::nanoseconds(duration).count(); }

bool parse_number(std::string_view text, std::int64_t& number) {
    auto const end = text.data() + text.size();
    auto const [at, error] = std::from_chars(text.data(), end, number);
    return !text.empty() && error == std::errc() && at == end;
}

Value number_value(std::int64_t number) {
    return std::make_shared<std::string const>(std::to_string(number));
}

// Greater than any that a process before this one gave out, as long as the clock goes forward.
std::int64_t first_token() {
    using std::chrono::system_clock;
    return std::chrono::duration_cast<std::chrono::microseconds>(
               system_clock::now().time_since_epoch())
        .count();
}

struct alignas(64) Guarded {
    std::mutex mutex;
    Shard shard;
};

} // namespace

struct Memory::Inside {
    explicit Inside(MemoryOptions const& o)
        : options(o), count(std::bit_ceil(std::max<std::size_t>(o.shards, 1))),
          shard_bytes_max(std::max<std::size_t>(o.bytes_max / count, 4'096)),
          value_bytes_max(std::min(o.value_bytes_max, shard_bytes_max / 2)),
          shards(std::make_unique<Guarded[]>(count)) {
        std::random_device device;
        seed = static_cast<std::uint64_t>(device()) << 32 | device();
    }

    /// A shard, locked, and this key's hash.
    struct Place {
        Place(Inside& in, std::string_view key)
            : hash(hash_of(key, in.seed)), guarded(in.shards[(hash >> 40) & (in.count - 1)]),
              lock(guarded.mutex), now(in.now()) {}
        std::uint64_t hash;
        Guarded& guarded;
        std::lock_guard<std::mutex> lock;
        Nanos now;
    };

    Nanos now() const { return options.clock ? options.clock().count() : coarse_now(); }
    Nanos end_of(Nanos from, milliseconds ttl) const {
        return ttl.count() <= 0 ? never : from + nanos(ttl);
    }
    Shard::Entry* find(Place& place, std::string_view key) {
        return place.guarded.shard.find(key, place.hash, place.now, generations);
    }
    Outcome put(Place& place, std::string_view key, Value value, Nanos ends,
                std::span<std::string_view const> tags);

    MemoryOptions options;
    std::size_t count;
    std::size_t shard_bytes_max;
    std::size_t value_bytes_max;
    std::uint64_t seed = 0; // unknown outside, so that nobody can aim at one shard
    std::unique_ptr<Guarded[]> shards;
    Generations generations;

    struct Held {
        std::int64_t token;
        Nanos ends;
    };
    std::mutex locks_mutex;
    std::unordered_map<std::string, Held> locks;
    std::int64_t token = first_token();
    std::atomic<std::size_t> swept{0};
};

Outcome Memory::Inside::put(Place& place, std::string_view key, Value value, Nanos ends,
                            std::span<std::string_view const> tags) {
    Shard& shard = place.guarded.shard;
    // What stood there is out of date in any case.
    if (value->size() + key.size() > value_bytes_max || tags.size() > tags_max) {
        if (Shard::Entry* const old = find(place, key)) shard.remove(*old);
        return Outcome::refused;
    }
    shard.sweep(2, place.now, generations);
    Shard::Entry& entry = shard.make(key, place.hash);
    entry.ends = ends;
    entry.tags.clear();
    for (std::string_view const tag : tags) {
        std::size_t const at = Generations::place_of(tag);
        entry.tags.push_back({static_cast<std::uint32_t>(at), generations.at(at)});
    }
    shard.put(entry, std::move(value), shard_bytes_max);
    return Outcome::done;
}

Memory::Memory(MemoryOptions options) : inside_(std::make_unique<Inside>(options)) {}
Memory::~Memory() = default;

// ---- at once

Value Memory::find(std::string_view key) {
    Inside::Place place(*inside_, key);
    Shard::Entry const* const entry = inside_->find(place, key);
    ++(entry ? place.guarded.shard.figures.hits : place.guarded.shard.figures.misses);
    return entry ? entry->value : nullptr;
}

Outcome Memory::put(std::string_view key, std::string_view value, Keep const& keep) {
    Inside& in = *inside_;
    auto copy = std::make_shared<std::string const>(value);
    Inside::Place place(in, key);
    if (keep.only_if_absent && in.find(place, key)) return Outcome::refused;
    if (Stamp const* const stamp = keep.unless_dropped)
        for (std::size_t i = 0; i < keep.tags.size(); ++i)
            if (i >= stamp->generations.size() ||
                stamp->generations[i] != in.generations.at(Generations::place_of(keep.tags[i])))
                return Outcome::refused;
    return in.put(place, key, std::move(copy), in.end_of(place.now, keep.ttl), keep.tags);
}

void Memory::drop(std::string_view tag) { inside_->generations.bump(tag); }

void Memory::drop_all_tags() { inside_->generations.bump_all(); }

void Memory::sweep() {
    constexpr std::size_t at_once = 10'000; // some tens of microseconds under each lock
    for (std::size_t i = 0; i < inside_->count; ++i) {
        Guarded& each = inside_->shards[i];
        std::lock_guard const lock(each.mutex);
        each.shard.sweep(std::min(at_once, each.shard.entries()), inside_->now(),
                         inside_->generations);
    }
    std::lock_guard const lock(inside_->locks_mutex);
    Nanos const now = inside_->now();
    std::erase_if(inside_->locks, [now](auto const& each) { return each.second.ends <= now; });
}

Figures Memory::figures() const {
    Figures all;
    for (std::size_t i = 0; i < inside_->count; ++i) {
        Guarded& each = inside_->shards[i];
        std::lock_guard const lock(each.mutex);
        all.hits += each.shard.figures.hits;
        all.misses += each.shard.figures.misses;
        all.evicted += each.shard.figures.evicted;
        all.entries += each.shard.entries();
        all.bytes += each.shard.bytes();
    }
    all.operations = all.hits + all.misses;
    return all;
}

// ---- the store

Task<Value> Memory::get(std::string_view key) { co_return find(key); }

Task<std::vector<Value>> Memory::get_many(std::span<std::string_view const> keys) {
    std::vector<Value> values;
    values.reserve(keys.size());
    for (std::string_view const key : keys) values.push_back(find(key));
    co_return values;
}

// The generations first: a tag that is dropped in between refuses the value then.
Task<Look> Memory::look(std::string_view key, std::span<std::string_view const> tags) {
    Look found;
    for (std::string_view const tag : tags)
        found.stamp.generations.push_back(inside_->generations.at(Generations::place_of(tag)));
    found.value = find(key);
    co_return found;
}

Task<Outcome> Memory::set(std::string_view key, std::string_view value, Keep const& keep) {
    co_return put(key, value, keep);
}

Task<Outcome> Memory::compare_and_set(std::string_view key,
                                      std::optional<std::string_view> expected,
                                      std::string_view value, milliseconds ttl) {
    Inside& in = *inside_;
    Inside::Place place(in, key);
    Shard::Entry const* const entry = in.find(place, key);
    bool const same = entry ? expected && *entry->value == *expected : !expected;
    if (!same) co_return Outcome::refused;
    co_return in.put(place, key, std::make_shared<std::string const>(value),
                     in.end_of(place.now, ttl), {});
}

Task<Outcome> Memory::remove(std::string_view key) {
    Inside::Place place(*inside_, key);
    if (Shard::Entry* const entry = inside_->find(place, key)) place.guarded.shard.remove(*entry);
    co_return Outcome::done;
}

Task<Outcome> Memory::drop_tag(std::string_view tag) {
    drop(tag);
    co_return Outcome::done;
}

Task<std::optional<std::int64_t>> Memory::increment(std::string_view key, std::int64_t by,
                                                    milliseconds ttl) {
    Inside& in = *inside_;
    Inside::Place place(in, key);
    std::optional<std::int64_t> after;
    Shard::Entry* const entry = in.find(place, key);
    std::int64_t before = 0;
    std::int64_t sum = 0;
    if (entry && !parse_number(*entry->value, before)) co_return after;
    if (__builtin_add_overflow(before, by, &sum)) co_return after;
    Nanos const ends = entry && entry->ends != never ? entry->ends : in.end_of(place.now, ttl);
    if (in.put(place, key, number_value(sum), ends, {}) == Outcome::done) after = sum;
    co_return after;
}

Task<std::optional<milliseconds>> Memory::ttl(std::string_view key) {
    Inside::Place place(*inside_, key);
    std::optional<milliseconds> left;
    Shard::Entry const* const entry = inside_->find(place, key);
    if (entry)
        left = entry->ends == never ? milliseconds::max()
                                    : std::chrono::ceil<milliseconds>(
                                          std::chrono::nanoseconds(entry->ends - place.now));
    co_return left;
}

Task<Outcome> Memory::expire(std::string_view key, milliseconds ttl) {
    Inside::Place place(*inside_, key);
    Shard::Entry* const entry = inside_->find(place, key);
    if (!entry) co_return Outcome::refused;
    entry->ends = inside_->end_of(place.now, ttl);
    co_return Outcome::done;
}

// Kept as text, in microseconds, as Redis keeps it: when the allowance will be full again.
Task<Taken> Memory::take(std::string_view key, Pace pace, int count, bool anyway) {
    Inside& in = *inside_;
    Inside::Place place(in, key);
    Shard::Entry const* const entry = in.find(place, key);
    std::int64_t full_at = 0;
    if (entry) parse_number(*entry->value, full_at);
    std::int64_t const now = place.now / 1'000;
    std::int64_t const window = std::max<std::int64_t>(nanos(pace.window) / 1'000, 1);
    auto const cost =
        static_cast<std::int64_t>(static_cast<double>(window) / std::max(pace.limit, 1) * count);
    std::int64_t const owed = std::max<std::int64_t>(full_at - now, 0);
    std::int64_t const after = std::max<std::int64_t>(owed + cost, 0);
    Taken taken;
    if (!anyway && count > 0 && after > window) {
        taken.outcome = Outcome::refused;
        taken.full_in = std::chrono::microseconds(owed);
        co_return taken;
    }
    std::int64_t const stands = std::min(after, window);
    in.put(place, key, number_value(now + stands), place.now + (stands + 1) * 1'000, {});
    taken.outcome = Outcome::done;
    taken.full_in = std::chrono::microseconds(stands);
    co_return taken;
}

// ---- locks

Task<Lock> Memory::acquire(std::string_view name, milliseconds ttl) {
    Inside& in = *inside_;
    Lock lock;
    lock.name = name;
    lock.outcome = Outcome::refused;
    std::lock_guard const guard(in.locks_mutex);
    Nanos const now = in.now();
    auto const found = in.locks.find(lock.name);
    bool const held = found != in.locks.end() && found->second.ends > now;
    bool const room = found != in.locks.end() || in.locks.size() < in.options.locks_max;
    if (held || !room) co_return lock;
    lock.token = ++in.token;
    lock.outcome = Outcome::done;
    in.locks[lock.name] = {lock.token, in.end_of(now, ttl)};
    co_return lock;
}

Task<Outcome> Memory::renew(Lock const& lock, milliseconds ttl) {
    Inside& in = *inside_;
    std::lock_guard const guard(in.locks_mutex);
    auto const found = in.locks.find(lock.name);
    if (found == in.locks.end() || found->second.token != lock.token ||
        found->second.ends <= in.now())
        co_return Outcome::refused;
    found->second.ends = in.end_of(in.now(), ttl);
    co_return Outcome::done;
}

Task<Outcome> Memory::release(Lock const& lock) {
    Inside& in = *inside_;
    std::lock_guard const guard(in.locks_mutex);
    auto const found = in.locks.find(lock.name);
    if (found == in.locks.end() || found->second.token != lock.token ||
        found->second.ends <= in.now())
        co_return Outcome::refused;
    in.locks.erase(found);
    co_return Outcome::done;
}

} // namespace haat::kv
