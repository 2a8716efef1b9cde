#include <http/rate_limit.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <charconv>
#include <mutex>
#include <new>
#include <random>
#include <unordered_map>

#include <arpa/inet.h>
#include <sys/mman.h>

#include <base/hash.hpp>

namespace haat::http {

namespace {

using Nanos = std::int64_t;

Nanos steady_now() {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One key. `full_at` is when its allowance will be full again: the whole state of GCRA. A slot
// whose time has passed says the same as no slot, so it is free.
struct Slot {
    std::uint64_t key;
    Nanos full_at;
};

// A key lives in one group only, so that a look-up reads two cache lines and nothing is rehashed.
constexpr std::size_t group_size = 8;
struct alignas(64) Group {
    std::array<Slot, group_size> slots;
};

// Zeroed pages that take memory only once they are written to: most servers never see many keys.
class Groups {
public:
    explicit Groups(std::size_t count) : count_(count) {
        void* const pages = mmap(nullptr, count * sizeof(Group), PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (pages == MAP_FAILED) throw std::bad_alloc();
        groups_ = static_cast<Group*>(pages);
    }
    ~Groups() { munmap(groups_, count_ * sizeof(Group)); }
    Groups(Groups const&) = delete;

    Group& operator[](std::size_t i) { return groups_[i]; }
    std::size_t size() const { return count_; }

private:
    Group* groups_ = nullptr;
    std::size_t count_;
};

constexpr std::size_t locks = 64;
constexpr std::size_t notes_max = 200; // under each lock; beyond, a node counts for itself
struct alignas(64) Lock {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, Use> notes;
};

int seconds_up(Nanos nanos) {
    return nanos <= 0 ? 0 : static_cast<int>((nanos + 999'999'999) / 1'000'000'000);
}

void append_header(std::string& head, std::string_view name, int value) {
    std::array<char, 12> digits{};
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    head.append(name).append(digits.data(), end).append("\r\n");
}

std::uint64_t random_seed() {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32 | device();
}

} // namespace

std::string_view name_of(Allowance allowance) {
    static constexpr std::array<std::string_view, allowances> names{
        "public_read", "signed_in",       "auth",         "sensitive", "upload", "order_create",
        "order_query", "anonymous_write", "administrator"};
    return names[static_cast<std::size_t>(allowance)];
}

struct RateLimiter::Inside {
    struct Pace {
        int limit;
        Nanos window;
        Nanos step; // time that gives one request back
    };

    explicit Inside(RateLimitOptions const& options)
        : clock(options.clock), seed(random_seed()),
          groups(std::bit_ceil(std::max<std::size_t>(options.keys_max / (group_size / 2), locks))) {
        for (std::size_t i = 0; i < allowances; ++i) {
            int const limit = std::max(options.rates[i].limit, 1);
            Nanos const window =
                std::chrono::nanoseconds(std::max(options.rates[i].window, 1s)).count();
            paces[i] = {limit, window, std::max<Nanos>(window / limit, 1)};
        }
    }

    Nanos now() const { return clock ? clock().count() : steady_now(); }

    std::uint64_t key_of(Allowance allowance, std::string_view key) const {
        return hash_of(key, seed + static_cast<std::uint64_t>(allowance));
    }
    Group& group_of(std::uint64_t key) { return groups[(key >> 8) & (groups.size() - 1)]; }
    Lock& place_of(std::uint64_t key) { return mutexes[(key >> 8) & (locks - 1)]; }
    std::mutex& lock_of(std::uint64_t key) { return place_of(key).mutex; }

    static Slot* find(Group& group, std::uint64_t key) {
        for (Slot& slot : group.slots)
            if (slot.key == key) return &slot;
        return nullptr;
    }

    // The slot with the earliest time is free, or else belongs to whoever is nearest to a full
    // allowance: forgetting that one forgives least.
    static Slot& make(Group& group, std::uint64_t key) {
        Slot& taken =
            *std::min_element(group.slots.begin(), group.slots.end(),
                              [](Slot const& a, Slot const& b) { return a.full_at < b.full_at; });
        taken.key = key;
        return taken;
    }

    // Under the key's lock.
    void note(std::uint64_t hash, Allowance allowance, std::string_view key) {
        if (!noting.load(std::memory_order_relaxed) || is_strict(allowance)) return;
        auto& notes = place_of(hash).notes;
        if (auto const found = notes.find(hash); found != notes.end())
            ++found->second.count;
        else if (notes.size() < notes_max)
            notes.emplace(hash, Use{allowance, std::string(key), 1});
    }

    static Decision decide(Pace const& pace, Nanos now, Nanos full_at, bool take) {
        Nanos const after = std::max(now, full_at) + pace.step;
        Decision decision;
        decision.limit = pace.limit;
        decision.allowed = after - now <= pace.window;
        Nanos const stands = decision.allowed && take ? after : std::max(now, full_at);
        say(decision, pace, stands - now);
        return decision;
    }

    static void say(Decision& decision, Pace const& pace, Nanos full_in) {
        decision.remaining =
            static_cast<int>(std::clamp<Nanos>((pace.window - full_in) / pace.step, 0, pace.limit));
        decision.reset_seconds = seconds_up(full_in);
        if (!decision.allowed)
            decision.retry_after_seconds =
                std::max(seconds_up(full_in + pace.step - pace.window), 1);
    }

    std::array<Pace, allowances> paces{};
    std::chrono::nanoseconds (*clock)();
    std::uint64_t seed; // unknown outside, so that nobody can aim at another's group
    Groups groups;      // a power of two
    std::array<Lock, locks> mutexes;
    std::atomic<bool> noting{false};
};

RateLimiter::RateLimiter(RateLimitOptions options) : inside_(std::make_unique<Inside>(options)) {}
RateLimiter::~RateLimiter() = default;

Decision RateLimiter::take(Allowance allowance, std::string_view key) {
    Inside& in = *inside_;
    Inside::Pace const& pace = in.paces[static_cast<std::size_t>(allowance)];
    std::uint64_t const hash = in.key_of(allowance, key);
    Nanos const now = in.now();

    std::lock_guard const lock(in.lock_of(hash));
    Group& group = in.group_of(hash);
    Slot* slot = Inside::find(group, hash);
    Decision const decision = Inside::decide(pace, now, slot ? slot->full_at : now, true);
    if (!decision.allowed) return decision;
    if (!slot) {
        slot = &Inside::make(group, hash);
        slot->full_at = now;
    }
    slot->full_at = std::max(now, slot->full_at) + pace.step;
    in.note(hash, allowance, key);
    return decision;
}

Decision RateLimiter::look(Allowance allowance, std::string_view key) const {
    Inside& in = *inside_;
    std::uint64_t const hash = in.key_of(allowance, key);
    Nanos const now = in.now();

    std::lock_guard const lock(in.lock_of(hash));
    Slot const* slot = Inside::find(in.group_of(hash), hash);
    return Inside::decide(in.paces[static_cast<std::size_t>(allowance)], now,
                          slot ? slot->full_at : now, false);
}

void RateLimiter::give_back(Allowance allowance, std::string_view key) {
    Inside& in = *inside_;
    std::uint64_t const hash = in.key_of(allowance, key);

    std::lock_guard const lock(in.lock_of(hash));
    if (Slot* slot = Inside::find(in.group_of(hash), hash))
        slot->full_at -= in.paces[static_cast<std::size_t>(allowance)].step;
}

Rate RateLimiter::rate(Allowance allowance) const {
    Inside::Pace const& pace = inside_->paces[static_cast<std::size_t>(allowance)];
    return {pace.limit, std::chrono::duration_cast<std::chrono::seconds>(
                            std::chrono::nanoseconds(pace.window))};
}

Decision RateLimiter::decision(Allowance allowance, bool allowed,
                               std::chrono::nanoseconds full_in) const {
    Inside::Pace const& pace = inside_->paces[static_cast<std::size_t>(allowance)];
    Decision decision;
    decision.limit = pace.limit;
    decision.allowed = allowed;
    Inside::say(decision, pace, full_in.count());
    return decision;
}

void RateLimiter::note_takes() { inside_->noting.store(true, std::memory_order_relaxed); }

std::vector<Use> RateLimiter::notes() {
    std::vector<Use> all;
    for (Lock& each : inside_->mutexes) {
        std::lock_guard const lock(each.mutex);
        for (auto& [hash, use] : each.notes) all.push_back(std::move(use));
        each.notes.clear();
    }
    return all;
}

void RateLimiter::learn(Allowance allowance, std::string_view key,
                        std::chrono::nanoseconds full_in) {
    Inside& in = *inside_;
    Inside::Pace const& pace = in.paces[static_cast<std::size_t>(allowance)];
    std::uint64_t const hash = in.key_of(allowance, key);
    Nanos const full_at = in.now() + std::min<Nanos>(full_in.count(), pace.window);

    std::lock_guard const lock(in.lock_of(hash));
    Group& group = in.group_of(hash);
    Slot* slot = Inside::find(group, hash);
    if (!slot) {
        slot = &Inside::make(group, hash);
        slot->full_at = full_at;
    }
    slot->full_at = std::max(slot->full_at, full_at);
}

std::size_t RateLimiter::keys() const {
    Inside& in = *inside_;
    Nanos const now = in.now();
    std::size_t count = 0;
    for (std::size_t i = 0; i < in.groups.size(); ++i) {
        std::lock_guard const lock(in.mutexes[i & (locks - 1)].mutex);
        for (Slot const& slot : in.groups[i].slots) count += slot.full_at > now;
    }
    return count;
}

void Decision::append_to(std::string& head) const {
    append_header(head, "RateLimit-Limit: ", limit);
    append_header(head, "RateLimit-Remaining: ", remaining);
    append_header(head, "RateLimit-Reset: ", reset_seconds);
    if (!allowed) append_header(head, "Retry-After: ", retry_after_seconds);
}

std::string address_key(std::string_view address) {
    std::string text(address.substr(0, address.find('%'))); // without the zone
    in6_addr parsed{};
    if (text.find(':') == std::string::npos || inet_pton(AF_INET6, text.c_str(), &parsed) != 1)
        return text;
    if (IN6_IS_ADDR_V4MAPPED(&parsed)) {
        std::array<char, INET_ADDRSTRLEN> plain{};
        inet_ntop(AF_INET, &parsed.s6_addr[12], plain.data(), plain.size());
        return plain.data();
    }
    std::fill(parsed.s6_addr + 8, parsed.s6_addr + 16, std::uint8_t{0});
    std::array<char, INET6_ADDRSTRLEN> network{};
    inet_ntop(AF_INET6, &parsed, network.data(), network.size());
    return network.data() + std::string("/64");
}

} // namespace haat::http
