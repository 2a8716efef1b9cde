// A setting's value as a module reads it: live on every node, also on one that cannot hear.
#include <thread>

#include <gtest/gtest.h>

#include <app/run_on.hpp>
#include <loop/loop.hpp>
#include <pg/database.hpp>
#include <settings/features.hpp>
#include <settings/values.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

Setting<std::int32_t> const cups{"TEST_CUPS", 6, "A number for tests.", {.min = 1, .max = 12}};
Setting<Text<1, 10>> const word{"TEST_WORD", {"cup"}, "A text for tests."};

TEST(SettingTest, SaysWhatIsWrongWithAValue) {
    std::string kept;
    EXPECT_TRUE(cups.normalize(" 7 ", kept).empty());
    EXPECT_EQ(kept, "7");
    EXPECT_EQ(cups.standard(), "6");
    for (char const* json : {"0", "13", "\"x\"", "null", "[]", "{}", "1.5", "", "99999999999"})
        EXPECT_FALSE(cups.normalize(json, kept).empty()) << json;
    EXPECT_TRUE(word.normalize(R"("saucer")", kept).empty());
    EXPECT_EQ(kept, R"("saucer")");
    for (char const* json : {R"("")", R"("longer than ten")", "true", "null"})
        EXPECT_FALSE(word.normalize(json, kept).empty()) << json;
    EXPECT_EQ(SettingKind::find("TEST_CUPS"), &cups);
    EXPECT_EQ(SettingKind::find("TEST_SAUCERS"), nullptr);
}

enum class Hearing : bool { no, yes };

/// A node that reads settings: its own loop, its own connections.
class Node {
public:
    explicit Node(TestDatabase const& db, Hearing hearing = Hearing::yes)
        : database_(loop_, options(db)) {
        if (hearing == Hearing::yes) values.hear(database_);
        thread_ = std::thread([this] { loop_.run(); });
        app::run_on(loop_, [this] { return up(); });
    }
    ~Node() {
        app::run_on(loop_, [this] { return database_.stop(std::chrono::seconds(2)); });
        loop_.stop();
        thread_.join();
    }
    template <class T> T get(Setting<T> const& setting, std::string const& org = {}) {
        OrgId id;
        if (!org.empty()) parse(org, id.uuid);
        std::optional<T> found;
        app::run_on(loop_, [&] { return read(setting, id, found); });
        return *found;
    }
    bool listening() {
        bool is = false;
        app::run_on(loop_, [&] { return look(is); });
        return is;
    }
    std::uint64_t statements() const { return database_.counters().statements; }

    SettingValues values;

private:
    static pg::DatabaseOptions options(TestDatabase const& db) {
        pg::DatabaseOptions options;
        options.url = db.url();
        options.read_connections = options.write_connections = options.slow_connections = 1;
        return options;
    }
    Task<void> up() {
        bool const started = co_await database_.start();
        EXPECT_TRUE(started);
    }
    Task<void> look(bool& is) {
        is = database_.listening();
        co_return;
    }
    template <class T>
    Task<void> read(Setting<T> const& setting, OrgId org, std::optional<T>& into) {
        into = co_await values.get(setting, database_, org);
    }
    Loop loop_;
    pg::Database database_;
    std::thread thread_;
};

TEST(SettingValuesTest, AChangeIsHeardByEveryNode) {
    Stage stage;
    Node one(stage.db);
    Node two(stage.db);
    std::string const org = stage.actors.org_a();
    EXPECT_TRUE(soon([&] { return one.listening() && two.listening(); }));
    EXPECT_TRUE(one.get(features::reviews, org));
    EXPECT_TRUE(two.get(features::reviews, org));
    auto const before = two.statements();
    EXPECT_TRUE(two.get(features::reviews, org));
    EXPECT_TRUE(two.get(features::wishlist, org));
    EXPECT_EQ(two.statements(), before) << "what is known is not asked again";

    Client manager = stage.client(Who::manager);
    EXPECT_EQ(manager.put("/system-config/FEATURE_REVIEWS", R"({"value":false})").status, 200);
    EXPECT_TRUE(soon([&] { return !one.get(features::reviews, org); }, 1s));
    EXPECT_TRUE(soon([&] { return !two.get(features::reviews, org); }, 1s));
    EXPECT_TRUE(two.get(features::reviews, stage.actors.org_b())) << "others have their own";
    EXPECT_TRUE(two.get(features::reviews));

    EXPECT_EQ(manager.del("/system-config/FEATURE_REVIEWS").status, 200);
    EXPECT_TRUE(soon([&] { return two.get(features::reviews, org); }, 1s));
}

// Its connection for hearing is lost and cannot be made again: then every question is asked.
TEST(SettingValuesTest, ANodeThatCannotHearAsks) {
    Stage stage;
    Node deaf(stage.db, Hearing::no);
    std::string const org = stage.actors.org_a();
    EXPECT_TRUE(deaf.get(features::reviews, org));
    EXPECT_FALSE(deaf.listening());
    EXPECT_EQ(stage.client(Who::manager)
                  .put("/system-config/FEATURE_REVIEWS", R"({"value":false})")
                  .status,
              200);
    EXPECT_FALSE(deaf.get(features::reviews, org)) << "at once, whatever it knew";
    auto const before = deaf.statements();
    deaf.get(features::reviews, org);
    EXPECT_EQ(deaf.statements(), before + 1);
}

TEST(SettingValuesTest, WhatDoesNotFitAnyMoreIsTheDefault) {
    Stage stage;
    Node node(stage.db);
    stage.db.exec("insert into settings.platform (key, value) values ('TEST_CUPS', '99')");
    EXPECT_EQ(node.get(cups), 6);
    stage.db.exec("update settings.platform set value = '9'");
    node.values.forget();
    EXPECT_EQ(node.get(cups), 9);
}

} // namespace
} // namespace haat::test
