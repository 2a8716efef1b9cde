// Runners that fall silent: what they had is run by others, and never twice at the same time.
#include <atomic>

#include <base/text_forms.hpp>
#include <jobs/test/works.hpp>
#include <test/harness/fault_gate.hpp>

namespace haat::test {
namespace {

std::atomic<int> begun{0};
std::atomic<int> refused{0};
std::atomic<bool> open{true};

struct Effect {
    std::string name;
};
HAAT_DESCRIBE(Effect, name)

namespace sql {
Exec<std::string, std::int32_t> leave_effect{
    "trial.leave_effect", "insert into trial.effects (name, attempt) values ($1, $2)"};
}

/// The first attempt waits at the gate before its commit.
Task<void> leave_effect(JobRun<Effect>& run) {
    bool const first = run.attempt() == 1;
    ++begun;
    Tx tx = run.begin();
    co_await tx(sql::leave_effect, run.payload().name, run.attempt());
    while (first && !open) co_await sleep_for(2ms);
    try {
        co_await run.commit(tx);
    } catch (JobStopped const&) {
        ++refused;
        throw;
    }
}
Task<void> leave_and_finish(JobRun<Effect>& run) {
    ++begun;
    Tx tx = run.begin();
    tx.later(sql::leave_effect, run.payload().name, run.attempt());
    Effect const result{"with its effect"};
    co_await run.finish(tx, result);
    while (!open) co_await sleep_for(2ms);
}

/// Every attempt waits at the gate.
Task<void> wait_for_ever(JobRun<Effect>&) {
    ++begun;
    while (!open) co_await sleep_for(2ms);
}

Job<Effect> const effect{"trial.effect", {.attempts = 2}, &leave_effect};
Job<Effect> const effect_once{"trial.effect_once", {}, &leave_and_finish};
Job<Effect> const deadly{"trial.deadly", {.attempts = 2}, &wait_for_ever};

/// Never takes its lease again by itself.
void deaf_to_time(jobs::RunnerOptions& options) {
    options.lease = 1h;
    options.heartbeat = 1h;
}

class LeaseTest : public testing::Test {
protected:
    LeaseTest() {
        begun = refused = 0;
        open = true;
        db_.exec("create schema trial;"
                 "create table trial.effects (name text, attempt integer);"
                 "grant usage on schema trial to haat_worker;"
                 "grant insert on trial.effects to haat_worker");
    }
    ~LeaseTest() override { open = true; }
    void give(Job<Effect> const& job) {
        giver_([&](Tx& tx) { enqueue(tx, job, {"x"}); });
    }
    /// The time comes when nobody has heard of the runners that are there.
    void let_leases_run_out() {
        db_.exec("update jobs.runners set lease_until = now() - interval '1 second'");
    }
    TestDatabase db_;
    Giver giver_{db_};
};

TEST_F(LeaseTest, WhatADeadRunnerHadIsRunByAnother) {
    open = false;
    Works works(db_, 1, &deaf_to_time);
    give(effect);
    ASSERT_TRUE(soon([] { return begun == 1; }));
    works.halt(0);
    let_leases_run_out();
    works.add(db_);
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(begun, 2);
    EXPECT_EQ(db_.word("select string_agg(attempt::text, ',') from trial.effects"), "2");
    EXPECT_EQ(db_.number("select count(*) from jobs.runners"), 1) << "the silent one is gone";
}

// Its machine stood still, and its own clock with it: it goes on and claims in the name of a runner
// that others have struck off. Then it dies. What it claimed is not lost with it.
TEST_F(LeaseTest, WhatWasClaimedAfterTheLeaseIsRunByAnother) {
    open = false;
    Works works(db_, 1, &deaf_to_time);
    ASSERT_TRUE(soon([&] { return db_.number("select count(*) from jobs.runners") == 1; }));
    db_.exec("delete from jobs.runners");
    give(effect);
    ASSERT_TRUE(soon([] { return begun == 1; }));
    works.halt(0);
    works.add(db_, [](jobs::RunnerOptions& options) { options.depths = 50ms; });
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(begun, 2);
    EXPECT_EQ(db_.word("select string_agg(attempt::text, ',') from trial.effects"), "2");
}

// It is not dead, it was only away: then its commit comes too late, and leaves nothing.
TEST_F(LeaseTest, WhoLostTheLeaseCommitsNothing) {
    open = false;
    Works works(db_, 1, &deaf_to_time);
    give(effect);
    ASSERT_TRUE(soon([] { return begun == 1; }));
    let_leases_run_out();
    works.add(db_);
    ASSERT_TRUE(all_done(db_));
    open = true;
    ASSERT_TRUE(soon([] { return refused == 1; }));
    EXPECT_EQ(db_.word("select string_agg(attempt::text, ',') from trial.effects"), "2");
}

TEST_F(LeaseTest, WhoLostTheLeaseTakesANewOne) {
    Works works(db_, 1, [](auto& options) { options.heartbeat = 20ms; });
    std::string const before = db_.word("select id from jobs.runners");
    db_.exec("delete from jobs.runners");
    ASSERT_TRUE(soon([&] {
        std::string const now = db_.word("select id from jobs.runners");
        return !now.empty() && now != before;
    }));
    give(effect);
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(begun, 1);
}

// A job that takes its process with it, again and again, must not do so for ever.
TEST_F(LeaseTest, AJobThatKillsItsProcessIsDeadInTheEnd) {
    open = false;
    Works works(db_, 0);
    give(deadly);
    for (int life = 1; life <= 2; ++life) {
        begun = 0;
        works.add(db_, &deaf_to_time);
        ASSERT_TRUE(soon([] { return begun == 1; }));
        EXPECT_EQ(db_.number("select attempt from jobs.queue"), life);
        works.halt(static_cast<std::size_t>(life - 1));
        let_leases_run_out();
    }
    works.add(db_);
    ASSERT_TRUE(soon([&] { return db_.word("select state from jobs.finished") == "dead"; }));
    EXPECT_EQ(db_.word("select error from jobs.finished"), "the process that ran it died");
}

TEST_F(LeaseTest, AJobThatFinishesInItsTransactionIsNotRunAgain) {
    open = false;
    Works works(db_, 1, &deaf_to_time);
    give(effect_once);
    ASSERT_TRUE(soon([&] { return db_.word("select state from jobs.finished") == "done"; }));
    EXPECT_EQ(db_.word("select result->>'name' from jobs.finished"), "with its effect");
    works.halt(0); // before the handler has ended
    let_leases_run_out();
    works.add(db_);
    ASSERT_TRUE(soon([&] { return db_.number("select count(*) from jobs.runners") == 1; }));
    EXPECT_EQ(begun, 1);
    EXPECT_EQ(db_.number("select count(*) from trial.effects"), 1);
}

// The answer to a claim is lost: what it claimed is given back, not forgotten.
TEST_F(LeaseTest, ALostAnswerLosesNoJob) {
    FaultGate gate(db_.url(pg::Role::worker));
    Works works(db_, 1, [&](auto& options) { options.url = gate.url(); });
    for (int round = 0; round < 5; ++round) {
        giver_([&](Tx& tx) {
            for (int i = 0; i < 40; ++i) enqueue(tx, effect_once, {"x"});
        });
        gate.close_all();
    }
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(db_.number("select count(*) from trial.effects"), 200);
    EXPECT_EQ(db_.number("select count(*) from jobs.finished where state = 'done'"), 200);
}

} // namespace
} // namespace haat::test
