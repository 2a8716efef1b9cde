// One suite for every store: what holds in process holds in Redis.
#include <kv/test/store_test.hpp>

#include <limits>
#include <set>

#include <kv/flights.hpp>

namespace haat::kv::test {
namespace {

using namespace std::literals;

class AnyStore : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        if (GetParam() == "memory") {
            memory_ = std::make_unique<Memory>();
            return;
        }
        static int number = 0;
        RedisOptions options = options_for(shared_redis().url());
        options.prefix = "test" + std::to_string(++number) + ":";
        redis_ = std::make_unique<RedisOnLoop>(loop_, std::move(options));
        ASSERT_TRUE(redis_->started()) << (**redis_).trouble();
    }

    Store& store() { return memory_ ? static_cast<Store&>(*memory_) : **redis_; }
    template <class T> T wait(Task<T> task) { return run(loop_, std::move(task)); }

    std::string get(std::string_view key) {
        Value const value = wait(store().get(key));
        return value ? *value : "(none)";
    }
    Outcome set(std::string_view key, std::string_view value, milliseconds ttl = 0ms) {
        return wait(store().set(key, value, ttl));
    }
    Outcome set_tagged(std::string_view key, std::string_view value,
                       std::vector<std::string_view> const& tags, Stamp const* stamp = nullptr,
                       milliseconds ttl = 1min) {
        Keep const keep{.ttl = ttl, .tags = tags, .unless_dropped = stamp, .only_if_absent = false};
        return wait(store().set(key, value, keep));
    }

    Loop loop_;
    std::unique_ptr<Memory> memory_;
    std::unique_ptr<RedisOnLoop> redis_;
};

TEST_P(AnyStore, GivesBackWhatWasSet) {
    EXPECT_EQ(get("a"), "(none)");
    EXPECT_EQ(set("a", "one"), Outcome::done);
    EXPECT_EQ(get("a"), "one");
    EXPECT_EQ(set("a", "two"), Outcome::done);
    EXPECT_EQ(get("a"), "two");
    EXPECT_EQ(wait(store().remove("a")), Outcome::done);
    EXPECT_EQ(get("a"), "(none)");
    EXPECT_EQ(wait(store().remove("a")), Outcome::done);
}

