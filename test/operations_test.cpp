// What operators and machines ask.
#include <gtest/gtest.h>

#include <test/harness/fault_gate.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

TEST(OperationsTest, AnswerWithoutATokenAndRefuseWhatIsBroken) {
    Stage stage;
    stage.play({
        {.name = "health: alive",
         .path = "!/health",
         .expect =
             {{"status", "healthy"}, {"service", "haat"}, {"timestamp", "*"}, {"version", "*"}}},
        {.name = "health: a broken encoding",
         .path = "!/health?a=%zz",
         .status = 400,
         .code = "BAD_REQUEST"},
        {.name = "ready: it is", .path = "!/ready", .expect = {{"ready", "true"}}},
        {.name = "openapi: the document",
         .path = "!/openapi.json",
         .expect = {{"openapi", "3.1.0"}}},
        {.name = "openapi: a broken encoding",
         .path = "!/openapi.json?a=%zz",
         .status = 400,
         .code = "BAD_REQUEST"},
        {.name = "metrics: not for others",
         .path = "!/metrics",
         .headers = {{"X-Forwarded-For", "203.0.113.7"}},
         .status = 404,
         .code = "METRICS_HIDDEN"},
    });
    Answer const metrics = stage.play_one({.name = "metrics: for loopback",
                                           .path = "!/metrics",
                                           .expect_headers = {{"Content-Type", "*"}}});
    EXPECT_NE(metrics.body.find("# TYPE haat_"), std::string::npos) << metrics.body;
}

TEST(OperationsTest, ReadinessSaysWhatIsMissing) {
    TestDatabase db;
    FaultGate gate(db.url(pg::Role::request));
    Stage stage([&gate](app::Config& config) {
        config.database_request_url = gate.url_of(config.database_request_url);
    });
    gate.refuse();
    gate.close_all();
    ASSERT_TRUE(soon([&] { return stage.client().get("!/ready").status != 200; }));
    Answer const answer = stage.play_one({.name = "ready: not while the database is away",
                                          .path = "!/ready",
                                          .status = 503,
                                          .expect = {{"ready", "false"}}});
    EXPECT_NE(answer.body.find("database"), std::string::npos) << answer.body;
}

} // namespace
} // namespace haat::test
