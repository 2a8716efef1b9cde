// Text messages, WhatsApp and push, against stand-ins that behave like the providers.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <outbound/crypto.hpp>
#include <outbound/sms_msg91.hpp>
#include <outbound/sms_twilio.hpp>
#include <outbound/test/stand_in.hpp>
#include <outbound/test/world.hpp>
#include <outbound/web_push.hpp>
#include <outbound/whatsapp_cloud.hpp>

namespace haat::outbound::test {
namespace {

namespace json = boost::json;

std::map<std::string, std::string> form_of(std::string const& body) {
    std::map<std::string, std::string> fields;
    for (std::size_t at = 0; at < body.size();) {
        auto const end = std::min(body.find('&', at), body.size());
        auto const equals = body.find('=', at);
        std::string name, value;
        describe::percent_decode(body.substr(at, equals - at), name, true);
        describe::percent_decode(body.substr(equals + 1, end - equals - 1), value, true);
        fields[name] = value;
        at = end + 1;
    }
    return fields;
}

/// What both text message providers have in common: one suite, run over each.
struct SmsProvider {
    char const* name;
    /// The stand-in's answer for a number, as the provider would give it.
    void (*answer)(Exchange& exchange, std::string const& number);
    std::string (*number_in)(Seen const& seen);
    std::string (*text_in)(Seen const& seen);
    std::unique_ptr<Transport<Sms>> (*make)(Client& client, std::string url, bool good_secret);
};

constexpr char good[] = "+919876543210", landline[] = "+912212345678", stopped[] = "+919000000001",
               fast[] = "+919000000002", down[] = "+919000000003", repeated[] = "+919000000004",
               odd[] = "+919000000005", vanishing[] = "+919000000006";

void twilio_answer(Exchange& e, std::string const& number) {
    auto const problem = [&](int status, int code, char const* words, char const* headers = "") {
        e.reply(status,
                fmt::format(R"({{"code":{},"message":"{}","more_info":)"
                            R"("https://www.twilio.com/docs/errors/{}","status":{}}})",
                            code, words, code, status),
                headers);
    };
    if (e.seen.header("authorization") != "Basic " + base64("AC1:secret-token"))
        return problem(401, 20003, "Authenticate");
    if (e.seen.target != "/2010-04-01/Accounts/AC1/Messages.json")
        return problem(404, 20404, "The requested resource was not found");
    if (number == landline) return problem(400, 21614, "'To' number is not a valid mobile number");
    if (number == stopped) return problem(400, 21610, "Attempt to send to unsubscribed recipient");
    if (number == fast) return problem(429, 20429, "Too Many Requests", "Retry-After: 3\r\n");
    if (number == down) return e.reply(503, "<html>down</html>");
    if (number == odd) return e.reply(201, "<html>what?</html>");
    if (number == vanishing) return e.close();
    e.reply(201, R"({"sid":"SM0123456789","status":"queued","error_code":null,"to":"x"})");
}

void msg91_answer(Exchange& e, std::string const& number) {
    auto const problem = [&](int status, char const* code, char const* words) {
        e.reply(status,
                fmt::format(R"({{"type":"error","message":"{}","code":"{}"}})", words, code));
    };
    if (e.seen.header("authkey") != "secret-token") return problem(401, "201", "AuthKey invalid");
    if (e.seen.target != "/api/v5/flow") return problem(404, "404", "no such thing");
    if (number == landline || number == stopped)
        return problem(200, "202", "Invalid mobile number");
    if (number == fast) return e.reply(429, "", "Retry-After: 3\r\n");
    if (number == down) return e.reply(503, "<html>down</html>");
    if (number == repeated) return problem(200, "311", "Duplicate request within 10 seconds");
    if (number == odd) return e.reply(200, "<html>what?</html>");
    if (number == vanishing) return e.close();
    e.reply(200, R"({"type":"success","message":"3763646c3058373530393938"})");
}

std::string msg91_number(Seen const& seen) {
    return "+" +
           std::string(json::parse(seen.body).at("recipients").at(0).at("mobiles").as_string());
}

SmsProvider const providers[] = {
    {"twilio", &twilio_answer, [](Seen const& seen) { return form_of(seen.body)["To"]; },
     [](Seen const& seen) { return form_of(seen.body)["Body"]; },
     [](Client& client, std::string url, bool good_secret) -> std::unique_ptr<Transport<Sms>> {
         TwilioOptions options;
         options.account_sid = "AC1";
         options.auth_token = {good_secret ? "secret-token" : "wrong-token"};
         options.from = "+15005550006";
         options.url = std::move(url);
         return std::make_unique<Twilio>(client, options);
     }},
    {"msg91", &msg91_answer, &msg91_number,
     [](Seen const& seen) {
         return std::string(json::parse(seen.body).at("recipients").at(0).at("text").as_string());
     },
     [](Client& client, std::string url, bool good_secret) -> std::unique_ptr<Transport<Sms>> {
         Msg91Options options;
         options.auth_key = {good_secret ? "secret-token" : "wrong-token"};
         options.url = std::move(url);
         return std::make_unique<Msg91>(client, options);
     }}};

class OutboundSms : public testing::TestWithParam<SmsProvider> {
public:
    SmsProvider const& provider = GetParam();
    WorldServer server{[this](Exchange& e) {
        if (e.seen.body.empty()) return e.close();
        provider.answer(e, provider.number_in(e.seen));
    }};
    World world;
    std::string base() const { return fmt::format("http://127.0.0.1:{}", server.port()); }

