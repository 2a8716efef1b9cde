// Breakers, turns and queues.
#include <gtest/gtest.h>

#include <outbound/hosts.hpp>
#include <outbound/test/world.hpp>

namespace haat::outbound::test {
namespace {

TEST(OutboundBreaker, OpensAfterFailuresInARow) {
    Breaker breaker;
    auto now = Steady::now();
    Breaker::Patience const patience{3, 10s};
    EXPECT_FALSE(breaker.failed(now, false, patience));
    EXPECT_FALSE(breaker.failed(now, false, patience));
    breaker.succeeded();
    EXPECT_FALSE(breaker.failed(now, false, patience));
    EXPECT_FALSE(breaker.failed(now, false, patience));
    EXPECT_TRUE(breaker.admit(now));
    EXPECT_TRUE(breaker.failed(now, false, patience));
    EXPECT_EQ(breaker.state(now), Breaker::State::open);
    EXPECT_FALSE(breaker.admit(now));
    EXPECT_FALSE(breaker.failed(now, false, patience)) << "one that set out before";

    now += 10s;
    EXPECT_EQ(breaker.state(now), Breaker::State::half_open);
    EXPECT_TRUE(breaker.admit(now));
    EXPECT_FALSE(breaker.admit(now)) << "one probe at a time";
    EXPECT_TRUE(breaker.failed(now, true, patience));
    now += 10s;
    EXPECT_EQ(breaker.state(now), Breaker::State::open) << "twice as long the second time";
    now += 10s;
    EXPECT_TRUE(breaker.admit(now));
    breaker.probe_told_nothing();
    EXPECT_TRUE(breaker.admit(now));
    breaker.succeeded();
    EXPECT_EQ(breaker.state(now), Breaker::State::closed);
}

TEST(OutboundBreaker, ThePauseHasAnEnd) {
    Breaker breaker;
    auto now = Steady::now();
    Breaker::Patience const patience{1, 10s};
    breaker.failed(now, false, patience);
    for (int i = 0; i < 40; ++i) {
        now += 5min;
        ASSERT_TRUE(breaker.admit(now)) << i;
        breaker.failed(now, true, patience);
    }
}

TEST(OutboundBreaker, ADeadHostIsLeftAloneAndComesBack) {
    std::atomic<bool> dead{true};
    WorldServer server([&](Exchange& e) {
        if (dead) return e.close();
        e.reply(200);
    });
    WorldServer well([](Exchange& e) { e.reply(200); });
    Options options = quick();
    options.breaker_failures = 4;
    options.breaker_pause = 50ms;
    World world(options);
    Request once = get(server.url());
    once.attempts_max = 1;
    for (int i = 0; i < 4; ++i) EXPECT_EQ(world.kind(once), "closed");
    auto const begin = Steady::now();
    EXPECT_EQ(world.kind(once), "breaker_open");
    EXPECT_EQ(world.client->load().open_breakers, 1);
    EXPECT_EQ(world.send(get(well.url())).status, 200) << "another host is another matter";
    EXPECT_EQ(server.requests(), 4);
    dead = false;
    EXPECT_TRUE(soon([&] { return world.kind(once) == "answered"; }));
    EXPECT_GE(Steady::now() - begin, 50ms);
    EXPECT_EQ(world.client->load().open_breakers, 0);
}

TEST(OutboundBreaker, RefusalsAreSignsOfLife) {
    WorldServer server([](Exchange& e) { e.reply(404); });
    World world;
    for (int i = 0; i < 20; ++i) EXPECT_EQ(world.send(get(server.url())).status, 404);
}

// ---- many at once

struct Crowd {
    std::atomic<int> answered{0};
    std::atomic<int> failed{0};
    std::map<std::string, int> kinds;

