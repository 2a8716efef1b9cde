// What a Runner is made of. Private to this room, since it needs Asio.
#pragma once

#include <chrono>
#include <deque>
#include <list>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include <jobs/cron.hpp>
#include <jobs/inside.hpp>
#include <jobs/runner.hpp>
#include <loop/loop.hpp>

namespace haat::jobs {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// What became of a job, where that takes more than a word.
struct Ended {
    Uuid id;
    std::int32_t attempt = 0;
    std::string outcome; // done, retry, dead, cancelled, given_back
    std::int64_t delay_ms = 0;
    std::optional<Json> result;
    std::optional<std::string> error;
};
HAAT_DESCRIBE(Ended, id, attempt, outcome, delay_ms, result, error)

/// What one exchange with the database says.
struct Exchange {
    Uuid runner;
    std::vector<Uuid> plain; // went well, and nothing of them is kept or counted
    std::vector<std::int32_t> plain_attempts;
    std::vector<Uuid> done; // went well, and say nothing
    std::vector<std::int32_t> attempts;
    std::optional<std::vector<Ended>> ended;
    std::string queue;
    std::int32_t claim_max = 0;
    Uuid after;
    std::int32_t level = -1; // of `behind`; none has this one
    Uuid behind;
};
HAAT_DESCRIBE(Exchange, runner, plain, plain_attempts, done, attempts, ended, queue, claim_max,
              after, level, behind)

/// A cron whose time has come, by the database's clock.
struct CronRow {
    std::string name;
    Timestamp next_at;
    Timestamp now;
};
HAAT_DESCRIBE(CronRow, name, next_at, now)

struct Live;

/// One queue as this runner works on it.
struct Line {
    Queue const* queue = nullptr;
    struct Waiting {
        Claimed job;
        steady_clock::time_point since;
    };
    std::deque<Waiting> waiting; // claimed, not begun
    int running = 0;
    int claiming = 0; // asked for in exchanges under way
    int lanes = 0;    // exchanges under way
    bool hungry = true;
    std::uint64_t wakes = 0;
    Uuid after;                          // whose share was served last,
    std::int32_t level = -1;             // with which priority,
    Uuid behind;                         // and up to which job
    steady_clock::time_point from_start; // when it was last asked for what stands in front of that
    std::vector<Uuid> plain;             // as in Exchange
    std::vector<std::int32_t> plain_attempts;
    std::vector<Uuid> done;
    std::vector<std::int32_t> attempts;
    std::vector<Ended> ended;
    bool settled() const { return plain.empty() && done.empty() && ended.empty(); }
    bool pumping = false;
    bool again = false;
    steady_clock::time_point blocked_until;

    // How fast it goes, so that what is claimed ahead is run within a moment.
    int finished = 0;
    double per_second = 0;
    steady_clock::time_point window;
};

/// A run with the queue it came from.
struct Live {
    Run run;
    Line* line = nullptr;
    std::list<Live>::iterator self;
    bool told = false; // it was logged that it does not stop
};

struct Runner::Inside {
    Inside(Loop& loop, RunnerOptions options, Services const& services, JobMetrics& metrics);

    // ---- runner.cpp: claiming, running, settling
    void heard(std::string_view payload);
    void wake(Line& line);
    void wake_all();
    void pump(Line& line);
    void begin_waiting(Line& line);
    void exchange_more(Line& line);
    int room_in(Line& line);
    Task<void> exchange(Line& line, int claim_max);
    void took_in(Line& line, std::vector<Claimed> claimed, int asked, std::uint64_t wakes);
    void put_back(Line& line, Exchange& failed);
    void begin(Line& line, Claimed job);
    Task<void> run(Live& live);
    void conclude(Live& live, std::string result, std::exception_ptr error);
    void give_back(Line& line, Claimed const& job, milliseconds delay);
    void stop_all(StopReason reason);
    std::int64_t backoff_of(JobKind const& kind, int attempt);

    // ---- tick.cpp: what time brings
    void tick_later();
    void ticked();
    Task<void> tick();
    Task<void> beat();
    Task<void> reconcile();
    Task<void> look_at_clock();
    Task<void> look_for_cancelled();
    Task<void> look_around();
    void watch_deadlines(steady_clock::time_point now);
    void lose_everything();
    Task<void> declare_crons();
    Task<std::optional<Timestamp>> run_crons();
    void run_cron(Tx& tx, CronRow const& row);
    bool has_lease() const { return !lost && steady_clock::now() < lease_until; }
    Zone const& zone_of(Cron const& cron);

    Loop& loop;
    RunnerOptions const options;
    Services const& services;
    JobMetrics& metrics;
    pg::Database control;
    pg::Database handlers;
    pg::Settings const nobody;

    Uuid id;             // the lease's; a new one after it was lost
    bool lost = true;    // or not yet taken
    bool unsure = false; // an exchange failed halfway: what it claimed is not known
    bool draining = false;
    bool over = false;
    bool ticking = false;
    steady_clock::time_point lease_until;
    steady_clock::time_point beat_at;
    steady_clock::time_point poll_at;
    steady_clock::time_point depths_at;
    Timestamp crons_at; // when to look for crons next, by the database's clock
    boost::asio::steady_timer timer;
    std::shared_ptr<int> const alive = std::make_shared<int>(0); // for handlers on their way

    std::vector<std::unique_ptr<Line>> lines;
    std::list<Live> live;
    std::unordered_map<std::string, std::unique_ptr<Zone>> zones;
    std::minstd_rand random{std::random_device()()};
};

} // namespace haat::jobs
