// Webhooks over HTTP: who manages endpoints, what is shown of them, what is asked for again.
#include <gtest/gtest.h>

#include <modules/webhooks/vault.hpp>
#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

std::map<std::string, int> const one_endpoint{{"webhooks.endpoints", 1}};

// Two deliveries of the first endpoint, one that failed, one that was too large to be sent.
constexpr char const* two_deliveries = R"(
    insert into webhooks.deliveries (id, endpoint_id, org_id, event_id, subject, body, state,
                                     attempts, last_status, last_error, give_up_at, settled_at)
    select ('01900000-0000-7000-8000-00000000000' || n)::uuid, '{hook}', '{org}',
           ('01900000-0000-7000-8000-0000000000a' || n)::uuid, 'brand:created',
           case n when 1 then '{"subject":"brand:created"}' else '' end, 'failed', 2 - n, 500,
           'it answered 500', now(), now()
      from generate_series(1, 2) n;
    insert into webhooks.attempts values ('01900000-0000-7000-8000-000000000001', 1, '{org}', now(),
        12, 500, 'it answered 500', 'Haat-Subject: brand:created', 'Server: test', 'no'))";

class WebhooksHttpTest : public testing::Test {
protected:
    WebhooksHttpTest() {
        stage.keep("org", stage.actors.org_a());
        stage.keep("failed", "01900000-0000-7000-8000-000000000001");
        stage.keep("large", "01900000-0000-7000-8000-000000000002");
    }
    Answer add(Who who, std::string const& body) {
        return stage.client(who).post("/webhooks/endpoints", body);
    }
    void add_hook() {
        Answer const answer = add(Who::manager, R"({"url":"https://192.0.78.24/hook"})");
        ASSERT_EQ(answer.status, 201) << answer.body;
        stage.keep("hook", answer.text("data.id"));
    }
    void play_seen_and_changed();
    void play_tried_and_removed();
    void play_log();
    Stage stage;
};

void WebhooksHttpTest::play_seen_and_changed() {
    stage.play({
        {.name = "webhooks.list: a manager sees the shop's",
         .as = Who::manager,
         .path = "/webhooks/endpoints?isEnabled=true&isFailing=false",
         .expect = {{"data[0].id", "{hook}"},
                    {"data[0].secret", "(absent)"},
                    {"meta.pagination.total", "1"}}},
        {.name = "webhooks.list: another shop has none",
         .as = Who::other_owner,
         .path = "/webhooks/endpoints",
         .expect = {{"meta.pagination.total", "0"}}},
        {.name = "webhooks.list: staff may not",
         .as = Who::staff,
         .path = "/webhooks/endpoints",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "webhooks.get: without its secret",
         .as = Who::owner,
         .path = "/webhooks/endpoints/{hook}",
         .expect = {{"data.url", "https://hooks.example/x"}, {"data.secret", "(absent)"}}},
        {.name = "webhooks.get: of another shop it is not there",
         .as = Who::other_owner,
         .path = "/webhooks/endpoints/{hook}",
         .status = 404,
         .code = "WEBHOOK_ENDPOINT_NOT_FOUND"},
        {.name = "webhooks.change: other subjects",
         .as = Who::manager,
         .method = "PUT",
         .path = "/webhooks/endpoints/{hook}",
         .body = R"({"subjects":["*"],"description":"the till"})",
         .writes = {{"webhooks.endpoints", 1}, {"jobs.queue", 1}},
         .events = {"webhook-endpoint:updated"},
         .expect = {{"data.subjects[0]", "*"}, {"data.url", "https://hooks.example/x"}}},
        {.name = "webhooks.change: to a private address",
         .as = Who::manager,
         .method = "PUT",
         .path = "/webhooks/endpoints/{hook}",
         .body = R"({"url":"http://[::1]/"})",
         .status = 422,
         .code = "WEBHOOK_URL_REFUSED"},
        {.name = "webhooks.change: over what somebody else has set meanwhile",
         .as = Who::manager,
         .method = "PUT",
         .path = "/webhooks/endpoints/{hook}",
         .headers = {{"If-Match", "\"of-yesterday\""}},
         .body = R"({"subjects":["*"]})",
         .status = 412,
         .code = "PRECONDITION_FAILED"},
    });
}

void WebhooksHttpTest::play_tried_and_removed() {
    stage.play({
        {.name = "webhooks.ping: a test delivery waits",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/ping",
         .status = 202,
         .writes = {{"webhooks.endpoints", 1}, {"webhooks.deliveries", 1}, {"jobs.queue", 1}},
         .expect = {{"data.state", "waiting"}, {"data.subject", "webhook:ping"}}},
        {.name = "webhooks.overview: an administrator sees all shops'",
         .as = Who::admin,
         .path = "/webhooks/overview?orgId={org}",
         .expect = {{"data[0].id", "{hook}"}, {"data[0].waiting", "1"}}},
        {.name = "webhooks.overview: an owner may not",
         .as = Who::owner,
         .path = "/webhooks/overview",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "webhooks.switch-off: an owner may not",
         .as = Who::owner,
         .method = "POST",
         .path = "/webhooks/overview/{hook}/disable",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "webhooks.switch-off: it is not there",
         .as = Who::admin,
         .method = "POST",
         .path = "/webhooks/overview/01900000-0000-7000-8000-000000000009/disable",
         .status = 404,
         .code = "WEBHOOK_ENDPOINT_NOT_FOUND"},
        {.name = "webhooks.remove: an owner",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/webhooks/endpoints/{hook}",
         .writes = {{"webhooks.endpoints", 1}, {"webhooks.deliveries", 1}},
         .events = {"webhook-endpoint:deleted"}},
        {.name = "webhooks.remove: it is gone",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/webhooks/endpoints/{hook}",
         .status = 404,
         .code = "WEBHOOK_ENDPOINT_NOT_FOUND"},
        {.name = "deliveries.list: the log outlives its endpoint",
         .as = Who::owner,
         .path = "/webhooks/deliveries?endpointId={hook}",
         .expect = {{"data[0].state", "failed"},
                    {"data[0].lastError", "the endpoint was removed"}}},
    });
}

TEST_F(WebhooksHttpTest, EndpointsAreManagedByThoseWhoLead) {
    stage.play({
        {.name = "webhooks.create: a manager adds one and sees its secret",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints",
         .body = R"({"url":"https://hooks.example/x","subjects":["order.created","brand:*"]})",
         .status = 201,
         .writes = one_endpoint,
         .events = {"webhook-endpoint:created"},
         .expect = {{"data.secret", "*"},
                    {"data.subjects[0]", "order:created"},
                    {"data.isEnabled", "true"}},
         .keep = {{"hook", "data.id"}, {"secret", "data.secret"}}},
        {.name = "webhooks.create: a viewer may not",
         .as = Who::viewer,
         .method = "POST",
         .path = "/webhooks/endpoints",
         .body = R"({"url":"https://hooks.example/x"})",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "webhooks.create: to a private address",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints",
         .body = R"({"url":"http://169.254.169.254/latest"})",
         .status = 422,
         .code = "WEBHOOK_URL_REFUSED"},
        {.name = "webhooks.create: with a password",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints",
         .body = R"({"url":"https://me:secret@hooks.example/"})",
         .status = 422,
         .code = "VALIDATION_ERROR"},
        {.name = "webhooks.create: an unknown subject",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints",
         .body = R"({"url":"https://hooks.example/x","subjects":["order:danced"]})",
         .status = 422,
         .code = "WEBHOOK_SUBJECT_UNKNOWN"},
    });
    play_seen_and_changed();
    EXPECT_TRUE(stage.kept("secret").starts_with("whsec_"));
    std::string const audited = stage.db.word("select string_agg(changes::text, ' ') from "
                                              "audit.entries");
    EXPECT_EQ(audited.find("whsec_"), std::string::npos) << audited;
    EXPECT_EQ(stage.db.word("select string_agg(data::text, ' ') from events.outbox").find("/x"),
              std::string::npos)
        << "the path may be a password of a kind";
}

TEST_F(WebhooksHttpTest, EndpointsAreSwitchedAndRemoved) {
    add_hook();
    stage.play({
        {.name = "webhooks.disable: with a reason",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/disable",
         .body = R"({"reason":"we move house"})",
         .writes = one_endpoint,
         .events = {"webhook-endpoint:disabled"},
         .expect = {{"data.isEnabled", "false"}, {"data.disabledReason", "we move house"}}},
        {.name = "webhooks.disable: twice",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/disable",
         .status = 409,
         .code = "WEBHOOK_ENDPOINT_DISABLED"},
        {.name = "webhooks.ping: the endpoint is disabled",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/ping",
         .status = 409,
         .code = "WEBHOOK_ENDPOINT_DISABLED"},
        {.name = "webhooks.redeliver-failed: the endpoint is disabled",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/redeliver-failed",
         .body = R"({"since":"2026-01-01T00:00:00Z"})",
         .status = 409,
         .code = "WEBHOOK_ENDPOINT_DISABLED"},
        {.name = "webhooks.enable: of another shop it is not there",
         .as = Who::other_owner,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/enable",
         .status = 404,
         .code = "WEBHOOK_ENDPOINT_NOT_FOUND"},
        {.name = "webhooks.enable: it gets events again",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/enable",
         .writes = one_endpoint,
         .events = {"webhook-endpoint:enabled"},
         .expect = {{"data.isEnabled", "true"}, {"data.disabledReason", "null"}}},
        {.name = "webhooks.rotate: a new secret",
         .as = Who::owner,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/rotate-secret",
         .body = R"({"overlapHours":2})",
         .writes = one_endpoint,
         .events = {"webhook-endpoint:secret-rotated"},
         .expect = {{"data.secret", "*"}, {"data.previousUntil", "*"}}},
        {.name = "webhooks.rotate: an overlap without end",
         .as = Who::owner,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/rotate-secret",
         .body = R"({"overlapHours":100000})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"overlapHours", "too_large"}}},
    });
    play_tried_and_removed();
}

TEST_F(WebhooksHttpTest, TheLogIsReadAndDeliveredAgain) {
    add_hook();
    play_log();
    stage.play({
        {.name = "webhooks.switch-off: an administrator any shop's",
         .as = Who::admin,
         .method = "POST",
         .path = "/webhooks/overview/{hook}/disable",
         .body = R"({"reason":"it was abused"})",
         .given = "update webhooks.endpoints set is_enabled = true",
         .writes = {{"webhooks.endpoints", 1}, {"webhooks.deliveries", 1}},
         .events = {"webhook-endpoint:disabled"},
         .expect = {{"data.disabledReason", "it was abused"}, {"data.orgId", "{org}"}}},
        {.name = "webhooks.get: why it is disabled",
         .as = Who::manager,
         .path = "/webhooks/endpoints/{hook}",
         .expect = {{"data.isEnabled", "false"},
                    {"data.isSwitchedOff", "true"},
                    {"data.disabledReason", "it was abused"}}},
        {.name = "webhooks.enable: what an administrator has switched off",
         .as = Who::owner,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/enable",
         .status = 409,
         .code = "WEBHOOK_ENDPOINT_SWITCHED_OFF"},
        {.name = "webhooks.change: of what is switched off does not switch it on",
         .as = Who::owner,
         .method = "PUT",
         .path = "/webhooks/endpoints/{hook}",
         .body = R"({"isEnabled":true,"isSwitchedOff":false,"description":"please"})",
         .writes = one_endpoint,
         .events = {"webhook-endpoint:updated"},
         .expect = {{"data.isEnabled", "false"}, {"data.isSwitchedOff", "true"}}},
        {.name = "webhooks.switch-on: an owner may not",
         .as = Who::owner,
         .method = "POST",
         .path = "/webhooks/overview/{hook}/enable",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "webhooks.switch-on: it gets events again",
         .as = Who::admin,
         .method = "POST",
         .path = "/webhooks/overview/{hook}/enable",
         .writes = one_endpoint,
         .events = {"webhook-endpoint:enabled"},
         .expect = {{"data.isEnabled", "true"}, {"data.orgId", "{org}"}}},
        {.name = "webhooks.switch-on: nobody has switched it off",
         .as = Who::admin,
         .method = "POST",
         .path = "/webhooks/overview/{hook}/enable",
         .status = 409,
         .code = "WEBHOOK_ENDPOINT_NOT_SWITCHED_OFF"},
        {.name = "webhooks.switch-on: it is not there",
         .as = Who::admin,
         .method = "POST",
         .path = "/webhooks/overview/01900000-0000-7000-8000-000000000009/enable",
         .status = 404,
         .code = "WEBHOOK_ENDPOINT_NOT_FOUND"},
    });
}

void WebhooksHttpTest::play_log() {
    stage.play({
        {.name = "deliveries.list: those that failed",
         .as = Who::manager,
         .path = "/webhooks/deliveries?state=failed&subject=brand:created",
         .given = two_deliveries,
         .expect = {{"meta.pagination.total", "2"}, {"data[0].lastStatus", "500"}}},
        {.name = "deliveries.list: a guest is refused",
         .path = "/webhooks/deliveries",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "deliveries.get: with its attempts",
         .as = Who::manager,
         .path = "/webhooks/deliveries/{failed}",
         .expect = {{"data.tried[0].status", "500"},
                    {"data.tried[0].responseBody", "no"},
                    {"data.requestBody", R"({"subject":"brand:created"})"}}},
        {.name = "deliveries.get: of another shop it is not there",
         .as = Who::other_owner,
         .path = "/webhooks/deliveries/{failed}",
         .status = 404,
         .code = "WEBHOOK_DELIVERY_NOT_FOUND"},
        {.name = "deliveries.redeliver: one that failed waits again",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/deliveries/{failed}/redeliver",
         .writes = {{"webhooks.endpoints", 1}, {"webhooks.deliveries", 1}, {"jobs.queue", 1}},
         .expect = {{"data.state", "waiting"}, {"data.nextAttemptAt", "*"}}},
        {.name = "deliveries.redeliver: it was too large to be sent",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/deliveries/{large}/redeliver",
         .status = 409,
         .code = "WEBHOOK_DELIVERY_TOO_LARGE"},
        {.name = "webhooks.redeliver-failed: all since a time",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/endpoints/{hook}/redeliver-failed",
         .body = R"({"since":"2020-01-01T00:00:00Z"})",
         .given = "update webhooks.deliveries set state = 'failed', settled_at = now(); "
                  "delete from jobs.queue",
         .writes = {{"webhooks.endpoints", 1}, {"webhooks.deliveries", 1}, {"jobs.queue", 1}},
         .expect = {{"data.count", "1"}, {"data.hasMore", "false"}}},
        {.name = "deliveries.redeliver: the endpoint is disabled",
         .as = Who::manager,
         .method = "POST",
         .path = "/webhooks/deliveries/{failed}/redeliver",
         .given = "update webhooks.endpoints set is_enabled = false",
         .status = 409,
         .code = "WEBHOOK_ENDPOINT_DISABLED"},
    });
}

TEST_F(WebhooksHttpTest, AnOrganizationHasOnlySoMany) {
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(add(Who::manager, R"({"url":"https://hooks.example/x"})").status, 201);
    stage.play({{.name = "webhooks.create: one too many",
                 .as = Who::manager,
                 .method = "POST",
                 .path = "/webhooks/endpoints",
                 .body = R"({"url":"https://hooks.example/x"})",
                 .status = 409,
                 .code = "WEBHOOK_ENDPOINTS_TOO_MANY"}});
    EXPECT_EQ(add(Who::other_owner, R"({"url":"https://hooks.example/x"})").status, 201);
}

TEST_F(WebhooksHttpTest, ThePlatformsEndpointsAreTheAdministrators) {
    Answer const made = add(Who::admin, R"({"url":"https://hooks.example/all"})");
    ASSERT_EQ(made.status, 201) << made.body;
    std::string const id = made.text("data.id");
    EXPECT_EQ(stage.db.word("select org_id is null from webhooks.endpoints"), "t");
    EXPECT_EQ(stage.client(Who::owner).get("/webhooks/endpoints/" + id).status, 404);
    EXPECT_EQ(stage.client(Who::admin).get("/webhooks/endpoints/" + id).status, 200);
    EXPECT_EQ(stage.client(Who::admin).get("/webhooks/endpoints").text("meta.pagination.total"),
              "1");
}

TEST_F(WebhooksHttpTest, SecretsAreSealedInTheDatabase) {
    Answer const made = add(Who::manager, R"({"url":"https://hooks.example/x"})");
    std::string const sealed = stage.db.word("select secret from webhooks.endpoints");
    EXPECT_EQ(sealed.find(made.text("data.secret")), std::string::npos);
    webhooks::EndpointId id;
    ASSERT_TRUE(parse(made.text("data.id"), id.uuid));
    EXPECT_EQ(webhooks::Vault(test_secret).open(sealed, id), made.text("data.secret"));
    EXPECT_EQ(webhooks::Vault("another server's").open(sealed, id), std::nullopt);
    EXPECT_EQ(webhooks::Vault(test_secret).open(sealed, webhooks::EndpointId{}), std::nullopt)
        << "moved to another row it is worth nothing";
    std::string changed = sealed;
    changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
    EXPECT_EQ(webhooks::Vault(test_secret).open(changed, id), std::nullopt);
}

} // namespace
} // namespace haat::test
