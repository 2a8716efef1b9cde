// What a Database is made of. Private to this room.
#pragma once

#include <atomic>
#include <coroutine>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include <pg/connection.hpp>
#include <pg/database.hpp>
#include <pg/listen.hpp>
#include <pg/pool.hpp>
#include <pg/read.hpp>
#include <pg/statements.hpp>

namespace haat::pg {

/// Counted on the loop, read from any thread.
struct Tally {
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::uint64_t> errors{0};
    std::atomic<std::uint64_t> micros{0};
    std::atomic<std::uint64_t> reruns_slow{0};
};

/// What every node is told as soon as a connection is free.
struct Announcement {
    std::string channel;
    std::string payload;
    bool operator==(Announcement const&) const = default;
};

struct Database::Inside final : ConnectionHome {
    Inside(Database& database, Loop& loop, DatabaseOptions options);
    ~Inside();

    void open_all();
    void start_listening(); // at the first channel
    void close_all();
    void drop_all(); // without telling those who wait
    bool up() const;
    bool working() const;
    bool connecting() const; // one of them, just now

    void read(Pending& pending, Settings const& settings);
    void read(ListAsk& ask, Settings const& settings);
    /// The shared connection with the least to do; nullptr when none is up.
    Connection* least_loaded();
    /// Throws DatabaseAway while stopping.
    void refuse_when_stopping() const;
    /// The row plan of a statement, made of its first result; throws Fault when they do not fit.
    describe::RowPlan const* plan_of(Statement& statement, Rows const& rows);
    void finished(Tally& tally, char const* name, Clock::time_point since, bool well);
    /// Time-outs are looked at while anything is under way.
    void watch();

    void came_up(Connection& connection) override;
    void went_down(Connection& connection, std::string const& why) override;
    void could_not_connect(Connection& connection, std::string const& why) override;
    void became_free(Connection& connection) override;
    void heard(std::string_view channel, std::string_view payload) override;

    Database& database;
    Loop& loop;
    DatabaseOptions const options;
    std::string const read_timeout_text;
    std::string const write_timeout_text;
    std::string const slow_timeout_text;
    std::shared_ptr<Mailbox> mailbox;
    DatabaseCounters counters;
    std::unique_ptr<Tally[]> query_tallies; // by number
    std::unique_ptr<Tally[]> list_tallies;

    Statements statements;
    describe::Parameters scratch; // encoded and sent in one go
    std::vector<std::shared_ptr<Connection>> readers;
    Pool writes;
    Pool slows;
    Listening listening;
    std::vector<std::unique_ptr<Read>> reads;
    std::vector<Read*> spare_reads; // of those

    boost::asio::steady_timer tick;
    std::shared_ptr<int> const alive = std::make_shared<int>(0); // for handlers on their way
    bool watching = false;
    bool stopping = false;
    std::string last_error;
    std::coroutine_handle<> starting;
    std::vector<Announcement> to_announce;
    bool announcing = false;

private:
    std::shared_ptr<Connection> make(Use use);
    void set_counts();
    void ticked();
    void trouble(Connection const& connection, std::string const& what);
};

} // namespace haat::pg
