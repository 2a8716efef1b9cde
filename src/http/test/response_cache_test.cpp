// What the cache keeps, what it forgets, and who computes what others wait for.
#include <http/response_cache.hpp>

#include <list>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <base/task.hpp>

namespace haat::http {
namespace {

using namespace std::chrono_literals;

std::span<std::string_view const> const untagged;

std::chrono::nanoseconds time_now{1h};
std::chrono::nanoseconds held_time() { return time_now; }

/// Suspends whoever computes until the test opens it.
struct Gate {
    std::coroutine_handle<> waiter;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { waiter = handle; }
    void await_resume() const noexcept {}
    void open() { std::exchange(waiter, nullptr).resume(); }
};

CachedResponse response_of(std::string text) {
    CachedResponse response;
    response.body = std::make_shared<SharedBody>();
    response.body->plain = std::move(text);
    return response;
}

enum class Then { store, share, fail };

/// One request: its own log of what happened to it.
struct Asker {
    Gate gate;
    bool computed = false;
    std::string got;
};

class ResponseCaching : public testing::Test {
protected:
    static ResponseCacheOptions options() {
        ResponseCacheOptions options;
        options.clock = &held_time;
        return options;
    }

    /// Fills without waiting.
    void put(std::string_view target, std::string text, std::string_view tag = "brands",
             std::chrono::nanoseconds ttl = 60s) {
        std::array const tags{tag};
        auto enter = cache_.enter({1, target, {}}, tags);
        ASSERT_TRUE(enter.await_ready());
        CacheFlight flight = enter.await_resume();
        ASSERT_FALSE(flight.hit());
        flight.store(response_of(std::move(text)), ttl);
    }
    std::string get(std::string_view target) {
        CacheHit const hit = cache_.find({1, target, {}});
        return hit ? hit->body->plain : "-";
    }

    Task<void> ask(Asker& asker, std::string target, std::string answer, Then then) {
        CacheKey const key{1, target, {}};
        std::array<std::string_view, 1> const tags{"brands"};
        CacheFlight flight = co_await cache_.enter(key, tags);
        if (flight.hit()) {
            asker.got = flight.hit()->body->plain;
            co_return;
        }
        asker.computed = true;
        co_await asker.gate;
        asker.got = answer;
        if (then == Then::store) flight.store(response_of(answer), 60s);
        if (then == Then::share) flight.share(response_of(answer));
    }
    void start(Asker& asker, std::string answer, Then then = Then::store) {
        detach(ask(asker, "/brands", std::move(answer), then));
    }

