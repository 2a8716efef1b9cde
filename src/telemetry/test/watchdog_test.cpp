// A loop is blocked on purpose: the watchdog must say which, by what, and for how long, and once.
#include <telemetry/watchdog.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <loop/loop.hpp>
#include <telemetry/log.hpp>
#include <telemetry/metrics.hpp>

namespace haat {
namespace {

using namespace std::chrono_literals;

// Keeps the thread busy, as a handler that computes too long does.
void block_for(std::chrono::milliseconds duration) {
    auto const end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end) {
    }
}

class WatchdogTest : public testing::Test {
protected:
    void SetUp() override {
        for (Loop* const loop : loops()) threads_.emplace_back([loop] { loop->run(); });
    }
    void TearDown() override {
        for (Loop* const loop : loops()) loop->stop();
        for (auto& thread : threads_) thread.join();
    }

    std::vector<Loop*> loops() { return {&first_, &second_}; }
    WatchdogOptions options() {
        WatchdogOptions options;
        options.told = [this](LoopBlocked const& blocked) {
            std::lock_guard const lock(mutex_);
            told_.push_back(blocked);
            changed_.notify_all();
        };
        return options;
    }
    bool wait_for_incidents(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 10s, [&] { return told_.size() >= count; });
    }
    std::vector<LoopBlocked> of_brands() {
        std::lock_guard const lock(mutex_);
        std::vector<LoopBlocked> found;
        for (auto const& blocked : told_)
            if (blocked.doing == "GET /api/v1/brands/{id}") found.push_back(blocked);
        return found;
    }
    // Returns when the loop has done what was posted to it.
    void settle(Loop& loop) {
        std::mutex mutex;
        std::condition_variable changed;
        bool done = false;
        loop.post([&] {
            std::lock_guard const lock(mutex);
            done = true;
            changed.notify_all();
        });
        std::unique_lock lock(mutex);
        ASSERT_TRUE(changed.wait_for(lock, 10s, [&] { return done; }));
    }

    Loop first_{0}, second_{1};
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<LoopBlocked> told_;
};

TEST_F(WatchdogTest, TellsOnceWhichLoopWasBlockedByWhatAndHowLong) {
    metrics::Registry registry;
    Watchdog const watchdog(loops(), options(), &registry);
    settle(first_);
    // A starved machine makes the watchdog forgive a block, so it gets more than one chance.
    std::size_t rounds = 0;
    while (of_brands().empty() && rounds < 20) {
        ++rounds;
        second_.post([this] {
            second_.doing("GET /api/v1/brands/{id}");
            block_for(300ms);
            second_.doing("");
        });
        settle(second_);
        block_for(30ms); // until the watchdog has read the answer
    }
    auto const told = of_brands();
    ASSERT_FALSE(told.empty());
    EXPECT_LE(told.size(), rounds);
    EXPECT_EQ(told[0].loop, 1);
    EXPECT_GE(told[0].duration, 50ms);
    EXPECT_LE(told[0].duration, 5s);

    std::string const text = registry.render();
    EXPECT_NE(text.find("haat_loop_blocked_total{loop=\"1\"} "), std::string::npos) << text;
    EXPECT_EQ(text.find("haat_loop_blocked_total{loop=\"1\"} 0\n"), std::string::npos);
    EXPECT_NE(text.find("haat_loop_lag_seconds_count{loop=\"0\"}"), std::string::npos);
}

TEST_F(WatchdogTest, EachIncidentIsToldByItself) {
    Watchdog const watchdog(loops(), options(), nullptr);
    for (std::size_t i = 1; i <= 3; ++i) {
        for (int round = 0; round < 20 && watchdog.incidents() < i; ++round) {
            first_.post([] { block_for(200ms); });
            settle(first_);
            block_for(30ms);
        }
        ASSERT_TRUE(wait_for_incidents(i));
    }
}

TEST_F(WatchdogTest, ABusyLoopThatAnswersIsNotBlocked) {
    WatchdogOptions patient = options();
    patient.limit = 2s; // whatever else this machine does
    Watchdog const watchdog(loops(), patient, nullptr);
    for (int i = 0; i < 200; ++i) {
        first_.post([] { block_for(1ms); });
        settle(first_);
    }
    EXPECT_EQ(watchdog.incidents(), 0U);
}

TEST_F(WatchdogTest, MayEndWhileALoopIsBlocked) {
    std::mutex mutex;
    mutex.lock();
    {
        Watchdog const watchdog(loops(), options(), nullptr);
        first_.post([&] { std::lock_guard const lock(mutex); });
        block_for(50ms);
    }
    mutex.unlock();
    settle(first_); // the heartbeat that was left in its queue does no harm
}

TEST_F(WatchdogTest, MayOutliveTheRunOfALoop) {
    Watchdog const watchdog(loops(), options(), nullptr);
    first_.stop();
    threads_[0].join();
    block_for(50ms);
    threads_[0] = std::thread([] {});
    EXPECT_EQ(watchdog.incidents(), 0U);
}

} // namespace
} // namespace haat
