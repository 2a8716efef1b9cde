// Settings: precedence, forms, problems all at once, secrets.
#include <app/config.hpp>

#include <fstream>
#include <set>
#include <sstream>

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <app/secrets.hpp>
#include <app/settings.hpp>

namespace haat::app {
namespace {

namespace files = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char const* good_secret = "vN3rT8qLw0Zk5XcYb7HfJ2mPd9SgAe4uRo6iQx1t";

class ConfigTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = files::temp_directory_path() / "haat-config-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        outside_.directory = pattern;
    }
    void TearDown() override { files::remove_all(outside_.directory); }

    void put(std::string const& name, std::string const& text) {
        files::create_directories((outside_.directory / name).parent_path());
        std::ofstream(outside_.directory / name) << text;
    }
    Loaded load(std::map<std::string, std::string> environment = {}) {
        outside_.environment = std::move(environment);
        return load_config(outside_);
    }
    std::vector<std::string> problems(std::map<std::string, std::string> environment) {
        try {
            load(std::move(environment));
        } catch (ConfigError const& error) {
            return error.problems();
        }
        return {};
    }
    static Effective line(Loaded const& loaded, std::string const& key) {
        for (auto const& effective : loaded.effective)
            if (effective.key == key) return effective;
        ADD_FAILURE() << "no setting " << key;
        return {};
    }

    Outside outside_;
};

TEST_F(ConfigTest, DefaultsNeedNothing) {
    auto const loaded = load();
    EXPECT_EQ(loaded.config.server.port, 8080);
    EXPECT_EQ(loaded.config.data_directory, "var");
    EXPECT_EQ(loaded.config.body_bytes_max, 1024U * 1024U);
    EXPECT_FALSE(loaded.config.production());
    EXPECT_THAT(loaded.notes, IsEmpty());
    EXPECT_EQ(line(loaded, "server.port").source, Source::standard);
}

TEST_F(ConfigTest, EnvironmentWinsOverFileOverDefault) {
    put("haat.toml", "[server]\nport = 9000\naddress = '127.0.0.1'\n");
    auto const loaded = load({{"PORT", "9001"}});
    EXPECT_EQ(loaded.config.server.port, 9001);
    EXPECT_EQ(loaded.config.server.address, "127.0.0.1");
    EXPECT_EQ(line(loaded, "server.port").from, "PORT");
    EXPECT_EQ(line(loaded, "server.address").source, Source::file);
    EXPECT_EQ(line(loaded, "server.address").from, (outside_.directory / "haat.toml").string());
}

TEST_F(ConfigTest, AnEmptyVariableIsNotSet) {
    EXPECT_EQ(load({{"PORT", ""}}).config.server.port, 8080);
}

TEST_F(ConfigTest, TheFileMayBeNamedOrInTheDataDirectory) {
    put("data/haat.toml", "demo = true\n");
    put("other.toml", "loops = 3\n");
    EXPECT_TRUE(load({{"HAAT_DATA_DIR", "data"}}).config.demo);
    EXPECT_EQ(load({{"HAAT_CONFIG", "other.toml"}}).config.loops, 3);
    EXPECT_THAT(problems({{"HAAT_CONFIG", "none.toml"}}), ElementsAre(HasSubstr("not there")));
}

TEST_F(ConfigTest, WebhooksAndLeasesHaveLimits) {
    EXPECT_THAT(problems({{"HAAT_JOB_LEASE", "1s"},
                          {"HAAT_EVENTS_LEASE", "500ms"},
                          {"HAAT_WEBHOOK_TIMEOUT", "2m"},
                          {"HAAT_WEBHOOK_RETRY_MAX", "10s"},
                          {"HAAT_WEBHOOK_BODY_BYTES", "2MB"},
                          {"HAAT_WEBHOOK_ANSWER_BYTES", "1MB"}}),
                ElementsAre(HasSubstr("HAAT_JOB_LEASE"), HasSubstr("HAAT_EVENTS_LEASE"),
                            HasSubstr("HAAT_WEBHOOK_TIMEOUT"), HasSubstr("HAAT_WEBHOOK_RETRY_MAX"),
                            HasSubstr("HAAT_WEBHOOK_BODY_BYTES"),
                            HasSubstr("HAAT_WEBHOOK_ANSWER_BYTES")));
    EXPECT_THAT(problems({{"HAAT_WEBHOOK_AT_ONCE", "0"}}),
                ElementsAre(HasSubstr("must be from 1 to 100")));
}

