// Signing up, in, on and out, through the whole server.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include <modules/identity/password.hpp>
#include <test/harness/actors.hpp>
#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::identity {
namespace {

using test::Answer;
using test::Client;
using test::TestDatabase;
using test::TestServer;

constexpr char const* good_password = "Kolhapur-7-Chappal";

std::string registration(std::string const& email) {
    return R"({"email":")" + email + R"(","password":")" + good_password +
           R"(","firstName":"Asha","lastName":"Rao"})";
}
std::string credential(std::string const& email, std::string const& password) {
    return R"({"email":")" + email + R"(","password":")" + password + R"("})";
}
std::string refreshing(std::string const& token) {
    return R"({"refreshToken":")" + token + R"("})";
}

/// One server for all of them; each begins with nobody.
class SignIn : public testing::Test {
protected:
    struct Shared {
        TestDatabase db;
        TestServer server{db};
    };
    static inline std::unique_ptr<Shared> shared;
    static void SetUpTestSuite() { shared = std::make_unique<Shared>(); }
    static void TearDownTestSuite() { shared.reset(); }

    SignIn() {
        db.exec("truncate identity.users, identity.organizations, identity.sign_in_failures,"
                " audit.entries cascade");
    }
    TestDatabase& db = shared->db;
    TestServer& server = shared->server;
    Client client = server.client();

    Answer register_asha() { return client.post("/auth/register", registration("asha@haat.test")); }
    std::vector<std::string> subjects_since(std::int64_t mark) {
        std::vector<std::string> subjects;
        for (auto const& event : db.events_since(mark)) subjects.push_back(event.subject);
        return subjects;
    }
    using Subjects = std::vector<std::string>;
};

TEST_F(SignIn, RegisteringGivesTokensAndCookies) {
    client.keeping_cookies();
    std::int64_t const mark = db.event_mark();
    Answer const answer = register_asha();
    ASSERT_EQ(answer.status, 201) << answer.body;
    EXPECT_EQ(answer.text("message"), "User registered successfully");
    EXPECT_EQ(answer.text("data.user.fullName"), "Asha Rao");
    EXPECT_EQ(answer.text("data.user.role"), "customer");
    EXPECT_EQ(answer.text("data.expiresIn"), "900");
    EXPECT_EQ(client.cookie("accessToken"), answer.text("data.accessToken"));
    EXPECT_EQ(client.cookie("refreshToken"), answer.text("data.refreshToken"));
    EXPECT_EQ(answer.body.find("password"), std::string::npos);
    EXPECT_EQ(subjects_since(mark), (Subjects{"session:created", "user:created"}));
    EXPECT_EQ(client.get("/auth/me").text("data.email"), "asha@haat.test"); // by the cookie
    EXPECT_EQ(db.word("select entity || user_id::text from audit.entries"),
              "Authentication" + answer.text("data.user.id"));
}

TEST_F(SignIn, CookiesAreOutOfReach) {
    std::string cookies;
    for (auto const& [name, value] : register_asha().headers)
        if (name == "Set-Cookie") cookies += value + "\n";
    EXPECT_NE(cookies.find("; Path=/; Max-Age=900; HttpOnly; SameSite=Strict\n"), std::string::npos)
        << cookies;
    EXPECT_NE(cookies.find("; Path=/api; Max-Age=604800; HttpOnly; SameSite=Strict\n"),
              std::string::npos)
        << cookies;
}

TEST_F(SignIn, OneAddressOnePerson) {
    ASSERT_EQ(register_asha().status, 201);
    Answer const again = client.post("/auth/register", registration("ASHA@haat.TEST"));
    EXPECT_EQ(again.status, 409);
    EXPECT_EQ(again.code(), "EMAIL_EXISTS");
    EXPECT_TRUE(again.has("error.details.email")) << again.body;
}

