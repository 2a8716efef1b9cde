// Messages over HTTP: sending by hand, what operators see and do, what people see of their own.
#include <gtest/gtest.h>

#include <modules/notify/outbox_page.hpp>
#include <outbound/push_crypto.hpp>
#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

outbound::VapidKeys const& vapid() {
    static outbound::VapidKeys const keys = outbound::make_vapid_keys();
    return keys;
}

void with_providers(app::Config& config) {
    app::MessagesConfig& messages = config.messages;
    messages.push.keys = vapid();
    messages.push.subject = "mailto:shop@haat.test";
}

/// Messages of organization A: 1 failed, 2 failed too often, 3 being sent, 4 in the stranger's
/// inbox, 5 failed with a secret, 6 waiting; 7 of organization B.
constexpr char const* seven_messages = R"(
    insert into notify.messages (id, org_id, channel, type, category, status, recipient_type,
                                 recipient_id, recipient_name, recipient_contact, title, message,
                                 send_after, job_id, sending_since, retry_count, is_secret)
    select ('01900000-0000-7000-8000-00000000000' || n)::uuid,
           case n when 7 then '{org_b}'::uuid else '{org_a}'::uuid end,
           case n when 4 then 'IN_APP' else 'SMS' end, 'CUSTOM', 'general', 'PENDING', 'USER',
           '{stranger}'::uuid, 'Asha', '+919876543210', 'Hello', 'Words', now(),
           gen_random_uuid(), case n when 3 then now() end, case n when 2 then 3 else 0 end, n = 5
      from generate_series(1, 7) n;
    update notify.messages set status = 'FAILED', failure_reason = 'down'
     where right(id::text, 1) in ('1', '2', '5');
    update notify.messages set status = 'SENT', sent_at = now() where right(id::text, 1) = '4')";

class NotifyHttp : public testing::Test {
protected:
    NotifyHttp() {
        stage.keep("org_a", stage.actors.org_a());
        stage.keep("org_b", stage.actors.org_b());
        stage.keep("stranger", stage.actors.user(Who::stranger));
        stage.db.exec(stage.fill(seven_messages));
        for (char const* const n : {"1", "2", "3", "4", "5", "6", "7"})
            stage.keep(std::string("m") + n,
                       std::string("01900000-0000-7000-8000-00000000000") + n);
    }
    Stage stage{&with_providers};
};

TEST_F(NotifyHttp, AreSentByHand) {
    std::map<std::string, int> const written{{"notify.messages", 1}, {"jobs.queue", 1}};
    stage.play({
        {.name = "notifications.create: a manager sends one",
         .as = Who::manager,
         .method = "POST",
         .path = "/notifications",
         .body = R"({"title":"Hello","message":"Come & see","channel":"EMAIL","type":"PROMOTIONAL",
                     "recipientType":"CUSTOMER","recipientId":"{stranger}","recipientName":"Asha",
                     "recipientContact":"asha@haat.test","paymentId":"{stranger}"})",
         .status = 201,
         .writes = written,
         .expect = {{"data.status", "PENDING"},
                    {"data.category", "marketing"},
                    {"data.invoicePaymentId", "{stranger}"},
                    {"data.maxRetries", "3"}}},
        {.name = "notifications.create: with a template",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications",
         .body = R"({"title":"t","message":"m","channel":"SMS","type":"LOW_STOCK_ALERT",
                     "recipientType":"PARTY","recipientId":"{stranger}","recipientName":"Asha",
                     "recipientContact":"98765 43210","templateName":"low_stock_alert",
                     "templateData":{"productName":"Pen","quantity":3,"threshold":10}})",
         .status = 201,
         .writes = written,
         .expect = {{"data.recipientContact", "+919876543210"}}},
        {.name = "notifications.create: staff may not",
         .as = Who::staff,
         .method = "POST",
         .path = "/notifications",
         .body = "{}",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "notifications.create: customers have no inbox here",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications",
         .body = R"({"title":"t","message":"m","channel":"IN_APP","type":"CUSTOM","recipientType":
                     "CUSTOMER","recipientId":"{stranger}","recipientName":"Asha"})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"recipientType", "not_one_of"}}},
        {.name = "notifications.create: there is no such template",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications",
         .body = R"({"title":"t","message":"m","channel":"EMAIL","type":"CUSTOM","recipientType":
                     "USER","recipientId":"{stranger}","recipientName":"A","templateName":"none"})",
         .status = 404,
         .code = "TEMPLATE_NOT_FOUND"},
    });
}

