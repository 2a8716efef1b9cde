// Transactions: nothing stays unless committed, whatever happens to them on the way.
#include <string>

#include <pg/test/database_test.hpp>

namespace haat::pg {
namespace {

using namespace shop;
using test::all_of;
using test::run;

RefusalKind const name_taken{409,
                             "ITEM_NAME_TAKEN",
                             "Another item has this name.",
                             {.constraint = "items_org_name_key", .field = "name"}};

class TxTest : public DatabaseTest {
protected:
    std::int64_t items() { return shop_.number("select count(*) from shop.items"); }
    /// Backends that are in the midst of a transaction.
    std::int64_t in_transaction() {
        return shop_.number("select count(*) from pg_stat_activity where datname = "
                            "current_database() and usename = 'haat_request' and state in "
                            "('idle in transaction', 'idle in transaction (aborted)', 'active')");
    }
};

NewItem new_item(int n, std::string name) {
    return {item_id(n), uuid_of(org_a), std::move(name), n};
}

Task<void> insert(Database& database, int n, std::string name, bool commits) {
    Tx tx(database, settings_of(org_a));
    NewItem const item = new_item(n, std::move(name));
    Item const made = co_await tx(sql::insert_item, item);
    EXPECT_EQ(made.name, item.name);
    if (commits) co_await tx.commit();
    EXPECT_EQ(tx.committed(), commits);
}

TEST_F(TxTest, CommittedWorkStays) {
    open();
    run(loop_, insert(*database_, 1, "pen", true));
    EXPECT_EQ(items(), 1);
}

TEST_F(TxTest, WithoutCommitNothingStays) {
    DatabaseOptions options;
    options.write_connections = 1; // the next transaction gets the same connection
    open(options);
    run(loop_, insert(*database_, 1, "pen", false));
    run(loop_, insert(*database_, 2, "ink", true));
    EXPECT_EQ(items(), 1);
}

Task<void> commit_later(Database& database) {
    Tx tx(database, settings_of(org_a));
    for (int n = 1; n <= 3; ++n) {
        NewItem const item = new_item(n, "item " + std::to_string(n));
        co_await tx(sql::insert_item, item);
        tx.later(sql::set_price, item.id, n * 100);
    }
    co_await tx.commit();
}

TEST_F(TxTest, WhatIsQueuedTravelsWithTheNextStatementOrTheCommit) {
    open();
    run(loop_, commit_later(*database_));
    EXPECT_EQ(shop_.word("select string_agg(price::text, ' ' order by id) from shop.items"),
              "100 200 300");
}

Task<void> queue_only(Database& database, std::int64_t price) {
    Tx tx(database, settings_of(org_a));
    tx.later(sql::set_price, item_id(1), price);
    co_await tx.commit();
}

TEST_F(TxTest, AnErrorOfAQueuedStatementIsThrownByTheCommit) {
    open();
    run(loop_, insert(*database_, 1, "pen", true));
    run(loop_, queue_only(*database_, 7));
    try {
        run(loop_, queue_only(*database_, -7));
        FAIL() << "it was committed";
    } catch (DatabaseError const& error) {
        EXPECT_EQ(error.sqlstate(), "23514");
        EXPECT_EQ(error.constraint(), "items_price_check");
        EXPECT_NE(std::string(error.what()).find("shop.set_price"), std::string::npos);
    }
    EXPECT_EQ(shop_.word("select price from shop.items"), "7");
}

TEST_F(TxTest, AnEmptyTransactionCostsNothing) {
    open();
    auto const before = database_->counters().statements.load();
    auto const empty = [](Database& database) -> Task<void> {
        Tx tx(database, settings_of(org_a));
        co_await tx.commit();
    };
    run(loop_, empty(*database_));
    EXPECT_EQ(database_->counters().statements, before);
}

Task<void> go_on_after_error(Database& database) {
    Tx tx(database, settings_of(org_a));
    bool failed = false;
    try {
        co_await tx(sql::divide, 0);
    } catch (DatabaseError const& error) {
        failed = error.sqlstate() == "22012";
    }
    EXPECT_TRUE(failed);
    co_await tx(sql::divide, 1);
}

TEST_F(TxTest, AFailedTransactionTakesNothingMore) {
    open();
    EXPECT_THROW(run(loop_, go_on_after_error(*database_)), Fault);
    run(loop_, insert(*database_, 1, "pen", true));
    EXPECT_EQ(items(), 1);
}

TEST_F(TxTest, AConstraintThatARefusalNamesBecomesThatRefusal) {
    open();
    run(loop_, insert(*database_, 1, "pen", true));
    try {
        run(loop_, insert(*database_, 2, "pen", true));
        FAIL() << "it was taken twice";
    } catch (Refusal const& refusal) {
        EXPECT_EQ(refusal.code(), "ITEM_NAME_TAKEN");
        ASSERT_EQ(refusal.problems().size(), 1u);
        EXPECT_EQ(refusal.problems()[0].path, "name");
    }
}

/// The refusal's code, or the SQLSTATE.
template <class Make> std::string outcome(Loop& loop, Make const& make) {
    try {
        run(loop, make());
    } catch (Refusal const& refusal) {
        std::string code(refusal.code());
        if (!refusal.problems().empty()) code += " " + refusal.problems()[0].path;
        return code;
    } catch (DatabaseError const& error) {
        return error.sqlstate();
    }
    return "well";
}

Task<void> insert_for(Database& database, std::string_view org) {
    Tx tx(database, settings_of(org));
    NewItem const item = new_item(9, "cap");
    co_await tx(sql::insert_item, item);
    co_await tx.commit();
}
Task<void> order(Database& database, int id, int n) {
    Tx tx(database, settings_of(org_a));
    co_await tx(sql::order_item, item_id(id).uuid, item_id(n));
    co_await tx.commit();
}
Task<void> remove(Database& database, int n) {
    Tx tx(database, settings_of(org_a));
    co_await tx(sql::delete_item, item_id(n));
    co_await tx.commit();
}

TEST_F(TxTest, OtherConstraintsHaveGeneralRefusals) {
    open();
    run(loop_, insert(*database_, 1, "pen", true));
    EXPECT_EQ(outcome(loop_, [&] { return insert(*database_, 1, "ink", true); }),
              "DUPLICATE_RESOURCE"); // row-level security hides the key
    EXPECT_EQ(outcome(loop_, [&] { return order(*database_, 1, 77); }), "VALIDATION_ERROR itemId");
    EXPECT_EQ(outcome(loop_, [&] { return order(*database_, 1, 1); }), "well");
    EXPECT_EQ(outcome(loop_, [&] { return order(*database_, 1, 1); }), "DUPLICATE_RESOURCE id");
    EXPECT_EQ(outcome(loop_, [&] { return remove(*database_, 1); }), "STILL_REFERENCED");
    EXPECT_EQ(outcome(loop_, [&] { return insert_for(*database_, org_b); }), "FORBIDDEN");
}

Task<void> sleep_in(Database& database, double seconds) {
    Tx tx(database, settings_of(org_a));
    co_await tx(sql::sleep, seconds);
    co_await tx.commit();
}

TEST_F(TxTest, StatementsHaveATimeOut) {
    DatabaseOptions options;
    options.write_timeout = std::chrono::milliseconds(100);
    open(options);
    EXPECT_EQ(outcome(loop_, [&] { return sleep_in(*database_, 10); }), "57014");
    EXPECT_EQ(outcome(loop_, [&] { return sleep_in(*database_, 0.01); }), "well");
}

/// The frame goes away while the server is still at work for it.
Task<void> start_and_abandon(Database& database, int& done) {
    Task<void> slow = sleep_in(database, 30);
    slow.await_suspend(std::noop_coroutine());
    co_await sleep_for(std::chrono::milliseconds(50));
    ++done; // `slow` ends here, with its statement in flight
}

TEST_F(TxTest, AnAbandonedStatementIsCancelledAndItsConnectionUsedAgain) {
    DatabaseOptions options;
    options.write_connections = 1;
    open(options);
    auto const begin = std::chrono::steady_clock::now();
    int done = 0;
    for (int i = 1; i <= 5; ++i) {
        run(loop_, start_and_abandon(*database_, done));
        run(loop_, insert(*database_, i, "item " + std::to_string(i), true));
    }
    EXPECT_EQ(done, 5);
    EXPECT_EQ(items(), 5);
    EXPECT_EQ(in_transaction(), 0);
    EXPECT_EQ(database_->counters().reconnects, 0u);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

Task<void> wait_in_queue(Database& database) {
    Tx holder(database, settings_of(org_a));
    co_await holder(sql::echo, 1);
    {
        Task<void> queued = sleep_in(database, 0);
        queued.await_suspend(std::noop_coroutine());
        EXPECT_EQ(database.counters().writes_waiting, 1);
    }
    co_await holder.commit();
}

TEST_F(TxTest, AnAbandonedWaiterLeavesTheQueue) {
    DatabaseOptions options;
    options.write_connections = 1;
    open(options);
    run(loop_, wait_in_queue(*database_));
    EXPECT_EQ(database_->counters().writes_waiting, 0);
    run(loop_, insert(*database_, 1, "pen", true));
}

Task<void> lock_both(Database& database, int first, int second, int& ready, int& repeats) {
    Tx tx(database, settings_of(org_a));
    co_await tx(sql::set_price, item_id(first), 1);
    ++ready;
    while (ready < 2) co_await sleep_for(std::chrono::milliseconds(1));
    try {
        co_await tx(sql::set_price, item_id(second), 2);
        co_await tx.commit();
    } catch (DatabaseError const& error) {
        EXPECT_TRUE(error.may_repeat()) << error.what();
        ++repeats;
    }
}

TEST_F(TxTest, ADeadlockMayBeRepeated) {
    open();
    run(loop_, insert(*database_, 1, "pen", true));
    run(loop_, insert(*database_, 2, "ink", true));
    int ready = 0;
    int repeats = 0;
    auto const make = [&](int i) { return lock_both(*database_, 1 + i, 2 - i, ready, repeats); };
    run(loop_, all_of(2, make));
    EXPECT_EQ(repeats, 1);
}

Task<void> count_outcome(Task<void> task, int& well, int& overloaded) {
    try {
        co_await task;
        ++well;
    } catch (DatabaseAway const& away) {
        if (away.overloaded()) ++overloaded;
    }
}

TEST_F(TxTest, AFullQueueIsRefusedAtOnce) {
    DatabaseOptions options;
    options.write_connections = 2;
    options.write_queue_max = 10;
    open(options);
    int well = 0;
    int overloaded = 0;
    auto const make = [&](int) {
        return count_outcome(sleep_in(*database_, 0.02), well, overloaded);
    };
    run(loop_, all_of(100, make));
    EXPECT_GE(well, 11); // the second connection may come up only later
    EXPECT_EQ(well + overloaded, 100);
}

TEST_F(TxTest, WaitingForAConnectionHasALimit) {
    DatabaseOptions options;
    options.write_connections = 1;
    options.acquire_timeout = std::chrono::milliseconds(100);
    open(options);
    int well = 0;
    int overloaded = 0;
    auto const make = [&](int) {
        return count_outcome(sleep_in(*database_, 0.5), well, overloaded);
    };
    run(loop_, all_of(3, make));
    EXPECT_EQ(well, 1);
    EXPECT_EQ(overloaded, 2);
}

} // namespace
} // namespace haat::pg