    Delivery send(std::string number, bool good_secret = true) {
        auto const transport = provider.make(*world.client, base(), good_secret);
        Sms sms;
        sms.to.value = std::move(number);
        sms.text = "Your code is 123456 & Grüße";
        sms.template_id = "flow1";
        sms.variables = {{"text", sms.text}};
        return run(world.loop, transport->deliver(sms));
    }
};

TEST_P(OutboundSms, IsTaken) {
    Delivery const delivery = send(good);
    EXPECT_EQ(delivery.state, DeliveryState::sent) << delivery.reason;
    EXPECT_FALSE(delivery.provider_id.empty());
    Seen const seen = server.seen().at(0);
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(provider.number_in(seen), good);
    EXPECT_EQ(provider.text_in(seen), "Your code is 123456 & Grüße");
    EXPECT_EQ(world.meter.answers("sms", 2), 1u);
}

TEST_P(OutboundSms, ANumberThatCannotBeReachedIsForgotten) {
    for (char const* const number : {landline, stopped}) {
        Delivery const delivery = send(number);
        EXPECT_EQ(delivery.state, DeliveryState::permanent) << number;
        EXPECT_TRUE(delivery.recipient_gone) << number;
        EXPECT_FALSE(delivery.reason.empty());
    }
}

TEST_P(OutboundSms, TooFastIsTooFast) {
    Delivery const delivery = send(fast);
    EXPECT_EQ(delivery.state, DeliveryState::throttled);
    EXPECT_EQ(delivery.retry_after_seconds, 3);
    EXPECT_FALSE(delivery.perhaps_sent);
    EXPECT_EQ(server.requests(), 1) << "the outbox decides when";
}

TEST_P(OutboundSms, AProviderThatIsDownComesBack) {
    Delivery const delivery = send(down);
    EXPECT_EQ(delivery.state, DeliveryState::temporary);
    EXPECT_EQ(server.requests(), 1) << "a message is not repeated by itself";
}

TEST_P(OutboundSms, AWrongSecretIsASetting) {
    Delivery const delivery = send(good, false);
    EXPECT_EQ(delivery.state, DeliveryState::misconfigured);
    EXPECT_EQ(describe::to_json(delivery).find("wrong-token"), std::string::npos);
}

TEST_P(OutboundSms, WhenNobodyKnowsItSaysSo) {
    for (char const* const number : {odd, vanishing}) {
        Delivery const delivery = send(number);
        EXPECT_EQ(delivery.state, DeliveryState::temporary) << number;
        EXPECT_TRUE(delivery.perhaps_sent) << number;
    }
    EXPECT_EQ(server.requests(), 2);
}

TEST_P(OutboundSms, AProviderThatIsNotThere) {
    auto const transport = provider.make(
        *world.client, fmt::format("http://127.0.0.1:{}", haat::test::free_port()), true);
    Sms sms;
    sms.to.value = good;
    sms.text = "x";
    sms.template_id = "flow1";
    Delivery const delivery = run(world.loop, transport->deliver(sms));
    EXPECT_EQ(delivery.state, DeliveryState::temporary);
    EXPECT_EQ(delivery.code, "refused");
    EXPECT_FALSE(delivery.perhaps_sent);
}

INSTANTIATE_TEST_SUITE_P(Each, OutboundSms, testing::ValuesIn(providers),
                         [](auto const& each) { return std::string(each.param.name); });

TEST(OutboundTwilio, SendsThroughAServiceAndWithAKey) {
    WorldServer server([](Exchange& e) { e.reply(201, R"({"sid":"SM1"})"); });
    World world;
    TwilioOptions options;
    options.account_sid = "AC1";
    options.api_key_sid = "SK1";
    options.auth_token = {"key-secret"};
    options.messaging_service_sid = "MG1";
    options.status_callback = "https://haat.example/callbacks/sms";
    options.url = fmt::format("http://127.0.0.1:{}", server.port());
    Twilio twilio(*world.client, options);
    Sms sms;
    sms.to.value = good;
    EXPECT_EQ(run(world.loop, twilio.deliver(sms)).code, "bad_message") << "without a text";
    sms.text = "x";
    EXPECT_TRUE(run(world.loop, twilio.deliver(sms)).sent());
    Seen const seen = server.seen().at(0);
    auto fields = form_of(seen.body);
    EXPECT_EQ(fields["MessagingServiceSid"], "MG1");
    EXPECT_EQ(fields["StatusCallback"], "https://haat.example/callbacks/sms");
    EXPECT_EQ(fields.count("From"), 0u);
    EXPECT_EQ(seen.header("authorization"), "Basic " + base64("SK1:key-secret"));
    Twilio none(*world.client, TwilioOptions{});
    EXPECT_EQ(run(world.loop, none.deliver(sms)).state, DeliveryState::misconfigured);
}

TEST(OutboundMsg91, KnowsARepetition) {
    WorldServer server([](Exchange& e) { msg91_answer(e, msg91_number(e.seen)); });
    World world;
    Msg91Options options;
    options.auth_key = {"secret-token"};
    options.sender = "HAATIN";
    options.url = fmt::format("http://127.0.0.1:{}", server.port());
    Msg91 msg91(*world.client, options);
    Sms sms;
    sms.to.value = repeated;
    EXPECT_EQ(run(world.loop, msg91.deliver(sms)).code, "bad_message") << "without a template";
    sms.template_id = "flow1";
    Delivery const delivery = run(world.loop, msg91.deliver(sms));
    EXPECT_TRUE(delivery.sent());
    EXPECT_EQ(delivery.code, "311");
    EXPECT_EQ(json::parse(server.seen().at(0).body).at("sender").as_string(), "HAATIN");
    sms.variables = {{"mobiles", "910000000000"}};
    EXPECT_EQ(run(world.loop, msg91.deliver(sms)).code, "bad_message") << "a number smuggled in";
    EXPECT_EQ(server.requests(), 1);
}

// ---- WhatsApp

struct Meta {
    WorldServer server{[](Exchange& e) {
        auto const problem = [&](int status, int code, char const* details) {
            e.reply(status, fmt::format(R"({{"error":{{"message":"(#{}) Something","type":)"
                                        R"("OAuthException","code":{},"error_data":{{)"
                                        R"("messaging_product":"whatsapp","details":"{}"}},)"
                                        R"("fbtrace_id":"A"}}}})",
                                        code, code, details));
        };
        if (e.seen.header("authorization") != "Bearer secret-token")
            return problem(401, 190, "Error validating access token");
        std::string const to(json::parse(e.seen.body).at("to").as_string());
        if (to == "910000000001") return problem(400, 131026, "Message undeliverable");
        if (to == "910000000002") return problem(400, 131047, "Re-engagement message");
        if (to == "910000000003") return problem(400, 131056, "Pair rate limit hit");
        if (to == "910000000004") return problem(500, 131000, "Something went wrong");
        if (to == "910000000005") return problem(404, 132001, "Template does not exist");
        if (to == "910000000006") return problem(429, 130429, "Rate limit hit");
        if (to == "910000000007") return e.reply(200, "{}");
        if (to == "910000000008") return e.reply(502, "bad gateway");
        e.reply(200, R"({"messaging_product":"whatsapp","contacts":[{"input":"x","wa_id":"x"}],)"
                     R"("messages":[{"id":"wamid.HBgM"}]})");
    }};
    World world;
    WhatsAppOptions options{
        "1055", {"secret-token"}, "v21.0", fmt::format("http://127.0.0.1:{}", server.port())};

    Delivery send(WhatsAppMessage message) {
        WhatsAppCloud cloud(*world.client, options);
        return run(world.loop, cloud.deliver(message));
    }
    std::string last() { return json::serialize(json::parse(server.seen().back().body)); }
};

WhatsAppMessage to(std::string number) {
    WhatsAppMessage message;
    message.to.value = std::move(number);
    return message;
}

TEST(OutboundWhatsApp, EveryKindLooksAsMetaWantsIt) {
    Meta meta;
    WhatsAppMessage message = to(good);
    message.text = "Hello \"you\"";
    message.reply_to = "wamid.1";
    Delivery const delivery = meta.send(message);
    EXPECT_TRUE(delivery.sent()) << delivery.reason;
    EXPECT_EQ(delivery.provider_id, "wamid.HBgM");
    EXPECT_EQ(meta.server.seen().at(0).target, "/v21.0/1055/messages");
    auto const same = [](std::string const& a, char const* b) {
        return json::parse(a) == json::parse(b);
    };
    EXPECT_PRED2(same, meta.last(),
                 R"({"messaging_product":"whatsapp","recipient_type":"individual",
                     "to":"919876543210","type":"text","context":{"message_id":"wamid.1"},
                     "text":{"body":"Hello \"you\"","preview_url":false}})");

