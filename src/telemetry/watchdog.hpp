// Tells when an event loop was blocked, by whom and for how long, and feeds haat_loop_lag_seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace haat {
class Loop;
namespace metrics {
class Registry;
}

/// One time that a loop did not answer.
struct LoopBlocked {
    int loop = 0;
    std::string doing; // the route's name
    std::chrono::milliseconds duration{};
};

struct WatchdogOptions {
    std::chrono::milliseconds limit{50};
    /// Between heartbeats: a block is always seen when it is longer than the limit by this.
    std::chrono::milliseconds every{10};
    /// A loop that hangs is told of once while it still hangs.
    std::chrono::milliseconds hangs_after{5'000};
    /// Called after each incident was logged, on the watchdog's thread.
    std::function<void(LoopBlocked const&)> told;
};

/// One thread for all loops. The loops outlive it; `registry` may be null.
class Watchdog {
public:
    Watchdog(std::vector<Loop*> loops, WatchdogOptions options, metrics::Registry* registry);
    ~Watchdog();
    Watchdog(Watchdog const&) = delete;

    std::uint64_t incidents() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat
