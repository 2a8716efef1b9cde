// The database goes away under load: every query ends soon, and all is well again by itself.
#include <csignal>
#include <string>
#include <thread>

#include <pg/cluster.hpp>
#include <pg/test/database_test.hpp>
#include <test/harness/fault_gate.hpp>
#include <test/harness/wait.hpp>

namespace haat::pg {
namespace {

using namespace shop;
using namespace std::chrono_literals;
using test::all_of;
using test::run;
using Clock = std::chrono::steady_clock;

struct Load {
    int well = 0;
    int away = 0;
    int other = 0;
    std::string other_text;
    Clock::duration longest{};
    Clock::time_point last_well;
    bool over = false;
};

Task<void> read_once(Database& database, int i) {
    Settings const settings;
    Reader read(database, settings);
    EXPECT_EQ(co_await read(sql::echo, i), i);
}
Task<void> write_once(Database& database, int i) {
    Tx tx(database, settings_of(org_a));
    EXPECT_EQ(co_await tx(sql::echo, i), i);
    co_await tx.commit();
}

Task<void> counted(Task<void> task, Load& load) {
    auto const begin = Clock::now();
    try {
        co_await task;
        ++load.well;
        load.last_well = Clock::now();
    } catch (DatabaseAway const&) {
        ++load.away;
    } catch (std::exception const& error) {
        ++load.other;
        load.other_text = error.what();
    }
    load.longest = std::max(load.longest, Clock::now() - begin);
}

/// Reads, or writes every fourth time, until the load is over; a little slower while refused.
Task<void> keep_asking(Database& database, int i, Load& load) {
    while (!load.over) {
        int const refused = load.away;
        bool const writes = i % 4 == 3;
        Task<void> asked = writes ? write_once(database, i) : read_once(database, i);
        co_await counted(std::move(asked), load);
        if (load.away > refused) co_await sleep_for(5ms);
    }
}

/// True once `count` more queries have gone well, false after 30 s.
Task<bool> goes_well(Load const& load, int count) {
    int const until = load.well + count;
    auto const deadline = Clock::now() + 30s;
    while (load.well < until && Clock::now() < deadline) co_await sleep_for(2ms);
    co_return load.well >= until;
}
Task<bool> goes_wrong(Load const& load, int count) {
    int const until = load.away + count;
    auto const deadline = Clock::now() + 30s;
    while (load.away < until && Clock::now() < deadline) co_await sleep_for(2ms);
    co_return load.away >= until;
}

/// True once a connection was lost and made again: one that dies later than others still answers.
Task<bool> reconnects(Database const& database) {
    auto const deadline = Clock::now() + 30s;
    while (database.counters().reconnects == 0 && Clock::now() < deadline) co_await sleep_for(2ms);
    co_return database.counters().reconnects > 0;
}

template <class Break> Task<void> break_under_load(Load& load, Break const& fail) {
    EXPECT_TRUE(co_await goes_well(load, 200));
    fail();
    EXPECT_TRUE(co_await goes_wrong(load, 1));
}
Task<void> recover(Load& load) {
    EXPECT_TRUE(co_await goes_well(load, 500));
    load.over = true;
}

class AwayTest : public testing::Test {
protected:
    void open(std::string const& url) {
        DatabaseOptions options;
        options.url = url;
        database_ = std::make_unique<Database>(loop_, std::move(options));
        ASSERT_TRUE(run(loop_, database_->start())) << database_->last_error();
    }
    void TearDown() override {
        if (!database_) return;
        run(loop_, database_->stop(5s));
        database_.reset();
    }
    Loop loop_;
    std::unique_ptr<Database> database_;
    Load load_;
};

TEST_F(AwayTest, TheServerStopsAtOnceUnderLoadAndComesBack) {
    Cluster cluster = Cluster::throw_away();
    open(cluster.url(Role::request));
    auto const stop_server = [&] { kill(cluster.process(), SIGQUIT); }; // as pg_ctl -m immediate
    auto const scenario = [](Load& load, Database const& database, auto const& fail) -> Task<void> {
        co_await break_under_load(load, fail);
        EXPECT_TRUE(co_await reconnects(database));
        co_await recover(load);
    };
    auto const make = [&](int i) {
        return i == 0 ? scenario(load_, *database_, stop_server)
                      : keep_asking(*database_, i, load_);
    };
    run(loop_, all_of(33, make), 120s);
    EXPECT_GT(load_.away, 0);
    EXPECT_EQ(load_.other, 0) << load_.other_text;
    EXPECT_LT(load_.longest, 5s);
    run(loop_, database_->stop(5s));
    database_.reset();
}

class GateTest : public AwayTest {
protected:
    GateTest() : gate_(shop_.url()) {}
    std::string said_; // outlives the database, which still tries to connect at the end
    Shop shop_;
    test::FaultGate gate_;
};

TEST_F(GateTest, AClosedGateRefusesFastAndRecovers) {
    open(gate_.url());
    auto const close = [&] {
        gate_.refuse();
        gate_.close_all();
    };
    auto const scenario = [this](auto const& fail) -> Task<void> {
        co_await break_under_load(load_, fail);
        EXPECT_TRUE(co_await goes_wrong(load_, 500)); // refused at once, all of them
        gate_.pass();
        co_await recover(load_);
    };
    auto const make = [&](int i) {
        return i == 0 ? scenario(close) : keep_asking(*database_, i, load_);
    };
    run(loop_, all_of(17, make), 120s);
    EXPECT_EQ(load_.other, 0) << load_.other_text;
    EXPECT_LT(load_.longest, 3s);
}

TEST_F(GateTest, AStalledConnectionIsGivenUp) {
    open(gate_.url());
    auto const scenario = [this]() -> Task<void> {
        EXPECT_TRUE(co_await goes_well(load_, 200));
        gate_.stall();
        EXPECT_TRUE(co_await goes_wrong(load_, 20));
        gate_.pass();
        co_await recover(load_);
    };
    auto const make = [&](int i) {
        return i == 0 ? scenario() : keep_asking(*database_, i, load_);
    };
    run(loop_, all_of(17, make), 120s);
    EXPECT_EQ(load_.other, 0) << load_.other_text;
    // A write may take its time-out and the grace for each of its statements, a read far less.
    EXPECT_LT(load_.longest, 15s);
}

TEST_F(GateTest, ReadsInFlightOnALostConnectionAreAskedOnAnotherOne) {
    open(gate_.url());
    auto const scenario = [this]() -> Task<void> {
        for (int round = 1; round <= 3; ++round) {
            EXPECT_TRUE(co_await goes_well(load_, 200));
            while (database_->counters().connections_up < 10) co_await sleep_for(2ms);
            shop_.exec("select pg_terminate_backend(pid) from pg_stat_activity where datname = "
                       "current_database() and usename = 'haat_request' and query = 'select $1' "
                       "limit 1");
            while (database_->counters().reconnects < static_cast<unsigned>(round))
                co_await sleep_for(2ms);
        }
        co_await recover(load_);
    };
    auto const make = [&](int i) {
        return i == 0 ? scenario() : keep_asking(*database_, i * 4, load_); // reads only
    };
    run(loop_, all_of(17, make), 120s);
    EXPECT_EQ(load_.away, 0);
    EXPECT_EQ(load_.other, 0) << load_.other_text;
}

TEST_F(GateTest, FullReadQueuesAreRefused) {
    DatabaseOptions options;
    options.url = shop_.url();
    options.read_queue_max = 10;
    database_ = std::make_unique<Database>(loop_, std::move(options));
    ASSERT_TRUE(run(loop_, database_->start()));
    auto const make = [&](int i) { return counted(read_once(*database_, i), load_); };
    run(loop_, all_of(100, make));
    EXPECT_EQ(load_.well, 10);
    EXPECT_EQ(load_.away, 90);
}

TEST_F(GateTest, NobodyIsHomeAndThePasswordIsNotTold) {
    DatabaseOptions options;
    options.url = "host=127.0.0.1 port=1 user=haat password='s3cret-word' dbname=haat";
    options.on_trouble = [this](std::string_view text) { said_.append(text); };
    database_ = std::make_unique<Database>(loop_, std::move(options));
    EXPECT_FALSE(run(loop_, database_->start()));
    EXPECT_FALSE(database_->up());
    EXPECT_NE(database_->last_error(), "");
    EXPECT_EQ(database_->last_error().find("s3cret"), std::string::npos);
    EXPECT_EQ(said_.find("s3cret"), std::string::npos);
    EXPECT_NE(said_.find("127.0.0.1:1/haat as haat"), std::string::npos) << said_;
    EXPECT_THROW(run(loop_, read_once(*database_, 1)), DatabaseAway);
    EXPECT_THROW(run(loop_, write_once(*database_, 1)), DatabaseAway);
}

TEST_F(GateTest, AnUnreadableUrlIsNotRepeated) {
    DatabaseOptions options;
    options.url = "postgresql://haat:s3cret-word@host:port:port/x y?";
    database_ = std::make_unique<Database>(loop_, std::move(options));
    EXPECT_FALSE(run(loop_, database_->start()));
    EXPECT_EQ(database_->last_error().find("s3cret"), std::string::npos);
}

TEST_F(GateTest, StoppingWaitsForWhatRunsAndThenRefuses) {
    open(shop_.url());
    auto const sleeper = [this](double seconds) -> Task<void> {
        Tx tx(*database_, settings_of(org_a));
        co_await tx(sql::sleep, seconds);
        co_await tx.commit();
    };
    auto const stopper = [this](std::chrono::milliseconds timeout) -> Task<void> {
        co_await sleep_for(20ms);
        co_await database_->stop(timeout);
    };
    auto const make = [&](int i) { return i == 0 ? counted(sleeper(0.3), load_) : stopper(5s); };
    run(loop_, all_of(2, make));
    EXPECT_EQ(load_.well, 1);
    EXPECT_THROW(run(loop_, read_once(*database_, 1)), DatabaseAway);
}

TEST_F(GateTest, StoppingCancelsWhatTakesTooLong) {
    open(shop_.url());
    auto const begin = Clock::now();
    auto const sleeper = [this]() -> Task<void> {
        Tx tx(*database_, settings_of(org_a));
        co_await tx(sql::sleep, 4.0);
    };
    auto const stopper = [this]() -> Task<void> {
        co_await sleep_for(20ms);
        co_await database_->stop(50ms);
    };
    auto const make = [&](int i) { return i == 0 ? counted(sleeper(), load_) : stopper(); };
    run(loop_, all_of(2, make));
    EXPECT_EQ(load_.well, 0);
    EXPECT_LT(Clock::now() - begin, 3s);
    auto const gone = [this] {
        return shop_.word("select count(*) from pg_stat_activity where usename = 'haat_request' "
                          "and datname = current_database()") == "0";
    };
    EXPECT_TRUE(test::soon(gone));
}

} // namespace
} // namespace haat::pg