    message = to(good);
    message.template_ = WhatsAppTemplate{"order_sent",
                                         "en_US",
                                         {{"", "Anna"}},
                                         {{"", "42"}, {"day", "Monday"}},
                                         {{0, false, "t/1"}, {1, true, "stop"}}};
    EXPECT_TRUE(meta.send(message).sent());
    EXPECT_PRED2(same, meta.last(),
                 R"({"messaging_product":"whatsapp","recipient_type":"individual",
                     "to":"919876543210","type":"template","template":{"name":"order_sent",
                     "language":{"code":"en_US"},"components":[
                     {"type":"header","parameters":[{"type":"text","text":"Anna"}]},
                     {"type":"body","parameters":[{"type":"text","text":"42"},
                      {"type":"text","text":"Monday","parameter_name":"day"}]},
                     {"type":"button","sub_type":"url","index":"0",
                      "parameters":[{"type":"text","text":"t/1"}]},
                     {"type":"button","sub_type":"quick_reply","index":"1",
                      "parameters":[{"type":"payload","payload":"stop"}]}]}})");

    message = to(good);
    message.media = WhatsAppMedia{WhatsAppMediaKind::document, "https://haat.example/a.pdf", "",
                                  "Your invoice", "invoice.pdf"};
    EXPECT_TRUE(meta.send(message).sent());
    EXPECT_PRED2(same, meta.last(),
                 R"({"messaging_product":"whatsapp","recipient_type":"individual",
                     "to":"919876543210","type":"document","document":{
                     "link":"https://haat.example/a.pdf","caption":"Your invoice",
                     "filename":"invoice.pdf"}})");

