// The settings of mail, text messages, WhatsApp and push.
#include <app/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haat::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Environment = std::map<std::string, std::string>;

Loaded load(Environment environment) {
    Outside outside;
    outside.environment = std::move(environment);
    outside.environment["HAAT_DATA_DIR"] = "nowhere";
    outside.directory = std::filesystem::temp_directory_path() / "nowhere";
    return load_config(outside);
}

std::vector<std::string> problems(Environment environment) {
    try {
        load(std::move(environment));
    } catch (ConfigError const& error) {
        return error.problems();
    }
    return {};
}

TEST(MessageSettings, NothingIsSetUpUnasked) {
    MessagesConfig const messages = load({}).config.messages;
    EXPECT_FALSE(messages.smtp.ready());
    EXPECT_FALSE(messages.twilio.ready());
    EXPECT_FALSE(messages.msg91.ready());
    EXPECT_FALSE(messages.whatsapp.ready());
    EXPECT_FALSE(messages.push.ready());
    EXPECT_THAT(messages.client.allowed_networks, IsEmpty());
}

TEST(MessageSettings, TheSeedsNamesSetMailUp) {
    Loaded const loaded = load({{"SMTP_HOST", "smtp.gmail.com"},
                                {"SMTP_PORT", "587"},
                                {"SMTP_USER", "your-email@gmail.com"},
                                {"SMTP_PASS", "your-app-password"},
                                {"FROM_EMAIL", "\"Shop, the\" <noreply@shop.example>"}});
    outbound::SmtpOptions const& smtp = loaded.config.messages.smtp;
    EXPECT_TRUE(smtp.ready());
    EXPECT_EQ(smtp.port, 587);
    EXPECT_EQ(smtp.password.value, "your-app-password");
    EXPECT_EQ(smtp.from.name, "Shop, the");
    EXPECT_EQ(smtp.from.address.value, "noreply@shop.example");
    for (Effective const& line : loaded.effective)
        EXPECT_THAT(line.value, testing::Not(HasSubstr("your-app-password"))) << line.key;
    EXPECT_THAT(loaded.notes, IsEmpty());
}

TEST(MessageSettings, SecretsAreMasked) {
    outbound::VapidKeys const keys = outbound::make_vapid_keys();
    Loaded const loaded = load({{"TWILIO_ACCOUNT_SID", "AC1"},
                                {"TWILIO_AUTH_TOKEN", "hidden-twilio"},
                                {"TWILIO_FROM", "+15005550006"},
                                {"MSG91_AUTH_KEY", "hidden-msg91"},
                                {"WHATSAPP_PHONE_NUMBER_ID", "1055"},
                                {"WHATSAPP_ACCESS_TOKEN", "hidden-whatsapp"},
                                {"VAPID_PUBLIC_KEY", keys.public_key},
                                {"VAPID_PRIVATE_KEY", keys.private_key.value},
                                {"FROM_EMAIL", "a@shop.example"}});
    MessagesConfig const& messages = loaded.config.messages;
    EXPECT_TRUE(messages.twilio.ready());
    EXPECT_TRUE(messages.msg91.ready());
    EXPECT_TRUE(messages.whatsapp.ready());
    EXPECT_TRUE(messages.push.ready());
    EXPECT_EQ(messages.push.subject, "mailto:a@shop.example");
    for (Effective const& line : loaded.effective) {
        EXPECT_THAT(line.value, testing::Not(HasSubstr("hidden"))) << line.key;
        EXPECT_NE(line.value, keys.private_key.value) << line.key;
    }
}

TEST(MessageSettings, TheClientsLimits) {
    Loaded const loaded = load({{"HAAT_OUTBOUND_ALLOWED_NETWORKS", "10.1.0.0/16, 192.0.2.7"},
                                {"HAAT_OUTBOUND_RUNNING_MAX", "64"}});
    auto const& client = loaded.config.messages.client;
    EXPECT_EQ(client.running_max, 64);
    ASSERT_EQ(client.allowed_networks.size(), 2u);
    for (Effective const& line : loaded.effective)
        if (line.key == "outbound.allowed_networks")
            EXPECT_EQ(line.value, "10.1.0.0/16,192.0.2.7/32");
}

TEST(MessageSettings, EveryProblemIsSaidWithoutTheSecret) {
    EXPECT_THAT(problems({{"SMTP_HOST", "mail"}}), ElementsAre(HasSubstr("FROM_EMAIL")));
    EXPECT_THAT(problems({{"SMTP_HOST", "mail"}, {"SMTP_USER", "a@b.example"}}),
                ElementsAre(HasSubstr("SMTP_PASS")));
    EXPECT_THAT(problems({{"SMTP_PORT", "0"}}), ElementsAre(HasSubstr("from 1 to 65535")));
    EXPECT_THAT(problems({{"FROM_EMAIL", "nobody"}}), ElementsAre(HasSubstr("e-mail address")));
    EXPECT_THAT(problems({{"HAAT_SMTP_SECURITY", "ssl"}}), ElementsAre(HasSubstr("starttls")));
    EXPECT_THAT(problems({{"TWILIO_ACCOUNT_SID", "AC1"}}), ElementsAre(HasSubstr("AUTH_TOKEN")));
    EXPECT_THAT(problems({{"WHATSAPP_ACCESS_TOKEN", "x"}}),
                ElementsAre(HasSubstr("WHATSAPP_PHONE_NUMBER_ID")));
    EXPECT_THAT(problems({{"HAAT_OUTBOUND_ALLOWED_NETWORKS", "ten"}}),
                ElementsAre(HasSubstr("CIDR")));
    outbound::VapidKeys const keys = outbound::make_vapid_keys();
    auto const vapid = problems({{"VAPID_PUBLIC_KEY", keys.public_key},
                                 {"VAPID_PRIVATE_KEY", "not-a-key"},
                                 {"VAPID_SUBJECT", "nobody"}});
    EXPECT_THAT(vapid, ElementsAre(HasSubstr("no pair"), HasSubstr("VAPID_SUBJECT")));
    EXPECT_THAT(vapid[0], testing::Not(HasSubstr("not-a-key")));
    EXPECT_THAT(problems({{"VAPID_PRIVATE_KEY", std::string(65, 'x')}}),
                ElementsAre(HasSubstr("at most 64")));
}

} // namespace
} // namespace haat::app