struct FormCase {
    char const* name;
    char const* value;
    char const* key;
    char const* shown;
};
class ConfigForms : public ConfigTest, public testing::WithParamInterface<FormCase> {};
TEST_P(ConfigForms, AreRead) {
    auto const& [name, value, key, shown] = GetParam();
    EXPECT_EQ(line(load({{name, value}}), key).value, shown);
}
INSTANTIATE_TEST_SUITE_P(
    All, ConfigForms,
    testing::Values(
        FormCase{"HAAT_WEBHOOK_TIMEOUT", "5s", "webhooks.timeout", "5s"},
        FormCase{"HAAT_WEBHOOK_ATTEMPTS", "0", "webhooks.attempts", "0"},
        FormCase{"HAAT_WEBHOOK_KEEP", "90d", "webhooks.keep", "90d"},
        FormCase{"HAAT_WEBHOOK_BODY_BYTES", "1MB", "webhooks.body_bytes", "1MB"},
        FormCase{"HAAT_JOB_LEASE", "10s", "jobs.lease", "10s"},
        FormCase{"JWT_EXPIRES_IN", "15m", "sign_in.access_lifetime", "15m"},
        FormCase{"JWT_EXPIRY", "24h", "sign_in.access_lifetime", "1d"},
        FormCase{"JWT_EXPIRES_IN", "3600", "sign_in.access_lifetime", "1h"},
        FormCase{"REFRESH_TOKEN_EXPIRY", "7d", "sign_in.refresh_lifetime", "7d"},
        FormCase{"JWT_REFRESH_EXPIRES_IN", "30d", "sign_in.refresh_lifetime", "30d"},
        FormCase{"RATE_LIMIT_WINDOW_MS", "900000", "rates.window", "15m"},
        FormCase{"RATE_LIMIT_WINDOW_MS", "60000", "rates.anonymous_write", "100/1m"},
        FormCase{"RATE_LIMIT_MAX", "50", "rates.anonymous_write", "50/15m"},
        FormCase{"RATE_LIMIT_MAX_REQUESTS", "70", "rates.max_requests", "70"},
        FormCase{"HAAT_RATE_PUBLIC_READ", "100000/1s", "rates.public_read", "100000/1s"},
        FormCase{"HAAT_BODY_BYTES_MAX", "5MB", "limits.body_bytes_max", "5MB"},
        FormCase{"HAAT_BODY_BYTES_MAX", "1500", "limits.body_bytes_max", "1500B"},
        FormCase{"HAAT_IDLE_TIMEOUT", "500ms", "limits.idle_timeout", "500ms"},
        FormCase{"HAAT_MIGRATE", "off", "migrate", "off"},
        FormCase{"NODE_ENV", "test", "environment", "development"},
        FormCase{"PASSWORD_POLICY", "strong", "sign_in.password_policy", "strong"},
        FormCase{"LOG_LEVEL", "warning", "log.level", "warn"},
        FormCase{"REQUIRE_EMAIL_VERIFICATION", "true", "sign_in.require_email_verification",
                 "true"},
        FormCase{"ALLOWED_ORIGINS", "https://a.example, https://b.example",
                 "server.allowed_origins", "https://a.example,https://b.example"},
        FormCase{"CLIENT_URL", "https://c.example", "server.allowed_origins", "https://c.example"},
        FormCase{"TRUSTED_PROXIES", "10.0.0.0/8,::1", "server.trusted_proxies", "10.0.0.0/8,::1"}));

