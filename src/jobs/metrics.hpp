// Numbers of jobs for /metrics: by kind what became of them and how long they waited and ran.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <jobs/jobs.hpp>
#include <telemetry/metrics.hpp>

namespace haat::jobs {

enum class Became : std::uint8_t { done, retried, dead, cancelled, given_back };
inline constexpr std::array<std::string_view, 5> became_names{"done", "retried", "dead",
                                                              "cancelled", "given_back"};

/// Of one queue, counted now and then.
struct QueueDepth {
    std::string queue;
    std::int64_t waiting = 0;
    std::int64_t later = 0;
    std::int64_t running = 0;
    double oldest_seconds = 0; // how long the one that waits longest is due
};
HAAT_DESCRIBE(QueueDepth, queue, waiting, later, running, oldest_seconds)

/// One for the whole process; written on any loop.
class JobMetrics {
public:
    JobMetrics();

    void ended(JobKind const& kind, Became became, std::chrono::nanoseconds took) noexcept;
    void started(JobKind const& kind, std::chrono::nanoseconds waited) noexcept;
    void running(int change) noexcept { running_.fetch_add(change, std::memory_order_relaxed); }
    void depths(std::vector<QueueDepth> now);

    std::uint64_t count(JobKind const& kind, Became became) const;
    void render(std::string& out) const;

private:
    struct Kind {
        std::array<metrics::Counter, became_names.size()> became;
        metrics::Histogram took;
        metrics::Histogram waited;
    };
    std::unique_ptr<Kind[]> kinds_; // by number
    std::atomic<int> running_{0};
    mutable std::mutex mutex_;
    std::vector<QueueDepth> depths_;
};

} // namespace haat::jobs
