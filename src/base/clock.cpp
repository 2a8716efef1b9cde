#include <base/clock.hpp>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <pthread.h>
#include <sys/random.h>

namespace haat {

namespace {

constexpr std::int64_t not_held = std::numeric_limits<std::int64_t>::min();
std::atomic<std::int64_t> held_micros{not_held};

// A forked child must not hand out its parent's random bytes once more.
std::atomic<unsigned> fork_generation{0};

/// Random bytes from the kernel, fetched four kilobytes at a time.
class RandomBytes {
public:
    std::uint64_t next() {
        unsigned const generation = fork_generation.load(std::memory_order_relaxed);
        if (left_ < sizeof(std::uint64_t) || generation != generation_) {
            fetch();
            generation_ = generation;
        }
        left_ -= sizeof(std::uint64_t);
        std::uint64_t value = 0;
        std::memcpy(&value, bytes_ + left_, sizeof value);
        std::memset(bytes_ + left_, 0, sizeof value);
        return value;
    }

private:
    void fetch() {
        [[maybe_unused]] static int const registered = pthread_atfork(
            nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order_relaxed); });
        for (std::size_t have = 0; have < sizeof bytes_;) {
            ssize_t const got = getrandom(bytes_ + have, sizeof bytes_ - have, 0);
            // Ids that others can foresee or that repeat are worse than no process.
            if (got < 0 && errno != EINTR) std::abort();
            if (got > 0) have += static_cast<std::size_t>(got);
        }
        left_ = sizeof bytes_;
    }

    unsigned char bytes_[4096];
    std::size_t left_ = 0;
    unsigned generation_ = 0;
};

/// The 74 bits behind the milliseconds. Within one millisecond they grow by a random step, so
/// that the ids of a thread are in order and yet cannot be guessed from one another.
class Sequence {
public:
    Uuid next(std::int64_t ms) {
        constexpr std::int64_t clock_step_ms = 10'000;
        // A clock that went back a little waits for itself; a far jump is believed.
        if (ms > ms_ || ms < ms_ - clock_step_ms)
            restart(ms);
        else
            step();
        return id();
    }

private:
    static constexpr std::uint64_t low_mask = (std::uint64_t{1} << 62) - 1;

    void restart(std::int64_t ms) {
        ms_ = ms;
        high_ = random_.next() & 0x7FF; // the top bit is left as room to grow
        low_ = random_.next() & low_mask;
    }
    void step() {
        low_ += 1 + (random_.next() >> 8);
        high_ += low_ >> 62;
        low_ &= low_mask;
        if (high_ > 0xFFF) restart(ms_ + 1);
    }
    Uuid id() const {
        Uuid uuid;
        auto const ms = static_cast<std::uint64_t>(ms_);
        for (unsigned i = 0; i < 6; ++i)
            uuid.bytes[i] = static_cast<unsigned char>(ms >> (40 - 8 * i));
        uuid.bytes[6] = static_cast<unsigned char>(0x70 | high_ >> 8);
        uuid.bytes[7] = static_cast<unsigned char>(high_);
        std::uint64_t const low = low_ | std::uint64_t{1} << 63;
        for (unsigned i = 0; i < 8; ++i)
            uuid.bytes[8 + i] = static_cast<unsigned char>(low >> (56 - 8 * i));
        return uuid;
    }

    RandomBytes random_;
    std::int64_t ms_ = 0;
    std::uint64_t high_ = 0; // 12 bits
    std::uint64_t low_ = 0;  // 62 bits
};

} // namespace

Timestamp now() {
    std::int64_t const held = held_micros.load(std::memory_order_relaxed);
    if (held != not_held) return Timestamp{held};
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return Timestamp{std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000};
}

Uuid new_uuid() {
    static thread_local Sequence sequence;
    return sequence.next(now().micros / 1000);
}

HeldClock::HeldClock(Timestamp at) { set(at); }
HeldClock::~HeldClock() { held_micros.store(not_held); }
void HeldClock::set(Timestamp at) { held_micros.store(at.micros); }
void HeldClock::advance(std::int64_t seconds) { held_micros.fetch_add(seconds * 1'000'000); }

} // namespace haat
