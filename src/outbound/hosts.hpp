// What is known of each host: how many requests run, who waits for a turn, whether it is worth
// asking. Not for modules.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include <outbound/wait.hpp>

namespace haat::outbound {

/// Closed: requests go. Open: they fail at once, for a while. Then one goes as a probe, and its
/// outcome decides. On one thread.
class Breaker {
public:
    enum class State : std::uint8_t { closed, open, half_open };

    State state(Steady::time_point now) const;
    /// Whether a request may go now; in the half-open state it is the probe, and the others wait
    /// for its report.
    bool admit(Steady::time_point now);
    void succeeded();
    struct Patience {
        int failures_max = 5;
        std::chrono::milliseconds pause{10'000};
    };
    /// True when this failure opened it. `probe`: of the request that was admitted as such.
    bool failed(Steady::time_point now, bool probe, Patience patience);
    /// The probe ended without telling anything about the host: another may try.
    void probe_told_nothing() { probing_ = false; }

private:
    int failures_ = 0; // in a row
    int openings_ = 0; // in a row; each doubles the pause
    bool open_ = false;
    bool probing_ = false;
    Steady::time_point until_;
};

struct HostLimits {
    int running_max = 256;
    int running_per_host_max = 16;
    int waiting_max = 20'000;
    int waiting_per_host_max = 2'000;
    int hosts_max = 4'096; // remembered; those that did well and are idle go first
    Breaker::Patience breaker = {};
};

/// How a request ended, as far as the host is concerned.
enum class Health : std::uint8_t { good, bad, unknown };

class Hosts : public std::enable_shared_from_this<Hosts> {
public:
    Hosts(Loop& loop, HostLimits limits) : loop_(loop), limits_(limits) {}

    /// Permission to run one request; given back with a report, or by its end.
    class Turn {
    public:
        Turn(std::shared_ptr<Hosts> hosts, std::string key)
            : hosts_(std::move(hosts)), key_(std::move(key)) {}
        Turn(Turn&& other) noexcept = default;
        Turn& operator=(Turn&&) = delete;
        ~Turn() {
            if (hosts_) report(Health::unknown);
        }
        /// True when this opened the breaker.
        bool report(Health health);

    private:
        friend class Hosts;
        std::shared_ptr<Hosts> hosts_;
        std::string key_;
        bool probe_ = false;
    };

    /// Waits for a turn: hosts take turns among themselves, requests of one host are served in
    /// order. Error: breaker_open, busy, timeout, stopped.
    Task<Turn> enter(std::string key, Steady::time_point deadline);
    /// Nobody is served any more.
    void stop();

    int running() const { return running_; }
    int waiting() const { return waiting_; }
    int known() const { return static_cast<int>(hosts_.size()); }
    int open_breakers() const;

private:
    struct Host {
        std::string key;
        Breaker breaker;
        int running = 0;
        std::list<Waiter*> waiting;
        bool listed = false; // in ready_
    };
    Host& host_of(std::string const& key);
    void check(Host& host, std::size_t waits_already) const;
    bool leave(Turn const& turn, Health health);
    Task<void> queue(Host& host, Steady::time_point deadline);
    void wake_next();
    void forget_idle();

    Loop& loop_;
    HostLimits limits_;
    int running_ = 0; // with those that were woken and do not know it yet
    int waiting_ = 0;
    bool stopped_ = false;
    std::unordered_map<std::string, std::unique_ptr<Host>> hosts_;
    std::list<Host*> ready_; // hosts with somebody waiting, in the order of their turns
};

} // namespace haat::outbound