TEST_F(ConfigTest, OursComesBeforeTheSeedsName) {
    auto const loaded = load({{"HAAT_ENV", "development"}, {"NODE_ENV", "production"}});
    EXPECT_FALSE(loaded.config.production());
}

TEST_F(ConfigTest, AListInTheFileIsAList) {
    put("haat.toml", "[server]\nallowed_origins = ['https://a.example', 'https://b.example']\n");
    EXPECT_THAT(load().config.allowed_origins,
                ElementsAre("https://a.example", "https://b.example"));
}

TEST_F(ConfigTest, EveryProblemIsReportedAtOnce) {
    put("haat.toml", "[server]\nprot = 1\n[limits]\nidle_timeout = 'soon'\n");
    EXPECT_THAT(problems({{"PORT", "99999"}, {"HAAT_DEMO", "perhaps"}, {"HAAT_RATE_AUTH", "5"}}),
                testing::UnorderedElementsAre(
                    HasSubstr("PORT must be a port from 0 to 65535, not \"99999\""),
                    HasSubstr("HAAT_DEMO must be true or false"),
                    HasSubstr("HAAT_RATE_AUTH must be so many in a time, such as 100/15m"),
                    HasSubstr("limits.idle_timeout in"), HasSubstr("server.prot in")));
}

struct WrongCase {
    char const* name;
    char const* value;
    char const* says;
};
class ConfigWrong : public ConfigTest, public testing::WithParamInterface<WrongCase> {};
TEST_P(ConfigWrong, IsRefused) {
    auto const& [name, value, says] = GetParam();
    EXPECT_THAT(problems({{name, value}}), ElementsAre(HasSubstr(says)));
}
INSTANTIATE_TEST_SUITE_P(
    All, ConfigWrong,
    testing::Values(WrongCase{"HAAT_ENV", "prod",
                              "HAAT_ENV must be one of development, production"},
                    WrongCase{"HAAT_IDLE_TIMEOUT", "0", "must be more than nothing"},
                    WrongCase{"HAAT_IDLE_TIMEOUT", "5 weeks", "must be a duration"},
                    WrongCase{"HAAT_IDLE_TIMEOUT", "99999999999999999d", "must be a duration"},
                    WrongCase{"HAAT_CONNECTIONS_MAX", "-1", "must be from 0"},
                    WrongCase{"HAAT_CONNECTIONS_MAX", "0", "must be more than nothing"},
                    WrongCase{"HAAT_BODY_BYTES_MAX", "1XB", "must be a size"},
                    WrongCase{"PORT", "80a", "must be a port number"},
                    WrongCase{"RATE_LIMIT_WINDOW_MS", "10", "must be at least one second"},
                    WrongCase{"HAAT_RATE_AUTH", "0/1m", "of at least 1"},
                    WrongCase{"HAAT_TLS_KEY", "/etc/key.pem", "belong together"},
                    WrongCase{"DATABASE_REQUEST_URL", "postgresql://x@y/z", "need DATABASE_URL"}));

TEST_F(ConfigTest, ABrokenFileNamesTheLine) {
    put("haat.toml", "demo = true\nloops = = 2\n");
    EXPECT_THAT(problems({}), ElementsAre(HasSubstr("haat.toml, line 2")));
}

TEST_F(ConfigTest, SecretsAreNeverShown) {
    auto const loaded = load({{"JWT_SECRET", good_secret},
                              {"DATABASE_URL", "postgresql://u:hush@h/d"},
                              {"METRICS_TOKEN", "token-of-metrics"}});
    for (auto const& effective : loaded.effective) {
        EXPECT_THAT(effective.value, testing::Not(HasSubstr("hush"))) << effective.key;
        EXPECT_THAT(effective.value, testing::Not(HasSubstr("token-of"))) << effective.key;
        EXPECT_NE(effective.value, good_secret) << effective.key;
    }
    EXPECT_EQ(line(loaded, "sign_in.jwt_secret").value, "***");
    EXPECT_EQ(line(loaded, "database.request_url").value, "");
}

