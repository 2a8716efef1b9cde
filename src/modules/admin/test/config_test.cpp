// Settings over HTTP: defaults, the platform's value, an organization's own; live on every node.
#include <thread>

#include <gtest/gtest.h>

#include <settings/settings.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

Setting<bool> const of_all{
    "TEST_OF_ALL", true, "The same for all shops.", {.scope = SettingScope::platform}};

std::map<std::string, int> const platform{{"settings.platform", 1}};
std::map<std::string, int> const own{{"settings.overrides", 1}};
std::vector<std::string> const told{"system:config-updated"};

void play_wrong(Stage& stage) {
    stage.play({
        {.name = "system-config.set: of another type",
         .as = Who::manager,
         .method = "PUT",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .body = R"({"value":"perhaps"})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"value", "type"}}},
        {.name = "system-config.set: null is no value",
         .as = Who::manager,
         .method = "PUT",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .body = R"({"value":null})",
         .status = 422,
         .code = "VALIDATION_ERROR"},
        {.name = "system-config.set: without a value",
         .as = Who::manager,
         .method = "PUT",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .body = "{}",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"value", "required"}}},
        {.name = "system-config.set: over what somebody else has set meanwhile",
         .as = Who::manager,
         .method = "PUT",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .headers = {{"If-Match", "\"of-yesterday\""}},
         .body = R"({"value":true})",
         .status = 412,
         .code = "PRECONDITION_FAILED"},
        {.name = "system-config.set: there is no such setting",
         .as = Who::manager,
         .method = "PUT",
         .path = "/system-config/FEATURE_TELEPORT",
         .body = R"({"value":true})",
         .status = 404,
         .code = "SETTING_NOT_FOUND"},
        {.name = "system-config.set: what is the same for all",
         .as = Who::owner,
         .method = "PUT",
         .path = "/system-config/TEST_OF_ALL",
         .body = R"({"value":false})",
         .status = 403,
         .code = "SETTING_OF_PLATFORM"},
        {.name = "system-config.get: there is no such setting",
         .as = Who::manager,
         .path = "/system-config/FEATURE_TELEPORT",
         .status = 404,
         .code = "SETTING_NOT_FOUND"},
    });
}

void play_resets(Stage& stage) {
    stage.play({
        {.name = "system-config.reset: a viewer may not",
         .as = Who::viewer,
         .method = "DELETE",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "system-config.reset: back to the platform's",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .writes = own,
         .events = told,
         .expect = {{"data.value", "false"}, {"data.source", "platform"}}},
        {.name = "system-config.reset: back to the default",
         .as = Who::admin,
         .method = "DELETE",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .writes = platform,
         .events = told,
         .expect = {{"data.value", "true"}, {"data.source", "standard"}}},
    });
}

TEST(SystemConfigTest, DefaultsThePlatformsAndAnOrganizationsOwn) {
    Stage stage;
    stage.play({
        {.name = "system-config.list: all settings with their defaults",
         .as = Who::viewer,
         .path = "/system-config",
         .expect = {{"data[0].key", "FEATURE_GUEST_CHECKOUT"},
                    {"data[0].value", "true"},
                    {"data[0].defaultValue", "true"},
                    {"data[0].source", "standard"},
                    {"data[0].scope", "organization"},
                    {"data[0].isFeature", "true"},
                    {"data[0].updatedAt", "null"},
                    {"data[2].key", "FEATURE_WISHLIST"}}},
        {.name = "system-config.list: a guest is refused",
         .path = "/system-config",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "system-config.set: staff may not",
         .as = Who::staff,
         .method = "PUT",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .body = R"({"value":false})",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "system-config.set: administrators set the platform's",
         .as = Who::admin,
         .method = "PUT",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .body = R"({"value":false})",
         .writes = platform,
         .events = told,
         .expect = {{"data.value", "false"}, {"data.source", "platform"}, {"data.updatedAt", "*"}}},
        {.name = "system-config.get: it holds for an organization without its own",
         .as = Who::viewer,
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .expect = {{"data.value", "false"}, {"data.source", "platform"}}},
        {.name = "system-config.set: an organization's own",
         .as = Who::manager,
         .method = "PUT",
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .body = R"({"value":true})",
         .writes = own,
         .events = told,
         .expect = {{"data.value", "true"}, {"data.source", "organization"}}},
        {.name = "system-config.get: others have the platform's",
         .as = Who::other_owner,
         .path = "/system-config/FEATURE_GUEST_CHECKOUT",
         .expect = {{"data.value", "false"}, {"data.source", "platform"}}},
    });
    play_wrong(stage);
    play_resets(stage);
    EXPECT_EQ(stage.db.word("select changes -> 'value' from audit.entries order by id limit 1"),
              R"({"to": false, "from": true})");
}

TEST(SystemConfigTest, AnOrganizationCannotWriteAnothersRow) {
    Stage stage;
    pg::PlainConnection request(stage.db.url(pg::Role::request));
    request.run("set haat.org_id = '" + stage.actors.org_a() + "'");
    EXPECT_THROW(request.ask("insert into settings.overrides (org_id, key, value) values ('" +
                             stage.actors.org_b() + "', 'x', '1')"),
                 pg::PlainError);
    EXPECT_THROW(request.ask("insert into settings.platform (key, value) values ('x', '1')"),
                 pg::PlainError);
}

// One after the other, whoever comes first: what the second found is what the first has left.
TEST(SystemConfigTest, ConcurrentChangersTakeTurns) {
    Stage stage;
    constexpr int rounds = 10;
    std::vector<std::thread> all;
    for (int i = 0; i < 4; ++i)
        all.emplace_back([&stage, i] {
            Client client = stage.client(Who::manager);
            for (int n = 0; n < rounds; ++n) {
                std::string const value = (n + i) % 2 == 0 ? "true" : "false";
                EXPECT_EQ(client.put("/system-config/FEATURE_REVIEWS", R"({"value":)" + value + "}")
                              .status,
                          200);
            }
        });
    for (std::thread& one : all) one.join();
    auto const rows = stage.db.rows("select data -> 'value' from events.outbox order by id");
    ASSERT_EQ(rows.size(), 4u * rounds);
    for (auto const& row :
         stage.db.rows("select changes -> 'value' ->> 'from', changes -> 'value' ->> 'to'"
                       " from audit.entries order by transaction_id, id")) {
        if (!row[0]) continue; // the same value again
        EXPECT_NE(*row[0], *row[1]);
    }
    EXPECT_EQ(stage.db.word("select value from settings.overrides"), *rows.back()[0]);
}

} // namespace
} // namespace haat::test
