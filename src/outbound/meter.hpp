// What is counted of the requests to the world, over all clients.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <outbound/error.hpp>
#include <telemetry/metrics.hpp>

namespace haat::outbound {

/// Thread-safe; made once for the program: `registry.collect([&](auto& out) { meter.render(out);
/// })`
class Meter {
public:
    Meter();
    ~Meter();
    Meter(Meter const&) = delete;

    void answered(std::string_view purpose, int status, std::chrono::nanoseconds duration);
    void failed(std::string_view purpose, ErrorKind kind, std::chrono::nanoseconds duration);
    void retried(std::string_view purpose);
    void breaker_opened(std::string_view purpose);
    void began() { running_.fetch_add(1, std::memory_order_relaxed); }
    void ended() { running_.fetch_sub(1, std::memory_order_relaxed); }

    /// haat_outbound_…; purposes are few and come from the code, hosts are not labels.
    void render(std::string& out) const;

    std::uint64_t answers(std::string_view purpose, int status_class) const; // 2 for 2xx
    std::uint64_t failures(std::string_view purpose, ErrorKind kind) const;

private:
    struct Row;
    Row& row(std::string_view purpose) const;
    mutable std::mutex mutex_;
    mutable std::map<std::string, std::unique_ptr<Row>, std::less<>> rows_;
    std::atomic<std::int64_t> running_{0};
};

} // namespace haat::outbound
