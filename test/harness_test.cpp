// The harness tests itself: what it would not notice, no test would.
#include <csignal>
#include <cstdlib>
#include <thread>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <base/point.hpp>
#include <base/task.hpp>
#include <loop/loop.hpp>
#include <test/harness/client.hpp>
#include <test/harness/database.hpp>
#include <test/harness/fault_gate.hpp>
#include <test/harness/house.hpp>
#include <test/harness/point.hpp>
#include <test/harness/process.hpp>
#include <test/harness/snapshot.hpp>
#include <test/harness/table.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {

struct HarnessCase {
    std::string name;
    std::optional<std::int32_t> count;
    bool good = false;
};
HAAT_DESCRIBE(HarnessCase, name, count, good)

namespace {

using pg::PlainConnection;

TEST(Canary, FailingWorks) {
    ProcessOptions options;
    options.program = "/proc/self/exe";
    options.words = {"--gtest_filter=Canary.MustFail"};
    options.environment = {{"HAAT_CANARY", "1"}};
    Finished const finished = run_process(options);
    EXPECT_EQ(finished.code, 1);
    EXPECT_NE(finished.output.find("[  FAILED  ] Canary.MustFail"), std::string::npos);
}

TEST(Canary, IsNotAmongTheTestsOtherwise) {
    ProcessOptions options;
    options.program = "/proc/self/exe";
    options.words = {"--gtest_list_tests"};
    EXPECT_EQ(run_process(options).output.find("MustFail"), std::string::npos);
}

TEST(HouseTest, NothingIsLeftOfAProcessThatWasKilled) {
    auto const place = temporary_directory("killed");
    ProcessOptions options;
    options.program = "/proc/self/exe";
    options.words = {"--gtest_filter=Canary.HoldsACluster"};
    options.environment = {{"HAAT_CANARY", "1"}, {"TMPDIR", place.string()}};
    Process process(options);
    ASSERT_TRUE(soon([&] {
        return process.output().find("the cluster is up") != std::string::npos;
    })) << process.output()
        << process.errors();
    process.signal(SIGKILL);
    process.wait();
    EXPECT_TRUE(soon([&] { return std::filesystem::is_empty(place); }));
}

TEST(TableTest, ReadsCellsIntoMembers) {
    std::vector<HarnessCase> seen;
    table<HarnessCase>(R"(
        name          | count good   # the header names the members
        plain         | 3     true
        "two words"   | -     false
        -             | 0     false
        "-"           | 0     false
    )",
                       [&](HarnessCase const& each) { seen.push_back(each); });
    ASSERT_EQ(seen.size(), 4u);
    EXPECT_EQ(seen[0].name, "plain");
    EXPECT_EQ(seen[0].count, 3);
    EXPECT_TRUE(seen[0].good);
    EXPECT_EQ(seen[1].name, "two words");
    EXPECT_EQ(seen[1].count, std::nullopt);
    EXPECT_EQ(seen[2].name, "");
    EXPECT_EQ(seen[3].name, "-");
}

TEST(TableTest, SaysWhatIsWrong) {
    auto const read = [](char const* text) { table<HarnessCase>(text, [](HarnessCase const&) {}); };
    EXPECT_THROW(read("name count\nonly_one"), std::runtime_error);
    EXPECT_THROW(read("nme count\na 1"), std::runtime_error);
    EXPECT_THROW(read("name count\na many"), std::runtime_error);
    EXPECT_THROW(read("name count\n\"open 1"), std::runtime_error);
}

TEST(SnapshotTest, ComparesWithoutIndentation) {
    snap("one\n  two\n", R"(
        one
          two
    )");
    EXPECT_NONFATAL_FAILURE(snap("one", "two"), "the snapshot differs");
}

TEST(SnapshotTest, RewritesTheRawStringAtTheLine) {
    std::string const source = "a\n    snap(x, R\"(\n        old\n    )\");\nb R\"(keep)\"\n";
    EXPECT_EQ(with_snapshot(source, 2, "new\n  line\n"),
              "a\n    snap(x, R\"(\n        new\n          line\n    )\");\nb R\"(keep)\"\n");
}

TEST(SnapshotTest, MasksWhatDiffersInEveryRun) {
    EXPECT_EQ(
        masked(R"({"id":"01890a5d-ac96-774b-bcce-b302099a8057","at":"2026-01-02T03:04:05Z"})"),
        R"({"id":"<id>","at":"<time>"})");
}

