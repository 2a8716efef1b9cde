// The dispatcher: nothing is skipped, nothing has its effect twice, each key keeps its order.
#include <algorithm>
#include <mutex>
#include <random>

#include <gtest/gtest.h>

#include <base/clock.hpp>
#include <events/test/node.hpp>
#include <pg/plain.hpp>
#include <test/harness/process.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

using events::Batch;
using events::Refused;
using events::Sink;
using events::StoredEvent;

struct KeyNoun {};
using KeyId = Id<KeyNoun>;

/// Remembers what it got; may be told to be away.
class Notebook final : public Sink {
public:
    explicit Notebook(std::string name) : Sink(std::move(name)) {}

    Task<std::vector<Refused>> deliver(Batch const& batch) override {
        ++calls;
        if (away) throw Fault("away");
        std::lock_guard const lock(mutex_);
        for (StoredEvent const& event : batch.events) got_.push_back(event);
        co_return std::vector<Refused>{};
    }
    Task<void> retry(std::string const&, StoredEvent const&) override { co_return; }

    std::vector<StoredEvent> got() {
        std::lock_guard const lock(mutex_);
        return got_;
    }
    std::size_t count() { return got().size(); }
    std::atomic<bool> away{false};
    std::atomic<int> calls{0};

private:
    std::mutex mutex_;
    std::vector<StoredEvent> got_;
};

std::vector<int> steps_of(std::vector<StoredEvent> const& events, std::string const& key) {
    std::vector<int> steps;
    for (StoredEvent const& event : events) {
        Step step;
        read_payload(event, describe::shape_of<Step>, &step);
        if (to_string(event.key) == key) steps.push_back(step.n);
    }
    return steps;
}

void expect_whole(World& world) {
    EXPECT_EQ(world.missing(), 0);
    EXPECT_EQ(world.doubles(), 0);
    EXPECT_EQ(world.out_of_order(), 0);
}

TEST(DispatcherTest, DeliversWhatWasThereAndWhatComes) {
    World world;
    world.steps(30);
    Notebook notebook("notebook");
    Node node(world.worker_url(), {&notebook});
    ASSERT_TRUE(soon([&] { return notebook.count() == 30 && world.effects() == 30; }));
    world.steps(30);
    ASSERT_TRUE(soon([&] { return notebook.count() == 60 && world.effects() == 60; }));
    EXPECT_EQ(steps_of(notebook.got(), world.key(3)), (std::vector<int>{1, 2, 3, 4, 5, 6}));
    expect_whole(world);
}

TEST(DispatcherTest, GoesOnWhereItStoodAfterAStop) {
    World world;
    world.steps(20);
    Notebook notebook("notebook");
    {
        Node node(world.worker_url(), {&notebook});
        ASSERT_TRUE(soon([&] { return notebook.count() == 20 && world.effects() == 20; }));
    }
    EXPECT_EQ(world.db.word("select count(*) from events.cursors where leased_by is not null"),
              "0");
    world.steps(20);
    Node node(world.worker_url(), {&notebook});
    ASSERT_TRUE(soon([&] { return world.effects() == 40 && notebook.count() == 40; }));
    expect_whole(world);
}

// The transaction that wrote first commits last: what stands behind it in the outbox waits.
TEST(DispatcherTest, ALateCommitIsNotSkipped) {
    World world;
    Notebook notebook("notebook");
    Node node(world.worker_url(), {&notebook});
    pg::PlainConnection late(world.db.url(pg::Role::admin));
    late.run("begin");
    late.run(step_sql(world.key(1), "", ""));
    world.step(2);
    world.step(3);
    // Its sinks have looked several times when another, older world has been delivered meanwhile.
    ASSERT_TRUE(soon([&] { return world.db.number("select count(*) from events.nodes") == 1; }));
    for (int looks = 0; looks < 50; ++looks) pause_briefly();
    EXPECT_EQ(notebook.count(), 0u) << "an older transaction still runs";
    late.run("commit");
    ASSERT_TRUE(soon([&] { return notebook.count() == 3 && world.effects() == 3; }));
    expect_whole(world);
}

