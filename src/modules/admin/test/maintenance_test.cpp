// Closed for work: everybody is kept out but administrators, on every node, also after a restart.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

std::map<std::string, int> const written{{"settings.maintenance", 1}};

void play_closed(Stage& stage) {
    stage.play({
        {.name = "maintenance: a shopper reads why",
         .path = "/brands",
         .status = 503,
         .code = "MAINTENANCE",
         .expect_headers = {{"Retry-After", "3600"}}},
        {.name = "maintenance: an owner is kept out",
         .as = Who::owner,
         .method = "POST",
         .path = "/brands",
         .body = R"({"name":"Cello"})",
         .status = 503,
         .code = "MAINTENANCE"},
        {.name = "maintenance: a guest is, where a token is needed",
         .path = "/audit-logs",
         .status = 503,
         .code = "MAINTENANCE"},
        {.name = "maintenance: an administrator reads", .as = Who::admin, .path = "/brands"},
        {.name = "maintenance: sign-in is open",
         .method = "POST",
         .path = "/auth/login",
         .body = R"({"email":"nobody@haat.test","password":"wrong password 1A"})",
         .status = 401,
         .code = "INVALID_CREDENTIALS",
         .writes = {{"identity.sign_in_failures", 3}},
         .events = {"user:login-failed"}},
        {.name = "maintenance: it is alive", .path = "!/health"},
        {.name = "maintenance: it is ready", .path = "!/ready"},
    });
}

void play_completed(Stage& stage) {
    stage.play({
        {.name = "maintenance.complete: an owner may not",
         .as = Who::owner,
         .method = "POST",
         .path = "/system/maintenance/complete",
         .status = 503,
         .code = "MAINTENANCE"},
        {.name = "maintenance.complete: it is open again",
         .as = Who::admin,
         .method = "POST",
         .path = "/system/maintenance/complete",
         .writes = written,
         .events = {"system:maintenance-completed"},
         .expect = {{"data.isOn", "false"}, {"data.completedAt", "*"}}},
        {.name = "maintenance: everybody reads again", .path = "/brands"},
    });
}

TEST(MaintenanceTest, KeepsEverybodyOutButAdministrators) {
    Stage stage;
    stage.play({
        {.name = "maintenance.start: an owner may not",
         .as = Who::owner,
         .method = "POST",
         .path = "/system/maintenance/start",
         .body = R"({"reason":"stock"})",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "maintenance.start: without a reason",
         .as = Who::admin,
         .method = "POST",
         .path = "/system/maintenance/start",
         .body = "{}",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"reason", "required"}}},
        {.name = "maintenance.complete: there is none",
         .as = Who::admin,
         .method = "POST",
         .path = "/system/maintenance/complete",
         .status = 409,
         .code = "MAINTENANCE_NOT_RUNNING"},
        {.name = "maintenance.start: an administrator closes",
         .as = Who::admin,
         .method = "POST",
         .path = "/system/maintenance/start",
         .body = R"({"reason":"The stock is being counted.",
                     "expectedEndAt":"2999-01-01T00:00:00Z"})",
         .writes = written,
         .events = {"system:maintenance-started"},
         .expect = {{"data.isOn", "true"},
                    {"data.startedBy", stage.actors.user(Who::admin)},
                    {"data.startedAt", "*"}}},
        {.name = "maintenance.start: twice",
         .as = Who::admin,
         .method = "POST",
         .path = "/system/maintenance/start",
         .body = R"({"reason":"again"})",
         .status = 409,
         .code = "MAINTENANCE_RUNNING"},
    });
    play_closed(stage);
    play_completed(stage);
}

TEST(MaintenanceTest, IsKnownToEveryNodeAndAfterARestart) {
    Stage stage;
    TestServer second(stage.db);
    Client there = second.client();
    EXPECT_EQ(there.get("/brands").status, 200);
    Client admin = stage.client(Who::admin);
    EXPECT_EQ(admin.post("/system/maintenance/start", R"({"reason":"work"})").status, 200);
    EXPECT_EQ(stage.client().get("/brands").status, 503);
    EXPECT_TRUE(soon([&] { return there.get("/brands").status == 503; }, 1s));
    EXPECT_EQ(there.get("/brands").header("Retry-After"), "120");
    TestServer third(stage.db);
    EXPECT_EQ(third.client().get("/brands").status, 503) << "it was on when this one started";
    EXPECT_EQ(admin.post("/system/maintenance/complete").status, 200);
    EXPECT_TRUE(soon([&] { return there.get("/brands").status == 200; }, 1s));
    EXPECT_TRUE(soon([&] { return third.client().get("/brands").status == 200; }, 1s));
}

// Nobody tells: the node looks by itself.
TEST(MaintenanceTest, IsSeenWithoutBeingTold) {
    Stage stage;
    stage.db.exec("update settings.maintenance set is_on = true, reason = 'by hand'");
    EXPECT_TRUE(soon([&] { return stage.client().get("/brands").status == 503; }, 3s));
}

TEST(MaintenanceTest, ConcurrentStartersAreOne) {
    Stage stage;
    std::atomic<int> well{0};
    std::atomic<int> late{0};
    std::vector<std::thread> all;
    for (int i = 0; i < 4; ++i)
        all.emplace_back([&] {
            int const status = stage.client(Who::admin)
                                   .post("/system/maintenance/start", R"({"reason":"work"})")
                                   .status;
            ++(status == 200 ? well : late);
            EXPECT_TRUE(status == 200 || status == 409) << status;
        });
    for (std::thread& one : all) one.join();
    EXPECT_EQ(well, 1);
    EXPECT_EQ(late, 3);
}

TEST(SystemTest, TellsHowItIs) {
    Stage stage;
    stage.play({
        {.name = "system.health: administrators",
         .as = Who::admin,
         .path = "/system/health",
         .expect = {{"data.status", "degraded"}, // no worker runs here
                    {"data.version", "*"},
                    {"data.uptimeSeconds", "*"},
                    {"data.isInMaintenance", "false"},
                    {"data.parts[0].name", "database"},
                    {"data.parts[0].status", "healthy"},
                    {"data.parts[1].name", "jobs"},
                    {"data.parts[1].status", "degraded"},
                    {"data.parts[2].name", "audit"},
                    {"data.parts[2].status", "healthy"}}},
        {.name = "system.health: an owner may not",
         .as = Who::owner,
         .path = "/system/health",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "system.metrics: administrators",
         .as = Who::admin,
         .path = "/system/metrics",
         .expect = {{"data.uptimeSeconds", "*"},
                    {"data.metrics[0].name", "*"},
                    {"data.metrics[0].samples[0].value", "*"}}},
        {.name = "system.metrics: a guest is refused",
         .path = "/system/metrics",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
    });
    Answer const metrics = stage.client(Who::admin).get("/system/metrics");
    EXPECT_NE(metrics.body.find("haat_http_requests_total"), std::string::npos);
    EXPECT_EQ(metrics.body.find("\"type\":\"\""), std::string::npos) << "every family has a type";
}

} // namespace
} // namespace haat::test
