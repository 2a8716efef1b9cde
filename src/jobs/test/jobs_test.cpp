// Jobs from the enqueuer to the end, with real runners and the request role.
#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <jobs/operators.hpp>
#include <jobs/test/works.hpp>

namespace haat::test {
namespace {

/// What handlers have seen, over all threads.
struct Seen {
    std::mutex mutex;
    std::vector<std::string> all;
    std::atomic<bool> gate{true}; // closed: handlers wait
    std::atomic<int> inside{0};
    std::atomic<int> most{0};

    void add(std::string what) {
        std::lock_guard const guard(mutex);
        all.push_back(std::move(what));
    }
    std::vector<std::string> list() {
        std::lock_guard const guard(mutex);
        return all;
    }
    std::size_t count() { return list().size(); }
    void anew(bool open) {
        std::lock_guard const guard(mutex);
        all.clear();
        gate = open;
        inside = most = 0;
    }
};
Seen seen;

struct Given {
    std::string word;
    std::int32_t number = 0;
    Secret<0, 100> password = {};
};
HAAT_DESCRIBE(Given, word, number, password)
HAAT_DEFAULTS(Given, number, password)

struct Doubled {
    std::int64_t twice = 0;
    std::string by_what;
};
HAAT_DESCRIBE(Doubled, twice, by_what)

Task<void> note_it(JobRun<Given>& run) {
    seen.add(run.payload().word);
    co_return;
}
Task<Doubled> double_it(JobRun<Given>& run) {
    Doubled const made{run.payload().number * std::int64_t(2), run.payload().word};
    co_return made;
}
/// Waits until the gate is open.
Task<void> wait_there(JobRun<Given>& run) {
    int const now = ++seen.inside;
    for (int most = seen.most; now > most && !seen.most.compare_exchange_weak(most, now);) continue;
    struct Leaving {
        ~Leaving() { --seen.inside; }
    } const leaving;
    seen.add(run.payload().word);
    while (!seen.gate) co_await run.rest(2ms);
}
Task<void> never_stops(JobRun<Given>&) {
    ++seen.inside;
    while (!seen.gate) co_await sleep_for(2ms);
    --seen.inside;
}
Task<void> fail(JobRun<Given>& run) {
    seen.add(std::to_string(run.attempt()));
    throw JobFailed("the wind was wrong");
    co_return;
}
Task<void> fail_for_good(JobRun<Given>&) {
    throw JobFailed("it can never be", JobFailed::Again::no);
    co_return;
}
Task<void> betray(JobRun<Given>&) {
    throw Fault("password=hunter2");
    co_return;
}
Task<void> tell_progress(JobRun<Given>& run) {
    co_await run.progress(40, "four of ten");
    while (!seen.gate) co_await run.rest(2ms);
    co_await run.progress(100, "all ten");
}
Task<void> look_at_batch(JobRun<Given>& run) {
    BatchFacts const facts = co_await run.batch();
    seen.add(run.payload().word + " " + std::to_string(facts.total) + " " +
             std::to_string(facts.failed));
}
struct Bell {
    std::atomic<int> rung{0};
};
Task<void> ring(JobRun<Given>& run) {
    ++run.get<Bell>().rung;
    co_return;
}

Queue const few{"trial.few", {.concurrency = 4, .concurrency_max = 3}};
Queue const one_by_one{"trial.one", {.concurrency = 1}};

Job<Given> const note{"trial.note", {}, &note_it};
Job<Given> const note_alone{"trial.note_alone", {.queue = &one_by_one}, &note_it};
Job<Given> const not_kept{"trial.not_kept", {.keep = 0s}, &note_it};
Job<Given> const twice{"trial.twice", {}, &double_it};
Job<Given> const waits{"trial.waits", {}, &wait_there};
Job<Given> const waits_few{"trial.waits_few", {.queue = &few}, &wait_there};
Job<Given> const waits_alone{"trial.waits_alone", {.queue = &one_by_one}, &wait_there};
Job<Given> const deaf{"trial.deaf", {.attempts = 3}, &never_stops};
Job<Given> const late{"trial.late", {.attempts = 1, .timeout = 100ms}, &wait_there};
Job<Given> const fails{"trial.fails", {.attempts = 3, .backoff_first = 1ms}, &fail};
Job<Given> const slow_to_retry{"trial.slow_to_retry", {.attempts = 3, .backoff_first = 1h}, &fail};
Job<Given> const fails_for_good{"trial.fails_for_good", {}, &fail_for_good};
Job<Given> const betrays{"trial.betrays", {.attempts = 1}, &betray};
Job<Given> const tells{"trial.tells", {}, &tell_progress};
Job<Given> const after_batch{"trial.after_batch", {}, &look_at_batch};
Job<Given> const rings{"trial.rings", {}, &ring};

class JobsTest : public testing::Test {
protected:
    JobsTest() { seen.anew(true); }
    ~JobsTest() override { seen.gate = true; }

