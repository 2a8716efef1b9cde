// Several nodes on one database, with a Redis that they share and that goes away; and what one of
// them changes, the others see.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <test/harness/actors.hpp>
#include <test/harness/load.hpp>
#include <test/harness/redis.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

constexpr char const* a_brand = "insert into catalog.brands (id, name, slug) values"
                                " ('00000000-0000-7000-8000-0000000000b1', 'Cello', 'cello')";
constexpr char const* its_path = "/brands/00000000-0000-7000-8000-0000000000b1";

TestServer::Adjust with(RedisServer const& redis, TestServer::Adjust more = {}) {
    return [&redis, more = std::move(more)](app::Config& config) {
        config.stores.redis.url = redis.url();
        config.stores.start_patience = 10s;
        if (more) more(config);
    };
}

Answer fail_to_sign_in(Client& client, int number) {
    return client.post("/auth/login", R"({"email":"nobody)" + std::to_string(number) +
                                          R"(@example.test","password":"Wrong-password-1"})");
}

TEST(SharedStoreTest, FailedSignInsAreCountedOverAllNodes) {
    RedisServer redis;
    TestDatabase db;
    auto const four = [](app::Config& config) {
        config.rates.of(http::Allowance::auth) = {4, 15min};
    };
    TestServer one(db, with(redis, four));
    TestServer two(db, with(redis, four));
    Client at_one = one.client();
    Client at_two = two.client();
    EXPECT_EQ(fail_to_sign_in(at_one, 1).status, 401);
    EXPECT_EQ(fail_to_sign_in(at_two, 2).status, 401);
    EXPECT_EQ(fail_to_sign_in(at_one, 3).status, 401);
    EXPECT_EQ(fail_to_sign_in(at_two, 4).status, 401);
    Answer const refused = fail_to_sign_in(at_one, 5);
    EXPECT_EQ(refused.status, 429) << refused.body;
    EXPECT_EQ(refused.header("RateLimit-Remaining"), "0");
    EXPECT_GT(std::stoi(refused.header("Retry-After")), 100);
    EXPECT_EQ(fail_to_sign_in(at_two, 6).status, 429);
    // Without Redis, each node still knows what it has allowed itself.
    redis.kill();
    EXPECT_EQ(fail_to_sign_in(at_one, 7).status, 401);
    EXPECT_EQ(fail_to_sign_in(at_one, 8).status, 401);
    EXPECT_EQ(fail_to_sign_in(at_one, 9).status, 429);
}

TEST(SharedStoreTest, SuccessesAreGivenBackForAllNodes) {
    RedisServer redis;
    TestDatabase db;
    Actors const actors(db.connection());
    auto const two_failures = [](app::Config& config) {
        config.rates.of(http::Allowance::auth) = {2, 15min};
    };
    TestServer one(db, with(redis, two_failures));
    TestServer two(db, with(redis, two_failures));
    Client at_one = one.client();
    Client at_two = two.client();
    for (int i = 0; i < 6; ++i) {
        std::string const body = R"({"email":"new)" + std::to_string(i) +
                                 R"(@example.test","password":"Good-password-1","name":"New One"})";
        Answer const made = (i % 2 == 0 ? at_one : at_two).post("/auth/register", body);
        EXPECT_EQ(made.status, 201) << made.body;
    }
}

TEST(SharedStoreTest, PublicReadsAreCountedOverAllNodesAfterwards) {
    RedisServer redis;
    TestDatabase db;
    auto const fifty = [](app::Config& config) {
        config.rates.of(http::Allowance::public_read) = {50, 1h};
    };
    TestServer one(db, with(redis, fifty));
    TestServer two(db, with(redis, fifty));
    Client at_one = one.client();
    Client at_two = two.client();
    for (int i = 0; i < 40; ++i) ASSERT_EQ(at_one.get("/brands").status, 200);
    // It was told within a tenth of a second, and node two learns it when it tells its own.
    EXPECT_TRUE(soon([&] {
        Answer const answer = at_two.get("/brands");
        return answer.status == 429 || std::stoi(answer.header("RateLimit-Remaining")) <= 10;
    }));
    EXPECT_TRUE(soon([&] { return at_two.get("/brands").status == 429; }));
}

TEST(SharedStoreTest, ReadyNamesRedisAndStaysReadyWithoutIt) {
    RedisServer redis;
    TestDatabase db;
    TestServer server(db, with(redis));
    Client client = server.client();
    Answer const there = client.get("!/ready");
    EXPECT_EQ(there.status, 200);
    EXPECT_EQ(there.text("parts[3].name"), "redis");
    EXPECT_EQ(there.text("parts[3].ready"), "true");
    redis.kill();
    EXPECT_TRUE(soon([&] { return client.get("!/ready").text("parts[3].ready") == "false"; }));
    Answer const away = client.get("!/ready");
    EXPECT_EQ(away.status, 200) << "slower is ready";
    EXPECT_EQ(away.text("ready"), "true");
    EXPECT_NE(away.text("parts[3].why"), "");
    std::string const metrics = client.get("!/metrics").body;
    EXPECT_NE(metrics.find("haat_kv_up{store=\"redis\",loop=\"0\"} 0"), std::string::npos);
    EXPECT_NE(metrics.find("haat_kv_reconnects_total"), std::string::npos);
    redis.start();
    EXPECT_TRUE(soon([&] { return client.get("!/ready").text("parts[3].ready") == "true"; }));
}

