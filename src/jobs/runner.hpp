// Runs jobs on one loop: claims them in batches, runs their handlers, settles what became of them.
// One of each loop of the process; they know of one another only through the database.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <jobs/metrics.hpp>
#include <pg/database.hpp>

namespace haat {
class Loop;
}

namespace haat::jobs {

struct RunnerOptions {
    std::string url;                        // the worker role's
    std::string process;                    // host and process id, for people
    std::string time_zone = "Asia/Kolkata"; // of crons that name none
    pg::DatabaseOptions database;           // of the handlers; the URL is filled in
    int lanes = 4;                          // exchanges with the database under way for one queue
    int claim_max = 500;                    // jobs in one exchange
    bool runs_crons = true;
    std::chrono::milliseconds poll{1'000};   // when nothing is heard
    std::chrono::milliseconds lease{30'000}; // silent for longer: others take its jobs
    std::chrono::milliseconds heartbeat{8'000};
    std::chrono::milliseconds depths{15'000}; // between two counts of what waits
    std::chrono::milliseconds crons{60'000};  // another node may have declared one
};

class Runner {
public:
    /// `services` and `metrics` outlive it.
    Runner(Loop& loop, RunnerOptions options, Services const& services, JobMetrics& metrics);
    ~Runner(); // on the loop's thread, or after the loop has stopped
    Runner(Runner const&) = delete;

    /// On its loop: connects and begins. Throws when the database does not answer.
    Task<void> start();

    /// Claims nothing more; gives back what has not begun; waits for the handlers up to `limit`,
    /// then asks them to stop. Jobs whose handlers do not stop are left to give_up().
    Task<void> drain(std::chrono::milliseconds limit);

    /// After the loop has stopped for ever: whatever is still claimed may be run by others at once.
    void give_up() noexcept;

    /// How many handlers are running.
    int running() const;
    /// With the worker's rights, for whatever else works behind the scenes on this loop.
    pg::Database& database();

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::jobs