TEST_F(ConfigTest, ProductionRefusesMissingAndWeakSecrets) {
    EXPECT_THAT(problems({{"HAAT_ENV", "production"}}),
                ElementsAre(HasSubstr("JWT_SECRET is not set")));
    EXPECT_THAT(problems({{"NODE_ENV", "production"}, {"JWT_SECRET", "changeme"}}),
                ElementsAre(HasSubstr("JWT_SECRET is weak: it has 8 bytes")));
    EXPECT_THAT(problems({{"NODE_ENV", "production"}, {"JWT_SECRET", good_secret}}), IsEmpty());
    EXPECT_EQ(load({{"JWT_SECRET", "changeme"}}).config.sign_in.jwt_secret, "changeme");
}

TEST_F(ConfigTest, ProductionTakesNeitherAKeptSecretNorDemoData) {
    put("var/secrets", std::string("jwt_secret=") + good_secret + "\n");
    EXPECT_THAT(problems({{"HAAT_ENV", "production"}}),
                ElementsAre(HasSubstr("JWT_SECRET is not set")));
    EXPECT_THAT(
        problems({{"HAAT_ENV", "production"}, {"JWT_SECRET", good_secret}, {"HAAT_DEMO", "1"}}),
        ElementsAre(HasSubstr("HAAT_DEMO")));
}

