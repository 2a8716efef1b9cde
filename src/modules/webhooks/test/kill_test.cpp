// Workers that are killed while they deliver: real processes, their leases run out by themselves.
#include <atomic>
#include <map>
#include <set>

#include <modules/webhooks/test/post.hpp>
#include <test/harness/worker.hpp>

namespace haat::test {
namespace {

constexpr int endpoints = 6;

class KilledWorkers {
public:
    explicit KilledWorkers(WorldServer const& receiver) : actors(db.connection()) {
        for (int i = 0; i < endpoints; ++i) {
            webhooks::EndpointId const id = new_id<webhooks::EndpointNoun>();
            db.rows("insert into webhooks.endpoints (id, org_id, url, description, subjects, "
                    "secret) values ($1::uuid, $2::uuid, $3, '', '{*}', $4)",
                    {to_string(id.uuid), actors.org_a(), receiver.url("/" + std::to_string(i)),
                     webhooks::Vault(test_secret).seal("whsec_x", id)});
        }
        for (int i = 0; i < 2; ++i) start();
    }
    void start() {
        workers.push_back(start_worker(db, {{"HAAT_OUTBOUND_ALLOWED_NETWORKS", "127.0.0.1/32"}}));
    }
    void kill(std::size_t which) {
        test::kill(*workers.at(which));
        workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(which));
    }
    /// Which worker has the most endpoints just now; nothing while none has any.
    std::optional<std::size_t> busiest() {
        std::string const process =
            db.word("select r.process from jobs.queue q join jobs.runners r on r.id = q.runner "
                    "where q.name = 'webhooks.drain' group by r.process order by count(*) desc, "
                    "r.process limit 1");
        for (std::size_t i = 0; i < workers.size(); ++i)
            if (process.ends_with(" " + std::to_string(workers[i]->id()))) return i;
        return std::nullopt;
    }
    void happen(int count) {
        db.rows("insert into events.outbox (event_id, subject, key, priority, data, org_id, "
                "correlation_id) select gen_random_uuid(), 'brand:created', gen_random_uuid(), "
                "'medium', '{\"name\":\"Cello\"}', $1::uuid, '' from "
                "generate_series(1, $2::integer)",
                {actors.org_a(), std::to_string(count)});
        happened += count;
    }
    bool all_delivered() {
        return soon(
            [&] {
                return db.number("select count(*) from webhooks.deliveries where state = "
                                 "'delivered'") == happened * endpoints;
            },
            120s);
    }
    /// For the message of a failure.
    std::string standing() {
        std::string said = db.word(
            "select concat_ws('; ', (select string_agg(name || ' ' || attempt || ' of ' || "
            "coalesce(r.process, runner::text, '-') || ' error ' || coalesce(error, '-'), ', ') "
            "from jobs.queue q left join jobs.runners r on r.id = q.runner), "
            "(select string_agg(shard || ' ' || (leased_until > now())::text, ', ') from "
            "events.cursors where sink = 'webhooks'), (select string_agg(state || ' ' || "
            "n, ', ') from (select state, count(*) n from webhooks.deliveries group by "
            "1) as s))");
        for (auto const& worker : workers) said += "\n" + worker->output() + worker->errors();
        return said;
    }
    std::string logs() const {
        std::string all;
        for (auto const& worker : workers) all += worker->output() + worker->errors();
        return all;
    }
    TestDatabase db;
    Actors const actors;
    std::vector<std::unique_ptr<Process>> workers;
    std::int64_t happened = 0;
};

/// How often each event came to each endpoint; the bytes were the same each time.
std::map<std::string, std::map<std::string, int>> arrivals(WorldServer const& receiver) {
    std::map<std::string, std::map<std::string, int>> all;
    std::map<std::string, std::string> bodies;
    for (Seen const& one : receiver.seen()) {
        std::string const id = one.header("haat-event-id");
        ++all[one.target][id];
        auto const [at, fresh] = bodies.emplace(id, one.body);
        EXPECT_EQ(at->second, one.body) << "the same event, the same bytes";
    }
    return all;
}

void expect_everything_arrived(KilledWorkers& farm, WorldServer const& receiver) {
    std::set<std::string> ids;
    for (auto const& row :
         farm.db.rows("select event_id from events.outbox where subject = 'brand:created'"))
        ids.insert(row[0].value());
    auto const all = arrivals(receiver);
    EXPECT_EQ(all.size(), static_cast<std::size_t>(endpoints));
    for (auto const& [path, arrived] : all) {
        EXPECT_EQ(arrived.size(), ids.size()) << path;
        for (auto const& [id, times] : arrived) EXPECT_TRUE(ids.count(id)) << path << " " << id;
    }
    EXPECT_EQ(farm.db.number("select count(*) from webhooks.deliveries d where not exists (select "
                             "from webhooks.attempts a where a.delivery_id = d.id and a.status = "
                             "200)"),
              0)
        << "the log has an attempt that went well for each";
}

// One is killed while its requests are on their way. Until its lease is over its endpoints wait;
// then the other one has them, and sends again what nobody noted.
TEST(WebhooksKillTest, AnotherTakesOverWhenTheLeaseIsOver) {
    std::atomic<int> answered{0};
    std::atomic<bool> open{false};
    WorldServer receiver([&](Exchange& e) {
        if (++answered > 60)
            for (int i = 0; i < 3'000 && !open; ++i) e.hold(5ms);
        e.reply(200);
    });
    KilledWorkers farm(receiver);
    farm.happen(60);
    std::optional<std::size_t> victim;
    ASSERT_TRUE(soon(
        [&] {
            victim = farm.busiest();
            return answered > 60 + endpoints && victim;
        },
        60s))
        << farm.standing();
    auto const noted = farm.db.number("select count(*) from webhooks.attempts");
    EXPECT_LT(noted, 60 * endpoints) << "in the middle";
    farm.kill(*victim);
    open = true;
    ASSERT_TRUE(farm.all_delivered()) << farm.standing();
    expect_everything_arrived(farm, receiver);
    int twice = 0;
    for (auto const& [path, arrived] : arrivals(receiver))
        for (auto const& [id, times] : arrived) twice += times > 1;
    EXPECT_GE(twice, 1) << "what was on its way was sent once more";
    EXPECT_NE(farm.logs().find("a worker fell silent; its jobs wait again"), std::string::npos)
        << farm.standing();
}

// Again and again, whatever they are doing just then.
TEST(WebhooksKillTest, NothingIsLostWhenWorkersAreKilled) {
    WorldServer receiver([](Exchange& e) {
        e.hold(3ms);
        e.reply(200);
    });
    KilledWorkers farm(receiver);
    for (int round = 0; round < 4; ++round) {
        int const before = receiver.requests();
        farm.happen(80);
        ASSERT_TRUE(soon([&] { return receiver.requests() > before + 60; }, 60s))
            << farm.standing();
        farm.kill(0);
        farm.start();
    }
    ASSERT_TRUE(farm.all_delivered()) << farm.standing();
    expect_everything_arrived(farm, receiver);
    EXPECT_TRUE(soon([&] {
        return farm.db.number("select count(*) from jobs.queue where name = 'webhooks.drain'") == 0;
    })) << farm.standing();
}

} // namespace
} // namespace haat::test
