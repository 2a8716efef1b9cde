// Clients that write without pause, for tests of what happens when something breaks under them.
//
//     WriteLoad load(server.port(), actors[Who::manager]);
//     … break something …
//     load.stop();
//     EXPECT_EQ(missing(load.acknowledged()), 0);
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <test/harness/client.hpp>

namespace haat::test {

class WriteLoad {
public:
    /// Each thread adds brands, one after another, over its own connection.
    WriteLoad(std::uint16_t port, Caller const& caller, int threads = 4);
    ~WriteLoad() { stop(); }
    WriteLoad(WriteLoad const&) = delete;

    void stop();

    /// How many were answered with 201 until now.
    std::uint64_t written() const { return written_; }
    /// The ids that the server said it has kept.
    std::vector<std::string> acknowledged() const;
    /// Answers by status; 0: none came.
    std::map<int, int> statuses() const;
    /// Answers of 503 that did not say when to ask again.
    int without_retry_after() const { return without_retry_after_; }
    std::chrono::milliseconds slowest() const { return std::chrono::milliseconds(slowest_ms_); }

private:
    void run(std::uint16_t port, Caller const& caller, int number);
    void note(Answer const& answer, std::chrono::milliseconds took);

    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> written_{0};
    std::atomic<int> without_retry_after_{0};
    std::atomic<std::int64_t> slowest_ms_{0};
    mutable std::mutex mutex_;
    std::vector<std::string> acknowledged_;
    std::map<int, int> statuses_;
    std::vector<std::thread> threads_;
};

} // namespace haat::test
