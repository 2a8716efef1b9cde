// Everything between an event and its receiver, over a test database: dispatchers with the sink,
// runners with the sender, both as many as a test wants.
//
//     WorldServer receiver([](Exchange& e) { e.reply(200); });
//     Post post;
//     std::string const hook = post.add_endpoint(receiver.url("/hook"));
//     post.happen(3);
//     EXPECT_TRUE(post.settled());
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <app/run_on.hpp>
#include <base/clock.hpp>
#include <events/dispatcher.hpp>
#include <jobs/test/works.hpp>
#include <modules/webhooks/vault.hpp>
#include <modules/webhooks/webhooks.hpp>
#include <outbound/test/world_server.hpp>
#include <telemetry/log.hpp>
#include <test/harness/actors.hpp>
#include <test/harness/database.hpp>
#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {

using outbound::test::Exchange;
using outbound::test::Seen;
using outbound::test::WorldServer;

/// Quick to try again; may send to this machine.
inline webhooks::Options quick_webhooks() {
    webhooks::Options options;
    options.server_secret = test_secret;
    outbound::Network here;
    outbound::parse("127.0.0.1/32", here);
    options.client.allowed_networks = {here};
    options.timeout = 2s;
    options.retry_first = 40ms;
    options.retry_max = 200ms;
    options.pause_first = 20ms;
    options.pause_max = 100ms;
    options.turn = 2s;
    return options;
}

/// A node that dispatches to webhooks.
class Relay {
public:
    Relay(TestDatabase& db, webhooks::Options const& options) {
        pg::DatabaseOptions database;
        database.url = db.url(pg::Role::worker);
        database.read_connections = 1;
        database.write_connections = 4;
        database.slow_connections = 1;
        database_ = std::make_unique<pg::Database>(loop_, database);
        sink_ = std::make_unique<webhooks::EventSink>(*database_, options);
        events::DispatcherOptions dispatching;
        dispatching.poll_every = 30ms;
        dispatching.lease = 1'500ms;
        dispatching.backoff_first = 10ms;
        dispatching.on_trouble = [](std::string_view, std::string_view why) {
            if (std::getenv("HAAT_TEST_TROUBLE"))
                std::fprintf(stderr, "%.*s\n", int(why.size()), why.data());
        };
        dispatcher_ = std::make_unique<events::Dispatcher>(*database_, dispatching);
        dispatcher_->add(*sink_);
        thread_ = std::thread([this] { loop_.run(); });
        app::run_on(loop_, [this] { return begin(); });
    }
    ~Relay() {
        app::run_on(loop_, [this] { return end(); });
        loop_.stop();
        thread_.join();
    }
    Relay(Relay const&) = delete;
    void wake() { dispatcher_->wake(); }

private:
    Task<void> begin() {
        bool const up = co_await database_->start();
        if (!up) throw std::runtime_error(database_->last_error());
        co_await dispatcher_->start();
    }
    Task<void> end() {
        co_await dispatcher_->stop();
        co_await database_->stop(2s);
    }
    Loop loop_;
    std::unique_ptr<pg::Database> database_;
    std::unique_ptr<webhooks::EventSink> sink_;
    std::unique_ptr<events::Dispatcher> dispatcher_;
    std::thread thread_;
};

class Post {
public:
    explicit Post(webhooks::Options its_options = quick_webhooks(), int nodes = 1)
        : options(std::move(its_options)), actors(db.connection()),
          sender_(std::make_unique<webhooks::Sender>(options)), works_(db, 0) {
        log::LogOptions silent; // failures are what most of these tests are about
        silent.level = std::getenv("HAAT_TEST_LOG") ? log::Level::debug : log::Level::off;
        log::configure(silent);
        works_.services.add(*sender_);
        for (int i = 0; i < nodes; ++i) {
            works_.add(db,
                       [](jobs::RunnerOptions& runner) { runner.database.write_connections = 4; });
            relays_.push_back(std::make_unique<Relay>(db, options));
        }
        runners_ = nodes;
    }
    ~Post() {
        relays_.clear();
        for (int i = 0; i < runners_; ++i) works_.stop(static_cast<std::size_t>(i));
        sender_.reset(); // its clients go when their loops have stopped, and before them
    }
    Post(Post const&) = delete;

    /// Its id; the organization A's unless another is named; "" is the platform.
    std::string add_endpoint(std::string const& url, std::string const& subjects = "{*}") {
        return add_endpoint_of(actors.org_a(), url, subjects);
    }
    std::string add_endpoint_of(std::string const& org, std::string const& url,
                                std::string const& subjects = "{*}") {
        webhooks::EndpointId const id = new_id<webhooks::EndpointNoun>();
        std::string const text = to_string(id.uuid);
        db.rows("insert into webhooks.endpoints (id, org_id, url, description, subjects, secret) "
                "values ($1::uuid, nullif($2, '')::uuid, $3, '', $4::text[], $5)",
                {text, org, url, subjects, webhooks::Vault(test_secret).seal(secret, id)});
        return text;
    }
    /// So many events of an organization; "" is nobody's.
    void happen(int count, std::string const& subject = "brand:created") {
        happen_in(actors.org_a(), count, subject);
    }
    void happen_in(std::string const& org, int count,
                   std::string const& subject = "brand:created") {
        db.rows("insert into events.outbox (event_id, subject, key, priority, data, org_id, "
                "correlation_id) select gen_random_uuid(), $1, gen_random_uuid(), 'medium', "
                "jsonb_build_object('n', n, 'name', 'Cello'), nullif($2, '')::uuid, '' "
                "from generate_series(1, $3::integer) n",
                {subject, org, std::to_string(count)});
        for (auto const& relay : relays_) relay->wake();
    }
    std::int64_t count(std::string const& state) {
        return db.number("select count(*) from webhooks.deliveries where state = $1", {state});
    }
    /// So many have been delivered.
    bool delivered(std::int64_t how_many, std::chrono::milliseconds deadline = 20s) {
        return soon([&] { return count("delivered") == how_many; }, deadline);
    }
    std::string why() {
        return db.word("select string_agg(distinct coalesce(last_error, state), '; ') "
                       "from webhooks.deliveries");
    }
    /// As a worker would that looks for what nobody takes care of.
    void sweep() { run_job("webhooks.sweep"); }
    void run_job(std::string const& name) {
        db.rows("insert into jobs.queue (id, share, run_at, attempts_max, keep_seconds, priority, "
                "due, queue, name, correlation_id, payload) values (gen_random_uuid(), "
                "'00000000-0000-0000-0000-000000000001', now(), 1, 60, 2, true, 'ordinary', $1, "
                "'', '{}')",
                {name});
        soon([&] {
            return db.number("select count(*) from jobs.finished where name = $1", {name}) > 0;
        });
    }

    static constexpr char const* secret = "whsec_of-the-tests";
    webhooks::Options const options;
    TestDatabase db;
    Actors const actors;

private:
    std::unique_ptr<webhooks::Sender> sender_;
    Works works_;
    int runners_ = 0;
    std::vector<std::unique_ptr<Relay>> relays_;
};

} // namespace haat::test
