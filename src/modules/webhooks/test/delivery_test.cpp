// From an event to its receivers, and what becomes of those that fail.
#include <algorithm>
#include <set>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <modules/webhooks/test/post.hpp>

namespace haat::test {
namespace {

/// As a receiver in another language checks it: OpenSSL, and the header taken apart by hand.
std::vector<std::string> signatures_of(std::string const& header) {
    std::vector<std::string> all;
    for (std::size_t at = header.find(",v1="); at != header.npos; at = header.find(",v1=", at + 1))
        all.push_back(header.substr(at + 4, 64));
    return all;
}
std::string right_signature(std::string const& secret, Seen const& seen) {
    std::string const header = seen.header("haat-signature");
    std::string const time = header.substr(2, header.find(',') - 2);
    std::string const said = time + "." + seen.body;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<unsigned char const*>(said.data()), said.size(), mac, &size);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", mac[i]);
        hex += two;
    }
    return hex;
}

std::set<std::string> event_ids(std::vector<Seen> const& seen) {
    std::set<std::string> ids;
    for (Seen const& one : seen) ids.insert(one.header("haat-event-id"));
    return ids;
}

TEST(WebhooksTest, AnEventArrivesSignedInItsEnvelope) {
    WorldServer receiver([](Exchange& e) { e.reply(200, "thanks"); });
    Post post;
    post.add_endpoint(receiver.url("/hook"));
    post.happen(1);
    ASSERT_TRUE(post.delivered(1)) << post.why();
    Seen const seen = receiver.seen().at(0);
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.target, "/hook");
    EXPECT_EQ(seen.header("content-type"), "application/json");
    EXPECT_EQ(seen.header("haat-subject"), "brand:created");
    EXPECT_EQ(seen.header("haat-attempt"), "1");
    EXPECT_EQ(seen.header("haat-event-id"), post.db.word("select event_id from events.outbox"));
    EXPECT_NE(seen.body.find(R"("subject":"brand:created")"), std::string::npos) << seen.body;
    EXPECT_NE(seen.body.find(seen.header("haat-event-id")), std::string::npos);
    EXPECT_EQ(signatures_of(seen.header("haat-signature")),
              (std::vector<std::string>{right_signature(Post::secret, seen)}));
    EXPECT_EQ(post.db.word("select response_body from webhooks.attempts"), "thanks");
    std::string const logged = post.db.word("select request_headers from webhooks.attempts");
    EXPECT_NE(logged.find("Haat-Signature: ***"), std::string::npos) << logged;
}

TEST(WebhooksTest, ForAWhileBothSecretsSign) {
    WorldServer receiver([](Exchange& e) { e.reply(204); });
    Post post;
    std::string const hook = post.add_endpoint(receiver.url());
    webhooks::EndpointId id;
    ASSERT_TRUE(parse(hook, id.uuid));
    post.db.rows("update webhooks.endpoints set previous_secret = secret, secret = $1, "
                 "previous_until = now() + interval '1 hour'",
                 {webhooks::Vault(test_secret).seal("whsec_new", id)});
    post.happen(1);
    ASSERT_TRUE(post.delivered(1)) << post.why();
    Seen const both = receiver.seen().at(0);
    EXPECT_EQ(signatures_of(both.header("haat-signature")),
              (std::vector<std::string>{right_signature("whsec_new", both),
                                        right_signature(Post::secret, both)}));
    post.db.exec("update webhooks.endpoints set previous_until = now() - interval '1 second'");
    post.happen(1);
    ASSERT_TRUE(post.delivered(2)) << post.why();
    Seen const one = receiver.seen().at(1);
    EXPECT_EQ(signatures_of(one.header("haat-signature")),
              (std::vector<std::string>{right_signature("whsec_new", one)}));
    post.run_job("webhooks.clean_up");
    EXPECT_EQ(post.db.word("select previous_secret is null from webhooks.endpoints"), "t");
}

