// Events over HTTP and by command: who sees what, what could not be delivered, once more.
#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include <events/test/node.hpp>
#include <test/harness/process.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

class EventsHttpTest : public testing::Test {
protected:
    EventsHttpTest() {
        stage.keep("org", stage.actors.org_a());
        stage.play({{.name = "brands for events: one",
                     .as = Who::manager,
                     .method = "POST",
                     .path = "/brands",
                     .body = R"({"name":"Cello"})",
                     .status = 201,
                     .writes = {{"catalog.brands", 1}},
                     .events = {"brand:created"},
                     .keep = {{"cello", "data.id"}}},
                    {.name = "brands for events: two",
                     .as = Who::manager,
                     .method = "POST",
                     .path = "/brands",
                     .body = R"({"name":"Camlin"})",
                     .status = 201,
                     .writes = {{"catalog.brands", 1}},
                     .events = {"brand:created"}}});
    }
    Stage stage;
};

TEST_F(EventsHttpTest, WhatHasHappenedIsSeenByThoseWhoLead) {
    stage.play({
        {.name = "events.list: a manager sees the shop's, newest first",
         .as = Who::manager,
         .path = "/events",
         .expect = {{"data[0].subject", "brand:created"},
                    {"data[0].data.name", "Camlin"},
                    {"data[1].key", "{cello}"},
                    {"data[1].orgId", "{org}"},
                    {"meta.pagination.total", "2"},
                    {"meta.pagination.totalIsExact", "true"}}},
        {.name = "events.list: of one key, by category and another spelling",
         .as = Who::owner,
         .path = "/events?key={cello}&category=catalog&subject=brand:created&limit=1",
         .expect = {{"data[0].data.name", "Cello"}, {"meta.pagination.hasMore", "false"}}},
        {.name = "events.list: the first page",
         .as = Who::owner,
         .path = "/events?limit=1",
         .expect = {{"data[0].data.name", "Camlin"},
                    {"meta.pagination.hasMore", "true"},
                    {"meta.pagination.nextCursor", "*"}},
         .keep = {{"next", "meta.pagination.nextCursor"}}},
        {.name = "events.list: the next page",
         .as = Who::owner,
         .path = "/events?limit=1&cursor={next}",
         .expect = {{"data[0].data.name", "Cello"}, {"meta.pagination.hasMore", "false"}}},
    });
}

TEST_F(EventsHttpTest, OthersSeeNothingOfIt) {
    stage.play({
        {.name = "events.list: before anything happened",
         .as = Who::owner,
         .path = "/events?until=2020-01-01T00:00:00Z",
         .expect = {{"data", "[]"}}},
        {.name = "events.list: another shop sees nothing of it",
         .as = Who::other_owner,
         .path = "/events",
         .expect = {{"data", "[]"}}},
        {.name = "events.list: another shop cannot name this one",
         .as = Who::other_owner,
         .path = "/events?orgId={org}",
         .expect = {{"data", "[]"}}},
        {.name = "events.list: an administrator sees all",
         .as = Who::admin,
         .path = "/events?subject=brand:created&orgId={org}",
         .expect = {{"data[1].data.name", "Cello"}}},
        {.name = "events.list: staff may not",
         .as = Who::staff,
         .path = "/events",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "events.list: a subject that is none",
         .as = Who::owner,
         .path = "/events?subject=brand:exploded",
         .status = 422,
         .code = "EVENT_SUBJECT_UNKNOWN"},
        {.name = "events.list: a cursor that is none",
         .as = Who::owner,
         .path = "/events?cursor=x1",
         .status = 422,
         .code = "EVENT_CURSOR_INVALID"},
    });
}

TEST_F(EventsHttpTest, TheCatalogueIsForEverybody) {
    stage.play({
        {.name = "events.subjects: all of them, for everybody",
         .path = "/events/subjects",
         .expect = {{"data[0].subject", "user:created"},
                    {"data[0].emittedBy[0]", "identity"},
                    {"data[0].topic", "auth-event"}}},
        {.name = "events.subjects: a broken encoding",
         .path = "/events/subjects?x=%ZZ",
         .status = 400,
         .code = "BAD_REQUEST"},
        {.name = "asyncapi: the document",
         .path = "!/asyncapi.json",
         .expect = {{"asyncapi", "3.0.0"}}},
        {.name = "asyncapi: a broken encoding",
         .path = "!/asyncapi.json?x=%ZZ",
         .status = 400,
         .code = "BAD_REQUEST"},
    });
}

