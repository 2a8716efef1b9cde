// Jobs over HTTP and by command: what operators see of them, and how they put them right.
#include <gtest/gtest.h>

#include <test/harness/house.hpp>
#include <test/harness/process.hpp>
#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

// One that waits, one that runs, one that died, one that went well, and a queue for them.
constexpr char const* four_jobs = R"(
    insert into jobs.queues (name) values ('mail');
    insert into jobs.crons (name, expression, zone, next_at)
         values ('platform.nightly', '0 2 * * *', 'Asia/Kolkata', '2030-01-01 20:30:00+00');
    insert into jobs.queue (id, share, run_at, attempts_max, keep_seconds, priority, due, queue,
                            name, correlation_id, payload, runner, unique_key)
    select ('01900000-0000-7000-8000-00000000000' || n)::uuid,
           '00000000-0000-0000-0000-000000000001', now(), 5, 60, 2, true, 'mail', 'notify.send', '',
           '{}', case n when 2 then '01900000-0000-7000-8000-0000000000ff'::uuid end,
           'key ' || n
      from generate_series(1, 2) n;
    insert into jobs.finished (id, share, created_at, run_at, finished_at, keep_until, attempt,
                               attempts_max, keep_seconds, priority, state, queue, name, unique_key,
                               correlation_id, error, payload)
    select ('01900000-0000-7000-8000-00000000000' || n)::uuid,
           '00000000-0000-0000-0000-000000000001', now(), now(), now(), 'infinity', 5, 5, 60, 2,
           case n when 4 then 'done' else 'dead' end, 'mail', 'notify.send',
           case n when 5 then 'key 1' end, '', 'the server said no', '{}'
      from generate_series(3, 5) n)";

class JobsHttpTest : public testing::Test {
protected:
    JobsHttpTest() {
        stage.db.exec(four_jobs);
        for (char const* const n : {"1", "2", "3", "4", "5"})
            stage.keep(std::string("job") + n,
                       std::string("01900000-0000-7000-8000-00000000000") + n);
    }
    Stage stage;
};

TEST_F(JobsHttpTest, AreSeenByAdministrators) {
    stage.play({
        {.name = "jobs.list: all of them, newest first",
         .as = Who::admin,
         .path = "/jobs",
         .expect = {{"data[0].id", "{job5}"},
                    {"data[4].id", "{job1}"},
                    {"data[3].state", "running"},
                    {"data[4].priority", "high"},
                    {"meta.pagination.total", "5"}}},
        {.name = "jobs.list: those that died",
         .as = Who::admin,
         .path = "/jobs?state=dead&queue=mail&limit=1",
         .expect = {{"data[0].id", "{job5}"}, {"meta.pagination.hasMore", "true"}}},
        {.name = "jobs.list: an owner may not",
         .as = Who::owner,
         .path = "/jobs",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "jobs.get: with its payload and error",
         .as = Who::admin,
         .path = "/jobs/{job3}",
         .expect = {{"data.state", "dead"}, {"data.error", "the server said no"}}},
        {.name = "jobs.get: not there",
         .as = Who::admin,
         .path = "/jobs/01900000-0000-7000-8000-000000000009",
         .status = 404,
         .code = "JOB_NOT_FOUND"},
        {.name = "jobs.queues: what is in them",
         .as = Who::admin,
         .path = "/jobs/queues",
         .expect = {{"data[0].name", "mail"},
                    {"data[0].waiting", "1"},
                    {"data[0].running", "1"},
                    {"data[0].dead", "2"},
                    {"data[0].isPaused", "false"}}},
        {.name = "jobs.queues: a guest is refused",
         .path = "/jobs/queues",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "jobs.crons: when each is due",
         .as = Who::admin,
         .path = "/jobs/crons",
         .expect = {{"data[0].name", "platform.nightly"},
                    {"data[0].nextAt", "2030-01-01T20:30:00.000Z"}}},
        {.name = "jobs.crons: a viewer may not",
         .as = Who::viewer,
         .path = "/jobs/crons",
         .status = 403,
         .code = "FORBIDDEN"},
    });
}

