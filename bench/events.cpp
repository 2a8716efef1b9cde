// Events out of the outbox: `events_dispatch [thousands] [rounds]`. To an in-process handler in key
// order, each marked as handled; to a handler that also writes a row for each; and to librdkafka's
// mock cluster over TCP. On a private cluster of its own, durable (fsync on). What was measured
// comes as JSON in the last line; bench/run reads it.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <events/dispatcher.hpp>
#include <events/handlers.hpp>
#include <events/kafka.hpp>
#include <loop/loop.hpp>
#include <pg/cluster.hpp>
#include <pg/database.hpp>
#include <pg/migrate.hpp>
#include <pg/plain.hpp>

namespace {

using namespace haat;
using Clock = std::chrono::steady_clock;

struct Step {
    std::int32_t n = 0;
    std::string name;
};
HAAT_DESCRIBE(Step, n, name)

std::map<Uuid, std::int32_t> last_steps; // of one loop
std::int64_t handled = 0;
std::int64_t out_of_order = 0;

Event<Step> counted{subjects::textile_displayed};
Event<Step> written{subjects::textile_demonstrated};
Exec<Uuid, std::int32_t> write_row{"bench.write_row",
                                   "insert into bench.effects (key, n) values ($1, $2)"};

void count(Received<Step> const& event) {
    ++handled;
    std::int32_t& last = last_steps[event.key];
    out_of_order += event.data.n <= last;
    last = event.data.n;
}
Task<void> count_one(Tx&, Received<Step> const& event) {
    count(event);
    co_return;
}
Task<void> write_one(Tx& tx, Received<Step> const& event) {
    count(event);
    tx.later(write_row, event.key, event.data.n);
    co_return;
}
Handler<Step> on_counted{counted, "bench.count", &count_one};
Handler<Step> on_written{written, "bench.write", &write_one};

void fill(pg::PlainConnection& admin, char const* subject, int events) {
    constexpr int keys = 1'000;
    admin.run("insert into events.outbox (event_id, subject, key, priority, data, correlation_id) "
              "select gen_random_uuid(), '" +
              std::string(subject) + "', ('00000000-0000-7000-8000-' || lpad(to_hex(n % " +
              std::to_string(keys) + "), 12, '0'))::uuid, 'medium', jsonb_build_object('n', n / " +
              std::to_string(keys) +
              " + 1, 'name', 'a name of some length, as names are', 'more', repeat('x', 200)), "
              "'0190a1b2-c3d4-7000-8000-00000000000f' from generate_series(0, " +
              std::to_string(events - 1) + ") n");
}

Task<void> start(pg::Database& database, events::Dispatcher& dispatcher) {
    co_await database.start();
    co_await dispatcher.start();
}
Task<void> stop(Loop& loop, pg::Database& database, events::Dispatcher& dispatcher) {
    co_await dispatcher.stop();
    co_await database.stop(std::chrono::seconds(2));
    loop.stop();
}

/// Events a second until `sink` has nothing left.
double rate(std::string const& url, events::Sink* other, std::uint64_t events) {
    Loop loop;
    pg::DatabaseOptions options;
    options.url = url;
    pg::Database database(loop, options);
    events::HandlerSink handlers(database, events::HandlerSink::Origin::outbox);
    events::Dispatcher dispatcher(database, {});
    events::Sink& sink = other ? *other : handlers;
    dispatcher.add(sink);
    auto const began = Clock::now();
    std::thread thread([&] { loop.run(); });
    loop.post([&] { detach(start(database, dispatcher)); });
    while (dispatcher.facts().front().delivered < events)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::chrono::duration<double> const took = Clock::now() - began;
    loop.post([&] { detach(stop(loop, database, dispatcher)); });
    thread.join();
    return static_cast<double>(events) / took.count();
}

pg::Cluster durable_cluster() {
    std::filesystem::path const directory =
        std::filesystem::temp_directory_path() / "haat-events-bench";
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    std::filesystem::permissions(directory, std::filesystem::perms(0711)); // PostgreSQL's user
    pg::ClusterOptions options;
    options.data_directory = directory;
    options.remove_when_stopped = true;
    return pg::Cluster::open(std::move(options));
}

std::string list(std::vector<double> const& values) {
    std::string text;
    for (double const value : values) text += (text.empty() ? "[" : ", ") + std::to_string(value);
    return text + "]";
}

} // namespace

int main(int argument_count, char** words) {
    int const thousands = argument_count > 1 ? std::max(1, std::atoi(words[1])) : 100;
    int const rounds = argument_count > 2 ? std::max(1, std::atoi(words[2])) : 3;
    int const events = thousands * 1'000;
    pg::Cluster cluster = durable_cluster();
    pg::Migrator(cluster.url(pg::Role::owner)).apply();
    pg::PlainConnection admin(cluster.url(pg::Role::admin));
    admin.run("create schema bench; create table bench.effects (key uuid, n integer); grant usage "
              "on schema bench to haat_worker; grant insert on bench.effects to haat_worker");
    admin.run("select events.maintain(interval '14 days')");
    std::printf("fsync %s, %d events a round\n", admin.word("show fsync").c_str(), events);

    char why[256];
    rd_kafka_t* const brokers =
        rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
    rd_kafka_mock_cluster_t* const mock = rd_kafka_mock_cluster_new(brokers, 1);
    std::string const url = cluster.url(pg::Role::worker);
    bool well = true;
    std::vector<double> countings, writings, kafkas;
    for (int round = 0; round < rounds; ++round) {
        auto const fresh = [&](char const* subject) {
            admin.run("truncate events.outbox, events.cursors, events.handled, bench.effects");
            fill(admin, subject, events);
            admin.run("analyze events.outbox");
            last_steps.clear();
            handled = out_of_order = 0;
        };
        fresh("textile:displayed");
        double const counting = rate(url, nullptr, static_cast<std::uint64_t>(events));
        well = well && handled == events && out_of_order == 0;
        fresh("textile:demonstrated");
        double const writing = rate(url, nullptr, static_cast<std::uint64_t>(events));
        well = well && handled == events && out_of_order == 0;
        fresh("textile:displayed");
        double kafka = 0;
        {
            events::KafkaOptions options;
            options.brokers = rd_kafka_mock_cluster_bootstraps(mock);
            events::KafkaSink sink(options);
            kafka = rate(url, &sink, static_cast<std::uint64_t>(events));
        }
        countings.push_back(counting);
        writings.push_back(writing);
        kafkas.push_back(kafka);
        std::printf("round %d: handler %.0f/s, handler that writes a row %.0f/s, Kafka %.0f/s%s\n",
                    round + 1, counting, writing, kafka, well ? "" : "  NOT WHOLE");
    }
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(brokers);
    std::printf("{\"handler\": %s, \"handler that writes\": %s, \"Kafka\": %s}\n",
                list(countings).c_str(), list(writings).c_str(), list(kafkas).c_str());
    return well ? 0 : 1;
}