    CacheTags tags_;
    ResponseCache cache_{tags_, options()};
};

TEST_F(ResponseCaching, KeepsByRouteTargetAndVary) {
    put("/brands", "list");
    EXPECT_EQ(get("/brands"), "list");
    EXPECT_EQ(get("/brands?page=2"), "-");
    EXPECT_FALSE(cache_.find({2, "/brands", {}}));
    EXPECT_FALSE(cache_.find({1, "/brands", "shop.example"}));
    EXPECT_EQ(cache_.entries(), 1U);
    EXPECT_EQ(cache_.hits(), 1U);
    EXPECT_EQ(cache_.misses(), 4U);
}

TEST_F(ResponseCaching, TheSameBodyIsShared) {
    put("/brands", "list");
    CacheHit const first = cache_.find({1, "/brands", {}});
    first->body->gzip = "made when first asked";
    EXPECT_EQ(cache_.find({1, "/brands", {}})->body->gzip, "made when first asked");
}

TEST_F(ResponseCaching, ExpiresWithinATenthOfItsTime) {
    for (int i = 0; i < 200; ++i) put("/" + std::to_string(i), "x");
    std::chrono::nanoseconds least = 1h, most = 0s;
    for (int i = 0; i < 200; ++i) {
        auto const left = cache_.find({1, "/" + std::to_string(i), {}})->expires - time_now;
        least = std::min(least, left);
        most = std::max(most, left);
    }
    EXPECT_GE(least, 54s);
    EXPECT_LE(most, 66s);
    EXPECT_GT(most - least, 6s); // spread
    time_now += 67s;
    for (int i = 0; i < 200; ++i) EXPECT_EQ(get("/" + std::to_string(i)), "-");
    EXPECT_EQ(cache_.entries(), 0U);
    EXPECT_EQ(cache_.bytes(), 0U);
}

TEST_F(ResponseCaching, ADropEndsWhatHasTheTagAndNothingElse) {
    put("/brands", "brands");
    put("/brands/1", "one", "brands");
    put("/categories", "categories", "categories");
    tags_.drop("brands");
    EXPECT_EQ(get("/brands"), "-");
    EXPECT_EQ(get("/brands/1"), "-");
    EXPECT_EQ(get("/categories"), "categories");
    tags_.drop_all();
    EXPECT_EQ(get("/categories"), "-");
}

TEST_F(ResponseCaching, EachOfSeveralTagsEndsIt) {
    std::array<std::string_view, 4> const all{"brands", "products", "prices", "stock"};
    for (std::string_view const tag : all) {
        auto enter = cache_.enter({7, "/home", {}}, all);
        ASSERT_TRUE(enter.await_ready());
        enter.await_resume().store(response_of("home"), 60s);
        EXPECT_TRUE(cache_.find({7, "/home", {}}));
        tags_.drop(tag);
        EXPECT_FALSE(cache_.find({7, "/home", {}})) << tag;
    }
}

TEST_F(ResponseCaching, TheCachesOfAllLoopsSeeADropAtOnce) {
    ResponseCache other(tags_, options());
    std::array<std::string_view, 1> const tags{"brands"};
    auto enter = other.enter({1, "/brands", {}}, tags);
    ASSERT_TRUE(enter.await_ready());
    enter.await_resume().store(response_of("list"), 60s);
    ASSERT_TRUE(other.find({1, "/brands", {}}));
    std::thread([this] { tags_.drop("brands"); }).join();
    EXPECT_FALSE(other.find({1, "/brands", {}}));
}

TEST_F(ResponseCaching, WhatWasReadBeforeADropIsNotKept) {
    Asker reader;
    start(reader, "old");
    tags_.drop("brands"); // a write committed while the reader renders
    reader.gate.open();
    EXPECT_EQ(reader.got, "old");
    EXPECT_EQ(get("/brands"), "-");
}

TEST_F(ResponseCaching, WhoAsksAfterADropDoesNotGetWhatWasReadBeforeIt) {
    Asker early, fellow, late;
    start(early, "old");
    start(fellow, "unused");
    tags_.drop("brands");
    start(late, "new"); // perhaps the one who wrote
    EXPECT_TRUE(late.computed);
    late.gate.open();
    EXPECT_EQ(late.got, "new");
    early.gate.open();
    EXPECT_EQ(fellow.got, "old"); // asked before the drop
    EXPECT_EQ(get("/brands"), "new");
}

TEST_F(ResponseCaching, OneComputesAndTheOthersWait) {
    Asker leader;
    std::list<Asker> others(50);
    start(leader, "list");
    for (Asker& other : others) start(other, "never");
    leader.gate.open();
    for (Asker const& other : others) {
        EXPECT_FALSE(other.computed);
        EXPECT_EQ(other.got, "list");
    }
    EXPECT_EQ(get("/brands"), "list");
}

TEST_F(ResponseCaching, SharingDoesNotKeep) {
    Asker leader, other;
    start(leader, "not found", Then::share);
    start(other, "never");
    leader.gate.open();
    EXPECT_EQ(other.got, "not found");
    EXPECT_EQ(get("/brands"), "-");
}

TEST_F(ResponseCaching, AfterAFailureTheNextOneTries) {
    Asker first, second, third, fourth;
    start(first, "1", Then::fail);
    start(second, "2", Then::fail);
    start(third, "3");
    start(fourth, "4");
    first.gate.open();
    EXPECT_TRUE(second.computed);
    EXPECT_FALSE(third.computed);
    second.gate.open();
    EXPECT_TRUE(third.computed);
    third.gate.open();
    EXPECT_FALSE(fourth.computed);
    EXPECT_EQ(fourth.got, "3");
}

TEST_F(ResponseCaching, WhoTakesOverAfterADropIsKept) {
    Asker first, second;
    start(first, "1", Then::fail);
    start(second, "2");
    tags_.drop("brands");
    first.gate.open(); // second reads only now, after the drop
    second.gate.open();
    EXPECT_EQ(get("/brands"), "2");
}

Task<void> ask_and_fail(ResponseCache& cache, int& tried) {
    CacheKey const key{1, "/brands", {}};
    CacheFlight const flight = co_await cache.enter(key, untagged);
    EXPECT_FALSE(flight.hit());
    ++tried;
}

TEST_F(ResponseCaching, ALongRowOfFailuresDoesNotNest) {
    int tried = 0;
    ResponseCacheOptions many = options();
    many.waiters_max = 100'000;
    ResponseCache cache(tags_, many);
    {
        auto enter = cache.enter({1, "/brands", {}}, {});
        ASSERT_TRUE(enter.await_ready());
        CacheFlight const leader = enter.await_resume();
        for (int i = 0; i < 100'000; ++i) detach(ask_and_fail(cache, tried));
        EXPECT_EQ(tried, 0);
    }
    EXPECT_EQ(tried, 100'000);
}

TEST_F(ResponseCaching, BeyondTheMostWaitersEveryoneComputes) {
    ResponseCacheOptions few = options();
    few.waiters_max = 1;
    ResponseCache cache(tags_, few);
    int tried = 0;
    {
        auto enter = cache.enter({1, "/brands", {}}, {});
        ASSERT_TRUE(enter.await_ready());
        CacheFlight const leader = enter.await_resume();
        detach(ask_and_fail(cache, tried));
        EXPECT_EQ(tried, 0);
        detach(ask_and_fail(cache, tried));
        EXPECT_EQ(tried, 1);
    }
    EXPECT_EQ(tried, 2);
}

TEST_F(ResponseCaching, AWaiterMayGoAway) {
    Asker leader, gone, stays;
    start(leader, "list", Then::fail);
    {
        std::optional<Task<void>> task(ask(gone, "/brands", "x", Then::store));
        task->await_suspend(std::noop_coroutine());
        start(stays, "mine");
        task.reset(); // its client went away
    }
    leader.gate.open();
    EXPECT_FALSE(gone.computed);
    EXPECT_TRUE(stays.computed);
    stays.gate.open();
    EXPECT_EQ(get("/brands"), "mine");
}

TEST_F(ResponseCaching, AWaiterMayGoAwayWhileAnotherIsResumed) {
    Asker leader, second;
    start(leader, "list");
    start(second, "x");
    std::optional<Task<void>> third(ask(second, "/brands", "y", Then::store));
    struct Ending {
        static Task<void> run(ResponseCache& cache, std::optional<Task<void>>& other) {
            CacheKey const key{1, "/brands", {}};
            CacheFlight const flight = co_await cache.enter(key, untagged);
            other.reset(); // one that is next in the row
        }
    };
    detach(Ending::run(cache_, third));
    third->await_suspend(std::noop_coroutine());
    leader.gate.open();
    EXPECT_FALSE(third.has_value());
    EXPECT_EQ(get("/brands"), "list");
}

TEST(ResponseCacheBounds, TheLeastRecentlyUsedGoesFirst) {
    CacheTags tags;
    ResponseCacheOptions options;
    options.clock = &held_time;
    options.entries_max = 3;
    ResponseCache cache(tags, options);
    auto const put = [&](std::string_view target) {
        auto enter = cache.enter({1, target, {}}, {});
        if (enter.await_ready()) enter.await_resume().store(response_of("x"), 60s);
    };
    auto const has = [&](std::string_view target) {
        return cache.find({1, target, {}}) != nullptr;
    };
    put("/a");
    put("/b");
    put("/c");
    EXPECT_TRUE(has("/a"));
    put("/d");
    EXPECT_FALSE(has("/b"));
    EXPECT_TRUE(has("/c"));
    EXPECT_TRUE(has("/a"));
    EXPECT_TRUE(has("/d"));
    put("/e");
    EXPECT_FALSE(has("/c"));
    EXPECT_EQ(cache.entries(), 3U);
}

TEST(ResponseCacheBounds, BytesAreBoundedEvenWhenBodiesGrowLater) {
    CacheTags tags;
    ResponseCacheOptions options;
    options.clock = &held_time;
    options.bytes_max = 100'000;
    options.entry_bytes_max = 50'000;
    ResponseCache cache(tags, options);
    auto const put = [&](std::string const& target, std::size_t size) {
        auto enter = cache.enter({1, target, {}}, {});
        if (enter.await_ready())
            enter.await_resume().store(response_of(std::string(size, 'x')), 60s);
    };
    put("/large", 60'000);
    EXPECT_EQ(cache.entries(), 0U);
    for (int i = 0; i < 100; ++i) {
        put("/" + std::to_string(i), 9'000);
        EXPECT_LE(cache.bytes(), 100'000U);
    }
    EXPECT_GE(cache.entries(), 9U);
    auto const before = cache.entries();
    CacheHit const hit = cache.find({1, "/99", {}});
    hit->body->gzip.assign(40'000, 'z');
    EXPECT_TRUE(cache.find({1, "/99", {}})); // counts what was added
    EXPECT_LT(cache.entries(), before);
    EXPECT_LE(cache.bytes(), 100'000U);
}

TEST(ResponseCacheTags, ConcurrentDropsAreAllCounted) {
    CacheTags tags;
    std::thread other([&] {
        for (int i = 0; i < 10'000; ++i) tags.drop("brands");
    });
    for (int i = 0; i < 10'000; ++i) tags.drop("brands");
    other.join();
    EXPECT_EQ(tags.generation("brands"), 20'000U);
}

} // namespace
} // namespace haat::http
