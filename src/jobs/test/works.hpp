// Runners for tests, each on a thread and loop of its own, over a test database.
//
//     TestDatabase db;
//     Works works(db, 2);
//     Giver give(db);
//     give([](Tx& tx) { enqueue(tx, trial, {.number = 1}); });
//     EXPECT_TRUE(soon([&] { return db.number("select count(*) from jobs.queue") == 0; }));
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <app/run_on.hpp>
#include <jobs/cron.hpp>
#include <jobs/jobs.hpp>
#include <jobs/runner.hpp>
#include <loop/loop.hpp>
#include <pg/test/run_loop.hpp>
#include <test/harness/database.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {

class Works {
public:
    using Adjust = std::function<void(jobs::RunnerOptions&)>;

    explicit Works(TestDatabase& db, int runners = 1, Adjust const& adjust = {}) : db_(db) {
        for (int i = 0; i < runners; ++i) add(db, adjust);
    }
    ~Works() {
        for (std::size_t i = 0; i < all_.size(); ++i) stop(i);
        for (auto& one : all_)
            if (one->halted || one->runner->running() > 0) halted_ones().push_back(std::move(one));
    }
    Works(Works const&) = delete;

    void add(TestDatabase& db, Adjust const& adjust = {}) {
        jobs::RunnerOptions options;
        options.url = db.url(pg::Role::worker);
        options.process = "a test";
        options.poll = 50ms;
        options.runs_crons = false;
        options.database.read_connections = 1;
        options.database.write_connections = 2;
        options.database.slow_connections = 1;
        if (adjust) adjust(options);
        auto& one = *all_.emplace_back(std::make_unique<One>());
        one.loop = std::make_unique<Loop>(static_cast<int>(all_.size()));
        if (before) before(*one.loop);
        one.runner = std::make_unique<jobs::Runner>(*one.loop, options, services, metrics);
        one.thread = std::thread([&one] { one.loop->run(); });
        app::run_on(*one.loop, [&one] { return one.runner->start(); });
    }

    /// As a process ends that was asked to.
    void stop(std::size_t i = 0, std::chrono::milliseconds limit = 10s) {
        One& one = *all_[i];
        if (!one.thread.joinable()) return;
        app::run_on(*one.loop, [&one, limit] { return one.runner->drain(limit); });
        end(one);
        one.runner->give_up();
    }
    /// As a process ends that is killed: it hangs up, and what it was just saying does not come
    /// after its end. No other one runs on its database.
    void halt(std::size_t i = 0) {
        end(*all_[i]);
        all_[i]->halted = true;
        // Again and again: one of its threads may just be connecting.
        EXPECT_TRUE(soon([&] {
            return db_.number("select count(pg_terminate_backend(pid)) from pg_stat_activity where"
                              " datname = current_database() and usename = 'haat_worker'") == 0;
        }));
    }

    Services services;
    jobs::JobMetrics metrics;
    std::function<void(Loop&)> before; // what each loop has to have before it runs

private:
    struct One {
        std::unique_ptr<Loop> loop;
        std::unique_ptr<jobs::Runner> runner;
        std::thread thread;
        bool halted = false;
    };
    static void end(One& one) {
        one.loop->stop();
        one.thread.join();
    }
    /// What a killed process held is never freed either: its handlers wait there for ever.
    static std::vector<std::unique_ptr<One>>& halted_ones() {
        static auto* const all = std::make_unique<std::vector<std::unique_ptr<One>>>().release();
        return *all;
    }
    TestDatabase& db_;
    std::vector<std::unique_ptr<One>> all_;
};

/// Puts jobs into the queue as requests do: with the request role, in a transaction.
class Giver {
public:
    explicit Giver(TestDatabase& db, std::string org = {}) {
        pg::DatabaseOptions options;
        options.url = db.url(pg::Role::request);
        options.read_connections = 1;
        options.write_connections = 2;
        options.slow_connections = 1;
        settings_.org_id = std::move(org);
        settings_.correlation_id = "a test";
        database_ = std::make_unique<pg::Database>(loop_, options);
        if (!run(loop_, database_->start())) throw std::runtime_error(database_->last_error());
    }
    ~Giver() { run(loop_, database_->stop(5s)); }

    template <class Work> void operator()(Work const& work) { run(loop_, give(work)); }

private:
    template <class Work> Task<void> give(Work const& work) {
        Tx tx(*database_, settings_);
        work(tx);
        co_await tx.commit();
        co_await sleep_for(5ms); // the announcement goes out behind the commit
    }
    Loop loop_;
    pg::Settings settings_;
    std::unique_ptr<pg::Database> database_;
};

/// Nothing waits and nothing runs.
inline bool all_done(TestDatabase& db) {
    return soon([&db] { return db.number("select count(*) from jobs.queue") == 0; });
}

} // namespace haat::test