TEST_F(SignIn, TheNameComesInThreeForms) {
    std::string const head = R"({"password":"Kolhapur-7-Chappal",)";
    EXPECT_EQ(client.post("/auth/register", head + R"("email":"a@haat.test","fullName":"A B"})")
                  .text("data.user.fullName"),
              "A B");
    EXPECT_EQ(client.post("/auth/register", head + R"("email":"b@haat.test","name":"B C"})")
                  .text("data.user.fullName"),
              "B C");
    EXPECT_EQ(client
                  .post("/ecommerce/auth/register",
                        head + R"("email":"c@haat.test","firstName":"C","role":"admin"})")
                  .text("data.user.role"),
              "customer");
    Answer const nameless =
        client.post("/auth/register", R"({"email":"d@haat.test","password":"short1"})");
    EXPECT_EQ(nameless.status, 422);
    EXPECT_TRUE(nameless.has("error.details.fullName")) << nameless.body;
    EXPECT_TRUE(nameless.has("error.details.password")) << nameless.body;
}

TEST_F(SignIn, WithTheRightPassword) {
    register_asha();
    std::int64_t const mark = db.event_mark();
    Answer const answer = client.post("/auth/login", credential("Asha@Haat.Test", good_password));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.text("message"), "Login successful");
    EXPECT_EQ(subjects_since(mark), (Subjects{"session:created", "user:logged-in"}));
    for (auto const& event : db.events_since(mark)) {
        EXPECT_EQ(event.data.find("assword"), std::string::npos) << event.data;
        EXPECT_EQ(event.data.find("oken"), std::string::npos) << event.data;
    }
    client.with("Authorization", "Bearer " + answer.text("data.accessToken"));
    for (char const* const path :
         {"/auth/me", "/auth/getProfile", "/users/profile", "/ecommerce/auth/profile"})
        EXPECT_EQ(client.get(path).text("data.id"), answer.text("data.user.id")) << path;
}

TEST_F(SignIn, AsWhatOneIs) {
    register_asha();
    auto const as = [&](std::string const& kind) {
        return client.post("/auth/login", R"({"email":"asha@haat.test","password":")" +
                                              std::string(good_password) + R"(","loginAs":")" +
                                              kind + R"("})");
    };
    EXPECT_EQ(as("customer").status, 200);
    EXPECT_EQ(as("admin").code(), "ROLE_MISMATCH");
    EXPECT_EQ(as("retailer").code(), "ROLE_MISMATCH");
    db.exec("update identity.users set platform_role = 'admin'");
    EXPECT_EQ(as("admin").status, 200);
}

TEST_F(SignIn, AWrongPasswordAndAnUnknownAddressLookAlike) {
    register_asha();
    Answer const wrong = client.post("/auth/login", credential("asha@haat.test", "nonsense"));
    Answer const unknown = client.post("/auth/login", credential("nobody@haat.test", "nonsense"));
    EXPECT_EQ(wrong.status, 401);
    EXPECT_EQ(wrong.code(), "INVALID_CREDENTIALS");
    EXPECT_EQ(unknown.code(), wrong.code());
    EXPECT_EQ(unknown.text("error.message"), wrong.text("error.message"));
    EXPECT_EQ(wrong.text("error.attemptsRemaining"), "4") << wrong.body;
    EXPECT_EQ(unknown.text("error.attemptsRemaining"), "4");
}

TEST_F(SignIn, LocksAfterFiveForKnownAndUnknownAlike) {
    register_asha();
    for (std::string const email : {"asha@haat.test", "nobody@haat.test"}) {
        std::int64_t const mark = db.event_mark();
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(client.post("/auth/login", credential(email, "nonsense")).status, 401) << i;
        Answer const locked = client.post("/auth/login", credential(email, good_password));
        EXPECT_EQ(locked.status, 423);
        EXPECT_EQ(locked.code(), "ACCOUNT_LOCKED");
        EXPECT_FALSE(locked.header("retry-after").empty());
        Subjects expected(5, "user:login-failed");
        expected.push_back("user:account-locked");
        EXPECT_EQ(subjects_since(mark), expected);
    }
    db.exec("update identity.sign_in_failures set until = now()"); // fifteen minutes later
    EXPECT_EQ(client.post("/auth/login", credential("asha@haat.test", good_password)).status, 200);
}

