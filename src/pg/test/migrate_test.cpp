// The migration runner, on lists of its own against a real server.
#include <pg/migrate.hpp>

#include <set>
#include <thread>

#include <gtest/gtest.h>

#include <pg/cluster.hpp>
#include <pg/plain.hpp>

namespace haat::pg {
namespace {

class Migrate : public testing::Test {
protected:
    static void SetUpTestSuite() { cluster_ = std::make_unique<Cluster>(Cluster::throw_away()); }
    static void TearDownTestSuite() { cluster_.reset(); }

    void SetUp() override {
        database_ = "migrate_" + std::to_string(++count_);
        cluster_->create_database(database_, "haat");
    }
    void TearDown() override { cluster_->drop_database(database_); }

    std::string url(Role role = Role::owner) const { return cluster_->url(role, database_); }
    std::string word(std::string const& sql) const { return PlainConnection(url()).word(sql); }

    static std::vector<Migration> first_two() {
        return {{1, "0001_rooms", "create schema rooms; create table rooms.rooms (id int);"},
                {2, "0002_row", "insert into rooms.rooms values (7);"}};
    }
    /// What apply() refused with.
    std::string refusal(std::vector<Migration> migrations) const {
        try {
            Migrator(url(), std::move(migrations)).apply();
        } catch (MigrationError const& error) {
            return error.what();
        }
        return "applied";
    }

