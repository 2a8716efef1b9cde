// What a dispatcher is made of. Private to this room.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <set>

#include <boost/asio/steady_timer.hpp>

#include <events/dispatcher.hpp>
#include <events/statements.hpp>
#include <loop/loop.hpp>
#include <pg/database.hpp>

namespace haat::events {

using Clock = std::chrono::steady_clock;

/// A sink with its figures; figures are read from any thread.
struct Outlet {
    explicit Outlet(Sink& its_sink) : sink(its_sink) {}
    Sink& sink;
    int running = 0; // lanes
    std::atomic<std::uint64_t> delivered{0};
    std::atomic<std::uint64_t> batches{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> parked{0};
    std::atomic<int> shards{0};
};

/// One shard of one sink, while this node holds its lease.
struct Lane {
    Outlet* outlet = nullptr;
    CursorRow cursor;
    bool running = false;
    bool lost = false;                             // another node may have it now
    int troubles = 0;                              // in a row
    Clock::time_point not_before{};                // after trouble
    std::set<std::pair<std::string, Uuid>> held{}; // consumer and key with an event that waits
};

struct Dispatcher::Inside : std::enable_shared_from_this<Dispatcher::Inside> {
    Inside(pg::Database& worker, DispatcherOptions its_options);

    // ---- the rounds
    Task<void> run();
    Task<void> round();
    Task<void> beat();
    Task<void> join();
    Task<void> take_shares();
    Task<void> look();
    Task<void> tell_live();
    void start_lanes();
    void woken();
    void nap_until_woken();
    std::chrono::milliseconds nap_length() const;
    void trouble(std::string_view what, std::string_view why);
    bool working() const;
    Task<void> leave();

    // ---- one lane
    Task<void> serve(std::shared_ptr<Lane> lane);
    Task<void> drain(Lane& lane);
    Task<void> retry_due(Lane& lane);
    Task<void> retry(Lane& lane, FailureRow const& failure, bool& well);
    Task<bool> deliver_next(Lane& lane);
    Task<void> deliver(Lane& lane, std::vector<StoredEvent> events,
                       std::vector<NewFailure>& failures);
    Task<void> save(Lane& lane, StoredEvent const& last, std::vector<NewFailure> const& failures);
    std::int64_t backoff_ms(int attempts) const;

    // ---- replays
    Task<void> replay_next();
    Task<void> replay(ReplayRow asked, Outlet& outlet);

    struct Nap;

    pg::Database& database;
    DispatcherOptions const options;
    Loop& loop;
    Uuid const node;
    Live live;
    std::vector<std::unique_ptr<Outlet>> outlets;
    std::map<std::pair<std::string, int>, std::shared_ptr<Lane>> lanes;
    std::vector<std::pair<std::string, int>> ready; // lanes that have something to do
    std::int64_t live_ordinal = 0;
    std::int64_t live_id = 0;
    bool live_started = false;
    bool known_sinks = false;
    bool replaying = false;
    bool started = false;
    bool running = false;
    bool stopping = false;
    bool awake = false;
    int empty_looks = 0; // since somebody woke it
    Clock::time_point next_beat{};
    Clock::time_point next_maintenance{};
    Clock::time_point next_replay{};
    boost::asio::steady_timer timer;
};

} // namespace haat::events
