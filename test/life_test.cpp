// The built binary from outside: it starts, stops, is killed, and starts again.
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include <gtest/gtest.h>

#include <pg/cluster.hpp>
#include <test/harness/actors.hpp>
#include <test/harness/house.hpp>
#include <test/harness/load.hpp>
#include <test/harness/process.hpp>
#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

using SteadyClock = std::chrono::steady_clock;

class LifeTest : public testing::Test {
protected:
    ~LifeTest() override {
        // What a killed haat left running ends before its directory goes.
        if (postmaster() > 0) ::kill(postmaster(), SIGQUIT);
        soon([&] { return postmaster() <= 0 || ::kill(postmaster(), 0) != 0; });
    }

    ProcessOptions options() const {
        ProcessOptions options;
        options.environment = {
            {"HAAT_DATA_DIR", directory_.string()}, {"JWT_SECRET", test_secret},
            {"HAAT_ADDRESS", "127.0.0.1"},          {"HAAT_LOOPS", "2"},
            {"HAAT_RATE_SIGNED_IN", "1000000/1m"},  {"HAAT_RATE_ADMINISTRATOR", "1000000/1m"},
            {"HAAT_RATE_PUBLIC_READ", "1000000/1m"}};
        return options;
    }
    pg::PlainConnection database() const {
        auto const url = pg::Cluster::url_of_running(directory_, pg::Role::owner);
        if (!url) throw std::runtime_error("the private cluster is not running");
        return pg::PlainConnection(*url);
    }
    pid_t postmaster() const {
        for (auto const& entry : std::filesystem::recursive_directory_iterator(
                 directory_, std::filesystem::directory_options::skip_permission_denied))
            if (entry.path().filename() == "postmaster.pid") {
                pid_t process = 0;
                std::ifstream(entry.path()) >> process;
                return process;
            }
        return -1;
    }
    /// What PostgreSQL said last, for the message of a failure.
    std::string server_log() const {
        std::string all;
        for (auto const& entry : std::filesystem::recursive_directory_iterator(directory_))
            if (entry.path().parent_path().filename() == "log") {
                std::ifstream in(entry.path());
                all += entry.path().string() + ":\n" +
                       std::string{std::istreambuf_iterator<char>(in), {}};
            }
        return all.substr(all.size() > 4'000 ? all.size() - 4'000 : 0);
    }
    static int lost(pg::PlainConnection& db, WriteLoad const& load) {
        int missing = 0;
        for (std::string const& id : load.acknowledged())
            missing += db.word("select 1 from catalog.brands where id = $1::uuid", {id}).empty();
        return missing;
    }

    std::filesystem::path const directory_ = temporary_directory("life");
};

TEST_F(LifeTest, StartsStopsAndStartsAgainAtOnce) {
    {
        Process haat(options());
        ASSERT_TRUE(haat.ready()) << haat.errors();
        EXPECT_EQ(Client(haat.port()).get("!/health").status, 200);
        haat.signal(SIGTERM);
        EXPECT_EQ(haat.wait(10s), 0) << haat.errors();
        EXPECT_EQ(postmaster(), -1) << "PostgreSQL was left running";
    }
    auto const began = SteadyClock::now();
    Process haat(options());
    ASSERT_TRUE(haat.ready(10s)) << haat.errors();
    EXPECT_LT(SteadyClock::now() - began, 5s);
    haat.signal(SIGINT);
    auto const asked = SteadyClock::now();
    EXPECT_EQ(haat.wait(10s), 0) << haat.errors();
    EXPECT_LT(SteadyClock::now() - asked, 5s);
}

TEST_F(LifeTest, AKillLosesNothingThatWasPromised) {
    std::vector<std::string> promised;
    for (int round = 0; round < 2; ++round) {
        Process haat(options());
        ASSERT_TRUE(haat.ready()) << haat.errors();
        pg::PlainConnection db = database();
        if (round == 0) Actors{db};
        Caller const manager{
            Actors::sign_in(db, db.word("select id from identity.users"
                                        " where full_name = 'manager'")),
            db.word("select id from identity.organizations where slug = 'organization-a'")};
        WriteLoad load(haat.port(), manager);
        ASSERT_TRUE(soon([&] { return load.written() > 50; })) << haat.errors();
        // The second time PostgreSQL dies in the same moment.
        pid_t const server = postmaster();
        haat.signal(SIGKILL);
        if (round == 1) ::kill(server, SIGKILL);
        haat.wait();
        load.stop();
        auto const ids = load.acknowledged();
        promised.insert(promised.end(), ids.begin(), ids.end());
    }
    Process haat(options());
    ASSERT_TRUE(haat.ready()) << haat.errors() << server_log();
    pg::PlainConnection db = database();
    for (std::string const& id : promised)
        EXPECT_EQ(db.word("select 1 from catalog.brands where id = $1::uuid", {id}), "1");
    EXPECT_EQ(db.word("select count(*) from catalog.brands"),
              db.word("select count(*) from events.outbox"));
    haat.signal(SIGTERM);
    EXPECT_EQ(haat.wait(), 0);
}

