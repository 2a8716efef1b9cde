// Mail, read back by Python's email package at the other end of SMTP.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <base/text_forms.hpp>
#include <outbound/crypto.hpp>
#include <outbound/smtp.hpp>
#include <outbound/test/stand_in.hpp>
#include <outbound/test/world.hpp>

namespace haat::outbound::test {
namespace {

namespace json = boost::json;

Mail mail_to(std::string address, std::string text = "Hello.\n") {
    Mail mail;
    mail.to = {{"", {std::move(address)}}};
    mail.subject = "A subject";
    mail.text = std::move(text);
    return mail;
}

struct PostOffice {
    explicit PostOffice(std::string security = "starttls", std::vector<std::string> more = {"auth"})
        : server("/usr/bin/python3", "smtp_server.py", words(security, std::move(more))) {
        options.host = "localhost";
        options.port = server.port();
        options.user = "haat";
        options.password = {"p@ss wörd"};
        options.from = {"Haat Shop", {"shop@haat.example"}};
        options.ca_file = certificate.certificate_file();
        options.meter = &meter;
        if (security == "tls") options.security = SmtpSecurity::tls;
        if (security == "plain") options.security = SmtpSecurity::none;
    }
    std::vector<std::string> words(std::string const& security, std::vector<std::string> more) {
        std::vector<std::string> all{certificate.certificate_file(), certificate.key_file(),
                                     security};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    Delivery send(Mail const& mail) {
        if (!smtp) smtp.emplace(options);
        return run(loop, smtp->deliver(mail));
    }
    json::object seen(std::size_t count = 1) { return json::parse(server.seen(count)).as_object(); }
    static std::string header(json::object const& seen, std::string_view name) {
        for (json::value const& each : seen.at("headers").as_array())
            if (each.at(0).as_string() == name) return std::string(each.at(1).as_string());
        return {};
    }

    Certificate certificate;
    StandIn server;
    Meter meter;
    SmtpOptions options;
    std::optional<Smtp> smtp;
    Loop loop;
};

std::string text(json::value const& value) { return std::string(value.as_string()); }

TEST(OutboundSmtp, ArrivesAsItWasWritten) {
    PostOffice office;
    Mail mail;
    mail.to = {{"Anna Müller", {"anna@example.org"}}, {"O'Neil, \"Bob\" \\", {"bob@example.org"}}};
    mail.cc = {{"", {"carol@example.org"}}};
    mail.bcc = {{"Secret", {"dave@example.org"}}};
    mail.reply_to = {"Help", {"help@haat.example"}};
    mail.subject =
        "आपका ऑर्डर भेज दिया गया है – your order has been shipped, and this subject is long";
    mail.text = "Grüße,\n.\n..dots\n" + std::string(2'000, 'x') + "\ntrailing \t \n=20 = €\n";
    mail.html = "<p>Grüße & <b>€</b></p>\n<p>" + std::string(500, 'y') + "</p>\n";
    std::string bytes;
    for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * 7 % 256);
    mail.attachments = {{"invoice.pdf", "application/pdf", bytes},
                        {"Rechnung für \"März\".txt", "nonsense", "text"}};
    mail.id = "order-42";
    mail.unsubscribe = "https://haat.example/unsubscribe?u=1";

    Delivery const delivery = office.send(mail);
    ASSERT_EQ(delivery.state, DeliveryState::sent) << delivery.reason;
    EXPECT_EQ(delivery.provider_id, "order-42@haat.example");
    EXPECT_EQ(delivery.reason, "250 2.0.0 Ok: queued as 4XyZ1");

    json::object const seen = office.seen();
    EXPECT_EQ(json::serialize(seen.at("defects")), "[]");
    EXPECT_TRUE(seen.at("tls").as_bool());
    EXPECT_EQ(text(seen.at("login")), "haat");
    EXPECT_EQ(text(seen.at("helo")), "haat.example");
    EXPECT_EQ(text(seen.at("mail_from")), "shop@haat.example");
    EXPECT_EQ(json::serialize(seen.at("rcpt_tos")),
              R"(["anna@example.org","bob@example.org","carol@example.org","dave@example.org"])");
    EXPECT_EQ(PostOffice::header(seen, "From"), "Haat Shop <shop@haat.example>");
    EXPECT_EQ(PostOffice::header(seen, "To"),
              R"(Anna Müller <anna@example.org>, "O'Neil, \"Bob\" \\" <bob@example.org>)");
    EXPECT_EQ(PostOffice::header(seen, "Cc"), "carol@example.org");
    EXPECT_EQ(PostOffice::header(seen, "Bcc"), "");
    EXPECT_EQ(PostOffice::header(seen, "Reply-To"), "Help <help@haat.example>");
    EXPECT_EQ(PostOffice::header(seen, "Subject"), mail.subject);
    EXPECT_EQ(PostOffice::header(seen, "Message-ID"), "<order-42@haat.example>");
    EXPECT_EQ(PostOffice::header(seen, "List-Unsubscribe"),
              "<https://haat.example/unsubscribe?u=1>");
    EXPECT_EQ(PostOffice::header(seen, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    EXPECT_EQ(PostOffice::header(seen, "Auto-Submitted"), "auto-generated");
    EXPECT_NE(PostOffice::header(seen, "Date"), "");
    EXPECT_EQ(text(seen.at("type")), "multipart/mixed");
    EXPECT_EQ(text(seen.at("text")), mail.text);
    EXPECT_EQ(text(seen.at("html")), mail.html);
    EXPECT_LE(seen.at("longest_line").as_int64(), 100);
    EXPECT_EQ(seen.at("bare_newlines").as_int64(), 0);
    EXPECT_TRUE(seen.at("ascii").as_bool());
    json::array const& attachments = seen.at("attachments").as_array();
    ASSERT_EQ(attachments.size(), 2u);
    EXPECT_EQ(text(attachments[0].at("name")), "invoice.pdf");
    EXPECT_EQ(text(attachments[0].at("type")), "application/pdf");
    EXPECT_EQ(text(attachments[0].at("sha256")), hex(sha256(bytes)));
    EXPECT_EQ(text(attachments[1].at("name")), "Rechnung für \"März\".txt");
    EXPECT_EQ(text(attachments[1].at("type")), "application/octet-stream");
    EXPECT_EQ(office.meter.answers("mail", 2), 1u);
}

TEST(OutboundSmtp, NothingBreaksOutOfAHeader) {
    PostOffice office;
    Mail mail = mail_to("anna@example.org");
    mail.to[0].name = "Anna\r\nBcc: victim@example.org";
    mail.subject = "Hello\r\nX-Evil: 1\r\n\r\nbody\n.\r\n";
    mail.from = {"Shop\nReply-To: evil@example.org", {"shop@haat.example"}};
    mail.attachments = {{"a\r\nX-Evil: 1\r\n\r\n.txt", "text/plain\r\nX-Evil: 2", "x"}};
    mail.text = "\n--haat=_\n.\r\n.\r\nMAIL FROM:<x@example.org>\n";
    ASSERT_EQ(office.send(mail).state, DeliveryState::sent);
    json::object const seen = office.seen();
    EXPECT_EQ(json::serialize(seen.at("defects")), "[]");
    EXPECT_EQ(json::serialize(seen.at("rcpt_tos")), R"(["anna@example.org"])");
    for (char const* const name : {"X-Evil", "Bcc", "Reply-To"})
        EXPECT_EQ(PostOffice::header(seen, name), "") << name;
    EXPECT_EQ(PostOffice::header(seen, "Subject"), "Hello  X-Evil: 1    body .");
    EXPECT_EQ(text(seen.at("text")), "\n--haat=_\n.\n.\nMAIL FROM:<x@example.org>\n");
}

TEST(OutboundSmtp, WhatCannotBeSentIsNotTried) {
    PostOffice office;
    std::vector<Mail> bad;
    for (char const* const address :
         {"", "nobody", "a@b", "a b@example.org", "a@example.org\r\nRCPT TO:<b@example.org>",
          "a@example.org>", "<a@example.org", "a@example.org,b@example.org", "ä@example.org"})
        bad.push_back(mail_to(address));
    bad.push_back(mail_to("a@example.org", ""));
    bad.push_back(mail_to("a@example.org", "\xff\xfe"));
    bad.emplace_back().text = "to nobody";
    bad.push_back(mail_to("a@example.org"));
    bad.back().id = "a>\r\nX: y";
    bad.push_back(mail_to("a@example.org"));
    bad.back().unsubscribe = "https://x.example/>\r\nX: y";
    bad.push_back(mail_to("a@example.org"));
    bad.back().unsubscribe = "javascript:alert(1)";
    bad.push_back(mail_to("a@example.org"));
    bad.back().attachments = {{"big", "text/plain", std::string(20 << 20, 'x')}};
    for (std::size_t i = 0; i < bad.size(); ++i) {
        Delivery const delivery = office.send(bad[i]);
        EXPECT_EQ(delivery.state, DeliveryState::permanent) << i;
        EXPECT_EQ(delivery.code, "bad_message") << i;
    }
    EXPECT_EQ(office.server.seen().size(), 0u);
}

TEST(OutboundSmtp, RefusalsAreToldApart) {
    PostOffice office;
    struct Case {
        char const* address;
        DeliveryState state;
        char const* code;
        bool gone;
    };
    for (Case const& each :
         {Case{"gone@example.org", DeliveryState::permanent, "5.1.1", true},
          Case{"blocked@example.org", DeliveryState::permanent, "5.7.1", false},
          Case{"plain@example.org", DeliveryState::permanent, "552", false},
          Case{"busy@example.org", DeliveryState::temporary, "4.3.0", false},
          Case{"throttled@example.org", DeliveryState::throttled, "4.7.1", false}}) {
        Delivery const delivery = office.send(mail_to(each.address));
        EXPECT_EQ(delivery.state, each.state) << each.address;
        EXPECT_EQ(delivery.code, each.code) << delivery.reason;
        EXPECT_EQ(delivery.recipient_gone, each.gone) << each.address;
        EXPECT_FALSE(delivery.perhaps_sent) << each.address;
    }
    Delivery const late = office.send(mail_to("anna@example.org", "refuse this\n"));
    EXPECT_EQ(late.state, DeliveryState::permanent);
    EXPECT_EQ(late.code, "5.6.0");
    EXPECT_EQ(office.send(mail_to("anna@example.org")).state, DeliveryState::sent);
}

TEST(OutboundSmtp, AWrongPasswordIsASettingNotAMessage) {
    PostOffice office;
    office.options.password = {"wrong-secret"};
    Delivery const delivery = office.send(mail_to("anna@example.org"));
    EXPECT_EQ(delivery.state, DeliveryState::misconfigured) << delivery.reason;
    EXPECT_EQ(delivery.reason.find("wrong-secret"), std::string::npos);
    EXPECT_FALSE(delivery.perhaps_sent);
}

TEST(OutboundSmtp, TlsFromTheFirstByte) {
    PostOffice office("tls", {});
    office.options.user.clear();
    ASSERT_EQ(office.send(mail_to("anna@example.org")).state, DeliveryState::sent);
    EXPECT_TRUE(office.seen().at("tls").as_bool());
}

TEST(OutboundSmtp, WithoutTlsOnlyWhereThatWasAsked) {
    PostOffice office("plain", {});
    office.options.user.clear();
    ASSERT_EQ(office.send(mail_to("anna@example.org")).state, DeliveryState::sent);
    EXPECT_FALSE(office.seen().at("tls").as_bool());

    SmtpOptions strict = office.options;
    strict.security = SmtpSecurity::automatic;
    Smtp smtp(strict); // STARTTLS is wanted and not offered: nothing is said in the clear
    EXPECT_EQ(run(office.loop, smtp.deliver(mail_to("anna@example.org"))).state,
              DeliveryState::misconfigured);

    SmtpOptions remote = office.options;
    remote.host = "192.0.2.1";
    remote.user = "haat";
    Smtp naked(remote);
    EXPECT_EQ(run(office.loop, naked.deliver(mail_to("anna@example.org"))).state,
              DeliveryState::misconfigured);
    EXPECT_EQ(office.server.seen().size(), 1u);
}

TEST(OutboundSmtp, ACertificateOfNobodyIsRefused) {
    PostOffice office;
    office.options.ca_file.clear();
    Delivery const delivery = office.send(mail_to("anna@example.org"));
    EXPECT_EQ(delivery.state, DeliveryState::misconfigured);
    EXPECT_EQ(delivery.code, "tls");
}

TEST(OutboundSmtp, NobodyThere) {
    SmtpOptions options;
    options.host = "127.0.0.1";
    options.port = haat::test::free_port();
    options.from = {"", {"shop@haat.example"}};
    Smtp smtp(options);
    Loop loop;
    Delivery const delivery = run(loop, smtp.deliver(mail_to("anna@example.org")));
    EXPECT_EQ(delivery.state, DeliveryState::temporary);
    EXPECT_EQ(delivery.code, "refused");
    EXPECT_FALSE(delivery.perhaps_sent);
    Smtp none(SmtpOptions{});
    EXPECT_EQ(run(loop, none.deliver(mail_to("anna@example.org"))).state,
              DeliveryState::misconfigured);
}

TEST(OutboundSmtp, AServerThatDiesInTheMiddleMayHaveIt) {
    // Takes everything, and closes instead of the last answer.
    int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), size), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
    std::thread server([listener] {
        int const socket = ::accept(listener, nullptr, nullptr);
        auto const say = [&](std::string_view line) {
            ::send(socket, line.data(), line.size(), MSG_NOSIGNAL);
        };
        say("220 mail.test\r\n");
        std::string heard;
        char buffer[4'096];
        for (bool data = false;;) {
            auto const got = ::recv(socket, buffer, sizeof buffer, 0);
            if (got <= 0) break;
            heard.append(buffer, static_cast<std::size_t>(got));
            if (data && heard.ends_with("\r\n.\r\n")) break;
            if (data || !heard.ends_with("\r\n")) continue;
            data = heard.ends_with("DATA\r\n");
            say(data ? "354 go on\r\n" : "250 fine\r\n");
        }
        ::close(socket);
    });
    SmtpOptions options;
    options.host = "127.0.0.1";
    options.port = ntohs(name.sin_port);
    options.security = SmtpSecurity::none;
    options.from = {"", {"shop@haat.example"}};
    Loop loop;
    {
        Smtp smtp(options);
        Delivery const delivery = run(loop, smtp.deliver(mail_to("anna@example.org")));
        EXPECT_EQ(delivery.state, DeliveryState::temporary);
        EXPECT_TRUE(delivery.perhaps_sent);
    }
    server.join();
    ::close(listener);
}

TEST(OutboundSmtp, LeavingASilentServerTakesNoTime) {
    PostOffice office;
    office.send(mail_to("anna@example.org"));
    office.server.process().signal(SIGSTOP); // it will never answer a QUIT
    auto const begin = std::chrono::steady_clock::now();
    office.smtp.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
    office.server.process().signal(SIGCONT);
}

TEST(OutboundConcurrent, MailsFromTwoLoopsShareKeptConnections) {
    PostOffice office;
    office.options.connections_max = 3;
    office.smtp.emplace(office.options);
    std::atomic<int> sent{0};
    struct Sender {
        static Task<void> send(Smtp& smtp, int i, std::atomic<int>& count) {
            Mail const mail = mail_to(fmt::format("user{}@example.org", i));
            Delivery const delivery = co_await smtp.deliver(mail);
            if (delivery.sent()) ++count;
        }
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            Loop loop;
            auto const make = [&](int i) { return Sender::send(*office.smtp, i, sent); };
            run(loop, haat::test::all_of(40, make));
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(sent, 80);
    office.server.seen(80);
    std::set<std::int64_t> peers;
    for (std::string const& line : office.server.seen())
        peers.insert(json::parse(line).at("peer").as_int64());
    EXPECT_EQ(office.server.seen().size(), 80u);
    EXPECT_LE(peers.size(), 3u);
}

// ---- the encodings by themselves

TEST(OutboundMail, HeadersAreFoldedAndEncoded) {
    EXPECT_EQ(header_line("Subject", "Plain"), "Subject: Plain\r\n");
    EXPECT_EQ(header_line("Subject", ""), "Subject: \r\n");
    EXPECT_EQ(header_line("Subject", "Grüße"), "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n");
    EXPECT_EQ(header_line("Subject", "=?UTF-8?B?x?="),
              "Subject: =?UTF-8?B?PT9VVEYtOD9CP3g/PQ==?=\r\n");
    for (std::string const& value :
         {std::string(300, 'x'), std::string(50, 'x') + " " + std::string(50, 'y') + " zzz",
          std::string("ααααα ααααα ααααα ααααα ααααα ααααα ααααα ααααα ααααα ααααα")}) {
        std::string const line = header_line("Subject", value);
        for (std::size_t at = 0; at < line.size();) {
            auto const end = line.find("\r\n", at);
            ASSERT_NE(end, line.npos);
            EXPECT_LE(end - at, 78u) << line;
            if (at > 0) EXPECT_EQ(line[at], ' ') << line;
            at = end + 2;
        }
    }
}

TEST(OutboundMail, QuotedPrintable) {
    EXPECT_EQ(quoted_printable(""), "");
    EXPECT_EQ(quoted_printable("a=b"), "a=3Db\r\n");
    EXPECT_EQ(quoted_printable("end \nnext\t"), "end=20\r\nnext=09\r\n");
    EXPECT_EQ(quoted_printable("a\rb\nc\r\nd"), "a\r\nb\r\nc\r\nd\r\n");
    EXPECT_EQ(quoted_printable(std::string(80, 'x')),
              std::string(75, 'x') + "=\r\n" + std::string(5, 'x') + "\r\n");
}

TEST(OutboundMail, DatesAndMailboxes) {
    Timestamp at{};
    ASSERT_TRUE(parse("2025-08-30T12:36:05Z", at));
    EXPECT_EQ(mail_date(at), "Sat, 30 Aug 2025 12:36:05 +0000");
    ASSERT_TRUE(parse("2024-02-29T00:00:00Z", at));
    EXPECT_EQ(mail_date(at), "Thu, 29 Feb 2024 00:00:00 +0000");
    Mailbox box;
    ASSERT_TRUE(parse("Anna <anna@example.org>", box));
    EXPECT_EQ(box.name, "Anna");
    EXPECT_EQ(box.address.value, "anna@example.org");
    ASSERT_TRUE(parse("\"A, B\" <anna@example.org>", box));
    EXPECT_EQ(box.name, "A, B");
    ASSERT_TRUE(parse(" anna@example.org ", box));
    EXPECT_EQ(box.name, "");
    EXPECT_FALSE(parse("Anna anna@example.org", box));
    EXPECT_FALSE(parse("", box));
}

TEST(OutboundMail, ADomainIsWrittenInAscii) {
    Mail mail = mail_to("anna@münchen.example");
    MailText const written = write_mail(mail, {"", {"shop@haat.example"}}, Timestamp{});
    EXPECT_EQ(written.recipients, std::vector<std::string>{"anna@xn--mnchen-3ya.example"});
    EXPECT_EQ(written.bytes.find("ü"), std::string::npos);
}

} // namespace
} // namespace haat::outbound::test