TEST_F(SignIn, ASuccessClearsTheCount) {
    register_asha();
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 4; ++i)
            client.post("/auth/login", credential("asha@haat.test", "nonsense"));
        EXPECT_EQ(client.post("/auth/login", credential("asha@haat.test", good_password)).status,
                  200);
    }
}

TEST_F(SignIn, OneAddressMayNotTryMany) {
    register_asha();
    for (int i = 0; i < 20; ++i)
        client.post("/auth/login",
                    credential("nobody" + std::to_string(i) + "@haat.test", "nonsense"));
    Answer const refused = client.post("/auth/login", credential("asha@haat.test", good_password));
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.code(), "AUTH_RATE_LIMIT_EXCEEDED");
}

TEST_F(SignIn, ADeactivatedAccountIsToldAfterThePassword) {
    register_asha();
    db.exec("update identity.users set is_active = false, deactivation_reason = 'asked for it'");
    EXPECT_EQ(client.post("/auth/login", credential("asha@haat.test", "nonsense")).code(),
              "INVALID_CREDENTIALS");
    Answer const refused = client.post("/auth/login", credential("asha@haat.test", good_password));
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.code(), "ACCOUNT_INACTIVE");
    EXPECT_NE(refused.text("error.message").find("asked for it"), std::string::npos);
}

TEST_F(SignIn, AnOldHashIsReplaced) {
    register_asha();
    db.rows("update identity.users set password_hash ="
            " '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'");
    ASSERT_EQ(client.post("/auth/login", credential("asha@haat.test", "U*U")).status, 200);
    std::string const hash = db.word("select password_hash from identity.users");
    EXPECT_FALSE(needs_rehash(hash, HashCost())) << hash;
    EXPECT_EQ(client.post("/auth/login", credential("asha@haat.test", "U*U")).status, 200);
}

// Only five of a hundred may be looked at, however many come at once; the right one among them is
// lucky or refused, never an oracle.
TEST_F(SignIn, ConcurrentGuessesAreCounted) {
    register_asha();
    std::atomic<int> told_wrong{0};
    std::vector<std::thread> rivals;
    for (int i = 0; i < 8; ++i)
        rivals.emplace_back([&] {
            Client rival = server.client();
            for (int j = 0; j < 4; ++j)
                told_wrong +=
                    rival.post("/auth/login", credential("asha@haat.test", "nonsense")).status ==
                    401;
        });
    for (auto& rival : rivals) rival.join();
    EXPECT_EQ(told_wrong, 5);
    EXPECT_EQ(client.post("/auth/login", credential("asha@haat.test", good_password)).status, 423);
}

