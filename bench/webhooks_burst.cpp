// A burst of events to webhooks: `webhooks_burst [hundreds of events for each endpoint]
// [endpoints] [rounds]`. Each endpoint belongs to an organization of its own. First all of them are
// well; then a fifth is dead: some take connections and never answer, some refuse them, some say
// 503. What counts is how long the living wait. Receivers and haat share this machine; a private
// cluster of its own, durable (fsync on). What was measured comes as JSON in the last line;
// bench/run reads it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

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

pg::Cluster durable_cluster() {
    std::filesystem::path const directory =
        std::filesystem::temp_directory_path() / "haat-webhooks-bench";
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    std::filesystem::permissions(directory, std::filesystem::perms(0711)); // PostgreSQL's user
    pg::ClusterOptions options;
    options.data_directory = directory;
    options.remove_when_stopped = true;
    return pg::Cluster::open(std::move(options));
}

/// How the living fared.
struct Fared {
    double per_second = 0;
    double p95_ms = 0;
};

Fared run(Burst const& burst) {
    std::atomic<int> arrived{0};
    WorldServer receiver([&arrived](Exchange& e) {
        if (e.seen.target == "/silent") return e.hold();
        if (e.seen.target == "/ill") return e.reply(503);
        ++arrived;
        e.reply(200, "ok");
    });
    pg::Cluster cluster = durable_cluster();
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
    auto const second = waited.find(" / ");
    double const p95 = second == std::string::npos ? 0 : std::atof(waited.c_str() + second + 3);
    return {arrived / took.count(), p95};
}

} // namespace

int main(int argument_count, char** words) {
    log::LogOptions quiet;
    quiet.level = log::Level::off;
    log::configure(quiet);
    Burst burst;
    if (argument_count > 1) burst.events_each = 100 * std::max(1, std::atoi(words[1]));
    if (argument_count > 2) burst.endpoints = std::max(5, std::atoi(words[2]));
    int const rounds = argument_count > 3 ? std::max(1, std::atoi(words[3])) : 2;
    std::string all_live, some_dead;
    auto const add = [](std::string& text, Fared const& one) {
        text += (text.empty() ? "[" : ", [") + std::to_string(one.per_second) + ", " +
                std::to_string(one.p95_ms) + "]";
    };
    for (int round = 0; round < rounds; ++round) {
        burst.dead = 0;
        add(all_live, run(burst));
        burst.dead = burst.endpoints / 5;
        add(some_dead, run(burst));
    }
    std::printf("{\"all live\": [%s], \"some dead\": [%s]}\n", all_live.c_str(), some_dead.c_str());
    return 0;
}