TEST_F(LifeTest, ADyingServerIsNotTakenOver) {
    Process first(options());
    ASSERT_TRUE(first.ready()) << first.errors();
    pid_t const server = postmaster();
    first.signal(SIGKILL);
    first.wait();
    // Its file still says "ready", and its socket takes connections that nobody will answer.
    ::kill(server, SIGSTOP);
    Process second(options());
    ASSERT_TRUE(soon([&] { return second.errors().find("took over") != std::string::npos; }));
    ::kill(server, SIGKILL);
    ASSERT_TRUE(second.ready()) << second.errors() << server_log();
    EXPECT_NE(postmaster(), server);
    second.signal(SIGTERM);
    EXPECT_EQ(second.wait(), 0);
}

TEST_F(LifeTest, ThePrivateServerIsMinded) {
    Process haat(options());
    ASSERT_TRUE(haat.ready()) << haat.errors();
    pg::PlainConnection db = database();
    Actors const actors(db);
    WriteLoad load(haat.port(), actors[Who::manager]);
    ASSERT_TRUE(soon([&] { return load.written() > 20; }));
    pid_t const before = postmaster();
    ::kill(before, SIGKILL);
    ASSERT_TRUE(soon([&] { return postmaster() > 0 && postmaster() != before; }));
    auto const written = load.written();
    EXPECT_TRUE(soon([&] { return load.written() > written + 20; }, 40s)) << haat.errors();
    load.stop();
    for (auto const& [status, count] : load.statuses())
        EXPECT_TRUE(status == 201 || status == 503) << status << " " << count << " times";
    pg::PlainConnection again = database();
    EXPECT_EQ(lost(again, load), 0);
}

TEST_F(LifeTest, DrainsOnSigterm) {
    Process haat(options());
    ASSERT_TRUE(haat.ready()) << haat.errors();
    pg::PlainConnection db = database();
    Actors const actors(db);
    // A request that runs: it waits for a lock that is held here.
    db.run("begin; lock table catalog.brands in access exclusive mode");
    Answer answer;
    std::thread slow([&] {
        Client client(haat.port());
        answer = client.as(actors[Who::manager]).post("/brands", R"({"name":"Last"})");
    });
    ASSERT_TRUE(soon(
        [&] { return database().word("select count(*) from pg_locks where not granted") != "0"; }));
    Client other(haat.port());
    EXPECT_EQ(other.get("!/ready").status, 200);
    haat.signal(SIGTERM);
    EXPECT_TRUE(soon([&] {
        try {
            return Client(haat.port(), 1s).get("!/ready").status != 200;
        } catch (NoAnswer const&) {
            return true;
        }
    })) << "it still says that it is ready";
    EXPECT_TRUE(haat.running()) << "it did not wait for the request that runs";
    db.run("commit");
    slow.join();
    EXPECT_EQ(answer.status, 201) << answer.body;
    EXPECT_EQ(haat.wait(20s), 0) << haat.errors();
}

TEST_F(LifeTest, TwoInstancesSideBySide) {
    ProcessOptions second = options();
    second.environment["HAAT_DATA_DIR"] = temporary_directory("life").string();
    Process one(options()), two(second);
    ASSERT_TRUE(one.ready()) << one.errors();
    ASSERT_TRUE(two.ready()) << two.errors();
    one.signal(SIGTERM);
    EXPECT_EQ(one.wait(), 0);
    EXPECT_EQ(Client(two.port()).get("/brands").status, 200);
    two.signal(SIGTERM);
    EXPECT_EQ(two.wait(), 0);
}

} // namespace
} // namespace haat::test
