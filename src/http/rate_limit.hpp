// How many requests somebody may make: a bucket that refills smoothly (GCRA), per key, in process.
// Shared by all loops; an uncontended take() costs less than 100 ns. Memory is fixed at the start.
//
// A class that counts failures only is taken from before the work and given back after a success,
// so that a hundred guesses at once do not all pass a check before the first is charged.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace haat::http {

using namespace std::chrono_literals;

enum class Allowance : std::uint8_t {
    public_read,     // per address
    signed_in,       // per user
    auth,            // per address, failures only: give back after a success
    sensitive,       // likewise
    upload,          // per user or address
    order_create,    // per user or address
    order_query,     // per user or address
    anonymous_write, // per address
    administrator,   // administrators and API keys
};
inline constexpr std::size_t allowances = 9;
std::string_view name_of(Allowance);

/// Of these there are few, and each matters: all nodes are asked for every one. The others are
/// decided here, and the nodes tell each other afterwards (shared_limits.hpp).
constexpr bool is_strict(Allowance allowance) {
    return allowance == Allowance::auth || allowance == Allowance::sensitive ||
           allowance == Allowance::upload || allowance == Allowance::order_create;
}

/// `limit` at once, and `limit` per `window` in the long run. At least 1 of each.
struct Rate {
    int limit = 1;
    std::chrono::seconds window{1};
};

struct RateLimitOptions {
    /// In the order of Allowance; decisions.md 55.
    std::array<Rate, allowances> rates{{{3'000, 1min},
                                        {600, 1min},
                                        {20, 15min},
                                        {10, 15min},
                                        {10, 1h},
                                        {20, 15min},
                                        {60, 1min},
                                        {100, 15min},
                                        {6'000, 1min}}};
    Rate& of(Allowance allowance) { return rates[static_cast<std::size_t>(allowance)]; }

    /// Above, those who are nearest to a full allowance are forgotten first.
    std::size_t keys_max = 100'000;
    /// Time that never goes back; nullptr: the steady clock.
    std::chrono::nanoseconds (*clock)() = nullptr;
};

struct Decision {
    bool allowed = true;
    int limit = 0;
    int remaining = 0;
    int reset_seconds = 0;       // until the allowance is full again
    int retry_after_seconds = 0; // until one request passes; 0 when allowed

    /// RateLimit-Limit, -Remaining and -Reset, and Retry-After when refused, as header lines.
    void append_to(std::string& head) const;
};

struct Use {
    Allowance allowance;
    std::string key;
    int count;
};

class RateLimiter {
public:
    explicit RateLimiter(RateLimitOptions options = {});
    ~RateLimiter();
    RateLimiter(RateLimiter const&) = delete;

    /// Takes one. A refused request takes nothing.
    Decision take(Allowance allowance, std::string_view key);
    /// What take() would say, without taking.
    Decision look(Allowance allowance, std::string_view key) const;
    /// Undoes one take().
    void give_back(Allowance allowance, std::string_view key);

    /// Keys that have used some of their allowance now.
    std::size_t keys() const;

    Rate rate(Allowance allowance) const;
    /// The words for what all nodes together have decided.
    Decision decision(Allowance allowance, bool allowed, std::chrono::nanoseconds full_in) const;

    // ---- so that several nodes share one allowance

    /// From now on takes of allowances that are not strict are noted.
    void note_takes();
    /// What was taken since the last call; of many keys, not all are noted.
    std::vector<Use> notes();
    /// All nodes together have used so much of it. What is known here never becomes less.
    void learn(Allowance allowance, std::string_view key, std::chrono::nanoseconds full_in);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// The part of an address that stands for one customer of a provider: an IPv4 address as it is, the
/// first 64 bits of an IPv6 address (one machine may use any of the rest).
std::string address_key(std::string_view address);

} // namespace haat::http
