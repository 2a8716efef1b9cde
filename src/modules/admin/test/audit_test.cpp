// The audit log over HTTP: leaders see their organization's, administrators everything.
#include <gtest/gtest.h>

#include <audit/verify.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

void play_refused(Stage& stage) {
    stage.play({
        {.name = "audit-logs.list: staff may not",
         .as = Who::staff,
         .path = "/audit-logs",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "audit-logs.get: of others it is not there",
         .as = Who::other_owner,
         .path = "/audit-logs/{entry}",
         .status = 404,
         .code = "AUDIT_LOG_NOT_FOUND"},
        {.name = "audit-logs.list: others see nothing of it",
         .as = Who::other_owner,
         .path = "/audit-logs",
         .expect = {{"data[0]", "(absent)"}}},
        {.name = "audit-logs.get: what is no number",
         .as = Who::owner,
         .path = "/audit-logs/seven",
         .status = 404,
         .code = "RESOURCE_NOT_FOUND"},
        {.name = "audit-logs.list: times that are none",
         .as = Who::owner,
         .path = "/audit-logs?from=yesterday",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"from", "format"}}},
    });
}

void play_changes(Stage& stage) {
    stage.play({
        {.name = "audit-logs: what is changed",
         .as = Who::admin,
         .method = "PUT",
         .path = "/brands/{brand}",
         .body = R"({"name":"Cello World"})",
         .writes = {{"catalog.brands", 1}},
         .events = {"brand:updated"}},
        {.name = "audit-logs: what is removed",
         .as = Who::admin,
         .method = "DELETE",
         .path = "/brands/{brand}",
         .writes = {{"catalog.brands", 1}},
         .events = {"brand:deleted"}},
        {.name = "audit-logs.list: administrators see everything, the newest first",
         .as = Who::admin,
         .path = "/audit-logs?entityId={brand}",
         .expect = {{"data[0].action", "DELETE"},
                    {"data[0].oldData.name", "Cello World"},
                    {"data[0].newData", "null"},
                    {"data[1].action", "UPDATE"},
                    {"data[1].oldData.name", "Cello"},
                    {"data[1].newData.name", "Cello World"},
                    {"data[2].action", "CREATE"},
                    {"data[3]", "(absent)"}}},
        {.name = "audit-logs.list: by its actor, in pages",
         .as = Who::admin,
         .path = "/audit-logs?actor=" + stage.actors.user(Who::admin) +
                 "&from=2020-01-01T00:00:00Z&until=2999-01-01T00:00:00Z&limit=1",
         .expect = {{"data[0].action", "DELETE"}, {"meta.pagination.hasMore", "true"}},
         .keep = {{"next", "meta.pagination.nextCursor"}}},
        {.name = "audit-logs.list: the next page",
         .as = Who::admin,
         .path = "/audit-logs?actor=" + stage.actors.user(Who::admin) +
                 "&from=2020-01-01T00:00:00Z&until=2999-01-01T00:00:00Z&limit=1&cursor={next}",
         .expect = {{"data[0].action", "UPDATE"}, {"meta.pagination.hasMore", "false"}}},
    });
}

TEST(AuditLogTest, SaysWhoDidWhatAndWhatItWasBefore) {
    Stage stage;
    stage.play({
        {.name = "audit-logs: what is made",
         .as = Who::manager,
         .method = "POST",
         .path = "/brands",
         .headers = {{"X-Request-Id", "request-1"}, {"User-Agent", "a test"}},
         .body = R"({"name":"Cello"})",
         .status = 201,
         .writes = {{"catalog.brands", 1}},
         .events = {"brand:created"},
         .keep = {{"brand", "data.id"}}},
        {.name = "audit-logs.list: a manager sees the organization's",
         .as = Who::manager,
         .path = "/audit-logs?action=CREATE&entity=Brands&entityId={brand}",
         .expect = {{"data[0].action", "CREATE"},
                    {"data[0].operation", "postBrands"},
                    {"data[0].userId", stage.actors.user(Who::manager)},
                    {"data[0].orgId", stage.actors.org_a()},
                    {"data[0].entityId", "{brand}"},
                    {"data[0].oldData", "null"},
                    {"data[0].newData.name", "Cello"},
                    {"data[0].requestId", "request-1"},
                    {"data[0].userAgent", "a test"},
                    {"data[0].ipAddress", "127.0.0.1"},
                    {"data[1]", "(absent)"}},
         .keep = {{"entry", "data[0].id"}}},
        {.name = "audit-logs.get: one of them",
         .as = Who::owner,
         .path = "/audit-logs/{entry}",
         .expect = {{"data.id", "{entry}"}, {"data.newData.slug", "cello"}}},
    });
    play_refused(stage);
    play_changes(stage);
}

TEST(AuditLogTest, ARowIsSealedWithinFiveSeconds) {
    Stage stage([](app::Config& config) { config.jobs.run = true; });
    ASSERT_EQ(stage.client(Who::manager).post("/brands", R"({"name":"Cello"})").status, 201);
    EXPECT_TRUE(soon([&] { return stage.db.number("select count(*) from audit.links") == 1; }, 5s));
    pg::PlainConnection owner(stage.db.url(pg::Role::owner));
    EXPECT_TRUE(audit::verify(owner).ok);
}

} // namespace
} // namespace haat::test
