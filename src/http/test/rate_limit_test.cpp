// A bucket that refills smoothly: exact for a burst, forgiving afterwards, bounded in memory.
#include <http/rate_limit.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace haat::http {
namespace {

std::chrono::nanoseconds time_now{1h};
std::chrono::nanoseconds held_time() { return time_now; }

RateLimitOptions with_held_time() {
    RateLimitOptions options;
    options.clock = &held_time;
    options.of(Allowance::auth) = {5, 15min}; // what the numbers below speak of
    return options;
}

TEST(RateLimit, FiveOfFivePassAndTheSixthDoesNot) {
    RateLimiter limiter(with_held_time());
    for (int i = 0; i < 5; ++i) {
        Decision const d = limiter.take(Allowance::auth, "203.0.113.7");
        EXPECT_TRUE(d.allowed) << i;
        EXPECT_EQ(d.limit, 5);
        EXPECT_EQ(d.remaining, 4 - i);
        EXPECT_EQ(d.reset_seconds, (i + 1) * 180);
        EXPECT_EQ(d.retry_after_seconds, 0);
    }
    Decision const refused = limiter.take(Allowance::auth, "203.0.113.7");
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.remaining, 0);
    EXPECT_EQ(refused.reset_seconds, 900);
    EXPECT_EQ(refused.retry_after_seconds, 180);
}

TEST(RateLimit, EveryClassAllowsExactlyWhatItSays) {
    RateLimitOptions const numbers = with_held_time();
    for (std::size_t i = 0; i < allowances; ++i) {
        RateLimiter limiter(with_held_time());
        int passed = 0;
        while (limiter.take(static_cast<Allowance>(i), "x").allowed) ++passed;
        EXPECT_EQ(passed, numbers.rates[i].limit) << name_of(static_cast<Allowance>(i));
    }
}

TEST(RateLimit, LimitsThatDoNotDivideTheWindowAreExactToo) {
    for (int const limit : {1, 7, 11, 13, 997, 2'999, 7'777}) {
        RateLimitOptions options = with_held_time();
        options.of(Allowance::public_read) = {limit, 60s};
        RateLimiter limiter(options);
        int passed = 0;
        while (limiter.take(Allowance::public_read, "x").allowed) ++passed;
        EXPECT_EQ(passed, limit);
    }
}

TEST(RateLimit, ARefusedRequestTakesNothingAndTimeGivesBackSmoothly) {
    RateLimiter limiter(with_held_time());
    while (limiter.take(Allowance::auth, "x").allowed) {
    }
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(limiter.take(Allowance::auth, "x").allowed);

    time_now += 179s;
    EXPECT_EQ(limiter.take(Allowance::auth, "x").retry_after_seconds, 1);
    time_now += 1s;
    EXPECT_TRUE(limiter.take(Allowance::auth, "x").allowed);
    EXPECT_FALSE(limiter.take(Allowance::auth, "x").allowed);

    time_now += 900s; // a whole window later it is full, and not fuller
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.take(Allowance::auth, "x").allowed);
    EXPECT_FALSE(limiter.take(Allowance::auth, "x").allowed);
}

TEST(RateLimit, WaitingAsLongAsItSaysIsEnough) {
    RateLimiter limiter(with_held_time());
    for (int round = 0; round < 50; ++round) {
        time_now += std::chrono::milliseconds(round * 37);
        while (limiter.take(Allowance::signed_in, "u").allowed) {
        }
        time_now +=
            std::chrono::seconds(limiter.look(Allowance::signed_in, "u").retry_after_seconds);
        EXPECT_TRUE(limiter.take(Allowance::signed_in, "u").allowed);
    }
}

TEST(RateLimit, SuccessesAreGivenBack) {
    RateLimiter limiter(with_held_time());
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(limiter.take(Allowance::auth, "office").allowed);
        limiter.give_back(Allowance::auth, "office");
    }
    EXPECT_EQ(limiter.look(Allowance::auth, "office").remaining, 5);
    limiter.give_back(Allowance::auth, "office"); // never more than full
    limiter.give_back(Allowance::auth, "nobody");
    int passed = 0;
    while (limiter.take(Allowance::auth, "office").allowed) ++passed;
    EXPECT_EQ(passed, 5);
}

TEST(RateLimit, LookingTakesNothing) {
    RateLimiter limiter(with_held_time());
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter.look(Allowance::auth, "x").allowed);
    EXPECT_EQ(limiter.keys(), 0U);
    EXPECT_EQ(limiter.take(Allowance::auth, "x").remaining, 4);
    EXPECT_EQ(limiter.look(Allowance::auth, "x").remaining, 4);
}

TEST(RateLimit, ClassesAndKeysDoNotDrawOnOneAnother) {
    RateLimiter limiter(with_held_time());
    while (limiter.take(Allowance::auth, "a").allowed) {
    }
    EXPECT_TRUE(limiter.take(Allowance::auth, "b").allowed);
    EXPECT_TRUE(limiter.take(Allowance::sensitive, "a").allowed);
    EXPECT_EQ(limiter.keys(), 3U);
}