TEST_F(NotifyHttp, AreSentByHandOnOneChannel) {
    std::map<std::string, int> const written{{"notify.messages", 1}, {"jobs.queue", 1}};
    stage.play({
        {.name = "notifications.email: a mail",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/email",
         .body = R"({"to":"asha@haat.test","subject":"S","body":"<p>Hi</p>","html":true})",
         .status = 201,
         .writes = written,
         .expect = {{"data.message", "Hi"}, {"data.channel", "EMAIL"}}},
        {.name = "notifications.email: to nobody",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/email",
         .body = R"({"to":"nobody","subject":"S","body":""})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"to", "format"}, {"body", "too_short"}}},
        {.name = "notifications.sms: a text message whose words are a secret",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/sms",
         .body = R"({"phone":"9876543210","message":"m","templateName":"one_time_code",
                     "templateData":{"code":"123456","minutes":5}})",
         .status = 201,
         .writes = written,
         .expect = {{"data.message", "***"}, {"data.templateData", "null"}}},
        {.name = "notifications.sms: a value is missing",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/sms",
         .body = R"({"phone":"9876543210","message":"m","templateName":"one_time_code",
                     "templateData":{"code":"123456"}})",
         .status = 422,
         .code = "TEMPLATE_VARIABLE_MISSING"},
        {.name = "notifications.whatsapp: one",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/whatsapp",
         .body = R"({"phone":"+919876543210","message":"Hello"})",
         .status = 201,
         .writes = written},
        {.name = "notifications.whatsapp: data that are none",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/whatsapp",
         .body = R"({"phone":"+919876543210","message":"m","templateName":"one_time_code",
                     "templateData":{"code":["1"],"minutes":5}})",
         .status = 422,
         .code = "TEMPLATE_DATA_INVALID"},
    });
}

TEST_F(NotifyHttp, AreSeen) {
    stage.play({
        {.name = "notifications.list: an owner sees the shop's",
         .as = Who::owner,
         .path = "/notifications?status=FAILED&channel=SMS",
         .expect = {{"meta.pagination.total", "3"}, {"data[0].failureReason", "down"}}},
        {.name = "notifications.list: not others'",
         .as = Who::other_owner,
         .path = "/notifications",
         .expect = {{"meta.pagination.total", "1"}, {"data[0].id", "{m7}"}}},
        {.name = "notifications.list: the platform has none",
         .as = Who::admin,
         .path = "/notifications",
         .expect = {{"meta.pagination.total", "0"}}},
        {.name = "notifications.list: staff may not",
         .as = Who::staff,
         .path = "/notifications",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "notifications.get: a secret stays one",
         .as = Who::manager,
         .path = "/notifications/{m5}",
         .expect = {{"data.notification.message", "***"}, {"data.attempts", "[]"}}},
        {.name = "notifications.get: others' is not there",
         .as = Who::owner,
         .path = "/notifications/{m7}",
         .status = 404,
         .code = "NOTIFICATION_NOT_FOUND"},
    });
}

