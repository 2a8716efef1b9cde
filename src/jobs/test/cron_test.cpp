// Crons on several schedulers: each tick once, missed ones as declared.
#include <map>
#include <mutex>

#include <jobs/test/works.hpp>

namespace haat::test {
namespace {

struct Tock {
    std::string who = "cron";
};
HAAT_DESCRIBE(Tock, who)

std::mutex mutex;
std::map<std::string, int> ticks;
int count(std::string const& name) {
    std::lock_guard const guard(mutex);
    return ticks[name];
}
template <char const* name> Task<void> tock(JobRun<Tock>&) {
    std::lock_guard const guard(mutex);
    ++ticks[name];
    co_return;
}
constexpr char once_name[] = "once", skip_name[] = "skip", all_name[] = "all";

// Once a year, so that nobody else's test meets them; these tests move the time of the row.
Job<Tock> const once_job{"trial.once", {}, &tock<once_name>};
Job<Tock> const skip_job{"trial.skip", {}, &tock<skip_name>};
Job<Tock> const all_job{"trial.all", {}, &tock<all_name>};
Cron const once{"trial.once", "0 0 1 1 *", once_job, {.catch_up = CatchUp::once}};
Cron const skip{"trial.skip", "0 0 1 1 *", skip_job, {.catch_up = CatchUp::skip}};
Cron const all{"trial.all", "0 0 1 1 *", all_job, {.catch_up = CatchUp::all, .zone = "UTC"}};

void with_crons(jobs::RunnerOptions& options) {
    options.runs_crons = true;
    options.crons = 20ms; // the tests move times behind its back
}

class CronTest : public testing::Test {
protected:
    CronTest() {
        std::lock_guard const guard(mutex);
        ticks.clear();
    }
    void missed(std::string const& name, std::string const& ago) {
        db_.exec("update jobs.crons set next_at = now() - interval '" + ago + "' where name = '" +
                 name + "'");
    }
    bool advanced(std::string const& name) {
        return soon([&] {
            return db_.number("select count(*) from jobs.crons where last_at is not null"
                              " and next_at > now() and name = '" +
                              name + "'") == 1;
        });
    }
    TestDatabase db_;
};

TEST_F(CronTest, EveryTickRunsOnceOverThreeSchedulers) {
    Works works(db_, 3, &with_crons);
    for (int tick = 1; tick <= 10; ++tick) {
        missed("trial.once", "1 minute");
        ASSERT_TRUE(soon([&] { return count("once") >= tick; })) << tick;
        ASSERT_TRUE(advanced("trial.once"));
        ASSERT_TRUE(all_done(db_));
        EXPECT_EQ(count("once"), tick);
    }
}

TEST_F(CronTest, MissedTicksAreCaughtUpAsDeclared) {
    { Works works(db_, 1, &with_crons); } // declares them
    EXPECT_EQ(db_.word("select zone from jobs.crons where name = 'trial.all'"), "UTC");
    EXPECT_EQ(db_.word("select zone from jobs.crons where name = 'trial.once'"), "Asia/Kolkata");
    for (char const* name : {"trial.once", "trial.skip", "trial.all"})
        missed(name, "1100 days"); // three new years
    Works works(db_, 3, &with_crons);
    for (char const* name : {"trial.once", "trial.skip", "trial.all"}) ASSERT_TRUE(advanced(name));
    ASSERT_TRUE(all_done(db_));
    EXPECT_EQ(count("once"), 1);
    EXPECT_EQ(count("skip"), 0);
    EXPECT_EQ(count("all"),
              db_.number("select extract(year from now() at time zone 'UTC')"
                         " - extract(year from (now() - interval '1100 days') at time zone 'UTC')"
                         " + 1"))
        << "the one that is told, and the new years since";
}

TEST_F(CronTest, ATickThatIsALittleLateIsNotSkipped) {
    { Works works(db_, 1, &with_crons); }
    db_.exec("update jobs.crons set next_at = now() - interval '2 minutes'"
             " where name = 'trial.once'");
    Works works(db_, 1, &with_crons);
    ASSERT_TRUE(advanced("trial.once"));
    EXPECT_TRUE(soon([] { return count("once") == 1; }));
}

TEST_F(CronTest, AnotherExpressionBeginsAnew) {
    { Works works(db_, 1, &with_crons); }
    db_.exec("update jobs.crons set expression = '* * * * *', next_at = now() - interval '1 day'"
             " where name = 'trial.once'");
    Works works(db_, 1, &with_crons);
    EXPECT_EQ(db_.word("select expression from jobs.crons where name = 'trial.once'"), "0 0 1 1 *");
    EXPECT_EQ(db_.number("select count(*) from jobs.crons where next_at <= now()"), 0);
    EXPECT_EQ(count("once"), 0);
}

} // namespace
} // namespace haat::test