TEST(WebhooksTest, AnEndpointSeesItsOwnOrganizationAndItsSubjectsOnly) {
    WorldServer receiver([](Exchange& e) { e.reply(200); });
    Post post;
    post.add_endpoint(receiver.url("/brands"), "{brand:*}");
    post.add_endpoint(receiver.url("/one"), "{category:created}");
    post.add_endpoint_of(post.actors.org_b(), receiver.url("/other"));
    post.add_endpoint_of("", receiver.url("/platform"));
    post.happen(1, "brand:created");
    post.happen(1, "category:created");
    post.happen(1, "category:deleted");
    post.happen_in(post.actors.org_b(), 1, "brand:deleted");
    post.happen_in("", 1, "system:started");
    ASSERT_TRUE(post.delivered(8)) << post.why();
    std::multiset<std::string> got;
    for (Seen const& one : receiver.seen())
        got.insert(one.target + " " + one.header("haat-subject"));
    EXPECT_EQ(
        got, (std::multiset<std::string>{"/brands brand:created", "/one category:created",
                                         "/other brand:deleted", "/platform brand:created",
                                         "/platform category:created", "/platform category:deleted",
                                         "/platform brand:deleted", "/platform system:started"}));
}

TEST(WebhooksTest, WhatFailsIsTriedAgainUntilItIsWell) {
    std::atomic<int> asked{0};
    WorldServer receiver([&asked](Exchange& e) {
        int const n = ++asked;
        if (n == 1) return e.reply(500, "no");
        if (n == 2) return e.close();
        if (n == 3) {
            e.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
            return e.close();
        }
        if (n == 4) {
            e.send("garbage without end\r\n\r\n");
            return e.close();
        }
        if (n == 5) return e.reply(400, "what?");
        if (n == 6) return e.reply(429, "slowly", "Retry-After: 0\r\n");
        e.reply(200);
    });
    Post post;
    post.add_endpoint(receiver.url());
    post.happen(1);
    ASSERT_TRUE(post.delivered(1)) << post.why();
    EXPECT_EQ(asked, 7);
    EXPECT_EQ(event_ids(receiver.seen()).size(), 1u);
    EXPECT_EQ(receiver.seen().back().header("haat-attempt"), "7");
    EXPECT_EQ(post.db.word("select string_agg(coalesce(status::text, split_part(error, ':', 1)), "
                           "' ' order by number) from webhooks.attempts"),
              "500 closed closed bad_reply 400 429 200");
    EXPECT_EQ(post.db.word("select failing_since is null and failures_in_row = 0 "
                           "from webhooks.endpoints"),
              "t");
}

TEST(WebhooksTest, RedirectsAndPrivateAddressesAreNotFollowed) {
    WorldServer inner([](Exchange& e) { e.reply(200, "secret"); }, "127.0.0.2");
    WorldServer receiver(
        [&inner](Exchange& e) { e.reply(302, "", "Location: " + inner.url("/admin") + "\r\n"); });
    Post post;
    std::string const redirecting = post.add_endpoint(receiver.url());
    std::string const inside = post.add_endpoint(inner.url("/direct"));
    post.happen(1);
    ASSERT_TRUE(soon([&] {
        return post.db.number("select count(distinct d.endpoint_id) from webhooks.deliveries d "
                              "where attempts >= 2") == 2;
    }));
    EXPECT_EQ(inner.connections(), 0);
    EXPECT_EQ(
        post.db.word("select last_error from webhooks.deliveries where endpoint_id = $1::uuid",
                     {redirecting}),
        "it answered 302; redirects are not followed");
    std::string const refused = post.db.word(
        "select last_error from webhooks.deliveries where endpoint_id = $1::uuid", {inside});
    EXPECT_TRUE(refused.starts_with("forbidden_address")) << refused;
}

