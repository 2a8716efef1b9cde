// One allowance for all nodes, through the store they share. What is read by the public is decided
// here at once and told to the others every 100 ms, so that no request waits for it; sign-ins and
// what else is strict ask every time, and wait no longer than the store's time-out. Without a
// shared store, or while it is away, each node counts for itself.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <base/task.hpp>
#include <http/rate_limit.hpp>
#include <kv/stores.hpp>

namespace haat::http {

class SharedLimits {
public:
    SharedLimits(RateLimiter& limiter, kv::Stores& stores);

    /// On this loop, until stop(); both on its thread.
    void start(Loop& loop);
    void stop();

    RateLimiter& limiter() { return limiter_; }
    /// Whether confirm() is due after the limiter has allowed one of these.
    bool confirms(Allowance allowance) const { return is_strict(allowance) && stores_.shared(); }
    /// What all nodes say to one that the limiter has allowed here, as `here`. When they refuse,
    /// the limiter gets it back.
    Task<Decision> confirm(Allowance allowance, std::string_view key, Decision here);
    /// Undoes one take, here and for all.
    void give_back(Allowance allowance, std::string_view key);

private:
    void tell();
    Task<void> tell_one(Use use);
    Task<void> give_back_for_all(Allowance allowance, std::string key);
    kv::Pace pace_of(Allowance allowance) const;

    RateLimiter& limiter_;
    kv::Stores& stores_;
    std::unique_ptr<Ticker> ticker_;
};

} // namespace haat::http