// B began before A, but A had the lock of the aggregate first: A's event comes first, though its
// transaction has the higher number and a third one is open between the two.
TEST(DispatcherTest, TheLockDecidesTheOrderNotTheBeginning) {
    World world;
    auto connection = [&] {
        return std::make_unique<pg::PlainConnection>(world.db.url(pg::Role::admin));
    };
    auto const a = connection();
    auto const b = connection();
    auto const between = connection();
    b->run("begin; select pg_current_xact_id()");
    between->run("begin; select pg_current_xact_id()");
    a->run("begin");
    a->run(step_sql(world.key(1), "", ""));
    a->run("commit");
    b->run(step_sql(world.key(1), "", ""));
    b->run("commit");
    Notebook notebook("notebook");
    Node node(world.worker_url(), {&notebook});
    for (int looks = 0; looks < 50; ++looks) pause_briefly();
    EXPECT_EQ(notebook.count(), 0u);
    between->run("commit");
    ASSERT_TRUE(soon([&] { return notebook.count() == 2 && world.effects() == 2; }));
    EXPECT_EQ(steps_of(notebook.got(), world.key(1)), (std::vector<int>{1, 2}));
    expect_whole(world);
}

TEST(DispatcherTest, ABadEventHoldsItsKeyAndNoOther) {
    bad_steps_fail = true;
    World world;
    world.step(1, "bad");
    for (int i = 0; i < 3; ++i) world.step(1);
    world.steps(20);
    events::DispatcherOptions options = quick();
    options.backoff_first = options.backoff_max = 60s; // stays in its first pause
    Node node(world.worker_url(), {}, options);
    ASSERT_TRUE(soon([&] { return world.effects() == 18; })) << world.effects();
    EXPECT_EQ(
        world.db.word("select count(*) from world.effects where key = '" + world.key(1) + "'"),
        "0");
    auto const waiting = [&world](std::string const& which) {
        return world.db.number("select count(*) from events.failures where state = 'waiting' and " +
                               which);
    };
    ASSERT_TRUE(soon([&] { return waiting("attempts = 1 and last_error = 'a bad step'") == 1; }))
        << "it is written behind the effects of the others";
    EXPECT_EQ(waiting("attempts = 0"), 5);
    world.step(1); // comes to the end of the queue of its key
    world.step(2);
    ASSERT_TRUE(soon([&] { return world.effects() == 19; }));
    bad_steps_fail = false;
    world.db.exec("update events.failures set next_at = now()");
    ASSERT_TRUE(soon([&] { return world.effects() == 26; })) << world.effects();
    bad_steps_fail = true;
    expect_whole(world);
    EXPECT_EQ(world.db.word("select count(*) from events.failures"), "0");
}

TEST(DispatcherTest, IsParkedAfterSoManyAttemptsAndDeliveredAgainWhenAsked) {
    bad_steps_fail = true;
    World world;
    world.step(1, "bad");
    world.step(1);
    Node node(world.worker_url());
    ASSERT_TRUE(soon([&] {
        return world.db.word("select state || attempts from events.failures") == "parked3";
    }));
    ASSERT_TRUE(soon([&] { return world.effects() == 1; })) << "a parked one holds nobody";
    EXPECT_EQ(world.db.word("select last_error from events.failures"), "a bad step");
    EXPECT_EQ(world.db.word("select consumer from events.failures"), "handlers/test.effects");
    bad_steps_fail = false;
    world.db.exec("update events.failures set state = 'waiting', next_at = now(), "
                  "attempts_max = attempts + 3");
    ASSERT_TRUE(soon([&] { return world.effects() == 2; }));
    ASSERT_TRUE(soon([&] { return world.db.number("select count(*) from events.failures") == 0; }));
    EXPECT_EQ(world.missing(), 0);
    EXPECT_EQ(world.doubles(), 0);
    bad_steps_fail = true;
}

TEST(DispatcherTest, ASinkThatIsAwayDelaysNoOtherAndLosesNothing) {
    World world;
    Notebook away("away");
    away.away = true;
    Notebook there("there");
    Node node(world.worker_url(), {&away, &there});
    world.steps(20);
    ASSERT_TRUE(soon([&] { return there.count() == 20 && world.effects() == 20; }));
    ASSERT_TRUE(soon([&] { return away.calls > 2; }));
    EXPECT_EQ(away.count(), 0u);
    away.away = false;
    ASSERT_TRUE(soon([&] { return away.count() == 20; }));
    EXPECT_EQ(steps_of(away.got(), world.key(0)), (std::vector<int>{1, 2}));
}