TEST(TestDatabaseTest, NoticesEveryKindOfWrite) {
    TestDatabase db;
    db.exec("create table platform.things (id int primary key, name text)");
    db.exec("insert into platform.things values (1, 'a'), (2, 'b')");
    auto const written = [&](std::string const& sql) {
        auto const before = db.versions();
        db.exec(sql);
        return before.written_until(db.versions());
    };
    using Written = std::map<std::string, int>;
    EXPECT_EQ(written("select 1"), Written{});
    EXPECT_EQ(written("select * from platform.things for update"), Written{});
    EXPECT_EQ(written("insert into platform.things values (3, 'c')"),
              (Written{{"platform.things", 1}}));
    EXPECT_EQ(written("update platform.things set name = name"), (Written{{"platform.things", 3}}));
    EXPECT_EQ(written("delete from platform.things where id = 1"),
              (Written{{"platform.things", 1}}));
    EXPECT_EQ(written("insert into platform.things values (4, 'd');"
                      "delete from platform.things where id = 4"),
              Written{}); // nothing is left of it, and nobody could see it
    EXPECT_EQ(written("begin; insert into platform.things values (5, 'e'); rollback"), Written{});
}

TEST(TestDatabaseTest, GivesTheEventsSinceAMark) {
    TestDatabase db;
    auto const put = [&](std::string const& subject) {
        db.exec("insert into events.outbox (event_id, subject, key, priority, data, correlation_id)"
                " values (gen_random_uuid(), '" +
                subject + "', gen_random_uuid(), 'low', '{}', 'c')");
    };
    put("before");
    auto const mark = db.event_mark();
    EXPECT_TRUE(db.events_since(mark).empty());
    put("one");
    put("two");
    auto const events = db.events_since(mark);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].subject, "one");
    EXPECT_EQ(events[1].subject, "two");
}

TEST(TestDatabaseTest, DatabasesAreIndependent) {
    TestDatabase a, b;
    a.exec("create table platform.only_in_a ()");
    EXPECT_EQ(b.word("select to_regclass('platform.only_in_a')"), "");
}

TEST(FaultGateTest, PassesRefusesAndClosesAndRecovers) {
    TestDatabase db;
    FaultGate gate(db.url(pg::Role::request));
    PlainConnection through(gate.url());
    EXPECT_EQ(through.word("select 41 + 1"), "42");
    gate.refuse();
    EXPECT_EQ(through.word("select 1"), "1"); // what is there stays
    EXPECT_THROW(PlainConnection{gate.url()}, pg::ConnectError);
    gate.close_all();
    EXPECT_THROW(through.word("select 1"), pg::PlainError);
    gate.pass();
    EXPECT_EQ(PlainConnection(gate.url()).word("select 1"), "1");
}

TEST(FaultGateTest, DelaysAndCuts) {
    TestDatabase db;
    FaultGate gate(db.url(pg::Role::request));
    PlainConnection slow(gate.url());
    gate.delay(50ms);
    auto const began = std::chrono::steady_clock::now();
    slow.word("select 1");
    EXPECT_GE(std::chrono::steady_clock::now() - began, 100ms); // there and back
    gate.pass();
    gate.cut_after(1'000);
    EXPECT_THROW(slow.word("select repeat('x', 100000)"), pg::PlainError);
}

TEST(FaultGateTest, StallsWithoutClosing) {
    TestDatabase db;
    FaultGate gate(db.url(pg::Role::request));
    PlainConnection connection(gate.url());
    gate.stall();
    std::atomic<bool> answered{false};
    std::thread asker([&] {
        connection.word("select 1");
        answered = true;
    });
    EXPECT_FALSE(soon([&] { return answered.load(); }, 200ms));
    gate.pass();
    EXPECT_TRUE(soon([&] { return answered.load(); }));
    asker.join();
}

TEST(FaultGateTest, WorksThroughItsUnixSocketToo) {
    TestDatabase db;
    FaultGate gate(db.url(pg::Role::request));
    std::string const url =
        gate.url() + " host='" + gate.socket_directory() + "'"; // the last word of a key holds
    EXPECT_EQ(PlainConnection(url).word("select 1"), "1");
}

TEST(FaultGateTest, CountsStatements) {
    TestDatabase db;
    FaultGate gate(db.url(pg::Role::request));
    PlainConnection connection(gate.url());
    EXPECT_EQ(gate.statements_of([&] {
        for (int i = 0; i < 3; ++i) connection.word("select $1::text", {"x"});
    }),
              3u);
}

Task<void> pass_a_point(std::string& order) {
    order += "a";
    HAAT_POINT("harness.between");
    order += "c";
}

Task<void> then_stop(Loop& loop, std::string& order) {
    co_await pass_a_point(order);
    loop.stop();
}

TEST(PointTest, TheRivalRunsExactlyThereAndMayUseTheLoop) {
    Loop loop;
    std::string order;
    auto const rival = at_point("harness.between", [&] {
        std::atomic<bool> done{false};
        loop.post([&] {
            order += "b";
            done = true;
        });
        soon([&] { return done.load(); });
    });
    loop.post([&] { detach(then_stop(loop, order)); });
    loop.run();
    EXPECT_TRUE(rival->reached());
    EXPECT_EQ(order, "abc");
}

TEST(PointTest, NobodyWatchesAfterwards) {
    {
        auto const rival = at_point("harness.other", [] {});
    }
    Loop loop;
    std::string order;
    loop.post([&] { detach(then_stop(loop, order)); });
    loop.run();
    EXPECT_EQ(order, "ac");
}

} // namespace
} // namespace haat::test
