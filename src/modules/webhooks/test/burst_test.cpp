// Many events at once, several nodes, dead and slow receivers, workers that are killed.
#include <csignal>
#include <map>
#include <set>

#include <modules/webhooks/test/post.hpp>
#include <test/harness/house.hpp>
#include <test/harness/process.hpp>

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

class KilledWorkers {
public:
    KilledWorkers() {
        db.exec("update jobs.queues set paused = false");
        for (int i = 0; i < 2; ++i) start();
    }
    void start() {
        ProcessOptions options;
        options.words = {"worker"};
        options.environment = {{"DATABASE_URL", db.url(pg::Role::owner)},
                               {"DATABASE_REQUEST_URL", db.url(pg::Role::request)},
                               {"DATABASE_WORKER_URL", db.url(pg::Role::worker)},
                               {"JWT_SECRET", test_secret},
                               {"HAAT_OUTBOUND_ALLOWED_NETWORKS", "127.0.0.1/32"},
                               {"HAAT_DATA_DIR", temporary_directory("worker").string()}};
        workers.push_back(std::make_unique<Process>(options));
        soon([&] { return workers.back()->output().find("runs jobs") != std::string::npos; });
    }
    /// And nobody waits for its leases to run out.
    void kill_one() {
        workers.front()->signal(SIGKILL);
        workers.front()->wait();
        workers.erase(workers.begin());
        db.exec("update jobs.runners set lease_until = now() - interval '1 second';"
                "update events.cursors set leased_until = now() - interval '1 second';"
                "update events.nodes set seen_at = now() - interval '1 hour'");
    }
    /// For the message of a failure.
    std::string standing() {
        return db.word(
            "select concat_ws('; ', (select string_agg(name || ' ' || attempt || ' due ' "
            "|| due || ' error ' || coalesce(error, '-'), ', ') from jobs.queue), "
            "(select string_agg(shard || ' ' || (leased_until > now())::text, ', ') from "
            "events.cursors where sink = 'webhooks'), (select string_agg(state || ' ' || "
            "n, ', ') from (select state, count(*) n from webhooks.deliveries group by "
            "1) as s), (select string_agg(coalesce(not_before::text, '-') || ' ' || "
            "coalesce(last_error, '-'), ', ') from webhooks.endpoints))");
    }
    TestDatabase db;
    std::vector<std::unique_ptr<Process>> workers;
};

// Killed in the middle of a burst, again and again: nothing is lost, and what comes twice has the
// same event id and the same bytes.
TEST(WebhooksKillTest, NothingIsLostWhenWorkersAreKilled) {
    WorldServer receiver([](Exchange& e) {
        e.hold(3ms);
        e.reply(200);
    });
    KilledWorkers farm;
    Actors const actors(farm.db.connection());
    for (int i = 0; i < 5; ++i) {
        webhooks::EndpointId const id = new_id<webhooks::EndpointNoun>();
        farm.db.rows("insert into webhooks.endpoints (id, org_id, url, description, subjects, "
                     "secret) values ($1::uuid, $2::uuid, $3, '', '{*}', $4)",
                     {to_string(id.uuid), actors.org_a(), receiver.url("/" + std::to_string(i)),
                      webhooks::Vault(test_secret).seal("whsec_x", id)});
    }
    constexpr int rounds = 4;
    constexpr int events = 100;
    for (int round = 0; round < rounds; ++round) {
        int const before = receiver.requests();
        farm.db.rows("insert into events.outbox (event_id, subject, key, priority, data, org_id, "
                     "correlation_id) select gen_random_uuid(), 'brand:created', "
                     "gen_random_uuid(), 'medium', '{\"name\":\"Cello\"}', $1::uuid, '' from "
                     "generate_series(1, $2::integer)",
                     {actors.org_a(), std::to_string(events)});
        // Longer than the sweep takes, which finds what a dead job has left.
        ASSERT_TRUE(soon([&] { return receiver.requests() > before + 40; }, 180s))
            << farm.standing();
        farm.kill_one();
        farm.start();
    }
    ASSERT_TRUE(soon(
        [&] {
            return farm.db.number("select count(*) from webhooks.deliveries where state = "
                                  "'delivered'") == rounds * events * 5;
        },
        90s))
        << farm.db.word("select string_agg(state || ' ' || n, ', ') from (select state, count(*) n "
                        "from webhooks.deliveries group by 1) as by_state");
    auto const all = arrivals(receiver);
    EXPECT_EQ(all.size(), 5u);
    std::set<std::string> ids;
    for (auto const& row : farm.db.rows("select event_id from events.outbox"))
        ids.insert(row[0].value());
    for (auto const& [path, arrived] : all) {
        EXPECT_EQ(arrived.size(), static_cast<std::size_t>(rounds * events)) << path;
        for (auto const& [id, times] : arrived) EXPECT_TRUE(ids.count(id)) << path << " " << id;
    }
    std::map<std::string, std::string> bodies;
    for (Seen const& one : receiver.seen()) {
        auto const [at, fresh] = bodies.emplace(one.header("haat-event-id"), one.body);
        EXPECT_EQ(at->second, one.body) << "the same event, the same bytes";
    }
}

} // namespace
} // namespace haat::test