TEST(SharedStoreTest, WhatOneNodeChangesTheOthersSee) {
    TestDatabase db;
    Actors const actors(db.connection());
    db.exec(a_brand);
    TestServer one(db);
    TestServer two(db);
    Client reader = two.client();
    ASSERT_EQ(reader.get(its_path).text("data.name"), "Cello");
    Answer const changed =
        one.client(actors[Who::admin]).put(its_path, R"({"name":"Cello World"})");
    ASSERT_EQ(changed.status, 200) << changed.body;
    EXPECT_TRUE(soon([&] { return reader.get(its_path).text("data.name") == "Cello World"; }));
}

/// Reads, and sign-ins that fail, one after another: the one is told to Redis, the other asks it.
struct ReadLoad {
    explicit ReadLoad(TestServer const& server)
        : thread([this, &server] {
              Client client = server.client();
              while (!stopping) {
                  wrong += client.get("/brands").status != 200;
                  wrong += fail_to_sign_in(client, asked).status != 401;
                  ++asked;
              }
          }) {}
    void stop() {
        stopping = true;
        thread.join();
    }
    std::atomic<bool> stopping{false};
    std::atomic<int> asked{0};
    std::atomic<int> wrong{0};
    std::thread thread;
};

TEST(ConcurrentRedisOutage, StoppedAndStartedUnderLoadNoErrorReachesAClient) {
    RedisServer redis;
    TestDatabase db;
    Actors const actors(db.connection());
    auto const no_lockout = [](app::Config& config) {
        config.sign_in.lockout_address_failures = 1'000'000;
    };
    TestServer one(db, with(redis, no_lockout));
    TestServer two(db, with(redis, no_lockout));
    WriteLoad writes(one.port(), actors[Who::manager], 2);
    ReadLoad reads(two);
    auto const go_on = [&] {
        auto const written = writes.written();
        auto const asked = reads.asked.load();
        return soon([&] { return writes.written() > written + 20 && reads.asked > asked + 5; });
    };
    for (int round = 0; round < 3; ++round) {
        EXPECT_TRUE(go_on());
        redis.kill();
        EXPECT_TRUE(go_on());
        redis.start();
    }
    redis.pause(); // it hangs: the first to notice waits for the time-out, the others do not
    EXPECT_TRUE(go_on());
    redis.go_on();
    EXPECT_TRUE(go_on());
    writes.stop();
    reads.stop();
    for (auto const& [status, count] : writes.statuses()) EXPECT_EQ(status, 201) << count;
    EXPECT_EQ(reads.wrong, 0);
}

// ---- finished answers

double hits(Client& client) {
    std::string const text = client.get("!/metrics").body;
    auto const at = text.find("\nhaat_cache_hits_total ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + 23));
}

bool is_hit(Client& client, Headers const& headers = {}) {
    double const before = hits(client);
    Answer const answer = client.get(its_path, headers);
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.header("Vary").find("X-Store-Id"), std::string::npos);
    return hits(client) > before;
}

// A node keeps answers only while it hears what others change.
void await_keeping(Client& client) {
    EXPECT_TRUE(soon([&] { return is_hit(client); })) << "it hears what others change";
}

TEST(CachedAnswersTest, OneShopFrontNeverGetsAnothersBytes) {
    TestDatabase db;
    db.exec(a_brand);
    TestServer server(db, [](app::Config& config) {
        config.loops = 1;
        config.server.trusted_proxies = {"127.0.0.1"};
    });
    Client client = server.client();
    await_keeping(client);
    EXPECT_FALSE(is_hit(client, {{"X-Store-Id", "one"}}));
    EXPECT_FALSE(is_hit(client, {{"X-Store-Id", "two"}}));
    EXPECT_TRUE(is_hit(client, {{"X-Store-Id", "one"}}));
    EXPECT_FALSE(is_hit(client, {{"X-Forwarded-Host", "two.example.test"}}));
    EXPECT_FALSE(is_hit(client, {{"X-Forwarded-Host", "two.example.test"}, {"X-Store-Id", "one"}}));
    EXPECT_TRUE(is_hit(client, {{"X-Forwarded-Host", "two.example.test"}}));
    EXPECT_TRUE(is_hit(client));
}

TEST(CachedAnswersTest, EachCodingIsKeptAndDroppedOnChange) {
    TestDatabase db;
    Actors const actors(db.connection());
    db.exec(a_brand);
    db.exec("update catalog.brands set description = repeat('A word or two. ', 100)");
    TestServer server(db);
    Client client = server.client();
    await_keeping(client);
    std::map<std::string, std::string> coded;
    for (int round = 0; round < 2; ++round)
        for (char const* const coding : {"gzip", "br", "zstd", "identity"}) {
            Answer const answer = client.get(its_path, {{"Accept-Encoding", coding}});
            std::string const said = answer.header("Content-Encoding");
            EXPECT_EQ(said.empty() ? "identity" : said, coding);
            auto const [kept, first] = coded.emplace(coding, answer.body);
            EXPECT_EQ(first, round == 0);
            EXPECT_EQ(kept->second, answer.body) << coding;
            EXPECT_NE(answer.header("Vary"), "");
        }
    EXPECT_LT(coded["gzip"].size(), coded["identity"].size() / 3);
    Client writer = server.client(actors[Who::admin]);
    for (int i = 0; i < 20; ++i) {
        std::string const name = "Cello " + std::to_string(i);
        ASSERT_EQ(writer.put(its_path, R"({"name":")" + name + R"("})").status, 200);
        ASSERT_EQ(writer.get(its_path, {{"Accept-Encoding", "identity"}}).text("data.name"), name)
            << "after a write returns, the writer reads its write";
        for (char const* const coding : {"gzip", "br", "zstd"})
            EXPECT_NE(client.get(its_path, {{"Accept-Encoding", coding}}).body, coded[coding]);
    }
}

} // namespace
} // namespace haat::test