    std::string state_of(JobId id) {
        return db_.word("select state from jobs.everything where id = $1::uuid",
                        {to_string(id.uuid)});
    }
    bool becomes(JobId id, std::string const& state) {
        return soon([&] { return state_of(id) == state; });
    }
    std::string word_of(JobId id, std::string const& column) {
        return db_.word("select " + column + " from jobs.everything where id = $1::uuid",
                        {to_string(id.uuid)});
    }
    JobId give(Job<Given> const& job, Given const& given, EnqueueOptions const& options = {}) {
        JobId id;
        giver_([&](Tx& tx) { id = enqueue(tx, job, given, options); });
        return id;
    }
    /// What an administrator does.
    std::string as_admin(std::string const& function, JobId id) {
        return db_.word("select jobs." + function +
                            "($1::uuid) from set_config('haat.role', 'admin', false)",
                        {to_string(id.uuid)});
    }
    TestDatabase db_;
    Giver giver_{db_};
};

TEST_F(JobsTest, AResultIsKept) {
    Works works(db_);
    JobId const id = give(twice, {"by hand", 21});
    ASSERT_TRUE(becomes(id, "done"));
    EXPECT_EQ(word_of(id, "result"), R"({"twice": 42, "byWhat": "by hand"})");
    EXPECT_EQ(word_of(id, "attempt"), "1");
    EXPECT_EQ(db_.number("select count(*) from jobs.queue"), 0);
    EXPECT_TRUE(soon([&] { return works.metrics.count(twice, jobs::Became::done) == 1; }));
}

TEST_F(JobsTest, NothingHappensWithoutTheCommit) {
    Works works(db_);
    EXPECT_THROW(giver_([&](Tx& tx) {
                     enqueue(tx, note, {"never"});
                     throw std::runtime_error("changed my mind");
                 }),
                 std::runtime_error);
    ASSERT_TRUE(becomes(give(note, {"then"}), "done"));
    EXPECT_EQ(seen.list(), std::vector<std::string>{"then"});
}

TEST_F(JobsTest, WhatIsNotToBeKeptLeavesNothing) {
    Works works(db_);
    give(not_kept, {"gone"});
    ASSERT_TRUE(soon([] { return seen.count() == 1; }));
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(db_.number("select count(*) from jobs.finished"), 0);
}

TEST_F(JobsTest, FailuresAreTriedAgainAndDieInTheEnd) {
    Works works(db_);
    JobId const id = give(fails, {"x"});
    ASSERT_TRUE(becomes(id, "dead"));
    EXPECT_EQ(seen.list(), (std::vector<std::string>{"1", "2", "3"}));
    EXPECT_EQ(word_of(id, "error"), "the wind was wrong");
    EXPECT_EQ(as_admin("retry", id), "retried");
    ASSERT_TRUE(soon([] { return seen.count() == 6; }));
    ASSERT_TRUE(becomes(id, "dead"));
}

TEST_F(JobsTest, BackoffDoublesWithJitter) {
    Works works(db_);
    JobId const id = give(slow_to_retry, {"x"});
    auto const minutes_away = "extract(epoch from run_at - now()) / 60";
    ASSERT_TRUE(becomes(id, "later"));
    EXPECT_GE(std::stod(word_of(id, minutes_away)), 44);
    EXPECT_LE(std::stod(word_of(id, minutes_away)), 76);
    db_.exec("update jobs.queue set run_at = now()"); // the time comes
    ASSERT_TRUE(soon([] { return seen.count() == 2; }));
    ASSERT_TRUE(becomes(id, "later"));
    EXPECT_LE(std::stod(word_of(id, minutes_away)), 76) << "an hour is the most";
    EXPECT_EQ(as_admin("retry", id), "retried") << "now, please";
    ASSERT_TRUE(becomes(id, "dead"));
}

TEST_F(JobsTest, WhatCanNeverBeIsNotTriedAgain) {
    Works works(db_);
    JobId const id = give(fails_for_good, {"x"});
    ASSERT_TRUE(becomes(id, "dead"));
    EXPECT_EQ(word_of(id, "attempt"), "1");
}

TEST_F(JobsTest, AFaultsTextStaysInTheProcess) {
    Works works(db_);
    JobId const id = give(betrays, {"x"});
    ASSERT_TRUE(becomes(id, "dead"));
    EXPECT_EQ(word_of(id, "error").find("hunter2"), std::string::npos);
}

TEST_F(JobsTest, APayloadThatDoesNotFitIsDeadAtOnce) {
    seen.gate = false;
    JobId const id = give(note, {"x"});
    db_.exec(R"(update jobs.queue set payload = '{"word": 7}')");
    Works works(db_);
    ASSERT_TRUE(becomes(id, "dead"));
    EXPECT_NE(word_of(id, "error").find("payload"), std::string::npos);
}

TEST_F(JobsTest, ADelayIsWaitedFor) {
    Works works(db_);
    JobId const long_after = give(note, {"long after"}, {.delay = 1h});
    JobId const soon_after = give(note, {"soon after"}, {.delay = 30ms});
    ASSERT_TRUE(becomes(soon_after, "done"));
    EXPECT_EQ(state_of(long_after), "later");
    EXPECT_EQ(seen.list(), std::vector<std::string>{"soon after"});
}

TEST_F(JobsTest, TheHigherPriorityGoesFirst) {
    give(note_alone, {"low"}, {.priority = JobPriority::low});
    give(note_alone, {"medium"});
    give(note_alone, {"critical"}, {.priority = JobPriority::critical});
    give(note_alone, {"high"}, {.priority = JobPriority::high});
    // One at a time, or two exchanges could overtake each other.
    Works works(db_, 1, [](auto& options) { options.claim_max = options.lanes = 1; });
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(seen.list(), (std::vector<std::string>{"critical", "high", "medium", "low"}));
}

TEST_F(JobsTest, AServiceIsFound) {
    Bell bell;
    Works works(db_, 0);
    works.services.add(bell);
    works.add(db_);
    give(rings, {"x"});
    EXPECT_TRUE(soon([&] { return bell.rung == 1; }));
}

TEST_F(JobsTest, AUniqueKeyIsTakenOnceWhileTheJobLives) {
    seen.gate = false;
    for (int i = 0; i < 3; ++i) give(waits, {"x"}, {.unique_key = "k"});
    give(note, {"another kind"}, {.unique_key = "k"});
    EXPECT_EQ(db_.number("select count(*) from jobs.queue"), 2);
    Works works(db_);
    ASSERT_TRUE(soon([] { return seen.inside == 1; }));
    give(waits, {"while it runs"}, {.unique_key = "k"});
    seen.gate = true;
    ASSERT_TRUE(all_done(db_));
    give(waits, {"after it has ended"}, {.unique_key = "k"});
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(seen.count(), 3u);
}

TEST_F(JobsTest, ProgressIsSeen) {
    seen.gate = false;
    Works works(db_);
    JobId const id = give(tells, {"x"});
    ASSERT_TRUE(soon([&] { return word_of(id, "note") == "four of ten"; }));
    EXPECT_EQ(word_of(id, "progress"), "40");
    seen.gate = true;
    ASSERT_TRUE(becomes(id, "done"));
    EXPECT_EQ(word_of(id, "note"), "all ten");
}

TEST_F(JobsTest, WhatWaitsIsCancelledAtOnce) {
    JobId const id = give(note, {"x"}, {.delay = 1h});
    EXPECT_EQ(as_admin("cancel", id), "cancelled");
    EXPECT_EQ(state_of(id), "cancelled");
    EXPECT_EQ(as_admin("cancel", id), "cancelled");
    EXPECT_EQ(as_admin("cancel", JobId{new_uuid()}), "unknown");
    EXPECT_EQ(as_admin("retry", id), "retried");
    Works works(db_);
    ASSERT_TRUE(becomes(id, "done"));
    EXPECT_EQ(as_admin("cancel", id), "done");
    EXPECT_EQ(as_admin("retry", id), "done");
}

TEST_F(JobsTest, WhatRunsIsToldToStop) {
    seen.gate = false;
    Works works(db_);
    JobId const id = give(waits, {"x"});
    ASSERT_TRUE(soon([] { return seen.inside == 1; }));
    EXPECT_EQ(as_admin("retry", id), "running");
    EXPECT_EQ(as_admin("cancel", id), "cancelling"); // nobody is told: the runner looks by itself
    ASSERT_TRUE(becomes(id, "cancelled"));
    EXPECT_EQ(seen.inside, 0);
}

TEST_F(JobsTest, WhatTakesTooLongIsStopped) {
    seen.gate = false;
    Works works(db_);
    JobId const id = give(late, {"x"});
    ASSERT_TRUE(becomes(id, "dead"));
    EXPECT_NE(word_of(id, "error").find("100 ms"), std::string::npos);
    EXPECT_EQ(seen.inside, 0);
}

TEST_F(JobsTest, APausedQueueBeginsNothing) {
    db_.exec("insert into jobs.queues (name, paused) values ('trial.one', true)");
    Works works(db_);
    JobId const id = give(note_alone, {"paused"});
    ASSERT_TRUE(becomes(give(note, {"not paused"}), "done"));
    EXPECT_EQ(state_of(id), "waiting");
    db_.exec("update jobs.queues set paused = false");
    EXPECT_TRUE(becomes(id, "done"));
}

TEST_F(JobsTest, ABatchsLastJobLetsTheNextGo) {
    db_.exec("insert into jobs.queues (name, paused) values ('trial.one', true)");
    Works works(db_);
    giver_([&](Tx& tx) {
        JobBatch batch(tx);
        for (int i = 0; i < 20; ++i) batch.add(note_alone, {"part"});
        batch.add(twice, {"part", 1});
        batch.add(fails_for_good, {"part"});
        batch.then(after_batch, {"whole"});
    });
    ASSERT_TRUE(soon([&] {
        return db_.number("select count(*) from jobs.finished where name <> 'trial.note'") == 2;
    }));
    EXPECT_EQ(db_.number("select count(*) from jobs.queue where run_at = 'infinity'"), 1);
    db_.exec("update jobs.queues set paused = false");
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(seen.list().back(), "whole 22 1");
    EXPECT_EQ(seen.count(), 21u);
}

TEST_F(JobsTest, ABatchWithoutJobsHasEnded) {
    Works works(db_);
    giver_([&](Tx& tx) {
        JobBatch batch(tx);
        batch.then(after_batch, {"empty"});
    });
    ASSERT_TRUE(soon([] { return seen.count() == 1; }));
}

TEST_F(JobsTest, EachOrganizationHasItsTurn) {
    auto const org = [](int n) {
        Uuid id;
        id.bytes[0] = static_cast<unsigned char>(n + 1);
        return id;
    };
    std::vector<Given> many(300);
    for (Given& one : many) one.word = "big";
    giver_([&](Tx& tx) { enqueue_all(tx, note_alone, many, {.org = org(0)}); });
    giver_([&](Tx& tx) {
        for (int n = 1; n < 5; ++n) enqueue(tx, note_alone, {"small"}, {.org = org(n)});
    });
    Works works(db_, 1, [](auto& options) { options.claim_max = 10; });
    ASSERT_TRUE(all_done(db_));
    auto const all = seen.list();
    ASSERT_EQ(all.size(), 304u);
    EXPECT_EQ(std::count(all.begin(), all.begin() + 40, "small"), 4) << "behind 300 of another";
}

TEST_F(JobsTest, AKindOfANewerProgramWaitsForIt) {
    JobId const id = give(note, {"x"});
    db_.exec("update jobs.queue set name = 'of.tomorrow'");
    Works works(db_);
    ASSERT_TRUE(becomes(id, "later"));
    EXPECT_EQ(word_of(id, "attempt"), "0");
}

TEST_F(JobsTest, SecretsAreNotShown) {
    Given given{"word", 3};
    given.password.value = "hunter2";
    give(note, given, {.delay = 1h});
    jobs::JobRow row;
    row.name = "trial.note";
    row.payload.text = db_.word("select payload from jobs.queue");
    EXPECT_NE(row.payload.text.find("hunter2"), std::string::npos) << "the handler needs it";
    EXPECT_EQ(jobs::shown_payload(row).text, R"({"word":"word","number":3,"password":"***"})");
}

// ---- several runners

using ConcurrentJobsTest = JobsTest;

TEST_F(ConcurrentJobsTest, ManyJobsEachOnce) {
    std::vector<Given> many(3'000);
    for (std::size_t i = 0; i < many.size(); ++i) many[i].word = std::to_string(i);
    Works works(db_, 3);
    giver_([&](Tx& tx) { enqueue_all(tx, note, many); });
    ASSERT_TRUE(all_done(db_));
    auto const all = seen.list();
    EXPECT_EQ(all.size(), many.size());
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), many.size());
    EXPECT_EQ(db_.number("select count(*) from jobs.finished"), 3'000);
}

TEST_F(ConcurrentJobsTest, AQueuesLimitHoldsOverAllRunners) {
    seen.gate = false;
    std::vector<Given> many(12, Given{"x"});
    giver_([&](Tx& tx) { enqueue_all(tx, waits_few, many); });
    Works works(db_, 3);
    ASSERT_TRUE(soon([] { return seen.inside == 3; }));
    EXPECT_EQ(db_.number("select running from jobs.queues where name = 'trial.few'"), 3);
    seen.gate = true;
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(seen.count(), 12u);
    EXPECT_LE(seen.most, 3);
    EXPECT_EQ(db_.number("select running from jobs.queues where name = 'trial.few'"), 0);
}

TEST_F(ConcurrentJobsTest, OneUniqueKeyUnderManyEnqueuers) {
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([this, &failed] {
            try {
                Giver giver(db_);
                for (int n = 0; n < 20; ++n)
                    giver([&](Tx& tx) {
                        enqueue(tx, note, {"x"}, {.unique_key = std::to_string(n)});
                    });
            } catch (std::exception const& error) {
                ADD_FAILURE() << error.what();
                ++failed;
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(db_.number("select count(*) from jobs.queue"), 20);
}

TEST_F(ConcurrentJobsTest, ADrainLetsHandlersFinishAndGivesTheRestBack) {
    seen.gate = false;
    Works works(db_, 1);
    for (int i = 0; i < 3; ++i) give(waits_alone, {std::to_string(i)});
    ASSERT_TRUE(soon([] { return seen.inside == 1; }));
    std::thread opener([] {
        soon([] { return false; }, 50ms);
        seen.gate = true;
    });
    works.stop();
    opener.join();
    EXPECT_EQ(seen.count(), 1u);
    EXPECT_EQ(db_.number("select count(*) from jobs.queue where runner is null and attempt = 0"),
              2);
    EXPECT_EQ(db_.number("select count(*) from jobs.runners"), 0);
    Works others(db_, 1);
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(seen.count(), 3u);
}

TEST_F(ConcurrentJobsTest, WhatDoesNotStopIsGivenBackWhenTheProcessHasEnded) {
    seen.gate = false;
    {
        Works works(db_, 1);
        give(deaf, {"x"});
        ASSERT_TRUE(soon([] { return seen.inside == 1; }));
        works.stop(0, 10ms);
    }
    EXPECT_EQ(db_.number("select count(*) from jobs.queue where runner is null and attempt = 0"),
              1);
    seen.gate = true;
    Works others(db_, 1);
    ASSERT_TRUE(all_done(db_));
}

} // namespace
} // namespace haat::test
