// Many events at once, several nodes, dead and slow receivers.
#include <map>

#include <modules/webhooks/test/post.hpp>

namespace haat::test {
namespace {

/// Each event id with how often it came to each path.
std::map<std::string, std::map<std::string, int>> arrivals(WorldServer const& receiver) {
    std::map<std::string, std::map<std::string, int>> all;
    for (Seen const& one : receiver.seen()) ++all[one.target][one.header("haat-event-id")];
    return all;
}

// The live get everything while the dead and the slow still wait for their first answers.
TEST(WebhooksConcurrentTest, TheDeadDoNotDelayTheLiving) {
    WorldServer receiver([](Exchange& e) {
        if (e.seen.target.starts_with("/dead")) return e.hold();
        if (e.seen.target.starts_with("/slow")) e.hold(300ms);
        e.reply(e.seen.target.starts_with("/ill") ? 503 : 200);
    });
    webhooks::Options options = quick_webhooks();
    options.timeout = 10s;
    options.pause_first = 1s;
    options.pause_max = 10s;
    Post post(options);
    std::string live;
    for (int i = 0; i < 20; ++i) {
        char const* const kind = i % 5 == 0 ? "/dead" : i % 5 == 1 ? "/slow" : "/live";
        std::string const id =
            post.add_endpoint(receiver.url((i % 10 == 2 ? "/ill" : kind) + std::to_string(i)));
        if (i % 5 >= 2 && i % 10 != 2) live += (live.empty() ? "{" : ",") + id;
    }
    live += "}";
    auto const began = std::chrono::steady_clock::now();
    post.happen(50);
    ASSERT_TRUE(soon([&] {
        return post.db.number("select count(*) from webhooks.deliveries where state = 'delivered' "
                              "and endpoint_id = any ($1::uuid[])",
                              {live}) == 10 * 50;
    })) << post.why();
    auto const took = std::chrono::steady_clock::now() - began;
    EXPECT_LT(took, options.timeout) << "nobody waited for the dead";
    // The dead hold one request each, not one for each event.
    EXPECT_LE(post.db.number("select count(*) from webhooks.attempts a join webhooks.deliveries d "
                             "on d.id = a.delivery_id join webhooks.endpoints e on e.id = "
                             "d.endpoint_id where e.url like '%/ill%'"),
              2 * 16);
}

// Two nodes dispatch and send: everything once, as long as nothing dies.
TEST(WebhooksConcurrentTest, TwoNodesShareTheWork) {
    WorldServer receiver([](Exchange& e) { e.reply(200); });
    Post post(quick_webhooks(), 2);
    for (int i = 0; i < 4; ++i) post.add_endpoint(receiver.url("/" + std::to_string(i)));
    for (int i = 0; i < 10; ++i) post.happen(10);
    ASSERT_TRUE(post.delivered(400, 60s)) << post.why();
    for (auto const& [path, ids] : arrivals(receiver)) {
        EXPECT_EQ(ids.size(), 100u) << path;
        for (auto const& [id, times] : ids) EXPECT_EQ(times, 1) << path << " " << id;
    }
}

// Managers ask again, disable and enable while events come and are sent: nothing is left waiting.
TEST(WebhooksConcurrentTest, NothingIsLeftWaitingWhoeverComesBetween) {
    WorldServer receiver([](Exchange& e) { e.reply(200); });
    Post post(quick_webhooks(), 2);
    std::string const hook = post.add_endpoint(receiver.url());
    for (int i = 0; i < 60; ++i) {
        post.happen(1);
        if (i % 3 == 0) pause_briefly();
    }
    ASSERT_TRUE(post.delivered(60)) << post.why();
    EXPECT_TRUE(soon([&] { return post.db.number("select count(*) from jobs.queue") == 0; }));
}

} // namespace
} // namespace haat::test
