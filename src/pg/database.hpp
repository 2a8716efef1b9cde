// One loop's connections: shared pipelined ones for reads, exclusive ones for transactions, a few
// for slow queries, one that listens. Reconnects by itself; refuses rather than queue without end.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <base/task.hpp>
#include <pg/pg.hpp>

namespace haat {
class Loop;
}
namespace haat::privacy {
class Keyring;
}

namespace haat::pg {

struct DatabaseOptions {
    std::string url; // the request role's
    int read_connections = 2;
    int write_connections = 6;
    int slow_connections = 2;
    int read_queue_max = 2'000; // statements in flight on all read connections together
    int write_queue_max = 500;  // transactions that wait for a connection
    int slow_queue_max = 50;
    std::chrono::milliseconds read_timeout{100}; // then the read is run again on the slow pool
    std::chrono::milliseconds write_timeout{5'000};
    std::chrono::milliseconds slow_timeout{30'000};
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds acquire_timeout{2'000}; // for a free write or slow connection
    std::chrono::milliseconds copy_timeout{600'000};  // a whole COPY, its other side included
    std::chrono::milliseconds backoff_max{2'000};
    /// For the slow log: called for every query that took longer.
    std::chrono::milliseconds slow_log_from{250};
    std::function<void(std::string_view query, std::chrono::microseconds took)> on_slow;
    /// For the log: a connection was lost or could not be made. Never holds the password.
    std::function<void(std::string_view text)> on_trouble;
    /// Of the persons about whom this database holds something; one for all who open it.
    std::shared_ptr<privacy::Keyring> keyring;
};

/// Counted per query number and for the pool; read by /metrics.
struct DatabaseCounters {
    std::atomic<int> connections_up{0};
    std::atomic<int> connections_wanted{0};
    std::atomic<int> reads_in_flight{0};
    std::atomic<int> writes_waiting{0};
    std::atomic<std::uint64_t> statements{0};
    std::atomic<std::uint64_t> errors{0};
    std::atomic<std::uint64_t> reconnects{0};
    std::atomic<std::uint64_t> reruns_slow{0};
};

/// Of one query or list, since the start.
struct QueryFacts {
    char const* name;
    std::uint64_t count;
    std::uint64_t errors;
    std::uint64_t micros_total;
    std::uint64_t reruns_slow;
};

class Database {
public:
    Database(Loop& loop, DatabaseOptions options);
    ~Database(); // on the loop's thread, or after the loop has stopped

    /// Connects everything; resumes when one read and one write connection are up or it failed.
    Task<bool> start();
    /// No new work; waits for running statements up to the timeout, then closes.
    Task<void> stop(std::chrono::milliseconds timeout);

    /// Up: at least one read and one write connection.
    bool up() const;
    std::string last_error() const; // without the password; for /ready and the log

    /// Calls `heard` on this loop for every notification; LISTENs again after a reconnect and then
    /// calls it once with an empty payload: what was missed is unknown, drop what is cached.
    void listen(std::string channel, std::function<void(std::string_view payload)> heard);
    /// Whether the listening connection is up: while it is not, caches must ask the database.
    bool listening() const;

    /// Notifies every node soon, on a statement of its own: what is said twice meanwhile is told
    /// once. Nobody hears it when this process dies before, so who listens also looks by itself.
    void announce(std::string_view channel, std::string_view payload);

    /// COPY … FROM STDIN on a connection of the slow pool; `next` gives pieces, empty at the end.
    Task<std::int64_t> copy_in(std::string_view sql, Settings const& settings,
                               std::function<Task<std::string_view>()> const& next);
    /// COPY … TO STDOUT; `take` is awaited for each piece, so a slow client slows the database.
    Task<std::int64_t> copy_out(std::string_view sql, Settings const& settings,
                                std::function<Task<void>(std::string_view)> const& take);

    DatabaseCounters const& counters() const;
    /// Every query and list that was asked at least once; from any thread.
    std::vector<QueryFacts> query_facts() const;
    Loop& loop() const;
    std::shared_ptr<privacy::Keyring> const& keyring() const;

    struct Inside;
    Inside& inside() { return *inside_; }

private:
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::pg
