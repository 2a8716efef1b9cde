// What providers report: signed, or refused.
#include <gtest/gtest.h>

#include <modules/notify/callbacks.hpp>
#include <outbound/crypto.hpp>
#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

using outbound::base64;
using outbound::hmac_sha1;
using outbound::hmac_sha256;

void with_providers(app::Config& config) {
    app::MessagesConfig& messages = config.messages;
    messages.public_url = "https://shop.haat.test";
    messages.twilio.account_sid = "AC1";
    messages.twilio.auth_token.value = "twilio-token";
    messages.twilio.from = "+15005550006";
    messages.msg91_callback_key.value = "msg91-key";
    messages.whatsapp_app_secret.value = "app_secret";
    messages.whatsapp_verify_token.value = "verify-me";
}

class NotifyCallbacks : public testing::Test {
protected:
    Stage stage{&with_providers};
};

std::string twilio_signature(std::string const& text) {
    return base64(hmac_sha1("twilio-token",
                            "https://shop.haat.test/api/v1/notifications/callbacks/sms" + text));
}
std::string meta_signature(std::string const& body) {
    return "sha256=" + outbound::hex(hmac_sha256("app_secret", body));
}

TEST_F(NotifyCallbacks, HearsProviders) {
    Headers const form{{"Content-Type", "application/x-www-form-urlencoded"}};
    auto signed_form = form, forged = form;
    signed_form.emplace_back("X-Twilio-Signature",
                             twilio_signature("MessageSidSM1MessageStatusdelivered"));
    forged.emplace_back("X-Twilio-Signature", twilio_signature("MessageSidSM1MessageStatusfailed"));
    std::string const meta =
        R"({"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":)"
        R"({"statuses":[{"id":"wamid.1","status":"read","timestamp":"1700000000"}]}}]}]})";
    std::map<std::string, int> const written{{"jobs.queue", 1}};
    stage.play({
        {.name = "callbacks.sms: Twilio",
         .method = "POST",
         .path = "/notifications/callbacks/sms",
         .headers = signed_form,
         .body = "MessageStatus=delivered&MessageSid=SM1",
         .writes = written,
         .audits = 0},
        {.name = "callbacks.sms: not what Twilio signed",
         .method = "POST",
         .path = "/notifications/callbacks/sms",
         .headers = forged,
         .body = "MessageStatus=delivered&MessageSid=SM1",
         .status = 401,
         .code = "CALLBACK_SIGNATURE_INVALID"},
        {.name = "callbacks.sms: MSG91",
         .method = "POST",
         .path = "/notifications/callbacks/sms",
         .headers = {{"X-MSG91-Key", "msg91-key"}},
         .body = R"([{"requestId":"r1","report":[{"number":"919876543210","status":"1"}]}])",
         .writes = written,
         .audits = 0},
        {.name = "callbacks.sms: MSG91, without saying about what",
         .method = "POST",
         .path = "/notifications/callbacks/sms",
         .headers = {{"X-MSG91-Key", "msg91-key"}},
         .body = R"([{"data":[{"description":"DELIVERED"}],"event":"delivered"}])",
         .status = 400,
         .code = "CALLBACK_UNREADABLE"},
        {.name = "callbacks.sms: somebody who says to be MSG91",
         .method = "POST",
         .path = "/notifications/callbacks/sms",
         .headers = {{"X-MSG91-Key", "msg91-kez"}},
         .body = "[]",
         .status = 401,
         .code = "CALLBACK_SIGNATURE_INVALID"},
        {.name = "callbacks.whatsapp: Meta",
         .method = "POST",
         .path = "/notifications/callbacks/whatsapp",
         .headers = {{"X-Hub-Signature-256", meta_signature(meta)}},
         .body = meta,
         .writes = written,
         .audits = 0},
        {.name = "callbacks.whatsapp: signed, and not readable",
         .method = "POST",
         .path = "/notifications/callbacks/whatsapp",
         .headers = {{"X-Hub-Signature-256", meta_signature("{")}},
         .body = "{",
         .status = 400,
         .code = "CALLBACK_UNREADABLE"},
    });
}