    static std::unique_ptr<Cluster> cluster_;
    static int count_;
    std::string database_;
};
std::unique_ptr<Cluster> Migrate::cluster_;
int Migrate::count_ = 0;

TEST_F(Migrate, AppliesAllOnAnEmptyDatabaseAndThenNothing) {
    Migrator migrator(url(), first_two());
    std::vector<std::string> said;
    auto const done = migrator.apply([&](std::string_view line) { said.emplace_back(line); });
    EXPECT_EQ(done, (std::vector<std::string>{"0001_rooms", "0002_row"}));
    EXPECT_EQ(said.size(), 2U);
    EXPECT_EQ(word("select id from rooms.rooms"), "7");
    EXPECT_TRUE(migrator.apply().empty());
    EXPECT_EQ(word("select count(*) from rooms.rooms"), "1");
}

TEST_F(Migrate, GoesOnWhereItWas) {
    auto list = first_two();
    Migrator(url(), {list[0]}).apply();
    EXPECT_EQ(Migrator(url(), list).apply(), std::vector<std::string>{"0002_row"});
}

TEST_F(Migrate, StatusTellsEachAndChangesNothing) {
    using enum MigrationStatus::State;
    auto list = first_two();
    EXPECT_EQ(Migrator(url(), list).status().at(0).state, pending);
    EXPECT_EQ(word("select to_regnamespace('haat')"), "");
    Migrator(url(), {list[0]}).apply();
    list[0].sql += " ";
    auto const status = Migrator(url(), list).status();
    EXPECT_EQ(status.at(0).state, edited);
    EXPECT_EQ(status.at(0).applied_at.size(), std::string("2026-01-01T00:00:00.000Z").size());
    EXPECT_EQ(status.at(1).state, pending);
    EXPECT_EQ(status.at(1).applied_at, "");
    EXPECT_EQ(Migrator(url(), {}).status().at(0).state, unknown);
}

TEST_F(Migrate, AnEditedOneIsRefusedByName) {
    auto list = first_two();
    Migrator(url(), {list[0]}).apply();
    list[0].sql += " -- a second thought";
    EXPECT_EQ(refusal(list), "migration 0001_rooms was edited after it had been applied; put it "
                             "back as it was and write the change as a new migration");
    EXPECT_EQ(word("select count(*) from haat.migrations"), "1");
}

TEST_F(Migrate, ANewerDatabaseIsRefusedByName) {
    auto list = first_two();
    Migrator(url(), list).apply();
    EXPECT_EQ(refusal({list[0]}), "the database has migration 0002_row, which this haat does not "
                                  "know; run the newer haat that made it");
}

TEST_F(Migrate, GapsAndDoublesAreRefusedByName) {
    EXPECT_EQ(refusal({{1, "0001_a", ""}, {3, "0003_c", ""}}),
              "migration 0003_c leaves a gap in the numbers; it should be number 2");
    EXPECT_EQ(refusal({{1, "0001_a", ""}, {1, "0001_b", ""}}),
              "migration 0001_b has a number that is taken; it should be number 2");
    Migrator(url(), first_two()).apply();
    PlainConnection(url()).run("delete from haat.migrations where number = 1");
    EXPECT_EQ(refusal(first_two()), "the database has migration 0002_row but not number 1 before "
                                    "it; restore haat.migrations from a backup");
}

TEST_F(Migrate, AFailingOneLeavesNothingHalfDone) {
    auto list = first_two();
    list[1].sql = "insert into rooms.rooms values (1); create table rooms.half (id int);"
                  " select 1 / 0;";
    EXPECT_EQ(refusal(list), "migration 0002_row failed: division by zero; nothing of it was kept");
    EXPECT_EQ(word("select count(*) from rooms.rooms"), "0");
    EXPECT_EQ(word("select to_regclass('rooms.half')"), "");
    EXPECT_EQ(word("select count(*) from haat.migrations"), "1");
    EXPECT_EQ(Migrator(url(), first_two()).apply(), std::vector<std::string>{"0002_row"});
}

TEST_F(Migrate, OneWithoutATransactionMayBuildAnIndexConcurrently) {
    auto list = first_two();
    list.push_back({3, "0003_index",
                    "-- no transaction\n"
                    "create index concurrently if not exists rooms_id on rooms.rooms (id);"});
    EXPECT_EQ(Migrator(url(), list).apply().size(), 3U);
    EXPECT_EQ(word("select indisvalid from pg_index where indexrelid = 'rooms.rooms_id'::regclass"),
              "t");
}

TEST_F(Migrate, ConcurrentAppliersApplyOnce) {
    auto list = first_two();
    list[0].sql += " select pg_sleep(0.2);"; // long enough for all to meet
    list.push_back({3, "0003_index",
                    "-- no transaction\ncreate index concurrently rooms_id on rooms.rooms (id);"});
    std::atomic<int> applied{0};
    std::vector<std::thread> nodes;
    for (int i = 0; i < 4; ++i)
        nodes.emplace_back([&] { applied += int(Migrator(url(), list).apply().size()); });
    for (auto& node : nodes) node.join();
    EXPECT_EQ(applied, 3);
    EXPECT_EQ(word("select count(*) from rooms.rooms"), "1");
}

TEST_F(Migrate, TablesAreAnalysedAfterwards) {
    auto list = first_two();
    list[1].sql = "insert into rooms.rooms select generate_series(1, 1000);";
    Migrator(url(), list).apply();
    EXPECT_EQ(word("select reltuples::bigint from pg_class where oid = 'rooms.rooms'::regclass"),
              "1000");
}

TEST_F(Migrate, TheRequestRoleSeesTheStateAndCannotChangeAnything) {
    Migrator(url(), first_two()).apply();
    PlainConnection request(url(Role::request));
    EXPECT_EQ(request.word("select count(*) from haat.migrations"), "2");
    for (char const* const sql :
         {"select * from rooms.rooms", "delete from haat.migrations", "create schema mine",
          "create table public.mine (id int)", "create temporary table mine (id int)",
          "set role haat_owner", "alter role haat_request bypassrls"}) {
        try {
            request.run(sql);
            ADD_FAILURE() << "was allowed: " << sql;
        } catch (PlainError const& error) {
            EXPECT_EQ(error.sqlstate(), "42501") << sql << ": " << error.what();
        }
    }
}

TEST(MigrationNames, AreFourDigitsAndWords) {
    EXPECT_EQ(number_of("0001_platform.sql"), 1);
    EXPECT_EQ(number_of("0420_x.sql"), 420);
    for (char const* const wrong :
         {"1_platform.sql", "0001-platform.sql", "0001_.sql", "00a1_x.sql", "0001_x.txt", ""})
        EXPECT_EQ(number_of(wrong), 0) << wrong;
}

TEST(MigrationNames, TheEmbeddedOnesHaveNoGap) {
    EXPECT_NO_THROW(Migrator("", embedded_migrations()));
}

} // namespace
} // namespace haat::pg