    message = to(good);
    message.interactive = Json{R"({"type":"product","action":{"catalog_id":"1"}})"};
    EXPECT_TRUE(meta.send(message).sent());
    EXPECT_PRED2(same, meta.last(),
                 R"({"messaging_product":"whatsapp","recipient_type":"individual",
                     "to":"919876543210","type":"interactive",
                     "interactive":{"type":"product","action":{"catalog_id":"1"}}})");
}

TEST(OutboundWhatsApp, RefusalsAreToldApart) {
    Meta meta;
    struct Case {
        char const* number;
        DeliveryState state;
        char const* code;
        bool perhaps;
    };
    for (Case const& each : {Case{"+910000000001", DeliveryState::permanent, "131026", false},
                             Case{"+910000000002", DeliveryState::permanent, "131047", false},
                             Case{"+910000000003", DeliveryState::throttled, "131056", false},
                             Case{"+910000000004", DeliveryState::temporary, "131000", false},
                             Case{"+910000000005", DeliveryState::permanent, "132001", false},
                             Case{"+910000000006", DeliveryState::throttled, "130429", false},
                             Case{"+910000000007", DeliveryState::temporary, "", true},
                             Case{"+910000000008", DeliveryState::temporary, "502", true}}) {
        WhatsAppMessage message = to(each.number);
        message.text = "x";
        Delivery const delivery = meta.send(message);
        EXPECT_EQ(delivery.state, each.state) << each.number;
        EXPECT_EQ(delivery.code, each.code);
        EXPECT_EQ(delivery.perhaps_sent, each.perhaps) << each.number;
        EXPECT_EQ(delivery.recipient_gone, delivery.code == "131026");
    }
    EXPECT_EQ(meta.server.requests(), 8) << "each once";
    meta.options.access_token = {"wrong-token"};
    WhatsAppMessage message = to(good);
    message.text = "x";
    Delivery const delivery = meta.send(message);
    EXPECT_EQ(delivery.state, DeliveryState::misconfigured);
    EXPECT_EQ(delivery.code, "190");
}

