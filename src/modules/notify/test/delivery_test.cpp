// Messages all the way: through workers, over real SMTP, to stand-ins of the providers, to a push
// service that decrypts; with providers that are down, refuse, and workers that are killed.
#include <modules/notify/test/office.hpp>
#include <outbound/crypto.hpp>

namespace haat::test {
namespace {

TEST_F(NotifyDelivery, AMailArrivesInTheRecipientsLanguage) {
    PostOffice office;
    db_.exec("insert into notify.preferences (recipient_type, recipient_id, language)"
             " values ('USER', '" +
             actors_.user(Who::stranger) + "', 'hi-IN')");
    PostOptions options;
    options.smtp = mail_server(office.server);
    start(options);
    auto const id = send(stranger(), {}, "Asha <b>\r\nBcc: x@haat.test");
    ASSERT_TRUE(becomes(id, "SENT")) << column(id, "failure_reason");
    json::object const seen = office.seen();
    EXPECT_EQ(PostOffice::header(seen, "Subject"), "स्वागत है, Asha <b>  Bcc: x@haat.test");
    EXPECT_EQ(PostOffice::header(seen, "Bcc"), "");
    EXPECT_EQ(PostOffice::header(seen, "Message-ID"), "<" + to_string(id.uuid) + "@haat.example>");
    EXPECT_NE(seen.at("html").as_string().find("Asha &lt;b&gt;"), json::string::npos);
    EXPECT_NE(seen.at("text").as_string().find("नमस्ते Asha <b>"), json::string::npos);
    EXPECT_EQ(attempts(id), "smtp sent");
    EXPECT_EQ(column(id, "language"), "hi");
    EXPECT_EQ(events("email:sent"), 1);
    EXPECT_EQ(events("notification:welcome-sent"), 1);
    EXPECT_EQ(db_.number("select count(*) from events.outbox where data::text like '%Asha%'"), 0)
        << "events say nothing of its words";
}

TEST_F(NotifyDelivery, TheSameIdIsTheSameMessage) {
    start({.production = false});
    notify::SendOptions options;
    options.id = new_id<notify::NotificationNoun>();
    for (int i = 0; i < 3; ++i) send(stranger(), options);
    ASSERT_TRUE(becomes(*options.id, "SENT"));
    EXPECT_TRUE(soon([&] { return db_.number("select count(*) from jobs.queue") == 0; }));
    EXPECT_EQ(db_.number("select count(*) from notify.messages"), 1);
    EXPECT_EQ(db_.number("select count(*) from notify.dev_outbox"), 1);
}

TEST_F(NotifyDelivery, AnotherMailServerIsAskedWhenTheFirstIsAway) {
    PostOffice office;
    PostOptions options;
    options.smtp = options.smtp_fallback = mail_server(office.server);
    options.smtp.port = free_port();
    start(options);
    auto const id = send(stranger(), {});
    ASSERT_TRUE(becomes(id, "SENT")) << column(id, "failure_reason");
    EXPECT_EQ(attempts(id), "smtp temporary, smtp_fallback sent");
    EXPECT_EQ(column(id, "provider"), "smtp_fallback");
    EXPECT_EQ(column(id, "retry_count"), "0");
    office.seen();
}

TEST_F(NotifyDelivery, AnAddressThatIsNotThereIsNotTriedAgain) {
    PostOffice office;
    PostOptions options;
    options.smtp = options.smtp_fallback = mail_server(office.server);
    start(options);
    notify::Recipient to = stranger();
    to.contact = "gone@example.org";
    auto const id = send(to, {});
    ASSERT_TRUE(becomes(id, "FAILED"));
    EXPECT_EQ(attempts(id), "smtp permanent");
    EXPECT_NE(column(id, "failure_reason").find("No such user"), std::string::npos);
    EXPECT_EQ(events("email:failed"), 1);
}

TEST_F(NotifyDelivery, IsTriedThreeTimesMore) {
    WorldServer down([](Exchange& e) { e.reply(503, "<html>down</html>"); });
    PostOptions options;
    options.twilio.account_sid = "AC1";
    options.twilio.auth_token.value = "token";
    options.twilio.from = "+15005550006";
    options.twilio.url = down.url("");
    start(options);
    auto const id = send_sms();
    ASSERT_TRUE(soon([&] { return column(id, "retry_count") == "1"; }));
    EXPECT_EQ(column(id, "status"), "PENDING");
    EXPECT_EQ(column(id, "send_after > updated_at + interval '4 seconds'"), "true");
    ASSERT_TRUE(hurried_to(id, "FAILED"));
    EXPECT_EQ(column(id, "retry_count"), "3");
    EXPECT_EQ(attempts(id), "twilio temporary, twilio temporary, twilio temporary, "
                            "twilio temporary");
    EXPECT_NE(column(id, "failure_reason"), "");
    EXPECT_EQ(down.requests(), 4);
    EXPECT_EQ(events("sms:message-failed"), 1);
}

struct TextProviders {
    std::atomic<bool> twilio_up{false};
    WorldServer twilio{[this](Exchange& e) {
        if (twilio_up) return e.reply(201, R"({"sid":"SM1","status":"queued"})");
        e.reply(401, R"({"code":20003,"message":"Authenticate","status":401})");
    }};
    WorldServer msg91{[](Exchange& e) { e.reply(200, R"({"type":"success","message":"req1"})"); }};
    PostOptions options() const {
        PostOptions options;
        options.twilio.account_sid = "AC1";
        options.twilio.auth_token.value = "token";
        options.twilio.from = "+15005550006";
        options.twilio.url = twilio.url("");
        options.msg91.auth_key.value = "key";
        options.msg91.url = msg91.url("");
        return options;
    }
};

TEST_F(NotifyDelivery, AnotherProviderIsAskedWhenOneRefusesForItsOwnReasons) {
    TextProviders providers;
    db_.exec("insert into notify.templates (id, name, channel, language, subject, body,"
             " provider_template) values (gen_random_uuid(), 'welcome', 'SMS', 'en', '',"
             " 'Hello {{name}}', 'flow1')");
    start(providers.options());
    notify::Recipient to = stranger();
    to.contact = phone;
    notify::SendOptions sms;
    sms.channel = Channel::SMS;
    auto const id = send(to, sms);
    ASSERT_TRUE(becomes(id, "SENT")) << attempts(id) << column(id, "failure_reason");
    EXPECT_EQ(attempts(id), "twilio misconfigured, msg91 sent");
    json::value const body = json::parse(providers.msg91.seen().at(0).body);
    EXPECT_EQ(body.at("template_id").as_string(), "flow1");
    EXPECT_EQ(body.at("recipients").at(0).at("name").as_string(), "Asha");
    EXPECT_EQ(column(id, "message"), "Hello Asha");
}

void report(Giver& giver, std::string provider, std::vector<notify::Receipt> receipts) {
    giver([&](Tx& tx) {
        notify::TakeReceipts const news{provider, receipts};
        enqueue(tx, notify::receipts_job, news);
    });
}

TEST_F(NotifyDelivery, ReportsMoveItOnWhicheverComesFirst) {
    using enum notify::NotificationStatus;
    TextProviders providers;
    providers.twilio_up = true;
    start(providers.options());
    report(giver_, "twilio", {{"SM1", DELIVERED, now(), ""}}); // before we know the id
    EXPECT_TRUE(soon([&] { return db_.number("select count(*) from notify.receipts") == 1; }));
    auto const id = send_sms();
    ASSERT_TRUE(becomes(id, "DELIVERED"));
    EXPECT_EQ(column(id, "delivered_at is not null and sent_at is not null"), "true");
    report(giver_, "twilio",
           {{"SM1", DELIVERED, now(), ""}, {"SM1", SENT, now(), ""}, {"SM1", FAILED, now(), "?"}});
    report(giver_, "twilio", {{"SM1", READ, now(), ""}});
    ASSERT_TRUE(becomes(id, "READ"));
    EXPECT_TRUE(soon([&] { return db_.number("select count(*) from jobs.queue") == 0; }));
    EXPECT_EQ(column(id, "status"), "READ");
    EXPECT_EQ(events("sms:message-delivered"), 1) << "twice reported, told once";
    EXPECT_EQ(events("sms:message-failed"), 0);
}

TEST_F(NotifyDelivery, AKilledWorkersMessageIsTakenUp) {
    std::atomic<bool> hangs{true};
    std::atomic<int> asked{0};
    WorldServer twilio([&](Exchange& e) {
        ++asked;
        if (hangs) return e.hold(), e.close();
        e.reply(201, R"({"sid":"SM2"})");
    });
    WorldServer msg91([](Exchange& e) { e.reply(200, R"({"type":"success","message":"r"})"); });
    PostOptions options = TextProviders().options();
    options.twilio.url = twilio.url("");
    options.msg91.url = msg91.url("");
    start(options);
    auto const order = send_sms();
    auto const offer = send_sms(notify::NotificationType::PROMOTIONAL);
    ASSERT_TRUE(soon([&] { return asked == 2; }));
    kill();
    hangs = false;
    start(options);
    ASSERT_TRUE(becomes(order, "SENT")) << attempts(order);
    EXPECT_EQ(attempts(order), "twilio unknown, twilio sent") << "nobody else could know it";
    ASSERT_TRUE(becomes(offer, "FAILED")) << attempts(offer);
    EXPECT_EQ(attempts(offer), "twilio unknown") << "an advertisement is not worth a second copy";
    EXPECT_EQ(msg91.requests(), 0);
    EXPECT_EQ(asked, 3);
}

TEST_F(NotifyDelivery, WhatPerhapsArrivedGoesToNobodyElse) {
    std::atomic<int> asked{0};
    WorldServer twilio([&](Exchange& e) {
        if (++asked == 1) return e.close();
        e.reply(201, R"({"sid":"SM3"})");
    });
    TextProviders others;
    PostOptions options = others.options();
    options.twilio.url = twilio.url("");
    start(options);
    auto const id = send_sms();
    ASSERT_TRUE(soon([&] { return column(id, "retry_count") == "1"; }));
    ASSERT_TRUE(hurried_to(id, "SENT"));
    EXPECT_EQ(attempts(id), "twilio temporary, twilio sent");
    EXPECT_EQ(others.msg91.requests(), 0);
}

TEST_F(NotifyDelivery, QuietHoursDelayAndDoNotDrop) {
    db_.exec("insert into notify.preferences (recipient_type, recipient_id, time_zone, quiet_from,"
             " quiet_until) values ('USER', '" +
             actors_.user(Who::stranger) + "', 'Asia/Kolkata', 1320, 450)");
    HeldClock clock(Timestamp{1'772'386'200'000'000}); // 2026-03-01, 23:00 in India
    start({.production = false});
    auto const id = send(stranger(), {});
    ASSERT_TRUE(soon([&] { return column(id, "send_after") != column(id, "created_at"); }));
    EXPECT_EQ(column(id, "status"), "PENDING");
    EXPECT_EQ(column(id, "send_after at time zone 'UTC'"), "2026-03-02 02:00:00");
    notify::SendOptions urgent;
    urgent.urgent = true;
    ASSERT_TRUE(becomes(send(stranger(), urgent), "SENT"));
    notify::SendOptions in_app;
    in_app.channel = Channel::IN_APP;
    ASSERT_TRUE(becomes(send(stranger(), in_app), "SENT")) << "which rings nowhere";
    EXPECT_EQ(column(id, "status"), "PENDING");
    clock.advance(9 * 3600);
    ASSERT_TRUE(hurried_to(id, "SENT"));
    EXPECT_EQ(column(id, "retry_count"), "0");
}

TEST_F(NotifyDelivery, WhatIsNotWantedIsNotSent) {
    db_.exec("insert into notify.preferences (recipient_type, recipient_id, choices) values"
             " ('USER', '" +
             actors_.user(Who::stranger) +
             R"(', '[{"channel":"IN_APP","category":"alert","enabled":false},)"
             R"({"channel":"IN_APP","category":"transactional","enabled":false}]'))");
    start({.production = false});
    notify::SendOptions in_app;
    in_app.channel = Channel::IN_APP;
    notify::NotificationId id;
    giver_([&](Tx& tx) {
        notify::LowStockWords const words{"Pen", "3", "10"};
        id = notify::send(tx, notify::low_stock_alert, words, stranger(), in_app);
    });
    ASSERT_TRUE(becomes(id, "CANCELLED"));
    EXPECT_NE(column(id, "failure_reason").find("does not want"), std::string::npos);
    ASSERT_TRUE(becomes(send(stranger(), in_app), "SENT")) << "transactional messages pass";
}

TEST_F(NotifyDelivery, ASecretIsGoneWhenItWasSent) {
    start({.production = false});
    notify::NotificationId id;
    giver_([&](Tx& tx) {
        notify::CodeWords const words{"867530", 10};
        id = notify::send(tx, notify::one_time_code, words, stranger());
    });
    ASSERT_TRUE(becomes(id, "SENT"));
    EXPECT_EQ(column(id, "title || message"), "");
    EXPECT_EQ(column(id, "template_data"), "");
    EXPECT_EQ(db_.number("select count(*) from notify.dev_outbox where body like '%867530%'"), 1);
    for (char const* const table : {"jobs.queue", "jobs.finished", "events.outbox"})
        EXPECT_EQ(db_.number(std::string("select count(*) from ") + table +
                             " t where t::text like '%867530%'"),
                  0)
            << table;
}

TEST_F(NotifyDelivery, WithoutAProviderItFailsInProduction) {
    start();
    auto const id = send(stranger(), {});
    ASSERT_TRUE(becomes(id, "FAILED"));
    EXPECT_EQ(column(id, "failure_reason"), "no provider is set up for EMAIL");
    EXPECT_EQ(db_.number("select count(*) from notify.dev_outbox"), 0);
}

TEST_F(NotifyDelivery, APushReachesTheBrowsersThatAreLeft) {
    Certificate certificate;
    StandIn service("/usr/bin/python3", "push_service.py",
                    {certificate.certificate_file(), certificate.key_file()});
    std::string const keys = service.line("keys ");
    std::string const p256dh = keys.substr(0, keys.find(' '));
    std::string const auth = keys.substr(keys.find(' ') + 1);
    std::string const origin = "https://localhost:" + std::to_string(service.port());
    auto const subscribe = [&](Who who, std::string const& path) {
        db_.exec("insert into notify.push_subscriptions (id, user_id, endpoint, p256dh, auth,"
                 " created_at) values (gen_random_uuid(), '" +
                 actors_.user(who) + "', '" + origin + path + "', '" + p256dh + "', '" + auth +
                 "', clock_timestamp())");
    };
    for (char const* const path : {"/browser", "/gone", "/shared"}) subscribe(Who::stranger, path);
    subscribe(Who::owner, "/shared"); // who signed in there afterwards
    PostOptions options;
    options.push.keys = outbound::make_vapid_keys();
    options.push.subject = "mailto:shop@haat.test";
    options.client.ca_file = certificate.certificate_file();
    start(options);
    notify::SendOptions push;
    push.channel = Channel::PUSH;
    auto const id = send(stranger(), push);
    ASSERT_TRUE(becomes(id, "SENT")) << column(id, "failure_reason");
    json::value const words =
        json::parse(std::string(json::parse(service.seen(1)).at("text").as_string()));
    EXPECT_EQ(words.at("title").as_string(), "Welcome, Asha");
    EXPECT_EQ(words.at("id").as_string(), to_string(id.uuid));
    EXPECT_EQ(service.seen().size(), 1u) << "what was shared is somebody else's now";
    EXPECT_EQ(db_.number("select count(*) from notify.push_subscriptions where user_id = '" +
                         actors_.user(Who::stranger) + "' and endpoint like '%/gone'"),
              0);
    db_.exec("delete from notify.push_subscriptions where endpoint like '%/browser'");
    auto const nobody = send(stranger(), push);
    ASSERT_TRUE(becomes(nobody, "FAILED"));
    EXPECT_NE(column(nobody, "failure_reason").find("no browser"), std::string::npos);
}

TEST_F(NotifyDelivery, WhatsAppTakesAnApprovedTemplate) {
    WorldServer meta([](Exchange& e) { e.reply(200, R"({"messages":[{"id":"wamid.1"}]})"); });
    db_.exec("insert into notify.templates (id, name, channel, language, subject, body,"
             " provider_template) values (gen_random_uuid(), 'welcome', 'WHATSAPP', 'en', '',"
             " 'Hello {{name}}', 'welcome_v2')");
    PostOptions options;
    options.whatsapp.phone_number_id = "1";
    options.whatsapp.access_token.value = "token";
    options.whatsapp.url = meta.url("");
    start(options);
    notify::Recipient to = stranger();
    to.contact = phone;
    notify::SendOptions whatsapp;
    whatsapp.channel = Channel::WHATSAPP;
    auto const id = send(to, whatsapp);
    ASSERT_TRUE(becomes(id, "SENT")) << column(id, "failure_reason");
    EXPECT_EQ(column(id, "external_id"), "wamid.1");
    json::value const body = json::parse(meta.seen().at(0).body);
    EXPECT_EQ(body.at("template").at("name").as_string(), "welcome_v2");
    report(giver_, "whatsapp",
           {{"wamid.1", notify::NotificationStatus::FAILED, now(), "Message undeliverable"}});
    ASSERT_TRUE(becomes(id, "FAILED"));
    EXPECT_EQ(column(id, "failure_reason"), "Message undeliverable");
    EXPECT_EQ(events("whatsapp:message-failed"), 1);
}

} // namespace
} // namespace haat::test
