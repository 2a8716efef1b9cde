// Redis away, slow, wrong: every answer comes in time, and when it is back, all goes on.
#include <kv/test/store_test.hpp>

#include <filesystem>
#include <thread>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <kv/redis_url.hpp>
#include <test/harness/house.hpp>

namespace haat::kv::test {
namespace {

struct Asked {
    Value value;
    std::vector<Value> many;
    Look look;
    Outcome set, swap, removed, dropped, expired, renewed, released;
    std::optional<std::int64_t> count;
    std::optional<milliseconds> left;
    Taken taken;
    Lock lock;
};

Task<Asked> ask_everything(Store& store) {
    Asked all;
    std::vector<std::string_view> const words{"a", "b"};
    Keep const keep{.ttl = 1min, .tags = words, .unless_dropped = nullptr, .only_if_absent = false};
    Lock const lock{.outcome = Outcome::done, .name = "l", .token = 1};
    Pace const pace{.limit = 1, .window = 1min};
    all.value = co_await store.get("a");
    all.many = co_await store.get_many(words);
    all.look = co_await store.look("a", words);
    all.set = co_await store.set("a", "x", keep);
    all.swap = co_await store.compare_and_set("a", "x", "y", 1min);
    all.removed = co_await store.remove("a");
    all.dropped = co_await store.drop_tag("t");
    all.count = co_await store.increment("n", 1, 1min);
    all.left = co_await store.ttl("a");
    all.expired = co_await store.expire("a", 1min);
    all.taken = co_await store.take("p", pace, 1, false);
    all.lock = co_await store.acquire("l", 1min);
    all.renewed = co_await store.renew(lock, 1min);
    all.released = co_await store.release(lock);
    co_return all;
}

void expect_away(Asked const& all) {
    EXPECT_EQ(all.value, nullptr);
    EXPECT_EQ(all.many, std::vector<Value>(2));
    EXPECT_EQ(all.look.value, nullptr);
    EXPECT_TRUE(all.look.stamp.away);
    EXPECT_EQ(all.count, std::nullopt);
    EXPECT_EQ(all.left, std::nullopt);
    EXPECT_EQ(all.taken.outcome, Outcome::away);
    EXPECT_EQ(all.lock.outcome, Outcome::away);
    for (Outcome const outcome :
         {all.set, all.swap, all.removed, all.dropped, all.expired, all.renewed, all.released})
        EXPECT_EQ(outcome, Outcome::away);
}

std::string get(Loop& loop, Store& store, std::string_view key) {
    Value const value = run(loop, store.get(key));
    return value ? *value : "(none)";
}

bool comes_back(Loop& loop, Store& store) {
    return soon([&] {
        run(loop, sleep_for(1ms)); // the loop makes the connection
        return store.up();
    });
}

TEST(RedisAwayTest, EveryAnswerIsDefinedAndAtOnce) {
    Loop loop;
    RedisOptions options =
        options_for("redis://127.0.0.1:" + std::to_string(haat::test::free_port()));
    Redis redis(loop, options);
    EXPECT_FALSE(run(loop, redis.start(50ms)));
    auto const before = std::chrono::steady_clock::now();
    expect_away(run(loop, ask_everything(redis)));
    EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
    EXPECT_FALSE(redis.up());
    EXPECT_NE(redis.trouble().find("refused"), std::string::npos) << redis.trouble();
    EXPECT_GE(redis.figures().away, 14U);
    redis.stop();
}

TEST(RedisAwayTest, ARestartIsAMissAndGoesOn) {
    RedisServer server;
    Loop loop;
    RedisOnLoop redis(loop, options_for(server.tcp_url()));
    ASSERT_TRUE(redis.started()) << redis->trouble();
    run(loop, redis->set("a", "x", 1min));
    EXPECT_EQ(get(loop, *redis, "a"), "x");
    server.kill();
    expect_away(run(loop, ask_everything(*redis)));
    server.start();
    ASSERT_TRUE(comes_back(loop, *redis)) << redis->trouble();
    EXPECT_EQ(get(loop, *redis, "a"), "(none)");
    EXPECT_EQ(run(loop, redis->set("a", "y", 1min)), Outcome::done);
    EXPECT_EQ(get(loop, *redis, "a"), "y");
    EXPECT_GE(redis->figures().reconnects, 1U);
}

TEST(RedisAwayTest, WhatHangsEndsInTimeAndThenIsAwayAtOnce) {
    RedisServer server;
    Loop loop;
    RedisOptions options = options_for(server.url());
    options.timeout = 200ms;
    options.connect_timeout = 200ms;
    RedisOnLoop redis(loop, options);
    ASSERT_TRUE(redis.started()) << redis->trouble();
    server.pause();
    auto const before = std::chrono::steady_clock::now();
    expect_away(run(loop, ask_everything(*redis)));
    // One time-out, not fourteen.
    EXPECT_LT(std::chrono::steady_clock::now() - before, 1'500ms);
    EXPECT_NE(redis->trouble().find("in time"), std::string::npos) << redis->trouble();
    server.go_on();
    ASSERT_TRUE(comes_back(loop, *redis));
    EXPECT_EQ(run(loop, redis->set("a", "x", 1min)), Outcome::done);
}

// The network went away, Redis did not: what it still has may be out of date by then.
TEST(RedisAwayTest, WhatCouldNotBeRemovedIsRemovedWhenItIsBack) {
    RedisServer server;
    Loop loop;
    RedisOptions options = options_for(server.url());
    options.timeout = 200ms;
    options.connect_timeout = 200ms;
    RedisOnLoop redis(loop, options);
    std::vector<std::string_view> const tags{"t"};
    Keep const keep{.ttl = 1min, .tags = tags, .unless_dropped = nullptr, .only_if_absent = false};
    run(loop, redis->set("tagged", "old", keep));
    run(loop, redis->set("removed", "old", 1min));
    run(loop, redis->set("changed", "old", 1min));
    run(loop, redis->set("other", "kept", 1min));
    server.pause();
    EXPECT_EQ(run(loop, redis->drop_tag("t")), Outcome::away);
    EXPECT_EQ(run(loop, redis->remove("removed")), Outcome::away);
    EXPECT_EQ(run(loop, redis->set("changed", "new", 1min)), Outcome::away);
    server.go_on();
    ASSERT_TRUE(comes_back(loop, *redis));
    EXPECT_EQ(get(loop, *redis, "tagged"), "(none)");
    EXPECT_EQ(get(loop, *redis, "removed"), "(none)");
    EXPECT_EQ(get(loop, *redis, "changed"), "(none)");
    EXPECT_EQ(get(loop, *redis, "other"), "kept");
}

TEST(RedisAwayTest, ForgottenScriptsAreSentAgain) {
    RedisServer server;
    Loop loop;
    RedisOnLoop redis(loop, options_for(server.url()));
    EXPECT_TRUE(run(loop, redis->acquire("a", 1min)));
    server.ask({"script", "flush"});
    EXPECT_TRUE(run(loop, redis->acquire("b", 1min)));
    EXPECT_TRUE(run(loop, redis->acquire("c", 1min)));
}

TEST(RedisAwayTest, AFullRedisIsAwayForWritesAndThereForReads) {
    RedisServer server;
    Loop loop;
    RedisOnLoop redis(loop, options_for(server.url()));
    run(loop, redis->set("a", "x", 1min));
    server.ask({"config", "set", "maxmemory", "1"});
    EXPECT_EQ(run(loop, redis->set("b", "x", 1min)), Outcome::away);
    EXPECT_EQ(get(loop, *redis, "a"), "x");
    EXPECT_TRUE(redis->up());
}

TEST(RedisAwayTest, PasswordsAndDatabases) {
    RedisServer server({.password = "s3cret:@/"});
    Loop loop;
    std::string const at = "@127.0.0.1:" + std::to_string(server.port());
    RedisOnLoop right(loop, options_for("redis://:s3cret%3A%40%2F" + at + "/3"));
    ASSERT_TRUE(right.started()) << right->trouble();
    EXPECT_EQ(run(loop, right->set("where", "three", 1min)), Outcome::done);
    EXPECT_EQ(server.ask({"-n", "3", "get", "haat:where"}), "three\n");

    RedisOptions beside = options_for(server.tcp_url());
    beside.password = "s3cret:@/";
    RedisOnLoop also(loop, beside);
    EXPECT_TRUE(also.started()) << also->trouble();

    RedisOptions wrong = options_for("redis://default:other" + at);
    wrong.connect_timeout = 100ms;
    std::string const why = redis_trouble(wrong);
    EXPECT_EQ(why, "it refuses the password");
    EXPECT_EQ(redis_trouble(options_for(server.tcp_url())), "it refuses the password");
    EXPECT_EQ(redis_trouble(beside), "");
}

TEST(RedisAwayTest, WhatIsNoRedisIsNotTakenForOne) {
    RedisServer server({.password = {}, .certificate_file = {}, .key_file = {}, .words = {}});
    RedisOptions options = options_for("rediss://localhost:" + std::to_string(server.port()));
    options.connect_timeout = 300ms;
    EXPECT_NE(redis_trouble(options), "");
    options.url = "redis://nowhere.invalid";
    EXPECT_NE(redis_trouble(options), "");
    options.url = "http://localhost";
    EXPECT_NE(redis_trouble(options).find("; write redis://"), std::string::npos);
}

// ---- TLS

struct Certificate {
    Certificate() : folder(haat::test::temporary_directory("redis-tls")) {
        EVP_PKEY* const key = EVP_EC_gen("P-256");
        X509* const made = X509_new();
        X509_set_version(made, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
        X509_gmtime_adj(X509_getm_notBefore(made), -60);
        X509_gmtime_adj(X509_getm_notAfter(made), 3600);
        X509_set_pubkey(made, key);
        X509_NAME* const name = X509_get_subject_name(made);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<unsigned char const*>("localhost"), -1, -1, 0);
        X509_set_issuer_name(made, name);
        X509_sign(made, key, EVP_sha256());
        FILE* file = std::fopen(certificate().c_str(), "w");
        PEM_write_X509(file, made);
        std::fclose(file);
        file = std::fopen(key_file().c_str(), "w");
        PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
        X509_free(made);
        EVP_PKEY_free(key);
    }
    ~Certificate() { std::filesystem::remove_all(folder); }
    std::string certificate() const { return folder / "certificate.pem"; }
    std::string key_file() const { return folder / "key.pem"; }
    std::filesystem::path folder;
};

TEST(RedisTlsTest, SpeaksOnlyToWhomTheAuthoritiesKnow) {
    Certificate certificate;
    RedisServer server({.password = "secret",
                        .certificate_file = certificate.certificate(),
                        .key_file = certificate.key_file(),
                        .words = {}});
    Loop loop;
    RedisOptions options = options_for(server.tcp_url());
    options.password = "secret";
    options.ca_file = certificate.certificate();
    RedisOnLoop redis(loop, options);
    ASSERT_TRUE(redis.started()) << redis->trouble();
    std::string const large(500'000, 'y');
    EXPECT_EQ(run(loop, redis->set("a", large, 1min)), Outcome::done);
    EXPECT_EQ(get(loop, *redis, "a"), large);

    options.connect_timeout = 500ms;
    RedisOptions stranger = options;
    stranger.ca_file.clear();
    EXPECT_NE(redis_trouble(stranger).find("TLS"), std::string::npos) << redis_trouble(stranger);
    RedisOptions other_name = options;
    other_name.url = "rediss://127.0.0.1:" + std::to_string(server.port());
    EXPECT_NE(redis_trouble(other_name).find("TLS"), std::string::npos);
}

// ---- URLs

TEST(RedisUrlTest, SaysWhereAndAsWhom) {
    RedisAddress const plain = parse_redis_url("redis://cache.shop.test");
    EXPECT_EQ(plain.name(), "cache.shop.test:6379");
    EXPECT_FALSE(plain.tls);
    EXPECT_EQ(plain.database, 0);
    RedisAddress const full = parse_redis_url("rediss://me:p%40ss@10.0.0.7:7000/5");
    EXPECT_TRUE(full.tls);
    EXPECT_EQ(full.user, "me");
    EXPECT_EQ(full.password, "p@ss");
    EXPECT_EQ(full.name(), "10.0.0.7:7000");
    EXPECT_EQ(full.database, 5);
    EXPECT_EQ(parse_redis_url("redis://[::1]:7000").name(), "[::1]:7000");
    RedisAddress const socket = parse_redis_url("unix:///run/redis/redis.sock?db=2");
    EXPECT_EQ(socket.socket, "/run/redis/redis.sock");
    EXPECT_EQ(socket.database, 2);
}

TEST(RedisUrlTest, RefusesTheRestWithoutShowingSecrets) {
    for (char const* const url :
         {"", "cache:6379", "http://x", "redis://x/one", "redis://x/-1", "redis://x:0", "unix://",
          "redis://:s3cret@x:70000", "redis://:s3cret@x/abc"}) {
        try {
            parse_redis_url(url);
            ADD_FAILURE() << url;
        } catch (RedisUrlError const& error) {
            EXPECT_EQ(std::string(error.what()).find("s3cret"), std::string::npos);
            EXPECT_NE(std::string(error.what()).find("; "), std::string::npos);
        }
    }
}

// ---- under load

struct Load {
    std::atomic<bool> stopping{false};
    std::atomic<std::uint64_t> asked{0};
    std::atomic<std::uint64_t> right{0};
    std::atomic<std::uint64_t> wrong{0};
    std::atomic<std::int64_t> slowest_ms{0};
};

Task<void> ask_for_ever(Store& store, Load& load, int number) {
    std::string const key = "k" + std::to_string(number);
    while (!load.stopping) {
        auto const before = std::chrono::steady_clock::now();
        co_await store.set(key, key, 1min);
        Value const value = co_await store.get(key);
        co_await store.increment("n", 1, 1min);
        ++load.asked;
        if (value) ++(*value == key ? load.right : load.wrong);
        auto const took =
            std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - before)
                .count();
        load.slowest_ms = std::max(load.slowest_ms.load(), static_cast<std::int64_t>(took));
        if (!store.up()) co_await sleep_for(1ms);
    }
}
Task<void> ask_all(Store& store, Load& load) {
    auto const one = [&](int number) { return ask_for_ever(store, load, number); };
    co_await all_of(50, one);
}

TEST(ConcurrentRedisAway, StoppedAndStartedUnderLoadNobodyNotices) {
    RedisServer server;
    Load load;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&, i] {
            Loop loop(i);
            RedisOnLoop redis(loop, options_for(server.url()));
            run(loop, ask_all(*redis, load), 120s);
        });
    for (int round = 0; round < 3; ++round) {
        auto const right = load.right.load();
        EXPECT_TRUE(soon([&] { return load.right > right + 500; })) << "it works, round " << round;
        server.kill();
        auto const asked = load.asked.load();
        EXPECT_TRUE(soon([&] { return load.asked > asked + 500; })) << "it goes on without";
        server.start();
    }
    auto const right = load.right.load();
    EXPECT_TRUE(soon([&] { return load.right > right + 500; })) << "and comes back";
    load.stopping = true;
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(load.wrong, 0U);
}

} // namespace
} // namespace haat::kv::test
