// The database goes away under load and comes back: fast refusals, then recovery without a
// restart, and nothing that was promised is lost.
#include <csignal>

#include <gtest/gtest.h>

#include <test/harness/actors.hpp>
#include <test/harness/fault_gate.hpp>
#include <test/harness/load.hpp>
#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

class OutageTest : public testing::Test {
protected:
    static TestServer::Adjust through(FaultGate const& gate) {
        return [&gate](app::Config& config) {
            config.database_request_url = gate.url_of(config.database_request_url);
            config.cache = false;
        };
    }
    /// Ids that were answered with 201 and are not in the database.
    int lost(WriteLoad const& load) {
        int missing = 0;
        for (std::string const& id : load.acknowledged())
            missing += db_.word("select 1 from catalog.brands where id = $1::uuid", {id}).empty();
        return missing;
    }
    void expect_kept_promises(WriteLoad& load) {
        load.stop();
        for (auto const& [status, count] : load.statuses())
            EXPECT_TRUE(status == 201 || status == 503) << status << " " << count << " times";
        EXPECT_EQ(load.without_retry_after(), 0);
        EXPECT_EQ(lost(load), 0);
        EXPECT_EQ(db_.number("select count(*) from events.outbox"),
                  db_.number("select count(*) from catalog.brands"));
        EXPECT_EQ(db_.number("select count(*) from audit.entries"),
                  db_.number("select count(*) from catalog.brands"));
    }
    bool writes_again(WriteLoad const& load) {
        auto const before = load.written();
        return soon([&] { return load.written() > before + 5; });
    }
    int status_of(char const* path) { return Client(server_.port(), 5s).get(path).status; }

    TestDatabase db_;
    Actors const actors_{db_.connection()};
    FaultGate gate_{db_.url(pg::Role::request)};
    TestServer server_{db_, through(gate_)};
};

TEST_F(OutageTest, AwayAndBack) {
    WriteLoad load(server_.port(), actors_[Who::manager]);
    ASSERT_TRUE(writes_again(load));
    gate_.refuse();
    gate_.close_all();
    EXPECT_TRUE(soon([&] { return status_of("!/ready") == 503; }));
    EXPECT_EQ(status_of("!/health"), 200);
    Answer const refused = server_.client().get("/brands");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.code(), "SERVICE_UNAVAILABLE");
    EXPECT_TRUE(refused.has_header("Retry-After"));
    gate_.pass();
    EXPECT_TRUE(writes_again(load));
    EXPECT_TRUE(soon([&] { return status_of("!/ready") == 200; }));
    expect_kept_promises(load);
}

TEST_F(OutageTest, AgainAndAgainInTheMiddleOfAnswers) {
    WriteLoad load(server_.port(), actors_[Who::manager]);
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(writes_again(load));
        gate_.cut_after(300 + 700 * static_cast<std::uint64_t>(i));
        EXPECT_TRUE(soon([&] { return !load.statuses().empty() && load.statuses().count(503); }));
        gate_.pass();
    }
    ASSERT_TRUE(writes_again(load));
    expect_kept_promises(load);
}

TEST_F(OutageTest, SilenceIsNotWaitedForWithoutEnd) {
    Client client = server_.client();
    ASSERT_EQ(client.get("/brands").status, 200);
    gate_.stall();
    auto const began = std::chrono::steady_clock::now();
    Answer const answer = client.get("/brands");
    EXPECT_EQ(answer.status, 503) << answer.body;
    EXPECT_LT(std::chrono::steady_clock::now() - began, 15s);
    gate_.pass();
    EXPECT_TRUE(soon([&] { return status_of("/brands") == 200; }, 40s));
}

TEST_F(OutageTest, ASlowLineIsOnlySlow) {
    gate_.delay(5ms);
    Client client = server_.client();
    EXPECT_EQ(client.get("/brands").status, 200);
    client.as(actors_[Who::manager]);
    EXPECT_EQ(client.post("/brands", R"({"name":"Slowly"})").status, 201);
}

// Every backend ends at once, as when an administrator restarts PostgreSQL.
TEST_F(OutageTest, TheServerEndsItsBackends) {
    WriteLoad load(server_.port(), actors_[Who::manager]);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(writes_again(load));
        db_.exec("select pg_terminate_backend(pid) from pg_stat_activity"
                 " where datname = current_database() and pid <> pg_backend_pid()");
    }
    ASSERT_TRUE(writes_again(load));
    expect_kept_promises(load);
}

} // namespace
} // namespace haat::test
