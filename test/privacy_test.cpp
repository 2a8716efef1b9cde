// Of persons nothing readable is written down for good, and an erased person is gone from it all.
#include <gtest/gtest.h>

#include <audit/verify.hpp>
#include <base/clock.hpp>
#include <modules/webhooks/vault.hpp>
#include <outbound/test/world_server.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

std::string const office = R"({"recipientName":"Meera Joshi","line1":"14 Laxmi Road","city":"Pune",
    "state":"Maharashtra","postalCode":"411030","phone":"+919812345678"})";
std::string const newcomer = R"({"email":"zubin.private@haat.test","password":"Haat-demo-2026",
    "fullName":"Zubin Mehta","phone":"+919812345679"})";

class PrivacyTest : public testing::Test {
protected:
    /// Everything that is kept when its subject has gone.
    std::string written() {
        return stage.db.word(R"(
            select string_agg(row, ' ') from (
                select e::text from audit.entries e union all select o::text from events.outbox o
                union all select i::text from platform.idempotency i
                union all select d::text from webhooks.deliveries d) as all_of_it (row))");
    }
    void expect_unwritten(std::initializer_list<std::string_view> words) {
        std::string const all = written();
        EXPECT_NE(all.find("veil:1:"), all.npos);
        for (std::string_view const word : words)
            EXPECT_EQ(all.find(word), all.npos) << word << " stands in " << all;
    }
    Answer make_address() {
        return stage.client(Who::owner)
            .with("User-Agent", "Browser of the owner")
            .post("/organizations/addresses", office, {{"Idempotency-Key", "once"}});
    }
    int erase(std::string const& person) {
        pg::PlainConnection admin(stage.db.url());
        admin.run("set haat.role = 'admin'");
        return std::stoi(admin.word("select privacy.erase($1)", {person}));
    }
    /// What the owner sees as the newest row of the audit log.
    Answer newest() { return stage.client(Who::owner).get("/audit-logs?limit=1"); }

    Stage stage;
};

TEST_F(PrivacyTest, WhatIsWrittenDownIsUnreadable) {
    Answer const made = make_address();
    ASSERT_EQ(made.status, 201);
    EXPECT_EQ(made.text("data.recipientName"), "Meera Joshi");
    Answer const registered = stage.client(Who::guest).post("/auth/register", newcomer);
    ASSERT_EQ(registered.status, 201);
    stage.client(Who::guest)
        .post("/auth/login", R"({"email":"zubin.private@haat.test","password":"Wrong-word-1"})");
    expect_unwritten({"Meera", "Laxmi", "+919812345678", "Browser of the owner", "zubin.private",
                      "Zubin", "+919812345679"});
    EXPECT_NE(written().find("Maharashtra"), std::string::npos) << "of nobody in particular";
}

TEST_F(PrivacyTest, WhoMayReadItReadsIt) {
    Answer const made = make_address();
    EXPECT_EQ(make_address().body, made.body) << "a repeat has the same answer";
    Answer const audit = newest();
    EXPECT_EQ(audit.text("data[0].newData.recipientName"), "Meera Joshi");
    EXPECT_EQ(audit.text("data[0].ipAddress"), "127.0.0.1");
    EXPECT_EQ(audit.text("data[0].userAgent"), "Browser of the owner");
    Answer const one = stage.client(Who::owner).get("/audit-logs/" + audit.text("data[0].id"));
    EXPECT_EQ(one.text("data.newData.phone"), "+919812345678");
    Answer const events = stage.client(Who::owner).get("/events?limit=1");
    EXPECT_EQ(events.text("data[0].data.line1"), "14 Laxmi Road");
}

TEST_F(PrivacyTest, AChangeHidesBothSides) {
    std::string const path = "/organizations/addresses/" + make_address().text("data.id");
    Answer const changed =
        stage.client(Who::owner).put(path, R"({"recipientName":"Kamala Joshi"})");
    ASSERT_EQ(changed.status, 200);
    expect_unwritten({"Meera", "Kamala"});
    EXPECT_EQ(newest().text("data[0].oldData.recipientName"), "Meera Joshi");
    EXPECT_EQ(newest().text("data[0].newData.recipientName"), "Kamala Joshi");
}

TEST_F(PrivacyTest, AnErasedPersonIsGoneAndTheChainIsWhole) {
    make_address();
    ASSERT_EQ(newest().text("data[0].newData.recipientName"), "Meera Joshi");
    pg::PlainConnection worker(stage.db.url(pg::Role::worker));
    ASSERT_GT(std::stoi(worker.word("select audit.seal(100)")), 0);
    EXPECT_GT(erase(stage.actors.org_a()), 0);
    EXPECT_TRUE(soon([&] { return newest().text("data[0].newData.recipientName") == "null"; }));
    EXPECT_EQ(newest().text("data[0].newData.city"), "Pune");
    EXPECT_EQ(newest().text("data[0].userAgent"), "Browser of the owner") << "is the user's";
    EXPECT_GT(erase(stage.actors.user(Who::owner)), 0);
    EXPECT_TRUE(soon([&] { return newest().text("data[0].userAgent").empty(); }));
    EXPECT_EQ(stage.client(Who::owner).get("/events?limit=1").text("data[0].data.line1"), "null");
    EXPECT_EQ(make_address().text("data.recipientName"), "null") << "the kept answer";
    pg::PlainConnection owner(stage.db.url(pg::Role::owner));
    audit::Verdict const found = audit::verify(owner);
    EXPECT_TRUE(found.ok) << describe::to_json(found);
    EXPECT_GT(found.sealed, 0);
}

// A webhook carries it readable to whom its organization chose; what is kept of it is not.
TEST(PrivacyOfWebhooksTest, TheReceiverReadsWhatIsKeptVeiled) {
    using outbound::test::Exchange;
    outbound::test::WorldServer receiver([](Exchange& e) { e.reply(200); });
    Stage stage([](app::Config& config) {
        config.jobs.run = true;
        outbound::Network here;
        outbound::parse("127.0.0.1/32", here);
        config.messages.client.allowed_networks = {here};
    });
    webhooks::EndpointId const id = new_id<webhooks::EndpointNoun>();
    stage.db.rows("insert into webhooks.endpoints (id, org_id, url, description, subjects, secret)"
                  " values ($1, $2, $3, '', '{*}', $4)",
                  {to_string(id.uuid), stage.actors.org_a(), receiver.url("/hook"),
                   webhooks::Vault(test_secret).seal("whsec_of_this_test", id)});
    ASSERT_EQ(stage.client(Who::owner).post("/organizations/addresses", office).status, 201);
    ASSERT_TRUE(soon([&] { return receiver.seen().size() == 1; }));
    std::string const sent = receiver.seen().front().body;
    EXPECT_NE(sent.find("Meera Joshi"), sent.npos) << sent;
    EXPECT_EQ(sent.find("veil:"), sent.npos) << sent;
    std::string const kept = stage.db.word("select body from webhooks.deliveries");
    EXPECT_EQ(kept.find("Meera"), kept.npos) << kept;
    EXPECT_NE(kept.find("veil:1:"), kept.npos) << kept;
}

} // namespace
} // namespace haat::test