TEST(OutboundWhatsApp, WhatIsNoMessageIsNotSent) {
    Meta meta;
    EXPECT_EQ(meta.send(to(good)).code, "bad_message");
    WhatsAppMessage both = to(good);
    both.text = "x";
    both.interactive = Json{};
    EXPECT_EQ(meta.send(both).code, "bad_message");
    WhatsAppMessage nameless = to(good);
    nameless.template_.emplace();
    EXPECT_EQ(meta.send(nameless).code, "bad_message");
    WhatsAppMessage empty = to(good);
    empty.media.emplace();
    EXPECT_EQ(meta.send(empty).code, "bad_message");
    meta.options.access_token = {};
    EXPECT_EQ(meta.send(both).state, DeliveryState::misconfigured);
    EXPECT_EQ(meta.server.requests(), 0);
}

// ---- push, decrypted by another implementation

struct PushService {
    PushService() {
        std::string const keys = service.line("keys ");
        auto const space = keys.find(' ');
        subscription.p256dh.value = keys.substr(0, space);
        subscription.auth.value = keys.substr(space + 1);
        Options of_client = quick();
        of_client.ca_file = certificate.certificate_file();
        of_client.lookup = [](std::string const&) -> std::vector<Address> {
            return {address("127.0.0.1")};
        };
        world.emplace(of_client);
        options = {make_vapid_keys(), "mailto:operator@haat.example"};
    }
    Delivery send(std::string path, std::string payload) {
        PushMessage message;
        message.subscription = subscription;
        message.subscription.endpoint.value =
            fmt::format("https://localhost:{}{}", service.port(), path);
        message.payload = std::move(payload);
        message.lifetime_seconds = 60;
        message.urgency = PushUrgency::very_low;
        message.topic = "order 42";
        WebPush push(*world->client, options);
        return run(world->loop, push.deliver(message));
    }
    Certificate certificate;
    StandIn service{"/usr/bin/python3",
                    "push_service.py",
                    {certificate.certificate_file(), certificate.key_file()}};
    PushSubscription subscription;
    std::optional<World> world;
    WebPushOptions options;
};

