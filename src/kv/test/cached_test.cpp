#include <kv/cached.hpp>
#include <kv/test/store_test.hpp>

#include <thread>

#include <gmock/gmock.h>

#include <base/refusal.hpp>
#include <kv/flights.hpp>
#include <kv/keys.hpp>

namespace haat::kv::test {
namespace {

struct Dish {
    std::string name;
    std::int32_t plates = 0;
};
HAAT_DESCRIBE(Dish, name, plates)

/// A loader that is told when to come back.
struct Kitchen {
    std::atomic<int> asked{0};
    std::atomic<bool> open{true};
    Value dish = std::make_shared<std::string const>("soup");
    bool burns = false;

    Task<Value> cook() {
        ++asked;
        while (!open) co_await sleep_for(200us);
        if (burns) throw Refusal(overloaded);
        co_return dish;
    }
};

class AnyCache : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        how_.tags = tags_;
        if (GetParam() == "memory") {
            memory_ = std::make_unique<Memory>();
            return;
        }
        static int number = 0;
        RedisOptions options = options_for(shared_redis().url());
        options.prefix = "cached" + std::to_string(++number) + ":";
        redis_ = std::make_unique<RedisOnLoop>(loop_, std::move(options));
        ASSERT_TRUE(redis_->started());
    }
    Store& store() { return memory_ ? static_cast<Store&>(*memory_) : **redis_; }
    Task<Value> task() { return cached(store(), "dish", how_, load_); }
    std::string get() {
        Value const value = run(loop_, task());
        return value ? *value : "(none)";
    }

    Loop loop_;
    std::unique_ptr<Memory> memory_;
    std::unique_ptr<RedisOnLoop> redis_;
    std::vector<std::string_view> tags_{"dishes"};
    CachedFor how_{.ttl = 1min, .absent_ttl = 1min, .tags = {}};
    Kitchen kitchen_;
    Load const load_ = [this] { return kitchen_.cook(); };
};

TEST_P(AnyCache, MakesOnceAndKeeps) {
    EXPECT_EQ(get(), "soup");
    EXPECT_EQ(get(), "soup");
    EXPECT_EQ(kitchen_.asked, 1);
    run(loop_, store().drop_tag("dishes"));
    kitchen_.dish = std::make_shared<std::string const>("curry");
    EXPECT_EQ(get(), "curry");
    EXPECT_EQ(kitchen_.asked, 2);
}

TEST_P(AnyCache, KeepsThatThereIsNone) {
    kitchen_.dish = nullptr;
    EXPECT_EQ(get(), "(none)");
    EXPECT_EQ(get(), "(none)");
    EXPECT_EQ(kitchen_.asked, 1);
    run(loop_, store().drop_tag("dishes"));
    kitchen_.dish = std::make_shared<std::string const>("soup");
    EXPECT_EQ(get(), "soup");

    how_.absent_ttl = 0ms;
    run(loop_, store().drop_tag("dishes"));
    kitchen_.dish = nullptr;
    get();
    get();
    EXPECT_EQ(kitchen_.asked, 4) << "not kept";
}

TEST_P(AnyCache, AFailureReachesTheCallerAndIsNotKept) {
    kitchen_.burns = true;
    EXPECT_THROW(get(), Refusal);
    EXPECT_THROW(get(), Refusal);
    EXPECT_EQ(kitchen_.asked, 2);
    kitchen_.burns = false;
    EXPECT_EQ(get(), "soup");
    EXPECT_EQ(store().flights().flying(), 0U);
}

Task<void> check_once(Task<Value> task, std::string expected) {
    Value const value = co_await task;
    EXPECT_EQ(*value, expected);
}
Task<void> open_when(Kitchen& kitchen, int asked) {
    while (kitchen.asked < asked) co_await sleep_for(200us);
    co_await sleep_for(2ms); // the rest has come as well, most likely; it is right in any case
    kitchen.open = true;
}

TEST_P(AnyCache, OfManyOneMakesItAndTheOthersWait) {
    kitchen_.open = false;
    auto const one = [this](int number) {
        return number == 0 ? open_when(kitchen_, 1) : check_once(task(), "soup");
    };
    run(loop_, all_of(101, one));
    EXPECT_EQ(kitchen_.asked, 1);
}

