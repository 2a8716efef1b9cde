#include <outbound/hosts.hpp>

#include <algorithm>

#include <outbound/error.hpp>

namespace haat::outbound {

namespace {
constexpr std::chrono::minutes pause_max{5};
}

Breaker::State Breaker::state(Steady::time_point now) const {
    if (!open_) return State::closed;
    return now < until_ ? State::open : State::half_open;
}

bool Breaker::admit(Steady::time_point now) {
    if (!open_) return true;
    if (now < until_ || probing_) return false;
    probing_ = true;
    return true;
}

void Breaker::succeeded() { *this = Breaker(); }

bool Breaker::failed(Steady::time_point now, bool probe, Patience patience) {
    if (open_ && !probe) return false; // it set out before, and says nothing new
    if (!open_ && ++failures_ < patience.failures_max) return false;
    open_ = true;
    probing_ = false;
    auto const longest = std::max<std::chrono::milliseconds>(patience.pause, pause_max);
    until_ = now + std::min<std::chrono::milliseconds>(
                       patience.pause * (1LL << std::min(openings_++, 16)), longest);
    return true;
}

bool Hosts::Turn::report(Health health) {
    std::shared_ptr<Hosts> const hosts = std::move(hosts_);
    return hosts && hosts->leave(*this, health);
}

Hosts::Host& Hosts::host_of(std::string const& key) {
    auto const found = hosts_.find(key);
    if (found != hosts_.end()) return *found->second;
    if (hosts_.size() >= static_cast<std::size_t>(limits_.hosts_max)) forget_idle();
    auto& made = hosts_[key];
    made = std::make_unique<Host>();
    made->key = key;
    return *made;
}

void Hosts::check(Host& host, std::size_t waits_already) const {
    if (stopped_) throw Error(ErrorKind::stopped, "haat is shutting down");
    if (host.breaker.state(Steady::now()) == Breaker::State::open)
        throw Error(ErrorKind::breaker_open, host.key + " failed again and again");
    if (waiting_ >= limits_.waiting_max ||
        waits_already >= static_cast<std::size_t>(limits_.waiting_per_host_max))
        throw Error(ErrorKind::busy, "too many requests wait for " + host.key);
}

Task<Hosts::Turn> Hosts::enter(std::string key, Steady::time_point deadline) {
    std::shared_ptr<Hosts> const self = shared_from_this();
    Host& host = host_of(key);
    check(host, host.waiting.size());
    if (running_ < limits_.running_max && host.running < limits_.running_per_host_max &&
        host.waiting.empty()) {
        ++host.running;
        ++running_;
    } else {
        co_await queue(host, deadline);
    }
    Turn turn(self, key);
    if (stopped_) throw Error(ErrorKind::stopped, "haat is shutting down");
    auto const now = Steady::now();
    bool const probe = host.breaker.state(now) != Breaker::State::closed;
    if (!host.breaker.admit(now))
        throw Error(ErrorKind::breaker_open, key + " failed again and again");
    turn.probe_ = probe;
    co_return std::move(turn);
}

/// Whoever wakes the waiter has counted it as running.
Task<void> Hosts::queue(Host& host, Steady::time_point deadline) {
    ++waiting_;
    Waiter waiter(loop_, deadline);
    auto const place = host.waiting.insert(host.waiting.end(), &waiter);
    if (!host.listed) ready_.push_back(&host);
    host.listed = true;
    bool const woken = co_await waiter;
    if (woken) co_return;
    --waiting_;
    host.waiting.erase(place);
    if (host.waiting.empty()) {
        ready_.remove(&host);
        host.listed = false;
    }
    throw Error(ErrorKind::timeout, "no turn for " + host.key + " came in time");
}

bool Hosts::leave(Turn const& turn, Health health) {
    Host& host = *hosts_.at(turn.key_); // one that runs is not forgotten
    --host.running;
    --running_;
    bool opened = false;
    switch (health) {
    case Health::good: host.breaker.succeeded(); break;
    case Health::bad:
        opened = host.breaker.failed(Steady::now(), turn.probe_, limits_.breaker);
        break;
    case Health::unknown:
        if (turn.probe_) host.breaker.probe_told_nothing();
        break;
    }
    wake_next();
    return opened;
}

void Hosts::wake_next() {
    // Each host is looked at once: one whose own limit is reached gives its turn to the next.
    for (std::size_t left = ready_.size(); left > 0 && running_ < limits_.running_max; --left) {
        Host& host = *ready_.front();
        ready_.pop_front();
        if (!host.waiting.empty() && host.running < limits_.running_per_host_max) {
            Waiter* const next = host.waiting.front();
            host.waiting.pop_front();
            --waiting_;
            ++host.running;
            ++running_;
            next->wake();
        }
        host.listed = !host.waiting.empty();
        if (host.listed) ready_.push_back(&host);
    }
}

void Hosts::stop() {
    stopped_ = true;
    for (Host* const host : ready_) {
        for (Waiter* const waiter : host->waiting) {
            --waiting_;
            ++host->running; // each gives its turn back when it learns that there is none
            ++running_;
            waiter->wake();
        }
        host->waiting.clear();
        host->listed = false;
    }
    ready_.clear();
}

void Hosts::forget_idle() {
    auto const idle = [](Host const& host) { return host.running == 0 && host.waiting.empty(); };
    auto const now = Steady::now();
    std::erase_if(hosts_, [&](auto const& one) {
        return idle(*one.second) && one.second->breaker.state(now) == Breaker::State::closed;
    });
    if (hosts_.size() >= static_cast<std::size_t>(limits_.hosts_max))
        std::erase_if(hosts_, [&](auto const& one) { return idle(*one.second); });
}

int Hosts::open_breakers() const {
    auto const now = Steady::now();
    return static_cast<int>(std::count_if(hosts_.begin(), hosts_.end(), [&](auto const& one) {
        return one.second->breaker.state(now) != Breaker::State::closed;
    }));
}

} // namespace haat::outbound
