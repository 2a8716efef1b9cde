// A node that dispatches, on a thread of its own, and a small world of aggregates whose events it
// delivers to a handler with effects.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <events/dispatcher.hpp>
#include <events/handlers.hpp>
#include <loop/loop.hpp>
#include <pg/database.hpp>
#include <test/harness/database.hpp>

namespace haat::test {

using namespace std::chrono_literals;

/// Quick to try again, quick to notice a dead node.
events::DispatcherOptions quick();

class Node {
public:
    /// Sinks beside the handlers; they outlive the node.
    explicit Node(std::string const& worker_url, std::vector<events::Sink*> more = {},
                  events::DispatcherOptions options = quick());
    ~Node() { stop(); }
    Node(Node const&) = delete;

    void stop();
    /// Runs a task on the node's loop and waits for it.
    void run(std::function<Task<void>()> const& make);

    events::Dispatcher& dispatcher() { return *dispatcher_; }
    pg::Database& database() { return *database_; }
    events::HandlerSink& incoming() { return *incoming_; }

private:
    Loop loop_;
    std::unique_ptr<pg::Database> database_;
    std::unique_ptr<events::HandlerSink> handlers_;
    std::unique_ptr<events::HandlerSink> incoming_;
    std::unique_ptr<events::Dispatcher> dispatcher_;
    std::thread thread_;
};

/// The payload of the world's events.
struct Step {
    std::int32_t n = 0;
    std::string mood; // "bad": its handler throws; "slow": another one writes slowly
};
HAAT_DESCRIBE(Step, n, mood)

/// Handlers throw at bad steps while this is so.
extern std::atomic<bool> bad_steps_fail;

/// Aggregates with a counter; each of their events says the next number, under the row's lock.
class World {
public:
    explicit World(int aggregates = 10);

    TestDatabase db;
    std::string worker_url() const { return db.url(pg::Role::worker); }

    std::string key(int aggregate) const;
    /// The next event of an aggregate, in a transaction of its own.
    void step(int aggregate, std::string const& mood = "", std::string const& subject = {});
    void steps(int count); // round the aggregates

    std::int64_t effects() { return db.number("select count(*) from world.effects"); }
    std::int64_t committed() {
        return db.number("select count(*) from events.outbox where subject = 'textile:displayed'");
    }
    /// Effects that came twice, and effects that came before an earlier one of their key.
    std::int64_t doubles();
    std::int64_t out_of_order();
    /// Everything that was refused, and why: for messages.
    std::string refused();
    /// Committed events that had no effect.
    std::int64_t missing();
};

/// What one statement of a writer is; several connections may write at once.
std::string step_sql(std::string const& key, std::string const& mood, std::string const& subject);

} // namespace haat::test