TEST(WebhooksTest, WhoIsGoneGetsNothingMore) {
    WorldServer receiver([](Exchange& e) { e.reply(410); });
    Post post;
    std::string const hook = post.add_endpoint(receiver.url(), "{brand:created}");
    post.happen(5);
    ASSERT_TRUE(soon([&] { return post.count("failed") == 5; })) << post.why();
    EXPECT_EQ(receiver.requests(), 1);
    EXPECT_EQ(post.db.word("select disabled_reason from webhooks.endpoints"),
              "it answered 410: gone");
    EXPECT_EQ(post.db.word("select action || ' ' || (changes -> 'disabledReason' ->> 'to') from "
                           "audit.entries where entity_id = $1::uuid",
                           {hook}),
              "DISABLE it answered 410: gone");
    EXPECT_EQ(post.db.word("select data ->> 'reason' from events.outbox where subject = "
                           "'webhook-endpoint:disabled' and org_id = $1::uuid",
                           {post.actors.org_a()}),
              "it answered 410: gone");
    post.happen(1);
    Post* const all = &post;
    ASSERT_TRUE(soon([all] {
        return all->db.number("select count(*) from events.outbox o where not exists (select from "
                              "events.cursors c where c.shard = o.shard and (c.ordinal, c.id) >= "
                              "(o.ordinal, o.id))") == 0;
    }));
    EXPECT_EQ(post.db.number("select count(*) from webhooks.deliveries"), 5);
}

TEST(WebhooksTest, WhatFailsForTooLongIsDisabled) {
    WorldServer receiver([](Exchange& e) { e.reply(503); });
    Post post;
    post.add_endpoint(receiver.url(), "{brand:created}");
    post.db.exec("update webhooks.endpoints set failing_since = now() - interval '71 hours'");
    post.happen(3);
    ASSERT_TRUE(soon([&] { return receiver.requests() >= 4; }));
    EXPECT_EQ(post.db.word("select is_enabled from webhooks.endpoints"), "t");
    post.db.exec("update webhooks.endpoints set failing_since = now() - interval '73 hours'");
    ASSERT_TRUE(soon([&] { return post.count("failed") == 3; })) << post.why();
    EXPECT_EQ(post.db.word("select disabled_reason from webhooks.endpoints"),
              "nothing has gone well for 72 hours");
}

TEST(WebhooksTest, ADeliveryIsGivenUpAfterItsTime) {
    std::atomic<bool> well{false};
    WorldServer receiver(
        [&well](Exchange& e) { e.reply(well || e.seen.target == "/b" ? 200 : 400); });
    webhooks::Options options = quick_webhooks();
    options.patience = 300ms;
    Post post(options);
    std::string const hook = post.add_endpoint(receiver.url("/a"), "{brand:created}");
    // An hour ago it was well, so that it is not the endpoint that is given up.
    post.happen(1);
    ASSERT_TRUE(soon([&] { return post.count("failed") == 1; })) << post.why();
    EXPECT_GE(receiver.requests(), 2);
}

TEST(WebhooksTest, WhatWaitsForTheDeadExpires) {
    Post post;
    std::string const hook = post.add_endpoint("http://127.0.0.1:" + std::to_string(1) + "/");
    post.db.exec("update webhooks.endpoints set not_before = now() + interval '1 hour'");
    post.happen(3);
    ASSERT_TRUE(soon([&] { return post.count("waiting") == 3; }));
    post.db.exec("update webhooks.deliveries set give_up_at = now() - interval '1 second'");
    post.sweep();
    EXPECT_EQ(post.count("failed"), 3);
    EXPECT_EQ(post.why(), "it could not be sent in time");
}

TEST(WebhooksTest, AnAnswerThatIsTooLargeOrSlowIsAFailure) {
    WorldServer receiver([](Exchange& e) {
        if (e.seen.target == "/large") return e.reply(200, std::string(400 * 1024, 'x'));
        e.hold();
    });
    webhooks::Options options = quick_webhooks();
    options.timeout = 200ms;
    Post post(options);
    post.add_endpoint(receiver.url("/large"));
    post.add_endpoint(receiver.url("/slow"));
    post.happen(1);
    ASSERT_TRUE(soon([&] {
        return post.db.word("select string_agg(distinct split_part(last_error, ':', 1), ' ' order "
                            "by split_part(last_error, ':', 1)) from webhooks.deliveries") ==
               "timeout too_large";
    })) << post.why();
}

