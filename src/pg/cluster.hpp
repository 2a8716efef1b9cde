// The private PostgreSQL 15 cluster: made, started, minded and stopped with haat, reachable through
// a socket only, and never another cluster. docs/decisions/0006-private-cluster.md says why.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace haat::pg {

using namespace std::chrono_literals;

/// owner: migrations only. request: HTTP. worker: jobs. The last two cannot bypass row-level
/// security and cannot change the schema. admin: the private cluster's superuser.
enum class Role { owner, request, worker, admin };

struct ClusterOptions {
    std::filesystem::path data_directory = "var";
    std::filesystem::path binaries = "/usr/lib/postgresql/15/bin";
    std::chrono::milliseconds start_timeout = 60s;
    /// For a clean shutdown; then PostgreSQL is told to drop everything, which its log makes good.
    std::chrono::milliseconds stop_timeout = 3s;
    /// false: nothing is synced to disk and the server dies with the thread that opened it. For
    /// tests alone.
    bool durable = true;
    bool remove_when_stopped = false; // the data directory with everything in it
    /// One line for the log at each step that takes time, and when the server had to be restarted.
    std::function<void(std::string_view)> say = [](std::string_view) {};
};

/// The sentence names cause and cure.
class ClusterError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};
/// Another haat has this data directory.
class ClusterInUse : public ClusterError {
public:
    using ClusterError::ClusterError;
};

class Cluster {
public:
    /// Makes the cluster if there is none, starts it if it is not up, adopts it if a crash left it
    /// running, and sees that database `haat` and the three roles are there. Blocks until ready.
    static Cluster open(ClusterOptions);

    /// A cluster in a temporary directory, not durable, removed when it is stopped.
    static Cluster throw_away();

    /// The URLs of a cluster that another haat has running; nothing when none is.
    static std::optional<std::string> url_of_running(std::filesystem::path const& data_directory,
                                                     Role, std::string_view database = "haat");

    Cluster(Cluster&&) noexcept;
    Cluster& operator=(Cluster&&) noexcept;
    ~Cluster(); // stops it

    std::string url(Role, std::string_view database = "haat") const;

    /// Stops the server with its connections; at most about stop_timeout plus 5 s.
    void stop();

    /// Copies a database that nobody is connected to; for tests.
    void create_database(std::string const& name, std::string const& pattern);
    void drop_database(std::string const& name);

    std::filesystem::path const& directory() const; // PostgreSQL's own data directory
    int process() const;                            // the postmaster's id
    /// How often the server had ended by itself and was started again.
    int restarts() const;

private:
    struct Inside;
    explicit Cluster(std::unique_ptr<Inside>);
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::pg