TEST_F(JobsHttpTest, ArePutRight) {
    stage.play({
        {.name = "jobs.retry: a dead one waits again",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/{job3}/retry",
         .writes = {{"jobs.queue", 1}, {"jobs.finished", 1}},
         .expect = {{"data.state", "waiting"}, {"data.attempt", "0"}}},
        {.name = "jobs.retry: what went well has ended",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/{job4}/retry",
         .status = 409,
         .code = "JOB_ENDED"},
        {.name = "jobs.retry: one with its unique key waits already",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/{job5}/retry",
         .status = 409,
         .code = "JOB_DUPLICATE"},
        {.name = "jobs.retry: it runs",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/{job2}/retry",
         .status = 409,
         .code = "JOB_RUNNING"},
        {.name = "jobs.cancel: one that waits will not run",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/{job1}/cancel",
         .writes = {{"jobs.queue", 1}, {"jobs.finished", 1}},
         .expect = {{"data.state", "cancelled"}}},
        {.name = "jobs.cancel: one that runs is told to stop",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/{job2}/cancel",
         .writes = {{"jobs.queue", 1}},
         .expect = {{"data.state", "running"}, {"data.isCancelling", "true"}}},
        {.name = "jobs.cancel: it has ended",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/{job4}/cancel",
         .status = 409,
         .code = "JOB_ENDED"},
        {.name = "jobs.pause: nothing of it is begun",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/queues/mail/pause",
         .writes = {{"jobs.queues", 1}},
         .expect = {{"data.isPaused", "true"}}},
        {.name = "jobs.pause: there is no such queue",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/queues/none/pause",
         .status = 404,
         .code = "QUEUE_NOT_FOUND"},
        {.name = "jobs.resume: it goes on",
         .as = Who::admin,
         .method = "POST",
         .path = "/jobs/queues/mail/resume",
         .writes = {{"jobs.queues", 1}},
         .expect = {{"data.isPaused", "false"}}},
        {.name = "jobs.resume: an owner may not",
         .as = Who::owner,
         .method = "POST",
         .path = "/jobs/queues/mail/resume",
         .status = 403,
         .code = "FORBIDDEN"},
    });
}

TEST_F(JobsHttpTest, AreSeenAndPutRightByCommand) {
    auto const haat = [&](std::vector<std::string> words) {
        ProcessOptions options;
        options.words = std::move(words);
        options.environment = {{"DATABASE_URL", stage.db.url(pg::Role::owner)},
                               {"DATABASE_REQUEST_URL", stage.db.url(pg::Role::request)},
                               {"DATABASE_WORKER_URL", stage.db.url(pg::Role::worker)},
                               {"HAAT_DATA_DIR", temporary_directory("jobs").string()}};
        return run_process(options);
    };
    Finished const list = haat({"jobs", "list", "state=dead", "--json"});
    EXPECT_EQ(list.code, 0) << list.errors;
    EXPECT_NE(list.output.find(stage.kept("job3")), std::string::npos) << list.output;
    EXPECT_EQ(list.output.find(stage.kept("job1")), std::string::npos) << list.output;
    EXPECT_EQ(haat({"jobs", "retry", stage.kept("job3")}).code, 0);
    EXPECT_EQ(stage.db.word("select count(*) from jobs.finished where state = 'dead'"), "1");
    EXPECT_EQ(haat({"jobs", "pause", "mail"}).code, 0);
    EXPECT_EQ(stage.db.word("select paused from jobs.queues where name = 'mail'"), "t");
    EXPECT_NE(haat({"jobs", "retry", stage.kept("job4")}).code, 0);
    EXPECT_EQ(haat({"jobs", "dance"}).code, 2);
}

} // namespace
} // namespace haat::test