// Its answer begins at once and never ends, a byte at a time: each is in time, the whole is not.
TEST(WebhooksTest, AnAnswerThatTricklesIsNotWaitedForForEver) {
    std::atomic<int> bytes{0};
    WorldServer receiver([&bytes](Exchange& e) {
        e.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        for (int i = 0; i < 500 && e.send("x"); ++i, ++bytes) e.hold(20ms);
        e.close();
    });
    webhooks::Options options = quick_webhooks();
    options.timeout = 400ms;
    Post post(options);
    post.add_endpoint(receiver.url());
    post.happen(1);
    ASSERT_TRUE(soon([&] { return post.why().starts_with("timeout"); })) << post.why();
    EXPECT_GE(bytes, 3);
    EXPECT_EQ(post.db.number("select count(*) from webhooks.attempts where status = 200"), 0);
}

TEST(WebhooksTest, IsTriedAsOftenAsTheOperatorWants) {
    WorldServer receiver([](Exchange& e) { e.reply(400, "no"); });
    webhooks::Options options = quick_webhooks();
    options.attempts_max = 3;
    Post post(options);
    post.add_endpoint(receiver.url(), "{brand:created}");
    post.happen(1);
    ASSERT_TRUE(soon([&] { return post.count("failed") == 1; })) << post.why();
    EXPECT_EQ(receiver.requests(), 3);
    EXPECT_EQ(post.why(), "it answered 400");
    EXPECT_EQ(post.db.word("select is_enabled from webhooks.endpoints"), "t");
}

