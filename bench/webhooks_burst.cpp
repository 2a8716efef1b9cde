// A burst of events to webhooks: `webhooks_burst [hundreds of events for each endpoint]
// [endpoints]`. Each endpoint belongs to an organization of its own. First all of them are well;
// then a fifth is dead: some take connections and never answer, some refuse them, some say 503.
// What counts is how long the living wait. Receivers and haat share this machine; throw-away
// cluster, fsync on.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <app/backstage.hpp>
#include <base/clock.hpp>
#include <modules/webhooks/vault.hpp>
#include <outbound/test/world_server.hpp>
#include <pg/cluster.hpp>
#include <pg/migrate.hpp>
#include <pg/plain.hpp>
#include <telemetry/log.hpp>

namespace {

using namespace haat;
using Clock = std::chrono::steady_clock;
using outbound::test::Exchange;
using outbound::test::WorldServer;

constexpr char const* server_secret = "a secret of the benchmark, made of more than forty letters";

struct Burst {
    int endpoints = 100;
    int events_each = 100;
    int dead = 0;
};

app::Config config_of() {
    app::Config config;
    config.sign_in.jwt_secret = server_secret;
    outbound::Network here;
    outbound::parse("127.0.0.0/8", here);
    config.messages.client.allowed_networks = {here};
    return config;
}

void add_endpoint(pg::PlainConnection& admin, std::string const& url) {
    webhooks::EndpointId const id = new_id<webhooks::EndpointNoun>();
    std::string const org = to_string(new_uuid());
    admin.ask("insert into identity.organizations (id, display_name, owner_name, slug, status) "
              "values ($1::uuid, 'x', 'x', $1, 'authorized')",
              {org});
    admin.ask("insert into webhooks.endpoints (id, org_id, url, description, subjects, secret) "
              "values ($1::uuid, $2::uuid, $3, '', '{*}', $4)",
              {to_string(id.uuid), org, url,
               webhooks::Vault(server_secret).seal("whsec_of-the-benchmark", id)});
}

/// Where the dead are: silence, a closed door, 503, by turns.
std::string dead_url(WorldServer& receiver, int number) {
    if (number % 3 == 0) return receiver.url("/silent");
    if (number % 3 == 1) return "http://127.0.0.1:1/";
    return receiver.url("/ill");
}

void run(Burst const& burst) {
    std::atomic<int> arrived{0};
    WorldServer receiver([&arrived](Exchange& e) {
        if (e.seen.target == "/silent") return e.hold();
        if (e.seen.target == "/ill") return e.reply(503);
        ++arrived;
        e.reply(200, "ok");
    });
    pg::Cluster cluster = pg::Cluster::throw_away();
    pg::Migrator(cluster.url(pg::Role::owner)).apply();
    pg::PlainConnection admin(cluster.url(pg::Role::admin));
    admin.run("select events.maintain(interval '14 days')");
    for (int i = 0; i < burst.endpoints; ++i)
        add_endpoint(admin, i < burst.dead ? dead_url(receiver, i) : receiver.url("/live"));
    app::Config const config = config_of();
    app::Backstage stage(config, cluster.url(pg::Role::worker));
    stage.start();
    int const events = burst.endpoints * burst.events_each;
    int const wanted = (burst.endpoints - burst.dead) * burst.events_each;
    admin.run("insert into events.outbox (event_id, subject, key, priority, data, org_id, "
              "correlation_id) select gen_random_uuid(), 'brand:created', gen_random_uuid(), "
              "'medium', jsonb_build_object('n', n, 'more', repeat('x', 300)), e.org_id, '' from "
              "webhooks.endpoints e, generate_series(1, " +
              std::to_string(burst.events_each) + ") n order by n");
    auto const began = Clock::now();
    while (arrived < wanted && Clock::now() - began < std::chrono::minutes(3))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::chrono::duration<double> const took = Clock::now() - began;
    std::this_thread::sleep_for(std::chrono::milliseconds(500)); // the last are noted
    std::string const waited = admin.word(
        "select string_agg(round(w * 1000)::text, ' / ') from (select unnest(percentile_cont("
        "array[0.5, 0.95, 1]) within group (order by extract(epoch from a.at - o.created_at))) w "
        "from webhooks.attempts a join webhooks.deliveries d on d.id = a.delivery_id join "
        "events.outbox o on o.event_id = d.event_id where d.state = 'delivered') as waited");
    std::printf("%6d events, %3d endpoints, %2d dead: the living had %d in %.2f s (%.0f/s), waited "
                "p50 / p95 / max %s ms; attempts at the dead %s\n",
                events, burst.endpoints, burst.dead, arrived.load(), took.count(),
                arrived / took.count(), waited.c_str(),
                admin
                    .word("select count(*) from webhooks.attempts a join webhooks.deliveries d on "
                          "d.id = a.delivery_id where d.state <> 'delivered'")
                    .c_str());
    std::fflush(stdout);
    stage.stop();
}

} // namespace

int main(int argument_count, char** words) {
    log::LogOptions quiet;
    quiet.level = log::Level::off;
    log::configure(quiet);
    Burst burst;
    if (argument_count > 1) burst.events_each = 100 * std::max(1, std::atoi(words[1]));
    if (argument_count > 2) burst.endpoints = std::max(5, std::atoi(words[2]));
    for (int round = 0; round < 2; ++round) {
        burst.dead = 0;
        run(burst);
        burst.dead = burst.endpoints / 5;
        run(burst);
    }
    return 0;
}