// A writer that asks after its change must not get what was being made before it.
Task<void> change_meanwhile(Store& store, Kitchen& kitchen, Task<Value> after) {
    while (kitchen.asked < 1) co_await sleep_for(200us);
    co_await store.drop_tag("dishes");
    kitchen.dish = std::make_shared<std::string const>("curry");
    detach(open_when(kitchen, 2));
    Value const seen = co_await after;
    EXPECT_EQ(*seen, "curry");
}

Task<Value> cook_slowly(Kitchen& kitchen) {
    Value const begun = kitchen.dish; // read before the change
    co_await kitchen.cook();
    co_return begun;
}

TEST_P(AnyCache, WhoAsksAfterADropDoesNotGetWhatBeganBeforeIt) {
    kitchen_.open = false;
    Load const slowly = [this] { return cook_slowly(kitchen_); };
    auto const one = [&](int number) {
        Task<Value> mine = cached(store(), "dish", how_, slowly);
        return number == 0 ? check_once(std::move(mine), "soup")
                           : change_meanwhile(store(), kitchen_, std::move(mine));
    };
    run(loop_, all_of(2, one));
    EXPECT_EQ(get(), "curry") << "and what began before is not kept";
    EXPECT_EQ(kitchen_.asked, 2);
}

Task<std::optional<Dish>> cook_dish(int& asked) {
    ++asked;
    Dish const dish{"soup", 3};
    co_return dish;
}

TEST_P(AnyCache, KeepsDescribedStructs) {
    int asked = 0;
    LoadOf<Dish> const load = [&asked] { return cook_dish(asked); };
    auto const ask = [&] { return run(loop_, cached_as<Dish>(store(), "d", how_, load)); };
    EXPECT_EQ(ask()->plates, 3);
    EXPECT_EQ(ask()->name, "soup");
    EXPECT_EQ(asked, 1);
    run(loop_, store().set("d", R"({"name":7})", 1min)); // another version's
    EXPECT_EQ(ask()->name, "soup");
    EXPECT_EQ(asked, 2);
}

INSTANTIATE_TEST_SUITE_P(Kv, AnyCache, testing::Values("memory", "redis"),
                         [](auto const& info) { return info.param; });

TEST(CacheAwayTest, WithoutTheStoreOneStillMakesItForAll) {
    Loop loop;
    Redis redis(loop, options_for("redis://127.0.0.1:" + std::to_string(haat::test::free_port())));
    run(loop, redis.start(10ms));
    Kitchen kitchen;
    Load const load = [&] { return kitchen.cook(); };
    CachedFor const how{.ttl = 1min, .absent_ttl = 1min, .tags = {}};
    kitchen.open = false;
    auto const one = [&](int number) {
        return number == 0 ? open_when(kitchen, 1)
                           : check_once(cached(redis, "dish", how, load), "soup");
    };
    run(loop, all_of(51, one));
    EXPECT_EQ(kitchen.asked, 1);
    run(loop, cached(redis, "dish", how, load));
    EXPECT_EQ(kitchen.asked, 2) << "nothing is kept";
    redis.stop();
}

TEST(ConcurrentCacheTest, OneMakesItForAllThreads) {
    Memory memory;
    Kitchen kitchen;
    kitchen.open = false;
    Load const load = [&] { return kitchen.cook(); };
    CachedFor const how{.ttl = 1min, .absent_ttl = 1min, .tags = {}};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            Loop loop(i);
            auto const one = [&](int) {
                return check_once(cached(memory, "dish", how, load), "soup");
            };
            run(loop, all_of(25, one));
        });
    EXPECT_TRUE(soon([&] { return kitchen.asked == 1; }));
    EXPECT_TRUE(soon([&] { return memory.figures().misses >= 100; })) << "all have asked";
    kitchen.open = true;
    for (auto& thread : threads) thread.join();
    EXPECT_LE(kitchen.asked, 4) << "one a thread at most, had it just missed the landing";
    EXPECT_EQ(memory.flights().flying(), 0U);
}