TEST(WebhooksTest, KeepsAsMuchAsTheOperatorWants) {
    WorldServer receiver([](Exchange& e) { e.reply(200, std::string(30'000, 'a')); });
    webhooks::Options options = quick_webhooks();
    options.body_bytes_max = 500'000;
    options.answer_bytes_kept = 20'000;
    Post post(options);
    post.add_endpoint(receiver.url());
    post.db.rows("insert into events.outbox (event_id, subject, key, priority, data, org_id, "
                 "correlation_id) values (gen_random_uuid(), 'brand:created', gen_random_uuid(), "
                 "'medium', jsonb_build_object('x', repeat('y', 400000)), $1::uuid, '')",
                 {post.actors.org_a()});
    ASSERT_TRUE(post.delivered(1)) << post.why();
    EXPECT_EQ(post.db.number("select length(response_body) from webhooks.attempts"), 20'000);
    EXPECT_GT(post.db.number("select length(body) from webhooks.deliveries"), 400'000);
}

// A job must end in time even if its endpoint has become slow: it begins nothing behind its turn.
TEST(WebhooksTest, AJobBeginsNothingWhenItsTurnIsOver) {
    std::atomic<int> asked{0};
    WorldServer receiver([&asked](Exchange& e) {
        if (++asked > 5) e.hold(300ms);
        e.reply(200);
    });
    webhooks::Options options = quick_webhooks();
    options.turn = 100ms;
    options.at_once_max = 2;
    Post post(options);
    post.add_endpoint(receiver.url());
    post.happen(16);
    ASSERT_TRUE(post.delivered(16)) << post.why();
    EXPECT_EQ(receiver.requests(), 16) << "nothing was sent twice for it";
}

TEST(WebhooksTest, AnEventThatIsTooLargeIsInTheLogAndNotSent) {
    WorldServer receiver([](Exchange& e) { e.reply(200); });
    Post post;
    post.add_endpoint(receiver.url());
    post.db.rows("insert into events.outbox (event_id, subject, key, priority, data, org_id, "
                 "correlation_id) values (gen_random_uuid(), 'brand:created', gen_random_uuid(), "
                 "'medium', jsonb_build_object('x', repeat('y', 300000)), $1::uuid, '')",
                 {post.actors.org_a()});
    ASSERT_TRUE(soon([&] { return post.count("failed") == 1; }));
    EXPECT_NE(post.why().find("more than webhooks carry"), std::string::npos);
    EXPECT_EQ(receiver.requests(), 0);
}

TEST(WebhooksTest, AnswersThatAreNoTextAreCutAndKept) {
    WorldServer receiver([](Exchange& e) {
        if (e.seen.target == "/bytes")
            return e.reply(200, std::string("\xff\x00\xfe", 3), "Set-Cookie: a=secret\r\n");
        e.reply(200, std::string(4'095, 'a') + "ü", "X-Token: secret\r\n");
    });
    Post post;
    post.add_endpoint(receiver.url("/bytes"));
    post.add_endpoint(receiver.url("/long"));
    post.happen(1);
    ASSERT_TRUE(post.delivered(2)) << post.why();
    EXPECT_EQ(post.db.number("select count(*) from webhooks.attempts where response_body = "
                             "'(not a text)' or response_body = repeat('a', 4095)"),
              2);
    EXPECT_EQ(post.db.number("select count(*) from webhooks.attempts where response_headers like "
                             "'%secret%'"),
              0);
}

TEST(WebhooksTest, ASecretOfAnotherServerIsSaidSo) {
    WorldServer receiver([](Exchange& e) { e.reply(200); });
    Post post;
    std::string const hook = post.add_endpoint(receiver.url());
    webhooks::EndpointId id;
    ASSERT_TRUE(parse(hook, id.uuid));
    post.db.rows("update webhooks.endpoints set secret = $1",
                 {webhooks::Vault("of yesterday's server").seal("whsec_x", id)});
    post.happen(1);
    ASSERT_TRUE(soon([&] { return post.why().find("rotate it") != std::string::npos; }));
    EXPECT_EQ(receiver.requests(), 0) << "nothing goes out unsigned";
}

TEST(WebhooksTest, TheLogIsKeptForAMonth) {
    WorldServer receiver([](Exchange& e) { e.reply(200); });
    Post post;
    post.add_endpoint(receiver.url());
    post.happen(3);
    ASSERT_TRUE(post.delivered(3)) << post.why();
    post.db.exec("update webhooks.deliveries set settled_at = now() - interval '31 days' where id "
                 "in (select id from webhooks.deliveries limit 2)");
    post.run_job("webhooks.clean_up");
    EXPECT_EQ(post.db.number("select count(*) from webhooks.deliveries"), 1);
    EXPECT_EQ(post.db.number("select count(*) from webhooks.attempts"), 1);
}

// A job that an operator has cancelled, or that has died with its process too often.
TEST(WebhooksTest, WhatNobodyTakesCareOfIsFound) {
    WorldServer receiver([](Exchange& e) { e.reply(200); });
    Post post;
    post.add_endpoint(receiver.url());
    post.db.exec("insert into jobs.queues (name, paused) values ('webhooks', true) on conflict "
                 "(name) do update set paused = true");
    post.happen(2);
    ASSERT_TRUE(soon([&] { return post.count("waiting") == 2; }));
    post.db.exec("delete from jobs.queue; update jobs.queues set paused = false; "
                 "update webhooks.deliveries set due_at = now() - interval '1 minute'");
    post.sweep();
    EXPECT_TRUE(post.delivered(2)) << post.why();
}

TEST(WebhooksTest, AReplayThatWantsItIsDeliveredAgain) {
    WorldServer receiver([](Exchange& e) { e.reply(200); });
    Post post;
    post.add_endpoint(receiver.url());
    post.happen(3);
    ASSERT_TRUE(post.delivered(3)) << post.why();
    for (char const* const again : {"false", "true"})
        post.db.exec(std::string("insert into events.replays (id, sink, subjects, since, until, "
                                 "again) values (gen_random_uuid(), 'webhooks', '{}', now() - "
                                 "interval '1 hour', now() + interval '1 hour', ") +
                     again + ")");
    ASSERT_TRUE(soon([&] {
        return post.db.number("select count(*) from events.replays where state = 'done'") == 2 &&
               receiver.requests() == 6 && post.count("delivered") == 3;
    })) << receiver.requests();
    EXPECT_EQ(event_ids(receiver.seen()).size(), 3u);
}

} // namespace
} // namespace haat::test
