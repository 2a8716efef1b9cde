// Where a stranger's URL may lead: never to us, whatever it looks like and whatever the name says.
#include <gtest/gtest.h>

#include <outbound/test/world.hpp>

namespace haat::outbound::test {
namespace {

TEST(OutboundGuard, NoSpellingOfAPrivateAddressIsAsked) {
    WorldServer server([](Exchange& e) { e.reply(200, "secret"); });
    Options closed;
    closed.backoff = 2ms;
    World world(closed);
    for (char const* const host : {"127.0.0.1",
                                   "127.1",
                                   "2130706433",
                                   "0x7f.0.0.1",
                                   "0x7f000001",
                                   "0177.0.0.1",
                                   "017700000001",
                                   "[::1]",
                                   "[::ffff:127.0.0.1]",
                                   "[::ffff:7f00:1]",
                                   "[64:ff9b::127.0.0.1]",
                                   "0.0.0.0",
                                   "0",
                                   "[::]",
                                   "localhost",
                                   "LOCALHOST",
                                   "localhost.",
                                   "a.localhost",
                                   "127.0.0.1.",
                                   "[0:0:0:0:0:0:0:1]"}) {
        std::string const kind = world.kind(get(server.url_of(host)));
        // Not every spelling is a host at all, and not every resolver knows a.localhost.
        EXPECT_TRUE(kind == "forbidden_address" || kind == "bad_request" || kind == "dns")
            << host << ": " << kind;
    }
    for (char const* const url :
         {"http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://192.168.1.1/",
          "http://[fd00:ec2::254]/latest/", "http://[fe80::1]/", "http://100.100.100.200/",
          "http://168.63.129.16/", "http://224.0.0.1/"})
        EXPECT_EQ(world.kind(get(url)), "forbidden_address") << url;
    EXPECT_EQ(server.connections(), 0);
}

TEST(OutboundGuard, TheOperatorsOwnUrlsMayLeadAnywhere) {
    WorldServer server([](Exchange& e) { e.reply(200, "fine"); });
    World world(Options{});
    Request request = get(server.url());
    request.reach = Reach::house;
    EXPECT_EQ(world.send(request).body, "fine");
    // What was connected for the operator is not lent to a stranger.
    EXPECT_EQ(world.kind(get(server.url())), "forbidden_address");
    EXPECT_EQ(server.requests(), 1);
}

TEST(OutboundGuard, OneBadAddressSpoilsTheName) {
    WorldServer server([](Exchange& e) { e.reply(200); });
    Options options = quick();
    options.lookup = [](std::string const& host) -> std::vector<Address> {
        if (host == "mixed.example") return {address("127.0.0.1"), address("10.0.0.1")};
        if (host == "mapped.example") return {address("::ffff:10.0.0.1")};
        if (host == "good.example") return {address("127.0.0.1")};
        throw std::runtime_error("no such name");
    };
    World world(options);
    EXPECT_EQ(world.kind(get(server.url_of("mixed.example"))), "forbidden_address");
    EXPECT_EQ(world.kind(get(server.url_of("mapped.example"))), "forbidden_address");
    EXPECT_EQ(world.kind(get(server.url_of("absent.example"))), "dns");
    EXPECT_EQ(server.connections(), 0);
    EXPECT_EQ(world.kind(get(server.url_of("good.example"))), "answered");
    EXPECT_EQ(server.seen().at(0).header("host"), "good.example:" + std::to_string(server.port()));
}

TEST(OutboundGuard, ANameInAnyScriptIsAskedInAscii) {
    WorldServer server([](Exchange& e) { e.reply(200, e.seen.header("host")); });
    std::mutex mutex;
    std::string asked;
    Options options = quick();
    options.lookup = [&](std::string const& host) -> std::vector<Address> {
        std::lock_guard const lock(mutex);
        asked = host;
        return {address("127.0.0.1")};
    };
    World world(options);
    Reply const reply = world.send(get(server.url_of("M\u00fcnchen.example.")));
    EXPECT_EQ(reply.body, "xn--mnchen-3ya.example:" + std::to_string(server.port()));
    EXPECT_EQ(asked, "xn--mnchen-3ya.example");
    // Digits of other scripts are digits.
    EXPECT_NE(world.kind(get("http://\uff11\uff10.0.0.1/")), "answered");
}

/// A name whose every answer is another one: first the public address, then ours.
TEST(OutboundGuard, ANameThatTurnsRoundAfterTheCheckLeadsNowhereElse) {
    WorldServer outside([](Exchange& e) { e.reply(200, "outside"); });
    // The same port on another address of this machine, which is not allowed.
    std::atomic<int> asked{0};
    Options options = quick();
    options.names_kept = 0ms;
    options.lookup = [&](std::string const&) -> std::vector<Address> {
        return {++asked % 2 == 1 ? address("127.0.0.1") : address("127.0.0.2")};
    };
    World world(options);
    std::string const url = outside.url_of("rebind.example");
    for (int i = 0; i < 10; ++i) {
        Request request = get(url);
        request.attempts_max = 1;
        EXPECT_EQ(world.kind(request), i % 2 == 0 ? "answered" : "forbidden_address") << i;
    }
    EXPECT_EQ(asked, 10) << "asked once for each request, and never behind our back";
    EXPECT_EQ(outside.requests(), 5);
}

TEST(OutboundGuard, AnAddressIsBelievedForAWhileAndLookedUpOnceForAll) {
    WorldServer server([](Exchange& e) { e.reply(200); });
    std::atomic<int> asked{0};
    Options options = quick();
    options.lookup = [&](std::string const&) -> std::vector<Address> {
        ++asked;
        haat::test::pause_briefly();
        return {address("127.0.0.1")};
    };
    World world(options);
    struct Asker {
        static Task<void> ask(World& in, std::string url) { co_await in.client->send(get(url)); }
    };
    auto const make = [&](int) { return Asker::ask(world, server.url_of("one.example")); };
    run(world.loop, haat::test::all_of(20, make));
    EXPECT_EQ(asked, 1);
}

TEST(OutboundGuard, ANameThatIsNeverAnsweredDoesNotHoldUsUp) {
    auto const over = std::make_shared<std::atomic<bool>>(false); // the lookup outlives us
    Options options = quick();
    options.lookup = [over](std::string const&) -> std::vector<Address> {
        soon([&] { return over->load(); });
        return {};
    };
    World world(options);
    Request request = get("http://slow.example/");
    request.times.connect = 50ms;
    request.attempts_max = 1;
    EXPECT_EQ(world.kind(request), "timeout");
    *over = true;
}

// ---- redirects

TEST(OutboundGuard, RedirectsAreNotFollowedUnasked) {
    WorldServer server([](Exchange& e) { e.reply(302, "", "Location: /elsewhere\r\n"); });
    World world;
    Reply const reply = world.send(get(server.url()));
    EXPECT_EQ(reply.status, 302);
    EXPECT_EQ(reply.header("location"), "/elsewhere");
    EXPECT_EQ(server.requests(), 1);
}

TEST(OutboundGuard, ARedirectToAPrivateAddressIsRefused) {
    WorldServer inside([](Exchange& e) { e.reply(200, "secret"); }, "127.0.0.2");
    std::string location;
    WorldServer server([&](Exchange& e) { e.reply(302, "", "Location: " + location + "\r\n"); });
    World world;
    for (std::string const& to :
         {inside.url(), inside.url_of("[::ffff:127.0.0.2]"), inside.url_of("2130706434"),
          std::string("http://169.254.169.254/latest/meta-data/")}) {
        location = to;
        for (Reach const reach : {Reach::world, Reach::house}) { // the trust does not travel
            Request request = get(server.url());
            request.redirects_max = 3;
            request.reach = reach;
            EXPECT_EQ(world.kind(request), "forbidden_address") << to;
        }
    }
    for (char const* const to :
         {"file:///etc/passwd", "gopher://127.0.0.1/", "http://u:p@a.example", "//"}) {
        location = to;
        Request request = get(server.url());
        request.redirects_max = 3;
        EXPECT_EQ(world.kind(request), "bad_request") << to;
    }
    EXPECT_EQ(inside.connections(), 0);
}

TEST(OutboundGuard, ARedirectTakesNoCredentialsAlong) {
    Options options = quick();
    options.lookup = [](std::string const&) -> std::vector<Address> {
        return {address("127.0.0.1")};
    };
    World world(options);
    WorldServer other([](Exchange& e) { e.reply(200, "other"); });
    WorldServer server([&](Exchange& e) {
        if (e.seen.target == "/here") return e.reply(302, "", "Location: /there\r\n");
        if (e.seen.target == "/there") return e.reply(200, "there");
        e.reply(307, "", "Location: " + other.url_of("other.example") + "\r\n");
    });
    Request request = post(server.url_of("one.example", "/away"), "body");
    request.headers = {{"Authorization", "Bearer abc"},
                       {"Cookie", "a=b"},
                       {"X-Api-Key", "k"},
                       {"Accept", "text/plain"}};
    request.idempotency_key = "key";
    request.redirects_max = 3;
    EXPECT_EQ(world.send(request).body, "other");
    Seen const seen = other.seen().at(0);
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.body, "body");
    EXPECT_EQ(seen.header("accept"), "text/plain");
    for (char const* const name : {"authorization", "cookie", "x-api-key", "idempotency-key"})
        EXPECT_EQ(seen.header(name), "") << name;

    request.url = server.url_of("one.example", "/here");
    EXPECT_EQ(world.send(request).body, "there");
    EXPECT_EQ(server.seen().back().method, "GET");
    EXPECT_EQ(server.seen().back().body, "");
    EXPECT_EQ(server.seen().back().header("authorization"), "Bearer abc");
}

TEST(OutboundGuard, ACircleOfRedirectsEnds) {
    WorldServer server([](Exchange& e) { e.reply(302, "", "Location: /again\r\n"); });
    World world;
    Request request = get(server.url());
    request.redirects_max = 5;
    EXPECT_EQ(world.send(request).status, 302);
    EXPECT_EQ(server.requests(), 6);
}

} // namespace
} // namespace haat::outbound::test