TEST(OutboundPush, TheBrowserReadsIt) {
    PushService service;
    Delivery const delivery = service.send("/send/abc", R"({"title":"Grüße €"})");
    ASSERT_TRUE(delivery.sent()) << delivery.reason;
    EXPECT_TRUE(delivery.provider_id.ends_with("/m/abc")) << delivery.provider_id;
    auto const seen = json::parse(service.service.seen(1));
    EXPECT_EQ(seen.at("text").as_string(), R"({"title":"Grüße €"})");
    EXPECT_EQ(seen.at("sub").as_string(), "mailto:operator@haat.example");
    EXPECT_EQ(seen.at("ttl").as_string(), "60");
    EXPECT_EQ(seen.at("urgency").as_string(), "very-low");
    EXPECT_EQ(seen.at("topic").as_string().size(), 32u);

    EXPECT_TRUE(service.send("/send/abc", std::string(push_bytes_max, 'x')).sent());
    EXPECT_EQ(json::parse(service.service.seen(2)).at("size").as_int64(),
              static_cast<std::int64_t>(push_bytes_max));
    EXPECT_TRUE(service.send("/send/abc", "").sent());
    EXPECT_EQ(json::parse(service.service.seen(3)).at("size").as_int64(), 0);
    EXPECT_EQ(service.send("/send/abc", std::string(push_bytes_max + 1, 'x')).code, "bad_message");
}

TEST(OutboundPush, RefusalsAreToldApart) {
    PushService service;
    Delivery delivery = service.send("/gone", "x");
    EXPECT_EQ(delivery.state, DeliveryState::permanent);
    EXPECT_TRUE(delivery.recipient_gone);
    EXPECT_TRUE(service.send("/unknown", "x").recipient_gone);
    delivery = service.send("/slow-down", "x");
    EXPECT_EQ(delivery.state, DeliveryState::throttled);
    EXPECT_EQ(delivery.retry_after_seconds, 17);
    EXPECT_EQ(service.send("/broken", "x").state, DeliveryState::temporary);
    EXPECT_EQ(service.send("/large", "x").state, DeliveryState::permanent);

    VapidKeys const good_keys = service.options.keys;
    service.options.keys.private_key = make_vapid_keys().private_key;
    EXPECT_EQ(service.send("/send/abc", "x").state, DeliveryState::misconfigured);
    service.options.keys = good_keys;
    service.options.subject.clear();
    EXPECT_EQ(service.send("/send/abc", "x").state, DeliveryState::misconfigured);
}

TEST(OutboundPush, AnEndpointIsAStrangersUrl) {
    World world(Options{});
    WebPushOptions const options{make_vapid_keys(), "mailto:operator@haat.example"};
    WebPush push(*world.client, options);
    PushMessage message;
    message.subscription.p256dh.value = make_vapid_keys().public_key;
    message.subscription.auth.value = base64_url(std::string(16, 'a'));
    message.payload = "x";
    message.subscription.endpoint.value = "https://127.0.0.1:9/x";
    Delivery const delivery = run(world.loop, push.deliver(message));
    EXPECT_EQ(delivery.code, "forbidden_address");
    EXPECT_EQ(delivery.state, DeliveryState::permanent);
    message.subscription.endpoint.value = "http://push.example/x";
    EXPECT_EQ(run(world.loop, push.deliver(message)).code, "bad_message");
    message.subscription.p256dh.value = "nonsense";
    message.subscription.endpoint.value = "https://push.example/x";
    EXPECT_TRUE(run(world.loop, push.deliver(message)).recipient_gone);
}

} // namespace
} // namespace haat::outbound::test