TEST_F(NotifyHttp, ArePutRight) {
    stage.play({
        {.name = "notifications.retry: a failed one waits again",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/{m1}/retry",
         .writes = {{"notify.messages", 1}, {"jobs.queue", 1}},
         .expect = {{"data.status", "PENDING"}, {"data.retryCount", "1"}}},
        {.name = "notifications.retry: often enough",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/{m2}/retry",
         .status = 409,
         .code = "NOTIFICATION_RETRIES_EXHAUSTED"},
        {.name = "notifications.retry: it was sent",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/{m4}/retry",
         .status = 409,
         .code = "NOTIFICATION_STATUS_NOT_ALLOWED"},
        {.name = "notifications.retry: its words are gone",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/{m5}/retry",
         .status = 409,
         .code = "NOTIFICATION_WIPED"},
        {.name = "notifications.cancel: it will not be sent",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/{m6}/cancel",
         .writes = {{"notify.messages", 1}},
         .expect = {{"data.status", "CANCELLED"}}},
        {.name = "notifications.cancel: too late",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/{m3}/cancel",
         .status = 409,
         .code = "NOTIFICATION_BEING_SENT"},
        {.name = "notifications.delete: what was dealt with",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/notifications/{m2}",
         .writes = {{"notify.messages", 1}}},
        {.name = "notifications.delete: it waits",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/notifications/{m3}",
         .status = 409,
         .code = "NOTIFICATION_PENDING"},
    });
    EXPECT_THROW(stage.db.exec("update notify.messages set status = 'DELIVERED' where id = '" +
                               stage.kept("m6") + "'"),
                 pg::PlainError)
        << "the database knows what follows on what";
}

TEST_F(NotifyHttp, HaveAnInbox) {
    stage.play({
        {.name = "inbox.list: mine",
         .as = Who::stranger,
         .path = "/notifications/mine?unread=true",
         .expect = {{"meta.pagination.total", "1"}, {"data[0].id", "{m4}"}}},
        {.name = "inbox.list: a guest has none",
         .path = "/notifications/mine",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "inbox.count: one",
         .as = Who::stranger,
         .path = "/notifications/mine/unread-count",
         .expect = {{"data.unread", "1"}}},
        {.name = "inbox.count: a guest has none",
         .path = "/notifications/mine/unread-count",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "inbox.read: others' is not there",
         .as = Who::owner,
         .method = "PATCH",
         .path = "/notifications/{m4}/read",
         .status = 404,
         .code = "NOTIFICATION_NOT_FOUND"},
        {.name = "inbox.read: mine",
         .as = Who::stranger,
         .method = "PATCH",
         .path = "/notifications/{m4}/read",
         .writes = {{"notify.messages", 1}},
         .expect = {{"data.status", "READ"}, {"data.readAt", "*"}},
         .audits = 0},
        {.name = "inbox.read: once more, as others spell it",
         .as = Who::stranger,
         .method = "PUT",
         .path = "/notifications/{m4}/read",
         .writes = {{"notify.messages", 1}},
         .audits = 0},
        {.name = "inbox.read: a guest is refused",
         .method = "PUT",
         .path = "/notifications/{m4}/read",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "inbox.read-all: none is left",
         .as = Who::stranger,
         .method = "POST",
         .path = "/notifications/mine/read-all",
         .expect = {{"data.marked", "0"}},
         .audits = 0},
        {.name = "inbox.read-all: a guest is refused",
         .method = "POST",
         .path = "/notifications/mine/read-all",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
    });
}

TEST_F(NotifyHttp, HaveWishes) {
    stage.play({
        {.name = "wishes.get: as they are at first",
         .as = Who::stranger,
         .path = "/notifications/preferences",
         .expect = {{"data.timeZone", "Asia/Kolkata"}, {"data.choices", "[]"}}},
        {.name = "wishes.get: a guest is refused",
         .path = "/notifications/preferences",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "wishes.set: quiet nights without advertisements",
         .as = Who::stranger,
         .method = "PUT",
         .path = "/notifications/preferences",
         .body = R"({"quietFrom":"22:00","quietUntil":"07:30","language":"hi","choices":
                     [{"channel":"SMS","category":"marketing","enabled":false}]})",
         .writes = {{"notify.preferences", 1}},
         .events = {"notification:preferences-updated"},
         .expect = {{"data.quietUntil", "07:30"}, {"data.choices[0].enabled", "false"}}},
        {.name = "wishes.set: no such zone and no such time",
         .as = Who::stranger,
         .method = "PUT",
         .path = "/notifications/preferences",
         .body = R"({"quietFrom":"25:00","timeZone":"../../etc/passwd"})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"timeZone", "not_found"}, {"quietFrom", "format"}}},
    });
}

