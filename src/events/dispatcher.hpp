// Takes committed events out of the outbox and gives them to every sink, in order per key and at
// least once, on one loop. Several nodes share the keys: each shard of a sink is leased by one of
// them, by the database's clock. docs/decisions/0015 says why nothing is skipped.
//
//     Dispatcher dispatcher(worker_database, {});
//     dispatcher.add(handlers);
//     co_await dispatcher.start();
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <events/live.hpp>
#include <events/sink.hpp>

namespace haat::events {

using namespace std::chrono_literals;

struct DispatcherOptions {
    std::string node_name = {};                   // for operators
    std::chrono::milliseconds poll_every = 1s;    // when nobody wakes it
    std::chrono::milliseconds lease = 15s;        // a node that is silent for so long is dead
    int attempts_max = 8;                         // then an event is parked
    std::chrono::milliseconds backoff_first = 1s; // four times longer after each attempt
    std::chrono::milliseconds backoff_max = 10min;
    std::chrono::hours keep = 14 * 24h; // delivered events stay in the outbox so long
    std::chrono::milliseconds maintain_every = 1h;
    std::function<void(std::string_view what, std::string_view why)> on_trouble = {}; // for the log
};

/// Of one sink, since the start.
struct SinkFacts {
    std::string name;
    std::uint64_t delivered = 0; // or passed by
    std::uint64_t batches = 0;
    std::uint64_t refused = 0;
    std::uint64_t parked = 0;
    int shards = 0; // that this node holds
};

class Dispatcher {
public:
    /// `worker`: connections of the worker role on the loop that shall dispatch.
    Dispatcher(pg::Database& worker, DispatcherOptions options);
    /// After stop(), or after the loop has stopped.
    ~Dispatcher();

    /// Before start(); the sink outlives the dispatcher.
    void add(Sink& sink);

    /// On the loop, once its database is up. What is missing is tried again by itself.
    Task<void> start();
    /// Ends what is under way, gives the leases back. Nothing is lost when it is never called.
    Task<void> stop();
    /// There may be something in the outbox; from any thread.
    void wake();

    Live& live();
    std::vector<SinkFacts> facts() const; // from any thread
    Uuid const& node() const;

    struct Inside;

private:
    std::shared_ptr<Inside> inside_;
};

/// Makes the days of the outbox that come, and drops those that are old and delivered; answers how
/// many were dropped. The dispatcher calls it at its start and then hourly.
Task<int> maintain(pg::Database& worker, std::chrono::hours keep);

} // namespace haat::events