TEST(RateLimit, AFloodOfKeysIsBoundedAndDoesNotFreeTheGuilty) {
    RateLimitOptions options = with_held_time();
    options.keys_max = 1'000;
    RateLimiter limiter(options);
    while (limiter.take(Allowance::auth, "guilty").allowed) {
    }
    for (int i = 0; i < 200'000; ++i)
        limiter.take(Allowance::public_read, "10." + std::to_string(i));
    EXPECT_LE(limiter.keys(), 4'096U);
    EXPECT_FALSE(limiter.take(Allowance::auth, "guilty").allowed);

    time_now += 1h;
    EXPECT_EQ(limiter.keys(), 0U); // idle keys are no keys
}

TEST(RateLimit, NonsenseInTheOptionsIsMadeHarmless) {
    RateLimitOptions options = with_held_time();
    options.of(Allowance::upload) = {0, 0s};
    options.of(Allowance::auth) = {2'000'000'000, 1s};
    options.keys_max = 0;
    RateLimiter limiter(options);
    EXPECT_TRUE(limiter.take(Allowance::upload, "x").allowed);
    EXPECT_FALSE(limiter.take(Allowance::upload, "x").allowed);
    for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(limiter.take(Allowance::auth, "x").allowed);
}

TEST(RateLimit, HeadersSayTheDecision) {
    std::string head;
    Decision{true, 5, 4, 180, 0}.append_to(head);
    EXPECT_EQ(head, "RateLimit-Limit: 5\r\nRateLimit-Remaining: 4\r\nRateLimit-Reset: 180\r\n");
    head.clear();
    Decision{false, 5, 0, 900, 180}.append_to(head);
    EXPECT_EQ(head, "RateLimit-Limit: 5\r\nRateLimit-Remaining: 0\r\nRateLimit-Reset: 900\r\n"
                    "Retry-After: 180\r\n");
}

TEST(RateLimit, ConcurrentTakesPassExactlyTheLimit) {
    RateLimitOptions options = with_held_time();
    options.of(Allowance::signed_in) = {10'000, 1min};
    RateLimiter limiter(options);
    std::atomic<int> passed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 5'000; ++i)
                passed += limiter.take(Allowance::signed_in, "user").allowed;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(passed.load(), 10'000);
}

TEST(RateLimit, AddressesOfOneCustomerAreOneKey) {
    EXPECT_EQ(address_key("203.0.113.7"), "203.0.113.7");
    EXPECT_EQ(address_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    EXPECT_EQ(address_key("2001:db8:1:2::9"), address_key("2001:db8:1:2:ffff::"));
    EXPECT_NE(address_key("2001:db8:1:2::9"), address_key("2001:db8:1:3::9"));
    EXPECT_EQ(address_key("::ffff:203.0.113.7"), "203.0.113.7");
    EXPECT_EQ(address_key("fe80::1%eth0"), "fe80::/64");
    EXPECT_EQ(address_key("nonsense:"), "nonsense:");
}

// ---- shared by several nodes

TEST(RateLimitNotes, WhatIsNotStrictIsNotedOnce) {
    RateLimiter limiter(with_held_time());
    limiter.take(Allowance::public_read, "a");
    EXPECT_TRUE(limiter.notes().empty()) << "nobody asked for notes";
    limiter.note_takes();
    for (int i = 0; i < 3; ++i) limiter.take(Allowance::public_read, "a");
    limiter.take(Allowance::auth, "a"); // all nodes are asked for each of these
    limiter.take(Allowance::signed_in, "a");
    auto const notes = limiter.notes();
    ASSERT_EQ(notes.size(), 2U);
    for (Use const& use : notes) {
        EXPECT_EQ(use.key, "a");
        EXPECT_EQ(use.count, use.allowance == Allowance::public_read ? 3 : 1);
    }
    EXPECT_TRUE(limiter.notes().empty());
}

TEST(RateLimitNotes, RefusedOnesAreNotNotedAndMemoryIsBounded) {
    RateLimitOptions options = with_held_time();
    options.of(Allowance::signed_in) = {1, 1min};
    RateLimiter limiter(options);
    limiter.note_takes();
    limiter.take(Allowance::signed_in, "a");
    limiter.take(Allowance::signed_in, "a");
    auto const notes = limiter.notes();
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(notes[0].count, 1);
    for (int i = 0; i < 100'000; ++i) limiter.take(Allowance::public_read, std::to_string(i));
    EXPECT_LE(limiter.notes().size(), 64U * 200);
}

TEST(RateLimitNotes, LearningNeverForgives) {
    RateLimitOptions options = with_held_time();
    options.of(Allowance::public_read) = {60, 1min};
    RateLimiter limiter(options);
    limiter.learn(Allowance::public_read, "a", 50s);
    EXPECT_EQ(limiter.look(Allowance::public_read, "a").remaining, 10);
    limiter.learn(Allowance::public_read, "a", 5s);
    EXPECT_EQ(limiter.look(Allowance::public_read, "a").remaining, 10);
    limiter.learn(Allowance::public_read, "a", 1h);
    EXPECT_FALSE(limiter.take(Allowance::public_read, "a").allowed);
    time_now += 1s;
    EXPECT_TRUE(limiter.take(Allowance::public_read, "a").allowed) << "no worse than nothing left";
}

TEST(RateLimitNotes, WordsAreThoseOfTheLimiter) {
    RateLimitOptions options = with_held_time();
    options.of(Allowance::auth) = {4, 40s};
    RateLimiter limiter(options);
    limiter.take(Allowance::auth, "a");
    Decision const here = limiter.look(Allowance::auth, "a");
    Decision const all = limiter.decision(Allowance::auth, true, 10s);
    EXPECT_EQ(all.remaining, here.remaining);
    EXPECT_EQ(all.reset_seconds, here.reset_seconds);
    Decision const refused = limiter.decision(Allowance::auth, false, 40s);
    EXPECT_EQ(refused.remaining, 0);
    EXPECT_EQ(refused.retry_after_seconds, 10);
    EXPECT_EQ(limiter.rate(Allowance::auth).limit, 4);
}

} // namespace
} // namespace haat::http
