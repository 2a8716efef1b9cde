#include <events/test/node.hpp>

#include <future>

#include <gtest/gtest.h>

namespace haat::test {

std::atomic<bool> bad_steps_fail{true};

namespace {

Event<Step> stepped{subjects::textile_displayed};

namespace sql {
// The world's schema is made by the tests themselves.
Exec<Uuid, Uuid, std::int32_t> effect{"shop.world_effect", R"(
    insert into world.effects (event_id, key, n) values ($1, $2, $3))"};
} // namespace sql

Task<void> take_effect(Tx& tx, Received<Step> const& event) {
    if (event.data.mood == "bad" && bad_steps_fail) throw Fault("a bad step");
    tx.later(sql::effect, event.event_id, event.key, event.data.n);
    co_return;
}
Handler<Step> effects{stepped, "test.effects", &take_effect};

Task<void> connect(pg::Database& database, events::Dispatcher& dispatcher) {
    bool const up = co_await database.start();
    if (!up) throw std::runtime_error("no database: " + database.last_error());
    co_await dispatcher.start();
}

Task<void> close(pg::Database& database, events::Dispatcher& dispatcher) {
    co_await dispatcher.stop();
    co_await database.stop(std::chrono::seconds(2));
}

} // namespace

events::DispatcherOptions quick() {
    events::DispatcherOptions options;
    options.poll_every = 30ms;
    options.lease = 1'500ms;
    options.attempts_max = 3;
    options.backoff_first = 10ms;
    options.backoff_max = 50ms;
    if (std::getenv("HAAT_TEST_TROUBLE"))
        options.on_trouble = [](std::string_view what, std::string_view why) {
            std::fprintf(stderr, "%.*s: %.*s\n", int(what.size()), what.data(), int(why.size()),
                         why.data());
        };
    return options;
}

Node::Node(std::string const& worker_url, std::vector<events::Sink*> more,
           events::DispatcherOptions options) {
    pg::DatabaseOptions database;
    database.url = worker_url;
    database.read_connections = 1;
    database.write_connections = 3;
    database.slow_connections = 1;
    database_ = std::make_unique<pg::Database>(loop_, database);
    using Origin = events::HandlerSink::Origin;
    handlers_ = std::make_unique<events::HandlerSink>(*database_, Origin::outbox);
    incoming_ = std::make_unique<events::HandlerSink>(*database_, Origin::outside);
    dispatcher_ = std::make_unique<events::Dispatcher>(*database_, std::move(options));
    dispatcher_->add(*handlers_);
    dispatcher_->add(*incoming_);
    for (events::Sink* sink : more) dispatcher_->add(*sink);
    thread_ = std::thread([this] { loop_.run(); });
    run([this] { return connect(*database_, *dispatcher_); });
}

void Node::stop() {
    if (!thread_.joinable()) return;
    run([this] { return close(*database_, *dispatcher_); });
    loop_.stop();
    thread_.join();
    dispatcher_.reset();
    database_.reset();
}

namespace {
Task<void> keep(Task<void> task, std::promise<void>& done) {
    try {
        co_await task;
        done.set_value();
    } catch (...) {
        done.set_exception(std::current_exception());
    }
}
} // namespace

void Node::run(std::function<Task<void>()> const& make) {
    std::promise<void> done;
    loop_.post([&] { detach(keep(make(), done)); });
    done.get_future().get();
}

// ---- the world

World::World(int aggregates) {
    db.exec(R"(
        create schema world;
        create table world.aggregates (key uuid primary key, n integer not null default 0);
        create table world.effects (number bigserial primary key, event_id uuid not null,
                                    key uuid not null, n integer not null);
        grant usage on schema world to haat_worker;
        grant insert on world.effects to haat_worker;
        grant usage on sequence world.effects_number_seq to haat_worker)");
    for (int i = 0; i < aggregates; ++i)
        db.exec("insert into world.aggregates (key) values ('" + key(i) + "')");
}

std::string World::key(int aggregate) const {
    char text[37];
    std::snprintf(text, sizeof text, "00000000-0000-7000-8000-%012x",
                  static_cast<unsigned>(aggregate));
    return text;
}

std::string step_sql(std::string const& key, std::string const& mood, std::string const& subject) {
    return R"(
        with moved as (update world.aggregates set n = n + 1 where key = ')" +
           key + R"(' returning n)
        insert into events.outbox (event_id, subject, key, priority, data, correlation_id)
            select gen_random_uuid(), ')" +
           (subject.empty() ? "textile:displayed" : subject) + "', '" + key +
           R"(', 'medium', jsonb_build_object('n', n, 'mood', ')" + mood + "'), '' from moved";
}

void World::step(int aggregate, std::string const& mood, std::string const& subject) {
    db.exec(step_sql(key(aggregate), mood, subject));
}

void World::steps(int count) {
    auto const aggregates = static_cast<int>(db.number("select count(*) from world.aggregates"));
    for (int i = 0; i < count; ++i) step(i % aggregates);
}

std::int64_t World::doubles() {
    return db.number("select count(*) - count(distinct event_id) from world.effects");
}
std::int64_t World::out_of_order() {
    return db.number(R"(select count(*) from (
        select n, lag(n) over (partition by key order by number) as before
          from world.effects) as e where before >= n)");
}
std::string World::refused() {
    return db.word("select string_agg(concat_ws(' ', consumer, subject, state, attempts, "
                   "last_error), chr(10)) from events.failures");
}
std::int64_t World::missing() {
    return db.number(R"(select count(*) from events.outbox o
        where subject = 'textile:displayed'
          and not exists (select from world.effects e where e.event_id = o.event_id))");
}

} // namespace haat::test
