#include <http/shared_limits.hpp>

namespace haat::http {

namespace {
constexpr std::chrono::milliseconds tell_every{100};

std::string key_of(Allowance allowance, std::string_view key) {
    return std::string("rate:").append(name_of(allowance)).append(":").append(key);
}
} // namespace

SharedLimits::SharedLimits(RateLimiter& limiter, kv::Stores& stores)
    : limiter_(limiter), stores_(stores) {}

void SharedLimits::start(Loop& loop) {
    if (!stores_.shared()) return;
    limiter_.note_takes();
    ticker_ = std::make_unique<Ticker>(loop, tell_every, [this] { tell(); });
}
void SharedLimits::stop() { ticker_.reset(); }

kv::Pace SharedLimits::pace_of(Allowance allowance) const {
    Rate const rate = limiter_.rate(allowance);
    return {rate.limit, rate.window};
}

Task<Decision> SharedLimits::confirm(Allowance allowance, std::string_view key, Decision here) {
    std::string const name = key_of(allowance, key);
    kv::Taken const taken = co_await stores_.here().take(name, pace_of(allowance), 1, false);
    if (taken.outcome == kv::Outcome::away) co_return here;
    bool const allowed = taken.outcome == kv::Outcome::done;
    if (!allowed) limiter_.give_back(allowance, key);
    co_return limiter_.decision(allowance, allowed, taken.full_in);
}

void SharedLimits::give_back(Allowance allowance, std::string_view key) {
    limiter_.give_back(allowance, key);
    if (confirms(allowance)) detach(give_back_for_all(allowance, std::string(key)));
}

Task<void> SharedLimits::give_back_for_all(Allowance allowance, std::string key) {
    std::string const name = key_of(allowance, key);
    co_await stores_.here().take(name, pace_of(allowance), -1, true);
}

// While the store is away the notes are lost: what was allowed meanwhile was allowed here.
void SharedLimits::tell() {
    for (Use& use : limiter_.notes()) detach(tell_one(std::move(use)));
}

Task<void> SharedLimits::tell_one(Use use) {
    std::string const name = key_of(use.allowance, use.key);
    kv::Pace const pace = pace_of(use.allowance);
    kv::Taken const taken = co_await stores_.here().take(name, pace, use.count, true);
    if (taken.outcome == kv::Outcome::done) limiter_.learn(use.allowance, use.key, taken.full_in);
}

} // namespace haat::http