std::string word(notify::NotificationStatus status) {
    std::string const quoted = describe::to_json(status);
    return quoted.substr(1, quoted.size() - 2);
}

struct Msg91Case {
    std::string body;
    std::string receipts; // or what it is refused with
};

// The forms that MSG91's pages show for versions 2, 3 and 4 and for "Webhook (New)", and what is
// none of them.
TEST(NotifyMsg91, ReadsItsForms) {
    notify::NotifyFacts facts;
    facts.msg91_callback_key.value = "key";
    std::string const list =
        R"([{"senderId":"HAATIN","requestId":"r1","report":[{"date":"2026-05-22 10:06:20",)"
        R"("number":"919876543210","status":"1","desc":"DELIVERED","failedReason":""}],)"
        R"("userId":"1","campaignName":"API"},{"requestId":"r2","report":[)"
        R"({"status":"2","desc":"FAILED","failedReason":"absent subscriber"},)"
        R"({"status":"16","desc":""},{"status":"8","desc":"SUBMITTED"}]}])";
    std::string const known = "r1 DELIVERED , r2 FAILED absent subscriber, r2 FAILED MSG91 says 16";
    std::string const in_text = describe::to_json(list);
    Msg91Case const cases[] = {
        {list, known},
        {"data=" + outbound::percent_encoded(list), known},
        {"userId=1&data=" + outbound::percent_encoded(list), known},
        {"{\"data\":" + in_text + "}", known},
        {R"({"date":"2026-05-22 09:58:16","number":"919876543210","requestId":"r3",)"
         R"("status":"1","desc":"DELIVERED"})",
         "r3 DELIVERED "},
        {R"({"requestId":"r4","status":"Failed","telNum":"919876543210",)"
         R"("failureReason":"Blocked number"})",
         "r4 FAILED Blocked number"},
        {R"({"requestId":346,"status":9})", "346 FAILED MSG91 says 9"},
        {R"({"requestId":"r5","status":"pending"})", ""},
        {"[]", ""},
        {R"([{"data":[{"meta":"0","description":"DELIVERED"}],"event":"delivered"}])",
         "names no requestId"},
        {R"({"requestId":"r6"})", "has no status"},
        {R"([{"requestId":"r7","report":7}])", "is no list"},
        {"[1]", "is no object"},
        {"{}", "names no requestId"},
        {"hello", "neither JSON nor a form"},
        {"[", "not what this provider sends"},
        {"", "neither JSON nor a form"},
    };
    for (Msg91Case const& each : cases) {
        std::string got;
        try {
            for (auto const& one : notify::read_msg91(facts, each.body, "key").receipts)
                got += (got.empty() ? "" : ", ") + one.external_id + " " + word(one.status) + " " +
                       one.reason;
            EXPECT_EQ(got, each.receipts) << each.body;
        } catch (Refusal const& refusal) {
            EXPECT_EQ(refusal.code(), "CALLBACK_UNREADABLE");
            EXPECT_NE(std::string(refusal.sentence()).find(each.receipts), std::string::npos)
                << each.body << ": " << refusal.sentence();
        }
    }
}

TEST_F(NotifyCallbacks, HearsThatAWebhookIsOurs) {
    stage.keep("asks", "hub.mode=subscribe&hub.challenge=11584&hub.verify_token=");
    stage.play({
        {.name = "callbacks.email: nobody reports",
         .method = "POST",
         .path = "/notifications/callbacks/email",
         .status = 404,
         .code = "CALLBACK_UNKNOWN"},
        {.name = "callbacks.verify: Meta asks",
         .path = "/notifications/callbacks/whatsapp?{asks}verify-me"},
        {.name = "callbacks.verify: a stranger asks",
         .path = "/notifications/callbacks/whatsapp?{asks}guess",
         .status = 401,
         .code = "CALLBACK_SIGNATURE_INVALID"},
    });
    EXPECT_EQ(stage.client()
                  .get("/notifications/callbacks/whatsapp?hub.mode=subscribe&hub.verify_token="
                       "verify-me&hub.challenge=11584")
                  .body,
              "11584");
}

} // namespace
} // namespace haat::test