TEST_F(NotifyHttp, KnowsBrowsers) {
    std::string const point(87, 'A'), secret(22, 'B');
    std::string const body = R"({"endpoint":"https://push.haat.test/1","keys":{"p256dh":")" +
                             point + R"(","auth":")" + secret + R"("}})";
    stage.play({
        {.name = "push.key: for everybody",
         .path = "/notifications/push/key",
         .expect = {{"data.publicKey", vapid().public_key}}},
        {.name = "push.subscribe: a browser",
         .as = Who::stranger,
         .method = "POST",
         .path = "/notifications/push/subscriptions",
         .body = body,
         .status = 201,
         .writes = {{"notify.push_subscriptions", 1}},
         .keep = {{"browser", "data.id"}}},
        {.name = "push.subscribe: not in the clear",
         .as = Who::stranger,
         .method = "POST",
         .path = "/notifications/push/subscriptions",
         .body = R"({"endpoint":"http://127.0.0.1/","keys":{"p256dh":")" + point + R"(","auth":")" +
                 secret + R"("}})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"endpoint", "format"}}},
        {.name = "push.list: mine",
         .as = Who::stranger,
         .path = "/notifications/push/subscriptions",
         .expect = {{"data[0].id", "{browser}"}}},
        {.name = "push.list: a guest has none",
         .path = "/notifications/push/subscriptions",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "push.unsubscribe: not others'",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/notifications/push/subscriptions/{browser}",
         .status = 404,
         .code = "PUSH_SUBSCRIPTION_NOT_FOUND"},
        {.name = "push.unsubscribe: mine",
         .as = Who::stranger,
         .method = "DELETE",
         .path = "/notifications/push/subscriptions/{browser}",
         .writes = {{"notify.push_subscriptions", 1}}},
        {.name = "push.subscribe: twenty are enough",
         .as = Who::stranger,
         .method = "POST",
         .path = "/notifications/push/subscriptions",
         .body = body,
         .given = R"(insert into notify.push_subscriptions (id, user_id, endpoint, p256dh, auth)
                     select gen_random_uuid(), '{stranger}', 'https://push.test/' || n, 'p', 'a'
                       from generate_series(1, 20) n)",
         .status = 409,
         .code = "PUSH_SUBSCRIPTIONS_FULL"},
    });
    Stage without;
    without.play({{.name = "push.key: there is none",
                   .path = "/notifications/push/key",
                   .status = 409,
                   .code = "PUSH_UNAVAILABLE"}});
}

TEST_F(NotifyHttp, HasWordsOfItsOwn) {
    stage.play({
        {.name = "templates.list: what is built in",
         .as = Who::viewer,
         .path = "/notifications/templates",
         .expect = {{"data[0].source", "built_in"}}},
        {.name = "templates.list: a guest is refused",
         .path = "/notifications/templates",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "templates.put: own words",
         .as = Who::owner,
         .method = "PUT",
         .path = "/notifications/templates/welcome/EMAIL/en",
         .body = R"({"subject":"Hi {{name}}","body":"Ours","html":"<p>{{name}}</p>"})",
         .writes = {{"notify.templates", 1}},
         .expect = {{"data.source", "organization"}, {"data.variables[0]", "name"}}},
        {.name = "templates.put: a variable that it is never given",
         .as = Who::owner,
         .method = "PUT",
         .path = "/notifications/templates/welcome/EMAIL/en",
         .body = R"({"subject":"Hi","body":"Your password is {{password}}"})",
         .status = 422,
         .code = "TEMPLATE_VARIABLE_UNKNOWN",
         .expect = {{"error.variable", "password"}}},
        {.name = "templates.put: what cannot be safe",
         .as = Who::owner,
         .method = "PUT",
         .path = "/notifications/templates/welcome/EMAIL/en",
         .body = R"({"subject":"Hi","body":"x","html":"<script>{{name}}</script>"})",
         .status = 422,
         .code = "TEMPLATE_INVALID",
         .expect = {{"error.line", "1"}}},
        {.name = "templates.preview: others see the built-in words",
         .as = Who::other_owner,
         .method = "POST",
         .path = "/notifications/templates/preview",
         .body = R"({"name":"welcome","channel":"EMAIL","language":"hi-IN","data":{"name":"<b>"}})",
         .expect = {{"data.source", "built_in"},
                    {"data.language", "hi"},
                    {"data.html", "<p>नमस्ते &lt;b&gt;,</p>\n<p>आपका खाता तैयार है।</p>\n"}},
         .audits = 0},
        {.name = "templates.preview: ours",
         .as = Who::viewer,
         .method = "POST",
         .path = "/notifications/templates/preview",
         .body = R"({"name":"welcome","channel":"EMAIL","language":"fr","data":{"name":"Asha"}})",
         .expect = {{"data.subject", "Hi Asha"}},
         .audits = 0},
        {.name = "templates.preview: a value is missing",
         .as = Who::viewer,
         .method = "POST",
         .path = "/notifications/templates/preview",
         .body = R"({"name":"welcome","channel":"EMAIL"})",
         .status = 422,
         .code = "TEMPLATE_VARIABLE_MISSING"},
        {.name = "templates.delete: back to what is built in",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/notifications/templates/welcome/EMAIL/en",
         .writes = {{"notify.templates", 1}}},
        {.name = "templates.delete: there are no own words",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/notifications/templates/welcome/EMAIL/en",
         .status = 404,
         .code = "TEMPLATE_NOT_FOUND"},
    });
}