TEST(DispatcherTest, ThePriorityDecidesWhichKeyIsFirst) {
    World world;
    for (int key : {8, 16, 24}) // all of one shard
        world.db.exec("insert into world.aggregates (key) values ('" + world.key(key) +
                      "') on conflict do nothing");
    world.step(8);
    world.step(16);
    world.step(24);
    world.step(16);
    world.db.exec("update events.outbox set priority = 'low' where key = '" + world.key(8) + "'");
    world.db.exec("update events.outbox set priority = 'critical' where id = "
                  "(select max(id) from events.outbox)");
    Notebook notebook("notebook");
    Node node(world.worker_url(), {&notebook});
    ASSERT_TRUE(soon([&] { return notebook.count() == 4; }));
    std::vector<std::string> keys;
    for (StoredEvent const& event : notebook.got()) keys.push_back(to_string(event.key));
    EXPECT_EQ(keys, (std::vector<std::string>{world.key(16), world.key(16), world.key(24),
                                              world.key(8)}));
}

TEST(DispatcherTest, WhoListensIsToldWhatComesFromNowOn) {
    World world;
    world.steps(5);
    Node node(world.worker_url());
    ASSERT_TRUE(soon([&] { return world.effects() == 5; }));
    std::atomic<int> heard{0};
    std::atomic<int> heard_others{0};
    auto const listening = node.dispatcher().live().listen(
        {}, [&](StoredEvent const& event) { heard += event.subject == "textile:displayed"; });
    auto const others = node.dispatcher().live().listen(
        {&subjects::brand_created}, [&](StoredEvent const&) { ++heard_others; });
    // The listener's place is the first look after it came.
    ASSERT_TRUE(soon([&] {
        world.step(1);
        return heard > 0;
    }));
    int const before = heard;
    world.steps(7);
    ASSERT_TRUE(soon([&] { return heard >= before + 7; }));
    EXPECT_EQ(heard_others, 0);
}

Event<Step> const viewed{subjects::dashboard_viewed};

TEST(DispatcherTest, ALiveOnlySubjectIsToldToThoseWhoNameItAndNeverKept) {
    events::Live live;
    int heard = 0;
    int heard_all = 0;
    KeyId const key = new_id<KeyNoun>();
    live.tell(viewed, key, {.n = 1, .mood = ""}); // nobody listens
    auto listening = live.listen({&subjects::dashboard_viewed}, [&](StoredEvent const& event) {
        heard += event.data.text == R"({"n":2,"mood":""})";
    });
    auto const all = live.listen({}, [&](StoredEvent const&) { ++heard_all; });
    live.tell(viewed, key, {.n = 2, .mood = ""});
    EXPECT_EQ(heard, 1);
    EXPECT_EQ(heard_all, 0);
    listening.end();
    live.tell(viewed, key, {.n = 2, .mood = ""});
    EXPECT_EQ(heard, 1);

    World world;
    Node node(world.worker_url());
    auto emit_it = [](pg::Database& database, Event<Step> const& event, KeyId id) -> Task<void> {
        Tx tx(database, {});
        Step const step;
        emit(tx, event, id, step);
        co_await tx.commit();
    };
    EXPECT_THROW(node.run([&] { return emit_it(node.database(), viewed, key); }), Fault);
    EXPECT_EQ(world.db.word("select count(*) from events.outbox"), "0");
}

TEST(DispatcherTest, AReplayReachesOneSinkAndHasNoEffectTwiceUnlessAskedTo) {
    World world;
    world.steps(30);
    Notebook notebook("notebook");
    Node node(world.worker_url(), {&notebook});
    ASSERT_TRUE(soon([&] { return notebook.count() == 30 && world.effects() == 30; }));
    auto const ask = [&](std::string const& sink, std::string const& key, bool again) {
        world.db.rows("insert into events.replays (id, sink, subjects, key, since, until, again) "
                      "values (gen_random_uuid(), $1, '{}', nullif($2, '')::uuid, "
                      "now() - interval '1 hour', now() + interval '1 hour', $3::boolean)",
                      {sink, key, again ? "true" : "false"});
        return soon([&] {
            return world.db.word("select count(*) from events.replays where state <> 'done'") ==
                   "0";
        });
    };
    ASSERT_TRUE(ask("notebook", world.key(3), false));
    EXPECT_EQ(notebook.count(), 33u);
    EXPECT_EQ(steps_of(notebook.got(), world.key(3)), (std::vector<int>{1, 2, 3, 1, 2, 3}));
    ASSERT_TRUE(ask("handlers", "", false));
    EXPECT_EQ(world.effects(), 30);
    ASSERT_TRUE(ask("handlers", world.key(4), true));
    EXPECT_EQ(world.effects(), 33);
    EXPECT_EQ(notebook.count(), 33u);
}