TEST_F(SignIn, ConcurrentRegistrationsMakeOnePerson) {
    std::atomic<int> made{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> rivals;
    for (int i = 0; i < 10; ++i)
        rivals.emplace_back([&] {
            Client rival = server.client();
            int const status = rival.post("/auth/register", registration("asha@haat.test")).status;
            made += status == 201;
            refused += status == 409;
        });
    for (auto& rival : rivals) rival.join();
    EXPECT_EQ(made, 1);
    EXPECT_EQ(refused, 9);
    EXPECT_EQ(db.word("select count(*) from identity.users"), "1");
}

// ---- going on

TEST_F(SignIn, RefreshingRotates) {
    std::string token = register_asha().text("data.refreshToken");
    std::set<std::string> seen{token};
    for (char const* const path :
         {"/auth/refresh-token", "/auth/refresh", "/ecommerce/auth/refresh"}) {
        Answer const answer = client.post(path, refreshing(token));
        ASSERT_EQ(answer.status, 200) << answer.body;
        token = answer.text("data.refreshToken");
        EXPECT_TRUE(seen.insert(token).second);
    }
    EXPECT_EQ(db.word("select count(*) from identity.sessions"), "1");
}

TEST_F(SignIn, RefreshingByCookie) {
    client.keeping_cookies();
    register_asha();
    std::string const before = client.cookie("refreshToken");
    ASSERT_EQ(client.post("/auth/refresh-token", "{}").status, 200);
    EXPECT_NE(client.cookie("refreshToken"), before);
    ASSERT_EQ(client.post("/auth/refresh-token", "").status, 200) << "without a body";
}

TEST_F(SignIn, ARepeatWithinTheGraceGivesTheSameSuccessor) {
    std::string const first = register_asha().text("data.refreshToken");
    std::string const second =
        client.post("/auth/refresh-token", refreshing(first)).text("data.refreshToken");
    EXPECT_EQ(client.post("/auth/refresh-token", refreshing(first)).text("data.refreshToken"),
              second);
    EXPECT_EQ(client.post("/auth/refresh-token", refreshing(second)).status, 200);
}

TEST_F(SignIn, ReuseEndsTheSession) {
    Answer const registered = register_asha();
    std::string const first = registered.text("data.refreshToken");
    Answer const rotated = client.post("/auth/refresh-token", refreshing(first));
    client.with("Authorization", "Bearer " + rotated.text("data.accessToken"));
    ASSERT_EQ(client.get("/auth/me").status, 200);
    db.exec("update identity.sessions set rotated_at = rotated_at - interval '11 seconds'");
    std::int64_t const mark = db.event_mark();
    Answer const reused = client.post("/auth/refresh-token", refreshing(first));
    EXPECT_EQ(reused.status, 401);
    EXPECT_EQ(reused.code(), "REFRESH_TOKEN_REUSED");
    EXPECT_EQ(subjects_since(mark),
              (Subjects{"security:suspicious-activity", "session:terminated"}));
    EXPECT_EQ(client.get("/auth/me").code(), "TOKEN_REVOKED");
    Answer const successor =
        client.post("/auth/refresh-token", refreshing(rotated.text("data.refreshToken")));
    EXPECT_EQ(successor.code(), "TOKEN_REVOKED");
}

TEST_F(SignIn, ATokenThatWasReplacedTwiceIsReusedEvenWithinTheGrace) {
    std::string const first = register_asha().text("data.refreshToken");
    std::string const second =
        client.post("/auth/refresh-token", refreshing(first)).text("data.refreshToken");
    client.post("/auth/refresh-token", refreshing(second));
    EXPECT_EQ(client.post("/auth/refresh-token", refreshing(first)).code(), "REFRESH_TOKEN_REUSED");
}

TEST_F(SignIn, GuessedRefreshTokensEndNothing) {
    std::string const token = register_asha().text("data.refreshToken");
    std::string guess = token;
    guess[60] = guess[60] == 'A' ? 'B' : 'A';
    for (std::string const& each : {guess, std::string("x"), token.substr(1), token + "x"}) {
        Answer const refused = client.post("/auth/refresh-token", refreshing(each));
        EXPECT_EQ(refused.code(), "INVALID_REFRESH_TOKEN") << refused.body;
    }
    EXPECT_EQ(client.post("/auth/refresh-token").code(), "INVALID_REFRESH_TOKEN");
    EXPECT_EQ(client.post("/auth/refresh-token", refreshing(token)).status, 200);
}

TEST_F(SignIn, ConcurrentRefreshesGiveOneSuccessor) {
    std::string const first = register_asha().text("data.refreshToken");
    std::mutex mutex;
    std::multiset<std::string> successors;
    std::vector<std::thread> rivals;
    for (int i = 0; i < 8; ++i)
        rivals.emplace_back([&] {
            Client rival = server.client();
            Answer const answer = rival.post("/auth/refresh-token", refreshing(first));
            std::lock_guard const lock(mutex);
            successors.insert(answer.status == 200 ? answer.text("data.refreshToken")
                                                   : answer.body);
        });
    for (auto& rival : rivals) rival.join();
    EXPECT_EQ(successors.count(*successors.begin()), 8u) << *successors.begin();
}

// ---- going away

TEST_F(SignIn, SigningOutIsSeenByEveryLoopAtOnce) {
    std::string const token = register_asha().text("data.accessToken");
    std::vector<Client> tabs; // eight connections are hardly all on one loop
    for (int i = 0; i < 8; ++i) {
        tabs.push_back(server.client({.token = token, .org_id = {}}));
        ASSERT_EQ(tabs.back().get("/auth/me").status, 200);
    }
    std::int64_t const mark = db.event_mark();
    Answer const answer = tabs[0].post("/auth/logout");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(subjects_since(mark), (Subjects{"user:logged-out"}));
    for (Client& tab : tabs) EXPECT_EQ(tab.get("/auth/me").code(), "TOKEN_REVOKED");
    EXPECT_EQ(tabs[0].post("/auth/logout").code(), "TOKEN_REVOKED");
    std::string const refresh = "refreshToken=; Path=/api; Max-Age=0;";
    bool cleared = false;
    for (auto const& [name, value] : answer.headers) cleared |= value.starts_with(refresh);
    EXPECT_TRUE(cleared);
}

TEST_F(SignIn, SigningOutIsSeenByEveryNode) {
    std::string const token = register_asha().text("data.accessToken");
    TestServer other(db);
    Client there = other.client({.token = token, .org_id = {}});
    ASSERT_EQ(there.get("/auth/me").status, 200);
    ASSERT_EQ(server.client({.token = token, .org_id = {}}).post("/auth/logout").status, 200);
    EXPECT_TRUE(
        test::soon([&] { return there.get("/auth/me").status == 401; }, std::chrono::seconds(1)));
}

TEST_F(SignIn, ANodeThatHearsNothingAsks) {
    Answer const registered = register_asha();
    client.with("Authorization", "Bearer " + registered.text("data.accessToken"));
    ASSERT_EQ(client.get("/auth/me").status, 200);
    // The session ends without a word, while the connections that listen are gone.
    db.exec("select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            "   and query ilike '%listen%'");
    db.exec("update identity.sessions set revoked_at = now(), revoked_reason = 'test'");
    EXPECT_TRUE(
        test::soon([&] { return client.get("/auth/me").status == 401; }, std::chrono::seconds(1)));
}

// ---- organizations

TEST_F(SignIn, FoundingAShopMakesAnOwner) {
    client.with("Authorization", "Bearer " + register_asha().text("data.accessToken"));
    EXPECT_EQ(client.get("/organizations").count("data"), 0);
    std::int64_t const mark = db.event_mark();
    Answer const founded = client.post(
        "/organizations", R"({"displayName":"Sunrise School Supplies","gstin":"27AAPFU0939F1ZV"})");
    ASSERT_EQ(founded.status, 201) << founded.body;
    EXPECT_EQ(founded.text("data.slug"), "sunrise-school-supplies");
    EXPECT_EQ(founded.text("data.role"), "OWNER");
    EXPECT_EQ(founded.text("data.status"), "unauthorized");
    EXPECT_EQ(founded.text("data.stateCode"), "27");
    EXPECT_EQ(founded.text("data.ownerName"), "Asha Rao");
    EXPECT_EQ(subjects_since(mark), (Subjects{"user:role-changed"}));
    Answer const again =
        client.post("/organizations", R"({"displayName":"Sunrise School Supplies"})");
    EXPECT_TRUE(again.text("data.slug").starts_with("sunrise-school-supplies-")) << again.body;
    Answer const mine = client.get("/organizations?sortBy=displayName");
    EXPECT_EQ(mine.count("data"), 2) << mine.body;
    EXPECT_EQ(mine.text("meta.pagination.total"), "2");
}

TEST_F(SignIn, ConcurrentShopsOfOneNameAreFounded) {
    std::vector<std::string> tokens;
    for (std::string const email : {"a@haat.test", "b@haat.test", "c@haat.test", "d@haat.test"})
        tokens.push_back(
            client.post("/auth/register", registration(email)).text("data.accessToken"));
    std::atomic<int> founded{0};
    std::vector<std::thread> rivals;
    for (std::string const& token : tokens)
        rivals.emplace_back([&] {
            Client rival = server.client({.token = token, .org_id = {}});
            for (int i = 0; i < 5; ++i)
                founded +=
                    rival.post("/organizations", R"({"displayName":"Ganesh"})").status == 201;
        });
    for (auto& rival : rivals) rival.join();
    EXPECT_EQ(founded, 20);
    EXPECT_EQ(db.word("select count(distinct slug) from identity.organizations"), "20");
}

TEST_F(SignIn, OneActsForTheOnlyOrganizationOrForTheNamedOne) {
    client.with("Authorization", "Bearer " + register_asha().text("data.accessToken"));
    EXPECT_EQ(client.post("/brands", R"({"name":"Cello"})").code(), "ORGANIZATION_REQUIRED");
    std::string const first =
        client.post("/organizations", R"({"displayName":"Ganesh"})").text("data.id");
    EXPECT_EQ(client.post("/brands", R"({"name":"Cello"})").status, 201) << "known at once";
    client.post("/organizations", R"({"displayName":"Lakshmi"})");
    Answer const asked = client.post("/brands", R"({"name":"Natraj"})");
    EXPECT_EQ(asked.status, 400);
    EXPECT_EQ(asked.code(), "ORGANIZATION_REQUIRED");
    EXPECT_EQ(asked.text("error.organizations[0].displayName"), "Ganesh") << asked.body;
    EXPECT_EQ(asked.text("error.organizations[1].role"), "OWNER");
    client.with("X-Org-Id", first);
    EXPECT_EQ(client.post("/brands", R"({"name":"Natraj"})").status, 201);
    for (std::string const org : {"x", "0a000000-0000-7000-8000-00000000000f"}) {
        client.with("X-Org-Id", org);
        EXPECT_EQ(client.post("/brands", R"({"name":"Doms"})").code(), "ORGANIZATION_NOT_FOUND");
    }
}

TEST_F(SignIn, WhatAShopMayNotBe) {
    client.with("Authorization", "Bearer " + register_asha().text("data.accessToken"));
    auto const code = [&](std::string const& more) {
        return client.post("/organizations", R"({"displayName":"Shop",)" + more + "}").code();
    };
    EXPECT_EQ(code(R"("gstin":"27aapfu0939f1zv")"), "GSTIN_INVALID");
    EXPECT_EQ(code(R"("pan":"0000000000")"), "PAN_INVALID");
    EXPECT_EQ(code(R"("stateCode":"MH")"), "STATE_CODE_INVALID");
    EXPECT_EQ(code(R"("currency":"inr")"), "CURRENCY_INVALID");
    EXPECT_EQ(code(R"("timeZone":"Mars/Olympus")"), "TIME_ZONE_INVALID");
    EXPECT_EQ(code(R"("timeZone":"'; drop table")"), "TIME_ZONE_INVALID");
    EXPECT_EQ(code(R"("fiscalYearStart":13)"), "VALIDATION_ERROR");
    EXPECT_EQ(db.word("select count(*) from identity.organizations"), "0");
    for (int i = 0; i < 20; ++i) EXPECT_EQ(code(R"("currency":"USD")"), "") << i;
    EXPECT_EQ(code(R"("currency":"USD")"), "TOO_MANY_ORGANIZATIONS");
}

} // namespace
} // namespace haat::identity