TEST_F(EventsHttpTest, WhatCouldNotBeDeliveredIsSeenAndDeliveredAgainByAdministrators) {
    stage.db.exec(R"(
        insert into events.failures (id, sink, consumer, shard, state, attempts, attempts_max,
                                     last_error, ordinal, number, event_id, subject, key, priority,
                                     data, version, correlation_id, created_at)
            values ('00000000-0000-7000-8000-0000000000f1', 'handlers', 'handlers/search', 1,
                    'parked', 8, 8, 'out of paper', 1, 1, gen_random_uuid(), 'brand:created',
                    '00000000-0000-7000-8000-000000000001', 'medium', '{"name":"Cello"}', 1, '',
                    now()))");
    stage.play({
        {.name = "events.failures: an administrator sees why",
         .as = Who::admin,
         .path = "/events/failures?state=parked",
         .expect = {{"data[0].attempts", "8"},
                    {"data[0].lastError", "out of paper"},
                    {"data[0].consumer", "handlers/search"},
                    {"data[0].data.name", "Cello"}},
         .keep = {{"failure", "data[0].id"}}},
        {.name = "events.failures: none is waiting",
         .as = Who::admin,
         .path = "/events/failures?state=waiting",
         .expect = {{"data", "[]"}}},
        {.name = "events.failures: an owner may not",
         .as = Who::owner,
         .path = "/events/failures",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "events.redeliver: an owner may not",
         .as = Who::owner,
         .method = "POST",
         .path = "/events/failures/{failure}/redeliver",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "events.redeliver: three more attempts",
         .as = Who::admin,
         .method = "POST",
         .path = "/events/failures/{failure}/redeliver",
         .writes = {{"events.failures", 1}},
         .expect = {{"data.state", "waiting"}, {"data.attempts", "8"}}},
        {.name = "events.redeliver: it is not there",
         .as = Who::admin,
         .method = "POST",
         .path = "/events/failures/00000000-0000-7000-8000-0000000000ff/redeliver",
         .status = 404,
         .code = "EVENT_FAILURE_NOT_FOUND"},
    });
    EXPECT_EQ(stage.db.word("select attempts_max from events.failures"), "11");
}

class EventsCommandTest : public testing::Test {
protected:
    Finished run(std::vector<std::string> words) {
        ProcessOptions options;
        options.words = {"events"};
        options.words.insert(options.words.end(), words.begin(), words.end());
        options.environment = {{"DATABASE_URL", world_.db.url(pg::Role::owner)},
                               {"DATABASE_REQUEST_URL", world_.db.url(pg::Role::request)},
                               {"DATABASE_WORKER_URL", world_.db.url(pg::Role::worker)},
                               {"HAAT_DATA_DIR", temporary_.string()}};
        return run_process(options);
    }
    std::filesystem::path temporary_ = std::filesystem::temp_directory_path();
    World world_;
};

TEST_F(EventsCommandTest, TailShowsWhatHappens) {
    world_.steps(12);
    Finished const some = run({"tail", "since=2020-01-01T00:00:00Z", "count=3"});
    EXPECT_EQ(some.code, 0) << some.errors;
    EXPECT_EQ(std::count(some.output.begin(), some.output.end(), '\n'), 3);
    EXPECT_NE(some.output.find("textile:displayed"), std::string::npos);
    Finished const json = run({"--json", "tail", "since=2020-01-01T00:00:00Z", "count=2",
                               "subject=textile:displayed", "key=" + world_.key(1)});
    EXPECT_EQ(json.code, 0) << json.errors;
    EXPECT_NE(json.output.find(R"("data": {"n": 1, "mood": ""})"), std::string::npos)
        << json.output;
    EXPECT_NE(json.output.find(R"("data": {"n": 2, "mood": ""})"), std::string::npos);
}

TEST_F(EventsCommandTest, ReplayGoesToASinkThatIsThere) {
    world_.steps(10);
    Node node(world_.worker_url());
    ASSERT_TRUE(soon([&] { return world_.effects() == 10; }));
    Finished const done =
        run({"replay", "to=handlers", "since=2020-01-01T00:00:00Z", "until=2100-01-01T00:00:00Z",
             "subject=textile:displayed", "again=yes", "--json"});
    EXPECT_EQ(done.code, 0) << done.errors << done.output;
    EXPECT_NE(done.output.find(R"("state":"done","delivered":10)"), std::string::npos)
        << done.output;
    EXPECT_EQ(world_.effects(), 20);
    node.stop();
    Finished const later = run({"replay", "to=handlers", "since=2020-01-01T00:00:00Z"});
    EXPECT_EQ(later.code, 0) << later.errors;
    EXPECT_NE(later.output.find("waits for a haat"), std::string::npos) << later.output;
}

TEST_F(EventsCommandTest, WhatIsAskedWronglyIsSaid) {
    struct Case {
        std::vector<std::string> words;
        std::string said;
    };
    for (Case const& one : std::vector<Case>{
             {{}, "takes"},
             {{"dance"}, "takes"},
             {{"tail", "colour=blue"}, "what does colour=blue mean?"},
             {{"tail", "since=yesterday"}, "is not a time"},
             {{"tail", "subject=brand:exploded"}, "there is no subject brand:exploded"},
             {{"tail", "category=cats"}, "there is no category cats"},
             {{"tail", "key=1"}, "is not an id"},
             {{"tail", "count=none"}, "is not a number"},
             {{"replay", "to=handlers"}, "are needed"},
             {{"replay", "to=nowhere", "since=2020-01-01T00:00:00Z"}, "there is no sink nowhere"},
         }) {
        Finished const finished = run(one.words);
        EXPECT_EQ(finished.code, 2);
        EXPECT_NE(finished.errors.find(one.said), std::string::npos)
            << one.said << ": " << finished.errors;
    }
}

} // namespace
} // namespace haat::test
