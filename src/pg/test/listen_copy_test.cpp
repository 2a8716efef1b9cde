// Notifications, also across a lost connection; and COPY both ways.
#include <string>
#include <vector>

#include <pg/test/database_test.hpp>

namespace haat::pg {
namespace {

using namespace shop;
using namespace std::chrono_literals;
using test::run;

class ListenTest : public DatabaseTest {
protected:
    void listen() {
        database_->listen("shop_news",
                          [this](std::string_view payload) { heard_.emplace_back(payload); });
        run(loop_, until_listening(*database_));
    }
    static Task<void> until_listening(Database& database) {
        while (!database.listening()) co_await sleep_for(1ms);
    }
    /// Until so many were heard.
    Task<void> until_heard(std::size_t count) {
        while (heard_.size() < count) co_await sleep_for(1ms);
    }
    std::vector<std::string> heard_;
};

Task<void> tell(Database& database, std::string payload, bool commits) {
    Tx tx(database, {});
    tx.notify("shop_news", payload);
    co_await tx(sql::echo, 1);
    if (commits) co_await tx.commit();
}

TEST_F(ListenTest, WhatIsCommittedIsHeardInOrder) {
    open();
    listen();
    run(loop_, tell(*database_, "first", true));
    run(loop_, tell(*database_, "rolled back", false));
    run(loop_, tell(*database_, "second 'quoted'", true));
    run(loop_, until_heard(2));
    EXPECT_EQ(heard_, (std::vector<std::string>{"first", "second 'quoted'"}));
}

TEST_F(ListenTest, AfterALossItListensAgainAndSaysThatSomethingMayBeMissing) {
    open();
    listen();
    shop_.exec("select pg_terminate_backend(pid) from pg_stat_activity where datname = "
               "current_database() and query like 'listen%' and usename = 'haat_request'");
    run(loop_, until_heard(1));
    EXPECT_EQ(heard_, std::vector<std::string>{""});
    EXPECT_TRUE(database_->listening());
    run(loop_, tell(*database_, "again", true));
    run(loop_, until_heard(2));
    EXPECT_EQ(heard_[1], "again");
}

TEST_F(ListenTest, OnlyPlainNamesAreChannels) {
    open();
    EXPECT_THROW(database_->listen("x; drop table y", [](std::string_view) {}),
                 std::invalid_argument);
}

class CopyTest : public DatabaseTest {};

struct Pieces {
    std::vector<std::string> pieces;
    std::size_t at = 0;
    bool breaks = false;
    Task<std::string_view> next() {
        if (breaks && at == 2) throw std::runtime_error("the file ended");
        co_return at < pieces.size() ? std::string_view(pieces[at++]) : std::string_view();
    }
};
Pieces lines(int pieces, int lines_each, std::string const& words) {
    Pieces made;
    int n = 0;
    for (int i = 0; i < pieces; ++i) {
        std::string piece;
        for (int k = 0; k < lines_each; ++k) piece += std::to_string(++n) + "\t" + words + "\n";
        made.pieces.push_back(std::move(piece));
    }
    return made;
}

Task<std::int64_t> copy_in(Database& database, Pieces& from) {
    std::function<Task<std::string_view>()> const next = [&from] { return from.next(); };
    Settings const nobody;
    co_return co_await database.copy_in("copy shop.lines (n, words) from stdin", nobody, next);
}

struct Taken {
    std::size_t bytes = 0;
    std::size_t largest = 0;
    bool breaks = false;
    bool slow = false;
    Task<void> take(std::string_view piece) {
        if (breaks) throw std::runtime_error("the client went away");
        if (slow) co_await sleep_for(2ms);
        bytes += piece.size();
        largest = std::max(largest, piece.size());
    }
};
Task<std::int64_t> copy_out(Database& database, std::string sql, Taken& taken,
                            Settings const& settings) {
    std::function<Task<void>(std::string_view)> const take = [&taken](std::string_view piece) {
        return taken.take(piece);
    };
    co_return co_await database.copy_out(sql, settings, take);
}

TEST_F(CopyTest, RowsGoInAndComeOut) {
    open();
    Pieces from = lines(100, 200, std::string(500, 'w')); // 10 MB: more than any buffer
    EXPECT_EQ(run(loop_, copy_in(*database_, from)), 20'000);
    EXPECT_EQ(shop_.number("select count(*) from shop.lines"), 20'000);
    std::size_t bytes = 0;
    for (std::string const& piece : from.pieces) bytes += piece.size();
    Taken taken;
    taken.slow = true;
    EXPECT_EQ(
        run(loop_, copy_out(*database_, "copy (select * from shop.lines order by n) to stdout",
                            taken, {})),
        20'000);
    EXPECT_EQ(taken.bytes, bytes);
    EXPECT_LT(taken.largest, 70'000u);
}

TEST_F(CopyTest, RowLevelSecurityHoldsForCopyToo) {
    fill(org_a, 3);
    fill(org_b, 4);
    open();
    Taken taken;
    Settings const settings = settings_of(org_a);
    EXPECT_EQ(run(loop_, copy_out(*database_, "copy shop.items to stdout", taken, settings)), 3);
}

TEST_F(CopyTest, AfterAFailureNothingStaysAndTheConnectionIsUsedAgain) {
    DatabaseOptions options;
    options.slow_connections = 1;
    open(options);
    Pieces bad = lines(3, 10, "words");
    bad.pieces.emplace_back("not a number\tx\n");
    EXPECT_THROW(run(loop_, copy_in(*database_, bad)), DatabaseError);
    Pieces torn = lines(5, 10, "words");
    torn.breaks = true;
    EXPECT_THROW(run(loop_, copy_in(*database_, torn)), std::runtime_error);
    auto const up_again = [](Database& database) -> Task<void> {
        while (database.counters().connections_up < 9) co_await sleep_for(1ms);
    };
    run(loop_, up_again(*database_));
    Pieces good = lines(2, 10, "words");
    EXPECT_EQ(run(loop_, copy_in(*database_, good)), 20);
    Taken taken;
    taken.breaks = true;
    EXPECT_THROW(run(loop_, copy_out(*database_, "copy shop.lines to stdout", taken, {})),
                 std::runtime_error);
    run(loop_, up_again(*database_));
    taken.breaks = false;
    EXPECT_EQ(run(loop_, copy_out(*database_, "copy shop.lines to stdout", taken, {})), 20);
    EXPECT_THROW(run(loop_, copy_out(*database_, "copy shop.nowhere to stdout", taken, {})),
                 DatabaseError);
    EXPECT_THROW(run(loop_, copy_out(*database_, "select 1", taken, {})), Fault);
}

} // namespace
} // namespace haat::pg
