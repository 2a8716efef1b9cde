// The refusals that every route may give, each produced through all of haat.
#include <array>
#include <thread>

#include <gtest/gtest.h>

#include <base/clock.hpp>
#include <modules/identity/token.hpp>
#include <test/harness/fault_gate.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

TEST(RefusedTest, ByTheRouter) {
    Stage stage;
    stage.play({
        {.name = "router: no such route",
         .path = "/nowhere",
         .status = 404,
         .code = "ROUTE_NOT_FOUND"},
        {.name = "router: another method",
         .method = "DELETE",
         .path = "/auth/me",
         .status = 405,
         .code = "METHOD_NOT_ALLOWED",
         .expect_headers = {{"Allow", "GET, HEAD, OPTIONS"}}},
        {.name = "router: a body that is no JSON by its own word",
         .as = Who::manager,
         .method = "POST",
         .path = "/brands",
         .headers = {{"Content-Type", "text/plain"}},
         .body = "name=Cello",
         .status = 415,
         .code = "UNSUPPORTED_MEDIA_TYPE"},
        {.name = "router: an encoding that is none",
         .path = "/brands?search=%zz",
         .status = 400,
         .code = "BAD_REQUEST"},
    });
}

TEST(RefusedTest, AnExpiredToken) {
    Stage stage;
    identity::Claims claims;
    parse(stage.actors.user(Who::owner), claims.sub.uuid);
    claims.sid.uuid = new_uuid();
    claims.jti = new_uuid();
    claims.iat = now().micros / 1'000'000 - 2'000;
    claims.exp = claims.iat + 900;
    std::array<std::string, 1> const secrets{test_secret};
    Answer const answer =
        stage.server.client({identity::AccessTokens(secrets).write(claims), ""}).get("/auth/me");
    EXPECT_EQ(answer.status, 401);
    EXPECT_EQ(answer.code(), "TOKEN_EXPIRED");
}

TEST(RefusedTest, TooMany) {
    Stage stage([](app::Config& config) {
        config.rates.of(http::Allowance::public_read) = {3, std::chrono::minutes(1)};
    });
    Client client = stage.client();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.get("/brands").status, 200);
    Answer const answer = client.get("/brands");
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.code(), "RATE_LIMIT_EXCEEDED");
    EXPECT_EQ(answer.header("RateLimit-Limit"), "3");
    EXPECT_EQ(answer.header("RateLimit-Remaining"), "0");
    EXPECT_GE(std::stoi(answer.header("Retry-After")), 1);
    EXPECT_EQ(client.get("!/health").status, 200) << "health is not counted";
}

// A fault's text is for the log; the client learns that it was ours, and nothing else.
TEST(RefusedTest, AFaultOfOurOwn) {
    Stage stage;
    stage.db.exec("alter table catalog.brands drop column country");
    Answer const answer = stage.client().get("/brands/" + stage.kept("nobody"));
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.code(), "INTERNAL_ERROR");
    for (char const* secret : {"country", "column", "catalog", "select", "SQL"})
        EXPECT_EQ(answer.body.find(secret), std::string::npos) << answer.body;
}

TEST(RefusedTest, ARivalWithTheSameKeyIsWaitedForAndThenRefused) {
    Stage stage;
    Client client = stage.client(Who::manager);
    std::string const body = R"({"name":"Cello"})";
    ASSERT_EQ(client.post("/brands", body, {{"Idempotency-Key", "one"}}).status, 201);
    // As a rival would that has claimed the key and has not ended yet.
    pg::PlainConnection rival(stage.db.url(pg::Role::admin));
    rival.run("begin; insert into platform.idempotency (actor, route, key, body_hash)"
              " select actor, route, 'two', body_hash from platform.idempotency");
    Answer const answer = client.post("/brands", body, {{"Idempotency-Key", "two"}});
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.code(), "IDEMPOTENCY_IN_PROGRESS");
    rival.run("rollback");
    EXPECT_EQ(client.post("/brands", R"({"name":"Camlin"})", {{"Idempotency-Key", "two"}}).status,
              201);
}

TEST(RefusedTest, WhatCannotBeAKey) {
    Stage stage;
    for (std::string const& key : {std::string(256, 'k'), std::string("\xff\xfe"),
                                   std::string("caf\xc3\xa9"), std::string("a\tb")}) {
        Scenario const scenario{.name = "brands.create: a key that is none",
                                .as = Who::manager,
                                .method = "POST",
                                .path = "/brands",
                                .headers = {{"Idempotency-Key", key}},
                                .body = R"({"name":"Cello"})",
                                .status = 400,
                                .code = "IDEMPOTENCY_KEY_INVALID"};
        stage.play_one(scenario);
    }
    EXPECT_EQ(
        stage.client(Who::manager)
            .post("/brands", R"({"name":"Cello"})", {{"Idempotency-Key", std::string(255, 'k')}})
            .status,
        201);
}

// With one connection for writes and one place in its queue, the third is told at once to come
// again, and the first when its statement has taken too long.
TEST(RefusedTest, MoreThanTheQueueHolds) {
    Stage stage([](app::Config& config) {
        config.loops = 1;
        config.database.write_connections = 1;
        config.database.write_queue_max = 1;
    });
    pg::PlainConnection holder(stage.db.url(pg::Role::admin));
    holder.run("begin; lock table catalog.brands in access exclusive mode");
    std::array<Answer, 4> answers;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < answers.size(); ++i)
        threads.emplace_back([&, i] {
            answers[i] = stage.client(Who::manager)
                             .post("/brands", R"({"name":"Cello )" + std::to_string(i) + "\"}");
        });
    for (std::thread& thread : threads) thread.join();
    holder.run("rollback");
    int overloaded = 0;
    for (Answer const& answer : answers) {
        EXPECT_EQ(answer.status, 503) << answer.body;
        EXPECT_TRUE(answer.has_header("Retry-After"));
        overloaded += answer.code() == "OVERLOADED";
    }
    EXPECT_GE(overloaded, 1);
    EXPECT_TRUE(soon([&] {
        return stage.client(Who::manager).post("/brands", R"({"name":"Later"})").status == 201;
    }));
}

TEST(RefusedTest, MoreConnectionsThanThereArePlaces) {
    Stage stage([](app::Config& config) {
        config.server.connections_per_address_max = 3;
        config.server.connections_max = 100;
    });
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(stage.client());
        ASSERT_EQ(clients.back().get("!/health").status, 200);
    }
    Answer const refused = stage.client().get("!/health");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.code(), "TOO_MANY_CONNECTIONS_FROM_ADDRESS");
    clients.pop_back();
    EXPECT_TRUE(soon([&] { return stage.client().get("!/health").status == 200; }));
}

TEST(RefusedTest, MoreConnectionsThanThereArePlacesInAll) {
    Stage stage([](app::Config& config) { config.server.connections_max = 3; });
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(stage.client());
        ASSERT_EQ(clients.back().get("!/health").status, 200);
    }
    Answer const refused = stage.client().get("!/health");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.code(), "TOO_MANY_CONNECTIONS");
}

} // namespace
} // namespace haat::test