    static Task<void> ask(Client& client, Request request, Crowd& crowd) {
        try {
            Reply const reply = co_await client.send(std::move(request));
            if (reply.ok()) ++crowd.answered;
        } catch (Error const& error) {
            ++crowd.failed;
            ++crowd.kinds[std::string(name_of(error.kind()))];
        }
    }
};

TEST(OutboundConcurrent, NeverMoreThanAllowed) {
    WorldServer server([](Exchange& e) {
        e.hold(2ms);
        e.reply(200, "x");
    });
    Options options = quick();
    options.running_per_host_max = 7;
    World world(options);
    Crowd crowd;
    auto const make = [&](int) { return Crowd::ask(*world.client, get(server.url()), crowd); };
    run(world.loop, haat::test::all_of(300, make));
    EXPECT_EQ(crowd.answered, 300);
    EXPECT_LE(server.most_at_once(), 7);
    EXPECT_GE(server.most_at_once(), 2);
    EXPECT_LE(server.connections(), 7);
    EXPECT_EQ(world.client->load().running, 0);
    EXPECT_EQ(world.client->load().waiting, 0);
}

TEST(OutboundConcurrent, ADeadHostDoesNotHoldUpTheOthers) {
    WorldServer dead([](Exchange& e) { e.hold(); });
    WorldServer well([](Exchange& e) { e.reply(200); });
    Options options = quick();
    options.running_max = 12;
    options.running_per_host_max = 4;
    World world(options);
    Crowd lost, found;
    auto const begin = Steady::now();
    auto const make = [&](int i) {
        Request request = get(i % 2 == 0 ? dead.url() : well.url());
        request.times.silence = 300ms;
        request.attempts_max = 1;
        return Crowd::ask(*world.client, request, i % 2 == 0 ? lost : found);
    };
    std::optional<Steady::duration> all_found;
    struct Watch {
        static Task<void> look(Crowd& crowd, std::optional<Steady::duration>& time,
                               Steady::time_point from) {
            while (crowd.answered < 100) co_await sleep_for(1ms);
            time = Steady::now() - from;
        }
    };
    auto const all = [&](int i) {
        return i < 200 ? make(i) : Watch::look(found, all_found, begin);
    };
    run(world.loop, haat::test::all_of(201, all));
    EXPECT_EQ(found.answered, 100);
    EXPECT_EQ(lost.failed, 100);
    EXPECT_GT(lost.kinds["breaker_open"], 50) << "those who waited are told at once";
    ASSERT_TRUE(all_found);
    EXPECT_LT(*all_found, 290ms + (Steady::now() - begin) / 2);
}

TEST(OutboundConcurrent, TooLongAQueueIsRefused) {
    WorldServer server([](Exchange& e) {
        e.hold(20ms);
        e.reply(200);
    });
    Options options = quick();
    options.running_per_host_max = 1;
    options.waiting_per_host_max = 5;
    World world(options);
    Crowd crowd;
    auto const make = [&](int) { return Crowd::ask(*world.client, get(server.url()), crowd); };
    run(world.loop, haat::test::all_of(20, make));
    EXPECT_EQ(crowd.answered, 6);
    EXPECT_EQ(crowd.kinds["busy"], 14);
}

TEST(OutboundConcurrent, WaitingCountsAsTime) {
    WorldServer server([](Exchange& e) { e.hold(); });
    Options options = quick();
    options.running_per_host_max = 1;
    options.breaker_failures = 100;
    World world(options);
    Crowd crowd;
    auto const make = [&](int) {
        Request request = get(server.url());
        request.times.whole = 100ms;
        request.attempts_max = 1;
        return Crowd::ask(*world.client, request, crowd);
    };
    run(world.loop, haat::test::all_of(5, make));
    EXPECT_EQ(crowd.kinds["timeout"], 5);
    EXPECT_EQ(world.client->load().waiting, 0);
}

TEST(OutboundConcurrent, ManyHostsManyRequests) {
    std::list<WorldServer> servers;
    for (int i = 0; i < 10; ++i)
        servers.emplace_back([i](Exchange& e) {
            if (i == 9) return e.close();
            e.reply(200, std::string(1'000, 'x'));
        });
    std::vector<WorldServer*> list;
    for (WorldServer& server : servers) list.push_back(&server);
    Options options = quick();
    options.running_max = 40;
    World world(options);
    Crowd crowd;
    auto const make = [&](int i) {
        Request request = i % 3 == 0 ? post(list[std::size_t(i % 10)]->url())
                                     : get(list[std::size_t(i % 10)]->url());
        return Crowd::ask(*world.client, request, crowd);
    };
    run(world.loop, haat::test::all_of(2'000, make));
    EXPECT_EQ(crowd.answered, 1'800);
    EXPECT_EQ(crowd.failed, 200);
}

TEST(OutboundConcurrent, AClientOnEachOfFourLoops) {
    WorldServer server([](Exchange& e) { e.reply(200, "x"); });
    Meter meter;
    std::atomic<int> answered{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            Loop loop;
            Options options = quick();
            options.meter = &meter;
            options.lookup = [](std::string const&) -> std::vector<Address> {
                return {address("127.0.0.1")};
            };
            Client client(loop, options);
            Crowd crowd;
            auto const make = [&](int n) {
                return Crowd::ask(
                    client, get(server.url_of("host" + std::to_string(n % 5) + ".example")), crowd);
            };
            run(loop, haat::test::all_of(200, make));
            answered += crowd.answered;
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(answered, 800);
    EXPECT_EQ(meter.answers("test", 2), 800u);
}

} // namespace
} // namespace haat::outbound::test