TEST(ConcurrentCacheTest, ChangesAreSeenByWhoMadeThem) {
    Memory memory;
    std::vector<std::thread> threads;
    std::atomic<int> stale{0};
    struct Row {
        std::atomic<int> value{0};
        Task<Value> read() {
            int const seen = value;
            co_await sleep_for(50us);
            co_return std::make_shared<std::string const>(std::to_string(seen));
        }
    } row;
    Load const load = [&] { return row.read(); };
    std::vector<std::string_view> const tags{"row"};
    CachedFor const how{.ttl = 1min, .absent_ttl = 1min, .tags = tags};
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            Loop loop(i);
            for (int n = 0; n < 200; ++n) {
                int const mine = ++row.value; // the commit
                memory.drop("row");
                Value const seen = run(loop, cached(memory, "row", how, load));
                if (std::stoi(*seen) < mine) ++stale;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(stale, 0);
}

TEST(CachedTest, TimesAreSpreadByATenth) {
    milliseconds least{1h}, most{0};
    for (int i = 0; i < 1'000; ++i) {
        milliseconds const time = jittered(1'000ms);
        least = std::min(least, time);
        most = std::max(most, time);
    }
    EXPECT_GE(least, 900ms);
    EXPECT_LT(least, 930ms);
    EXPECT_LE(most, 1'100ms);
    EXPECT_GT(most, 1'070ms);
}

// ---- keys

TEST(KeysTest, LookAsTheyShould) {
    Uuid org;
    ASSERT_TRUE(parse("01890a5d-ac96-774b-bcce-b302099a8057", org));
    EXPECT_EQ(key_of(keys::product, Scope::everybody(), {"7"}), "product:7");
    EXPECT_EQ(key_of(keys::project_members, Scope::of(org), {"7"}),
              "org:01890a5d-ac96-774b-bcce-b302099a8057:project:7:members");
    EXPECT_EQ(tag_of(keys::project_members, Scope::everybody(), {"7"}), "project:7");
    EXPECT_EQ(tag_of(keys::product, Scope::of(org), {"7"}),
              "org:01890a5d-ac96-774b-bcce-b302099a8057:products");
    EXPECT_EQ(tag_of(keys::action_rate, Scope::everybody(), {"u", "a"}), "");
}

TEST(KeysTest, NoPartCanPretendToBeAnotherKey) {
    EXPECT_EQ(key_of(keys::user, Scope::everybody(), {"7:projects"}), "user:7%3aprojects");
    EXPECT_EQ(key_of(keys::user, Scope::everybody(), {"%3a#~ \n"}), "user:%253a%23%7e%20%0a");
    std::string const filter(500, 'f');
    std::string const key = key_of(keys::product_list, Scope::everybody(), {filter});
    EXPECT_LT(key.size(), 64U);
    EXPECT_NE(key, key_of(keys::product_list, Scope::everybody(), {filter + "g"}));
}

TEST(KeysTest, HaveTheirTimes) {
    using namespace std::chrono_literals;
    EXPECT_EQ(keys::product_list.ttl, 300s);
    EXPECT_EQ(keys::product.ttl, 600s);
    EXPECT_EQ(keys::categories.ttl, 3'600s);
    EXPECT_EQ(keys::user.ttl, 3'600s);
    EXPECT_EQ(keys::project.ttl, 1'800s);
    EXPECT_EQ(keys::task.ttl, 900s);
    EXPECT_EQ(keys::session.ttl, 86'400s);
    std::set<std::string_view> seen;
    for (KeyPattern const* const each : key_patterns())
        EXPECT_TRUE(seen.insert(each->pattern).second) << each->pattern;
}

// ---- what only the store in process can say

std::chrono::nanoseconds held_time{};
std::chrono::nanoseconds held_clock() { return held_time; }

TEST(MemoryTest, StaysWithinItsBytesAndKeepsWhatIsAskedFor) {
    MemoryOptions options;
    options.bytes_max = 1024 * 1024;
    options.shards = 1;
    Memory memory(options);
    std::string const value(1'000, 'v');
    Keep const keep{};
    memory.put("hot", value, keep);
    for (int i = 0; i < 20'000; ++i) {
        memory.put("k" + std::to_string(i), value, keep);
        if (i % 100 == 0) {
            ASSERT_NE(memory.find("hot"), nullptr) << i;
        }
    }
    Figures const figures = memory.figures();
    EXPECT_LE(figures.bytes, options.bytes_max);
    EXPECT_GT(figures.bytes, options.bytes_max / 2);
    EXPECT_GT(figures.evicted, 18'000U);
    EXPECT_NE(memory.find("k19999"), nullptr);
    EXPECT_EQ(memory.find("k0"), nullptr);
}

TEST(MemoryTest, RefusesWhatIsTooLargeAndForgetsWhatStoodThere) {
    Memory memory(MemoryOptions{.bytes_max = 1 << 20,
                                .value_bytes_max = 1'000,
                                .shards = 1,
                                .locks_max = 10,
                                .clock = nullptr});
    Keep const keep{};
    EXPECT_EQ(memory.put("a", "small", keep), Outcome::done);
    EXPECT_EQ(memory.put("a", std::string(2'000, 'x'), keep), Outcome::refused);
    EXPECT_EQ(memory.find("a"), nullptr);
}

TEST(MemoryTest, SweepsWhatHasEndedAndWhatWasDropped) {
    MemoryOptions options;
    options.clock = &held_clock;
    held_time = 1h;
    Memory memory(options);
    std::vector<std::string_view> const tags{"t"};
    Keep const minute{.ttl = 1min, .tags = {}, .unless_dropped = nullptr, .only_if_absent = false};
    Keep const tagged{.ttl = 1h, .tags = tags, .unless_dropped = nullptr, .only_if_absent = false};
    for (int i = 0; i < 1'000; ++i) {
        memory.put("m" + std::to_string(i), "x", minute);
        memory.put("t" + std::to_string(i), "x", tagged);
    }
    EXPECT_EQ(memory.figures().entries, 2'000U);
    held_time += 2min;
    memory.sweep();
    EXPECT_EQ(memory.figures().entries, 1'000U);
    memory.drop("t");
    memory.sweep();
    EXPECT_EQ(memory.figures().entries, 0U);
    EXPECT_EQ(memory.figures().bytes, 0U);
}

TEST(MemoryTest, LocksAreNeverEvictedAndBounded) {
    Memory memory(MemoryOptions{.bytes_max = 1 << 20,
                                .value_bytes_max = 1'000,
                                .shards = 1,
                                .locks_max = 3,
                                .clock = nullptr});
    Loop loop;
    for (char const* const name : {"a", "b", "c"}) EXPECT_TRUE(run(loop, memory.acquire(name, 1h)));
    EXPECT_EQ(run(loop, memory.acquire("d", 1h)).outcome, Outcome::refused);
    EXPECT_EQ(run(loop, memory.acquire("a", 1h)).outcome, Outcome::refused);
}

TEST(ConcurrentMemoryTest, ReadersWritersAndSweepersAgree) {
    MemoryOptions options;
    options.bytes_max = 200'000; // so that it evicts all the time
    options.shards = 4;
    Memory memory(options);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            std::vector<std::string_view> const tags{"t"};
            for (int i = 0; i < 20'000; ++i) {
                std::string const key = std::to_string((i * 7 + t) % 1'000);
                Keep const keep{.ttl = i % 3 == 0 ? 1ms : 0ms,
                                .tags = i % 5 == 0 ? std::span(tags)
                                                   : std::span<std::string_view const>(),
                                .unless_dropped = nullptr,
                                .only_if_absent = false};
                if (i % 2 == 0) memory.put(key, key + key, keep);
                Value const value = memory.find(key);
                if (value && *value != key + key) ++wrong;
                if (i % 1'000 == 0) memory.drop("t");
                if (i % 1'500 == 0) memory.sweep();
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_LE(memory.figures().bytes, options.bytes_max);
}

} // namespace
} // namespace haat::kv::test
