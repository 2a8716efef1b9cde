// Reads on the shared connections: order, errors that stay their own, settings, time-outs.
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <pg/test/database_test.hpp>

namespace haat::pg {
namespace {

using namespace shop;
using test::all_of;
using test::run;

class ReadTest : public DatabaseTest {};

Task<std::int64_t> echo(Database& database, std::int64_t value) {
    Settings const settings;
    Reader read(database, settings);
    co_return co_await read(sql::echo, value);
}

TEST_F(ReadTest, AnswersAValue) {
    open();
    EXPECT_EQ(run(loop_, echo(*database_, 42)), 42);
}

Task<void> note_order(Database& database, int i, std::vector<std::int64_t>& order) {
    order.push_back(co_await echo(database, i));
}

TEST_F(ReadTest, AnswersComeInTheOrderOfTheQuestions) {
    DatabaseOptions options;
    options.read_connections = 1;
    open(options);
    std::vector<std::int64_t> order;
    auto const make = [&](int i) { return note_order(*database_, i, order); };
    run(loop_, all_of(500, make));
    ASSERT_EQ(order.size(), 500u);
    for (int i = 0; i < 500; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

Task<void> divide(Database& database, int i, std::vector<std::string>& answers) {
    Settings const settings;
    Reader read(database, settings);
    try {
        std::int64_t const quotient = co_await read(sql::divide, i % 3);
        answers[static_cast<std::size_t>(i)] = std::to_string(quotient);
    } catch (DatabaseError const& error) {
        answers[static_cast<std::size_t>(i)] = error.sqlstate();
    }
}

TEST_F(ReadTest, AnErrorDoesNotTouchItsNeighbours) {
    DatabaseOptions options;
    options.read_connections = 1;
    open(options);
    std::vector<std::string> answers(300);
    auto const make = [&](int i) { return divide(*database_, i, answers); };
    run(loop_, all_of(300, make));
    for (int i = 0; i < 300; ++i) {
        char const* const expected[] = {"22012", "100", "50"};
        EXPECT_EQ(answers[static_cast<std::size_t>(i)], expected[i % 3]) << i;
    }
}

Task<void> ask_who(Database& database, int i, int& wrong) {
    Settings settings;
    if (i % 3 != 0) settings.org_id = i % 3 == 1 ? org_a : org_b;
    if (i % 2 == 0) settings.user_id = "user-" + std::to_string(i);
    settings.role = i % 5 == 0 ? "" : "OWNER";
    Reader read(database, settings);
    Who const who = co_await read(sql::who);
    std::int64_t const count = co_await read(sql::count_items);
    bool const same = who.user_id == settings.user_id && who.org_id == settings.org_id &&
                      who.role == settings.role && who.timeout == "100ms";
    std::int64_t const expected = i % 3 == 0 ? 0 : i % 3 == 1 ? 3 : 5;
    if (!same || count != expected) ++wrong;
}

TEST_F(ReadTest, SettingsNeverReachTheNeighbour) {
    shop_.exec("insert into shop.items (id, org_id, name, price) select gen_random_uuid(), '" +
               std::string(org_a) + "', 'a' || n, n from generate_series(1, 3) n");
    shop_.exec("insert into shop.items (id, org_id, name, price) select gen_random_uuid(), '" +
               std::string(org_b) + "', 'b' || n, n from generate_series(1, 5) n");
    DatabaseOptions options;
    options.read_timeout = std::chrono::milliseconds(100);
    open(options);
    int wrong = 0;
    auto const make = [&](int i) { return ask_who(*database_, i, wrong); };
    run(loop_, all_of(1'000, make));
    EXPECT_EQ(wrong, 0);
}

Task<void> miss(Database& database) {
    Settings const settings;
    Reader read(database, settings);
    co_await read(sql::find_item, item_id(1));
}

TEST_F(ReadTest, OneWithoutARowIsNotFoundByItsNoun) {
    open();
    try {
        run(loop_, miss(*database_));
        FAIL() << "nothing was refused";
    } catch (Refusal const& refusal) {
        EXPECT_EQ(refusal.status(), 404);
        EXPECT_EQ(refusal.code(), "ITEM_NOT_FOUND");
    }
}

Task<std::int64_t> sleep(Database& database, One<std::int64_t, double> const& query,
                         double seconds) {
    Settings const settings;
    Reader read(database, settings);
    co_return co_await read(query, seconds);
}

TEST_F(ReadTest, AReadThatIsTooSlowRunsAgainOnTheSlowPool) {
    open();
    EXPECT_EQ(run(loop_, sleep(*database_, sql::sleep, 0.3)), 1);
    EXPECT_EQ(database_->counters().reruns_slow, 1u);
    EXPECT_EQ(run(loop_, sleep(*database_, sql::sleep_slowly, 0.15)), 2);
    EXPECT_EQ(database_->counters().reruns_slow, 1u);
}

TEST_F(ReadTest, ASlowQueryHasATimeOutToo) {
    DatabaseOptions options;
    options.slow_timeout = std::chrono::milliseconds(100);
    open(options);
    try {
        run(loop_, sleep(*database_, sql::sleep_slowly, 5));
        FAIL() << "nothing was thrown";
    } catch (DatabaseError const& error) {
        EXPECT_EQ(error.sqlstate(), "57014");
    }
    EXPECT_EQ(run(loop_, sleep(*database_, sql::sleep_slowly, 0.01)), 2);
}

Task<void> write(Database& database) {
    Settings const settings = settings_of(org_a);
    Reader read(database, settings);
    NewItem const item{item_id(1), uuid_of(org_a), "pen", 1};
    co_await read(sql::insert_item, item);
}

TEST_F(ReadTest, ReadersCannotWrite) {
    open();
    try {
        run(loop_, write(*database_));
        FAIL() << "it was written";
    } catch (DatabaseError const& error) {
        EXPECT_EQ(error.sqlstate(), "25006");
    }
}

Task<std::string> plans(Database& database, One<std::string> const& query) {
    Reader read(database, nobody);
    co_return co_await read(query);
}

// docs/decisions/0028: the plan for any values where reads are fast, one's own where they are not.
TEST_F(ReadTest, ArePlannedOnceUnlessTheyAreSlow) {
    open();
    EXPECT_EQ(run(loop_, plans(*database_, sql::plans)), "force_generic_plan");
    EXPECT_EQ(run(loop_, plans(*database_, sql::plans_slowly)), "auto");
}

TEST_F(ReadTest, QueriesAreCountedByName) {
    open();
    for (int i = 0; i < 3; ++i) run(loop_, echo(*database_, i));
    std::uint64_t count = 0;
    for (QueryFacts const& facts : database_->query_facts())
        if (std::string_view(facts.name) == "shop.echo") count = facts.count;
    EXPECT_EQ(count, 3u);
}

} // namespace
} // namespace haat::pg
