// Loops that serve no requests: jobs and crons run there, and events are delivered, with the worker
// role's rights. Part of `haat serve` unless HAAT_JOBS is off, and all there is in `haat worker`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <app/config.hpp>
#include <base/task.hpp>

namespace haat {
class Loop;
class Services;
} // namespace haat

namespace haat::app {

/// "host 4711", for operators.
std::string this_process();

class Backstage {
public:
    Backstage(Config const& config, std::string worker_url);
    ~Backstage(); // stop()
    Backstage(Backstage const&) = delete;

    /// What handlers may ask for; to be filled before start().
    Services& services();

    /// To be run on each loop when its jobs have ended, before it stops.
    void before_end(std::function<Task<void>()> work);

    /// Throws when the database does not answer.
    void start();
    /// Handlers may finish within HAAT_JOB_DRAIN_TIMEOUT; what does not is run again by others. May
    /// be called twice.
    void stop();

    std::vector<Loop*> loops() const;
    /// The worker role's connections of one loop, for whatever else works there.
    pg::Database& database(std::size_t loop);

    // Families of /metrics.
    void render(std::string& out) const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::app