TEST_F(ConfigTest, DevelopmentMakesASecretOnceAndKeepsIt) {
    auto const data = outside_.directory / "var";
    auto loaded = load({{"HAAT_DATA_DIR", data.string()}});
    EXPECT_EQ(loaded.config.sign_in.jwt_secret, "");
    EXPECT_FALSE(files::exists(data)) << "reading the configuration writes nothing";
    make_missing_secrets(loaded.config);
    EXPECT_FALSE(weakness_of(loaded.config.sign_in.jwt_secret));
    struct stat found {};
    ASSERT_EQ(::stat((data / "secrets").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600U);
    auto const again = load({{"HAAT_DATA_DIR", data.string()}});
    EXPECT_EQ(again.config.sign_in.jwt_secret, loaded.config.sign_in.jwt_secret);
    EXPECT_EQ(line(again, "sign_in.jwt_secret").source, Source::made);
}

TEST(WeakSecrets, AreToldFromGoodOnes) {
    for (char const* const weak :
         {"", "short", "my-super-secret-key-for-jwt-tokens-2024", "password-password-password-1234",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abcdefghijklmnopqrstuvwxyz0123456789",
          "abababababababababababababababababababab", "12345678901234567890123456789012",
          "CHANGEME-CHANGEME-CHANGEME-CHANGEME"})
        EXPECT_TRUE(weakness_of(weak)) << weak;
    for (char const* const good :
         {good_secret, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
          "f47ac10b-58cc-4372-a567-0e02b2c3d479"})
        EXPECT_FALSE(weakness_of(good)) << good;
}

TEST_F(ConfigTest, TheSeedsVariablesAreAllKnown) {
    // Every variable that the systems haat replaces were configured with.
    std::istringstream seeds(
        "PORT NODE_ENV SUPABASE_URL SUPABASE_ANON_KEY SUPABASE_SERVICE_ROLE_KEY JWT_SECRET "
        "JWT_EXPIRY REFRESH_TOKEN_EXPIRY BCRYPT_ROUNDS RATE_LIMIT_WINDOW_MS RATE_LIMIT_MAX "
        "RAZORPAY_KEY_ID RAZORPAY_KEY_SECRET API_VERSION DATABASE_URL DATABASE_POOL_SIZE REDIS_URL "
        "REDIS_PASSWORD JWT_REFRESH_SECRET JWT_EXPIRES_IN JWT_REFRESH_EXPIRES_IN SMTP_HOST "
        "SMTP_PORT SMTP_USER SMTP_PASS FROM_EMAIL STRIPE_SECRET_KEY STRIPE_WEBHOOK_SECRET "
        "UPLOAD_DIR MAX_FILE_SIZE ALLOWED_FILE_TYPES RATE_LIMIT_MAX_REQUESTS LOG_LEVEL LOG_FILE "
        "ALLOWED_ORIGINS CLIENT_URL SESSION_SECRET AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY "
        "AWS_S3_BUCKET AWS_REGION SENTRY_DSN NEW_RELIC_LICENSE_KEY FEATURE_GUEST_CHECKOUT "
        "FEATURE_WISHLIST FEATURE_REVIEWS CART_EXPIRY_DAYS ABANDONED_CART_REMINDER_HOURS "
        "DATABASE_URL_TEST POSTGRES_PASSWORD");
    std::set<std::string> known;
    for (auto const& setting : settings()) {
        std::istringstream names{std::string(setting.names)};
        for (std::string name; names >> name;)
            EXPECT_TRUE(known.insert(name).second) << name << " stands for two settings";
    }
    for (auto const& ignored : ignored_variables())
        EXPECT_TRUE(known.insert(std::string(ignored.name)).second) << ignored.name;
    for (std::string name; seeds >> name;) EXPECT_TRUE(known.contains(name)) << name;
}

TEST_F(ConfigTest, WhatHasNoEffectIsSaid) {
    EXPECT_THAT(load({{"SESSION_SECRET", "x"}, {"HAAT_PROT", "1"}}).notes,
                testing::UnorderedElementsAre(HasSubstr("SESSION_SECRET is without effect"),
                                              HasSubstr("HAAT_PROT is not a setting")));
}

TEST_F(ConfigTest, RedisIsReadAndItsSecretsAreNotShown) {
    auto const loaded = load({{"REDIS_URL", "rediss://me:s3cret@cache.test:7000/2"},
                              {"REDIS_PASSWORD", "s3cret"},
                              {"HAAT_REDIS_TIMEOUT", "20ms"}});
    EXPECT_EQ(loaded.config.stores.redis.url, "rediss://me:s3cret@cache.test:7000/2");
    EXPECT_EQ(loaded.config.stores.redis.timeout, 20ms);
    for (auto const& line : loaded.effective)
        EXPECT_EQ(line.value.find("s3cret"), std::string::npos) << line.key;
    try {
        load({{"REDIS_URL", "cache:s3cret"}});
        ADD_FAILURE();
    } catch (ConfigError const& error) {
        EXPECT_THAT(error.what(), HasSubstr("REDIS_URL"));
        EXPECT_THAT(error.what(), testing::Not(HasSubstr("s3cret")));
    }
}

TEST_F(ConfigTest, ThePoolIsSharedOutOverTheLoops) {
    auto const config = load({{"DATABASE_POOL_SIZE", "20"}, {"HAAT_LOOPS", "4"}}).config;
    EXPECT_EQ(config.database_options("x").write_connections, 5);
    EXPECT_EQ(config.database_options("x").url, "x");
    auto const small = load({{"DATABASE_POOL_SIZE", "2"}, {"HAAT_LOOPS", "4"}}).config;
    EXPECT_EQ(small.database_options("x").write_connections, 1);
}

TEST_F(ConfigTest, ThePageNamesEverySetting) {
    auto const page = render_config_page();
    for (auto const& setting : settings())
        EXPECT_THAT(page, HasSubstr("| `" + std::string(setting.key) + "` |"));
    for (auto const& ignored : ignored_variables())
        EXPECT_THAT(page, HasSubstr("| `" + std::string(ignored.name) + "` |"));
}

} // namespace
} // namespace haat::app