// ---- several nodes

/// Writers that begin in one order, lock in another and commit when they like.
class Writers {
public:
    Writers(World& world, int threads) {
        for (int i = 0; i < threads; ++i)
            threads_.emplace_back([this, &world, i] { write(world, i); });
    }
    ~Writers() { stop(); }
    void stop() {
        over_ = true;
        for (std::thread& thread : threads_)
            if (thread.joinable()) thread.join();
    }
    std::atomic<int> written{0};

private:
    void write(World& world, int seed) {
        std::mt19937 random(static_cast<unsigned>(seed));
        pg::PlainConnection connection(world.db.url(pg::Role::admin));
        while (!over_) {
            connection.run("begin");
            if (random() % 2) connection.run("select pg_current_xact_id()");
            if (random() % 4 == 0) connection.run("select pg_sleep(0.003)");
            connection.run(step_sql(world.key(static_cast<int>(random() % 10)), "", ""));
            if (random() % 4 == 0) connection.run("select pg_sleep(0.003)");
            bool const well = random() % 10 != 0;
            connection.run(well ? "commit" : "rollback");
            written += well;
        }
    }
    std::atomic<bool> over_{false};
    std::vector<std::thread> threads_;
};

TEST(DispatcherConcurrentTest, TwoNodesShareTheKeysAndOneTakesOverFromTheOther) {
    World world;
    Writers writers(world, 3);
    auto first = std::make_unique<Node>(world.worker_url());
    Node second(world.worker_url());
    auto const shards = [](Node& node) { return node.dispatcher().facts().front().shards; };
    ASSERT_TRUE(soon([&] { return shards(*first) == 4 && shards(second) == 4; }));
    ASSERT_TRUE(soon([&] { return world.effects() > 200; }));
    first.reset();
    ASSERT_TRUE(soon([&] { return shards(second) == events::shard_count; }));
    writers.stop();
    ASSERT_TRUE(soon([&] { return world.missing() == 0; })) << world.missing();
    expect_whole(world);
}

ProcessOptions dispatching_process(World const& world) {
    ProcessOptions options;
    options.program = "/proc/self/exe";
    options.words = {"--gtest_filter=Hidden.DispatchesUntilItIsKilled"};
    options.environment = {{"HAAT_TEST_DISPATCH", world.worker_url()}};
    return options;
}

TEST(DispatcherConcurrentTest, KilledAgainAndAgainUnderLoadItLosesAndDoublesNothing) {
    World world;
    Writers writers(world, 2);
    std::mt19937 random(7);
    for (int kills = 0; kills < 12; ++kills) {
        Process process(dispatching_process(world));
        std::int64_t const before = world.effects();
        ASSERT_TRUE(soon([&] { return world.effects() > before; })) << process.errors();
        for (unsigned n = random() % 100; n > 0; --n) pause_briefly();
        process.signal(SIGKILL);
        process.wait();
    }
    writers.stop();
    Process process(dispatching_process(world));
    ASSERT_TRUE(soon([&] { return world.missing() == 0; })) << process.errors();
    EXPECT_EQ(world.committed(), writers.written);
    expect_whole(world);
}

/// In a process of its own, which is killed from outside.
class Dispatching : public testing::Test {
public:
    void TestBody() override {
        Node node(std::getenv("HAAT_TEST_DISPATCH"));
        soon([] { return false; }, 10min);
    }
};
[[maybe_unused]] bool const registered = [] {
    if (std::getenv("HAAT_TEST_DISPATCH") == nullptr) return false;
    testing::RegisterTest(
        "Hidden", "DispatchesUntilItIsKilled", nullptr, nullptr, __FILE__, __LINE__,
        []() -> testing::Test* { return std::make_unique<Dispatching>().release(); });
    return true;
}();

} // namespace
} // namespace haat::test