TEST_F(NotifyHttp, ShowsDevelopersWhatWouldBeSent) {
    stage.db.exec("insert into notify.dev_outbox (message_id, channel, recipient, subject, body,"
                  " html, at) values (gen_random_uuid(), 'EMAIL', 'a@haat.test', '<i>S</i>',"
                  " '</pre><script>', '<p onclick=\"x\">', now())");
    stage.play({
        {.name = "outbox: for developers on this machine", .path = "!/dev/outbox"},
        {.name = "outbox: not for others",
         .path = "!/dev/outbox",
         .headers = {{"X-Forwarded-For", "203.0.113.9"}},
         .status = 404,
         .code = "DEV_OUTBOX_HIDDEN"},
        {.name = "outbox: for administrators",
         .as = Who::admin,
         .path = "!/dev/outbox",
         .headers = {{"X-Forwarded-For", "203.0.113.9"}}},
    });
    std::string const page = stage.client().get("!/dev/outbox").body;
    EXPECT_NE(page.find("&lt;i&gt;S"), std::string::npos) << page;
    EXPECT_EQ(page.find("<script>"), std::string::npos);
    EXPECT_NE(page.find("<iframe sandbox"), std::string::npos);
    EXPECT_TRUE(notify::shows_outbox({.production = false, .here = false, .admin = true}));
    EXPECT_FALSE(notify::shows_outbox({.production = false, .here = false, .admin = false}));
    EXPECT_FALSE(notify::shows_outbox({.production = true, .here = true, .admin = true}));
}

// The request role itself, with the settings of one organization.
TEST_F(NotifyHttp, NothingCrossesBetweenOrganizations) {
    pg::PlainConnection request(stage.db.url(pg::Role::request));
    request.run(stage.fill("set haat.user_id = '" + stage.actors.user(Who::owner) +
                           "'; set haat.org_id = '{org_a}'"));
    EXPECT_EQ(request.word("select count(*) from notify.messages"), "6");
    request.run("update notify.messages set message = 'stolen'; delete from notify.messages");
    EXPECT_EQ(stage.db.word("select message from notify.messages"), "Words");
    EXPECT_EQ(stage.db.word("select count(*) from notify.messages"), "1") << "B's is there";
    std::string const insert =
        "insert into notify.messages (id, org_id, channel, type, category, recipient_type,"
        " recipient_name, title, message, send_after, job_id) values (gen_random_uuid(), '{org_b}',"
        " 'SMS', 'CUSTOM', 'general', 'CUSTOMER', '', '', '', now(), gen_random_uuid())";
    EXPECT_THROW(request.run(stage.fill(insert)), pg::PlainError);
    request.run("set haat.org_id = ''");
    EXPECT_THROW(request.run(stage.fill(insert)), pg::PlainError);
    for (char const* const sql :
         {"select count(*) from notify.receipts", "delete from notify.dev_outbox",
          "update notify.messages set recipient_contact = 'x'"})
        EXPECT_THROW(request.ask(sql), pg::PlainError) << sql;
}

} // namespace
} // namespace haat::test