TEST_P(AnyStore, KeepsAnyBytes) {
    std::string const all = "\0\r\n$5\r\n\xff*1\r\n\0"s;
    EXPECT_EQ(set("bytes", all), Outcome::done);
    EXPECT_EQ(get("bytes"), all);
    EXPECT_EQ(set(all, "by a key of any bytes"), Outcome::done);
    EXPECT_EQ(get(all), "by a key of any bytes");
    EXPECT_EQ(set("empty", ""), Outcome::done);
    EXPECT_EQ(get("empty"), "");
    std::string const large(300'000, 'x');
    EXPECT_EQ(set("large", large), Outcome::done);
    EXPECT_EQ(get("large"), large);
}

TEST_P(AnyStore, GivesManyInOrder) {
    set("one", "1");
    set("three", "3");
    std::vector<std::string_view> const keys{"one", "two", "three", "one"};
    std::vector<Value> const values = wait(store().get_many(keys));
    ASSERT_EQ(values.size(), 4U);
    EXPECT_EQ(*values[0], "1");
    EXPECT_EQ(values[1], nullptr);
    EXPECT_EQ(*values[2], "3");
    EXPECT_EQ(*values[3], "1");
    EXPECT_TRUE(wait(store().get_many({})).empty());
}

TEST_P(AnyStore, EndsWhatHasATime) {
    set("short", "x", 30ms);
    set("long", "x", 1h);
    set("endless", "x");
    auto const left = wait(store().ttl("long"));
    ASSERT_TRUE(left);
    EXPECT_GT(*left, 59min);
    EXPECT_LE(*left, 1h);
    EXPECT_EQ(wait(store().ttl("endless")), milliseconds::max());
    EXPECT_EQ(wait(store().ttl("nothing")), std::nullopt);
    EXPECT_TRUE(soon([&] { return get("short") == "(none)"; }));
    EXPECT_EQ(get("long"), "x");

    EXPECT_EQ(wait(store().expire("long", 30ms)), Outcome::done);
    EXPECT_EQ(wait(store().expire("nothing", 30ms)), Outcome::refused);
    EXPECT_TRUE(soon([&] { return get("long") == "(none)"; }));
    EXPECT_EQ(get("endless"), "x");

    set("renewed", "x", 30ms);
    set("renewed", "y"); // the new value has no end
    EXPECT_EQ(wait(store().ttl("renewed")), milliseconds::max());
}

TEST_P(AnyStore, SetsOnlyWhatIsAbsent) {
    Keep const keep{.ttl = 1min, .tags = {}, .unless_dropped = nullptr, .only_if_absent = true};
    EXPECT_EQ(wait(store().set("a", "first", keep)), Outcome::done);
    EXPECT_EQ(wait(store().set("a", "second", keep)), Outcome::refused);
    EXPECT_EQ(get("a"), "first");
}

TEST_P(AnyStore, ComparesAndSets) {
    EXPECT_EQ(wait(store().compare_and_set("a", "x"sv, "y", 1min)), Outcome::refused);
    EXPECT_EQ(wait(store().compare_and_set("a", std::nullopt, "x", 1min)), Outcome::done);
    EXPECT_EQ(wait(store().compare_and_set("a", std::nullopt, "z", 1min)), Outcome::refused);
    EXPECT_EQ(wait(store().compare_and_set("a", "other"sv, "y", 1min)), Outcome::refused);
    EXPECT_EQ(wait(store().compare_and_set("a", "x"sv, "y", 1min)), Outcome::done);
    EXPECT_EQ(get("a"), "y");
    EXPECT_LE(*wait(store().ttl("a")), 1min);
}

TEST_P(AnyStore, Counts) {
    EXPECT_EQ(wait(store().increment("n", 1, 1min)), 1);
    EXPECT_EQ(wait(store().increment("n", 41, 1h)), 42);
    EXPECT_EQ(wait(store().increment("n", -2, 1h)), 40);
    EXPECT_EQ(get("n"), "40");
    EXPECT_LE(*wait(store().ttl("n")), 1min) << "its time counts from the first";
    set("word", "many");
    EXPECT_EQ(wait(store().increment("word", 1, 0ms)), std::nullopt);
    auto const most = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(wait(store().increment("most", most - 1, 0ms)), most - 1);
    EXPECT_EQ(wait(store().increment("most", 1, 0ms)), most);
    EXPECT_EQ(wait(store().increment("most", 1, 0ms)), std::nullopt);
    EXPECT_EQ(get("most"), std::to_string(most));
}

TEST_P(AnyStore, DropsByTag) {
    EXPECT_EQ(set_tagged("p1", "x", {"products", "shop"}), Outcome::done);
    EXPECT_EQ(set_tagged("p2", "x", {"products"}), Outcome::done);
    EXPECT_EQ(set_tagged("c1", "x", {"categories"}, nullptr, 0ms), Outcome::done);
    set("plain", "x");
    EXPECT_EQ(wait(store().drop_tag("products")), Outcome::done);
    EXPECT_EQ(get("p1"), "(none)");
    EXPECT_EQ(get("p2"), "(none)");
    EXPECT_EQ(get("c1"), "x");
    EXPECT_EQ(get("plain"), "x");
    EXPECT_EQ(set_tagged("p1", "again", {"products", "shop"}), Outcome::done);
    EXPECT_EQ(get("p1"), "again");
    EXPECT_EQ(wait(store().drop_tag("shop")), Outcome::done);
    EXPECT_EQ(get("p1"), "(none)");
    EXPECT_EQ(wait(store().drop_tag("never used")), Outcome::done);
}

TEST_P(AnyStore, DropsAThousandValuesOfOneTag) {
    std::vector<std::string> keys;
    for (int i = 0; i < 1'234; ++i) keys.push_back("many:" + std::to_string(i));
    for (auto const& key : keys) ASSERT_EQ(set_tagged(key, "x", {"many"}), Outcome::done);
    EXPECT_EQ(wait(store().drop_tag("many")), Outcome::done);
    for (auto const& key : keys) ASSERT_EQ(get(key), "(none)");
}

TEST_P(AnyStore, RefusesWhatBeganBeforeADrop) {
    std::vector<std::string_view> const tags{"one", "two"};
    Look const before = wait(store().look("a", tags));
    EXPECT_EQ(before.value, nullptr);
    EXPECT_FALSE(before.stamp.away);
    EXPECT_EQ(wait(store().look("a", tags)).stamp, before.stamp);
    EXPECT_EQ(wait(store().drop_tag("two")), Outcome::done);
    EXPECT_EQ(set_tagged("a", "old", tags, &before.stamp), Outcome::refused);
    EXPECT_EQ(get("a"), "(none)");
    Look const after = wait(store().look("a", tags));
    EXPECT_NE(after.stamp, before.stamp);
    EXPECT_EQ(set_tagged("a", "new", tags, &after.stamp), Outcome::done);
    EXPECT_EQ(*wait(store().look("a", tags)).value, "new");
    EXPECT_EQ(wait(store().drop_tag("two")), Outcome::done);
    EXPECT_EQ(wait(store().drop_tag("two")), Outcome::done);
    EXPECT_NE(wait(store().look("a", tags)).stamp, after.stamp);
}

TEST_P(AnyStore, PacesWhatIsTaken) {
    Pace const pace{.limit = 5, .window = 1h};
    for (int i = 0; i < 5; ++i) {
        Taken const taken = wait(store().take("u", pace, 1, false));
        EXPECT_EQ(taken.outcome, Outcome::done) << i;
        EXPECT_NEAR(static_cast<double>(taken.full_in.count()), (i + 1) * 12 * 60e9, 30e9);
    }
    EXPECT_EQ(wait(store().take("u", pace, 1, false)).outcome, Outcome::refused);
    EXPECT_EQ(wait(store().take("other", pace, 1, false)).outcome, Outcome::done);
    EXPECT_EQ(wait(store().take("u", pace, -1, true)).outcome, Outcome::done);
    EXPECT_EQ(wait(store().take("u", pace, 1, false)).outcome, Outcome::done);
    EXPECT_EQ(wait(store().take("u", pace, 1, false)).outcome, Outcome::refused);
    Taken const told = wait(store().take("u", pace, 3, true));
    EXPECT_EQ(told.outcome, Outcome::done) << "what was allowed elsewhere";
    EXPECT_LE(told.full_in, 1h) << "and it is never worse than nothing left";
    EXPECT_EQ(wait(store().take("u", pace, -100, true)).full_in, 0ns);
    EXPECT_EQ(wait(store().take("u", pace, 5, false)).outcome, Outcome::done);
    EXPECT_EQ(wait(store().take("u", pace, 1, false)).outcome, Outcome::refused);
}

TEST_P(AnyStore, APaceGivesBackWithTime) {
    Pace const pace{.limit = 2, .window = 100ms};
    wait(store().take("t", pace, 2, false));
    EXPECT_TRUE(
        soon([&] { return wait(store().take("t", pace, 1, false)).outcome == Outcome::done; }));
}

TEST_P(AnyStore, ALockIsHeldByOne) {
    Lock const mine = wait(store().acquire("job", 1min));
    ASSERT_TRUE(mine);
    EXPECT_GT(mine.token, 0);
    Lock const other = wait(store().acquire("job", 1min));
    EXPECT_EQ(other.outcome, Outcome::refused);
    EXPECT_TRUE(wait(store().acquire("another", 1min)));

    EXPECT_EQ(wait(store().renew(mine, 1min)), Outcome::done);
    Lock forged = mine;
    forged.token += 1;
    EXPECT_EQ(wait(store().renew(forged, 1min)), Outcome::refused);
    EXPECT_EQ(wait(store().release(forged)), Outcome::refused);
    EXPECT_EQ(wait(store().acquire("job", 1min)).outcome, Outcome::refused);

    EXPECT_EQ(wait(store().release(mine)), Outcome::done);
    EXPECT_EQ(wait(store().release(mine)), Outcome::refused);
    Lock const next = wait(store().acquire("job", 1min));
    ASSERT_TRUE(next);
    EXPECT_GT(next.token, mine.token);
}

TEST_P(AnyStore, ALockEndsByItselfAndIsNotOursAnyMore) {
    Lock const mine = wait(store().acquire("job", 30ms));
    ASSERT_TRUE(mine);
    Lock theirs;
    ASSERT_TRUE(soon([&] {
        theirs = wait(store().acquire("job", 1min));
        return bool(theirs);
    }));
    EXPECT_GT(theirs.token, mine.token);
    EXPECT_EQ(wait(store().renew(mine, 1min)), Outcome::refused);
    EXPECT_EQ(wait(store().release(mine)), Outcome::refused);
    EXPECT_EQ(wait(store().renew(theirs, 1min)), Outcome::done);
}

TEST_P(AnyStore, CountsWhatWasThere) {
    Figures const before = store().figures();
    set("a", "x");
    get("a");
    get("b");
    Figures const after = store().figures();
    EXPECT_EQ(after.hits - before.hits, 1U);
    EXPECT_EQ(after.misses - before.misses, 1U);
    EXPECT_TRUE(after.up);
    EXPECT_EQ(store().trouble(), "");
}

INSTANTIATE_TEST_SUITE_P(Kv, AnyStore, testing::Values("memory", "redis"),
                         [](auto const& info) { return info.param; });

// ---- many at once

Task<void> add_once(Store& store) { co_await store.increment("n", 1, 1min); }
Task<void> swap_once(Store& store, int& done) {
    for (;;) {
        Value const seen = co_await store.get("swapped");
        std::string const next = std::to_string(seen ? std::stoi(*seen) + 1 : 1);
        std::optional<std::string_view> expected;
        if (seen) expected = *seen;
        Outcome const outcome = co_await store.compare_and_set("swapped", expected, next, 1min);
        if (outcome == Outcome::done) break;
    }
    ++done;
}
class ConcurrentStore : public testing::TestWithParam<std::string> {
protected:
    /// Each thread has a loop, and with Redis a connection of its own.
    template <class Work> void on_threads(int count, Work work) {
        Memory memory;
        static int number = 0;
        std::string const prefix = "threads" + std::to_string(++number) + ":";
        RedisOptions options = options_for(shared_redis().url());
        options.prefix = prefix;
        std::vector<std::thread> threads;
        for (int i = 0; i < count; ++i)
            threads.emplace_back([&, i] {
                Loop loop(i);
                if (GetParam() == "memory") return run(loop, work(memory));
                RedisOnLoop redis(loop, options);
                run(loop, work(*redis));
            });
        for (auto& thread : threads) thread.join();
    }
};

struct Counting {
    static constexpr int threads = 4;
    std::atomic<int> swaps{0};
    std::atomic<int> finished{0};
    std::string counted;
    std::string swapped;
};

Task<void> count_many(Store& store, Counting& counting) {
    auto const add = [&store](int) { return add_once(store); };
    co_await all_of(500, add);
    int swaps = 0;
    auto const swap = [&](int) { return swap_once(store, swaps); };
    co_await all_of(20, swap);
    counting.swaps += swaps;
    if (counting.finished.fetch_add(1) + 1 < Counting::threads) co_return;
    Value const sum = co_await store.get("n");
    counting.counted = *sum;
    Value const last = co_await store.get("swapped");
    counting.swapped = *last;
}

TEST_P(ConcurrentStore, NoCountAndNoSwapIsLost) {
    Counting counting;
    on_threads(Counting::threads, [&](Store& store) { return count_many(store, counting); });
    EXPECT_EQ(counting.counted, "2000");
    EXPECT_EQ(counting.swapped, "80");
    EXPECT_EQ(counting.swaps, 80);
}

struct Locking {
    std::atomic<int> inside{0};
    std::atomic<bool> twice{false};
    std::set<std::int64_t> tokens; // under the lock
};

Task<void> lock_once(Store& store, Locking& locking) {
    for (;;) {
        Lock const lock = co_await store.acquire("one", 1min);
        if (!lock) {
            co_await sleep_for(1ms);
            continue;
        }
        if (locking.inside.fetch_add(1) != 0) locking.twice = true;
        locking.tokens.insert(lock.token);
        co_await sleep_for(100us);
        locking.inside.fetch_sub(1);
        co_await store.release(lock);
        co_return;
    }
}
Task<void> lock_many(Store& store, Locking& locking) {
    auto const once = [&](int) { return lock_once(store, locking); };
    co_await all_of(10, once);
}

TEST_P(ConcurrentStore, ALockIsHeldByOneThread) {
    Locking locking;
    on_threads(4, [&](Store& store) { return lock_many(store, locking); });
    EXPECT_FALSE(locking.twice);
    EXPECT_EQ(locking.tokens.size(), 40U) << "every token once";
}

INSTANTIATE_TEST_SUITE_P(Kv, ConcurrentStore, testing::Values("memory", "redis"),
                         [](auto const& info) { return info.param; });

} // namespace
} // namespace haat::kv::test
