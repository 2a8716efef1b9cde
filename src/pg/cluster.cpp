#include <pg/cluster.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <pg/bootstrap.hpp>
#include <pg/cluster_home.hpp>
#include <pg/plain.hpp>

namespace haat::pg {

namespace files = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

// What postmaster.pid says, line by line: process, directory, start, port, sockets, address,
// memory key, status.
struct Postmaster {
    pid_t process = 0;
    std::string sockets;
    std::string status;
};

std::optional<Postmaster> read_postmaster(files::path const& directory) {
    std::ifstream in(directory / "postmaster.pid");
    std::string lines[8];
    for (auto& line : lines)
        if (!std::getline(in, line)) break;
    Postmaster found{std::atoi(lines[0].c_str()), lines[4], lines[7].substr(0, lines[7].find(' '))};
    if (found.process <= 1) return std::nullopt;
    return found;
}

// A process of that number may be anybody's after a restart of the machine.
enum class Identity { ours, stranger, unclear };
Identity identify(pid_t process, files::path const& directory) {
    std::string const proc = "/proc/" + std::to_string(process);
    std::ifstream in(proc + "/cmdline", std::ios::binary);
    if (!in) return Identity::unclear;
    std::string program;
    std::getline(in, program, '\0');
    for (std::string word; std::getline(in, word, '\0');)
        if (word == directory) return Identity::ours;
    std::error_code error; // not readable for root in some containers
    if (files::read_symlink(proc + "/cwd", error) == directory) return Identity::ours;
    // A dead process that nobody fetched has no command line either.
    return files::path(program).filename() == "postgres" ? Identity::unclear : Identity::stranger;
}

std::optional<Postmaster> running(files::path const& directory) {
    auto found = read_postmaster(directory);
    if (found && identify(found->process, directory) == Identity::ours) return found;
    return std::nullopt;
}

std::string url_for(ClusterState const& state, std::string const& sockets, Role role,
                    std::string_view database) {
    return "host='" + sockets + "' port='" + std::to_string(state.port) + "' dbname='" +
           std::string(database) + "' user='" + role_name(role) + "' password='" +
           state.password(role) + "'";
}

std::string last_lines(files::path const& path) {
    std::ifstream in(path);
    std::string all{std::istreambuf_iterator<char>(in), {}};
    if (all.size() > 600) all.erase(0, all.size() - 600);
    return all.empty() ? "it said nothing" : all;
}

} // namespace

struct Cluster::Inside {
    ClusterOptions options;
    ClusterState state;
    std::optional<SystemUser> user;
    Descriptor data_lock;
    Descriptor home_lock; // when the cluster lives elsewhere than in the data directory
    Descriptor wake{::eventfd(0, EFD_CLOEXEC)};
    files::path sockets;
    bool stopped = false;
    std::atomic<pid_t> postmaster{0};
    std::atomic<int> restarts{0};
    std::thread minder;

    files::path const& directory() const { return state.directory; }
    files::path start_log() const { return directory() / "log" / "start.log"; }
    std::string program(char const* name) const { return (options.binaries / name).string(); }

    void prepare();
    void choose_state();
    void make();
    bool start(); // true when it took over a server that ran
    bool try_start(Clock::time_point until);
    bool wait_until_ready(Clock::time_point until);
    void mind();
    void end_server();
};

void Cluster::Inside::choose_state() {
    if (auto known = read_state(options.data_directory)) {
        state = std::move(*known);
    } else {
        state = new_state(choose_directory(options.data_directory, user));
        write_state(options.data_directory, state);
    }
    struct stat found {};
    uid_t const server = user ? user->uid : ::geteuid();
    if (::stat(directory().c_str(), &found) == 0 && found.st_uid != server)
        throw ClusterError(directory().string() + " belongs to user " +
                           std::to_string(found.st_uid) +
                           "; run haat as the one who made it, or set HAAT_DATA_DIR to another "
                           "directory");
    auto const home = directory().parent_path();
    if (home != options.data_directory) home_lock = lock_directory(home);
}

// Made beside its place and then renamed, so that a crash in between leaves no half of one.
void Cluster::Inside::make() {
    std::string const fresh = directory().string() + ".new";
    std::string const password_file = fresh + ".password";
    files::remove_all(fresh);
    give_directory(fresh, user);
    {
        Descriptor const file(
            ::open(password_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        auto const& text = state.admin_password;
        if (!file || ::write(file.get(), text.data(), text.size()) != ssize_t(text.size()) ||
            (user && ::fchown(file.get(), user->uid, user->gid) != 0))
            throw ClusterError("cannot write " + password_file + ": " + std::strerror(errno));
    }
    std::string const log = fresh + ".log";
    Descriptor const output(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    ChildOptions child{.words = {program("initdb"), "--pgdata=" + fresh,
                                 "--username=" + role_name(Role::admin), "--encoding=UTF8",
                                 "--locale=C.UTF-8", "--auth=scram-sha-256",
                                 "--pwfile=" + password_file, "--data-checksums"},
                       .as = user,
                       .output = output.get()};
    if (!options.durable) child.words.push_back("--no-sync");
    int const result = run_to_end(child);
    files::remove(password_file);
    if (result != 0)
        throw ClusterError("initdb could not make a cluster in " + directory().string() + ": " +
                           last_lines(log));
    files::remove(log);
    files::rename(fresh, directory());
}

bool Cluster::Inside::wait_until_ready(Clock::time_point until) {
    while (Clock::now() < until) {
        auto const found = read_postmaster(directory());
        if (found && found->process == postmaster && found->status == "ready") return true;
        // Doubles as the pause between two looks at the file.
        if (wait_for_end(postmaster, std::chrono::milliseconds(5))) return false;
    }
    throw ClusterError("PostgreSQL did not become ready in time; see " + start_log().string() +
                       " and the logs beside it");
}

bool Cluster::Inside::try_start(Clock::time_point until) {
    give_directory(directory() / "log", user);
    Descriptor const output(
        ::open(start_log().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    postmaster = spawn({.words = {program("postgres"), "-D", directory().string()},
                        .as = user,
                        .directory = directory(),
                        .output = output.get(),
                        .death_signal = options.durable ? 0 : SIGQUIT});
    return wait_until_ready(until);
}

bool Cluster::Inside::start() {
    auto const until = Clock::now() + options.start_timeout;
    if (auto found = running(directory())) {
        postmaster = found->process;
        if (found->status != "stopping" && wait_until_ready(until)) {
            options.say("took over the PostgreSQL that was left running");
            if (sockets != found->sockets) sockets = found->sockets;
            return true;
        }
        wait_for_end(found->process, options.start_timeout);
    } else if (auto const stale = read_postmaster(directory())) {
        // Its number may have passed to a stranger, for whom PostgreSQL would wait for ever.
        // So may it have stayed a zombie whom nobody fetches. Its socket has a lock of that kind
        // too.
        if (identify(stale->process, directory()) == Identity::stranger) {
            files::remove(directory() / "postmaster.pid");
            files::remove(sockets / (".s.PGSQL." + std::to_string(state.port) + ".lock"));
        }
    }
    write_configuration(state, sockets, options.durable, user);
    while (!try_start(until)) {
        // After a kill -9 its children may hold the shared memory for another moment.
        std::string const why = last_lines(start_log());
        if (why.find("shared memory block") == std::string::npos || Clock::now() > until)
            throw ClusterError("PostgreSQL did not start: " + why);
    }
    return false;
}

void Cluster::Inside::prepare() {
    if (!files::exists(options.binaries / "postgres"))
        throw ClusterError("there is no PostgreSQL 15 in " + options.binaries.string() +
                           "; install postgresql-15 (make setup), or set DATABASE_URL");
    std::string version;
    std::ifstream(directory() / "PG_VERSION") >> version;
    if (version.empty()) {
        options.say("making a PostgreSQL cluster in " + directory().string());
        make();
    } else if (version != "15") {
        throw ClusterError(directory().string() + " was made by PostgreSQL " + version +
                           " and haat brings 15; upgrade it with pg_upgrade, or move it away");
    }
    sockets = socket_directory(state, user);
    for (;;) {
        bool const taken_over = start();
        try {
            return prepare_private(url_for(state, sockets.string(), Role::admin, "postgres"),
                                   state);
        } catch (ConnectError const& error) {
            if (error.cause() == ConnectError::Cause::refused_password)
                throw ClusterError("the password in " +
                                   (options.data_directory / "cluster").string() +
                                   " is not that of the cluster in " + directory().string() +
                                   "; restore the file that belongs to it");
            // One that was killed a moment ago looks alive until it is gone.
            if (!taken_over || !wait_for_end(postmaster, std::chrono::seconds(1))) throw;
        }
    }
}

// Waits for the server's end; one that nobody asked for is answered by a new start, slower each
// time it does not last.
void Cluster::Inside::mind() {
    auto pause = std::chrono::milliseconds(0);
    for (;;) {
        auto const began = Clock::now();
        Descriptor const server(static_cast<int>(::syscall(SYS_pidfd_open, postmaster.load(), 0)));
        pollfd waiting[] = {{wake.get(), POLLIN, 0}, {server.get(), POLLIN, 0}};
        if (server)
            while (::poll(waiting, 2, -1) < 0 && errno == EINTR) {
            }
        if (waiting[0].revents != 0) return;
        wait_for_end(postmaster, std::chrono::milliseconds(0));
        if (Clock::now() - began > std::chrono::minutes(1)) pause = std::chrono::milliseconds(0);
        if (::poll(waiting, 1, static_cast<int>(pause.count())) > 0) return;
        pause =
            std::min(pause * 2 + std::chrono::milliseconds(100), std::chrono::milliseconds(5'000));
        ++restarts;
        options.say("PostgreSQL had ended by itself and is started again");
        try {
            start();
        } catch (std::exception const& error) {
            options.say(error.what());
        }
    }
}

void Cluster::Inside::end_server() {
    pid_t const process = postmaster;
    if (process <= 1 || identify(process, directory()) != Identity::ours) return;
    if (options.durable) {
        ::kill(process, SIGINT);
        if (wait_for_end(process, options.stop_timeout)) return;
    }
    ::kill(process, SIGQUIT);
    if (wait_for_end(process, std::chrono::seconds(5))) return;
    ::kill(process, SIGKILL);
    wait_for_end(process, std::chrono::seconds(1));
}

Cluster Cluster::open(ClusterOptions options) {
    auto inside = std::make_unique<Inside>();
    inside->data_lock = lock_directory(options.data_directory);
    options.data_directory = files::canonical(options.data_directory);
    inside->options = std::move(options);
    inside->user = server_user();
    inside->choose_state();
    Cluster cluster(std::move(inside)); // from here on the destructor stops what was started
    Inside& self = *cluster.inside_;
    self.prepare();
    self.minder = std::thread([&self] { self.mind(); });
    return cluster;
}

Cluster Cluster::throw_away() {
    auto const user = server_user();
    files::path parent = files::temp_directory_path();
    if (user && !may_enter(*user, parent)) parent = "/tmp";
    std::string pattern = parent / "haat-pg-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
        throw ClusterError("cannot make a directory in " + parent.string() + ": " +
                           std::strerror(errno));
    files::permissions(pattern, files::perms(0711));
    ClusterOptions options;
    options.data_directory = pattern;
    options.durable = false;
    options.remove_when_stopped = true;
    return open(std::move(options));
}

std::optional<std::string> Cluster::url_of_running(files::path const& data_directory, Role role,
                                                   std::string_view database) {
    auto const state = read_state(data_directory);
    if (!state) return std::nullopt;
    auto const found = running(state->directory);
    if (!found || found->status != "ready") return std::nullopt;
    return url_for(*state, found->sockets, role, database);
}

void Cluster::stop() {
    if (!inside_ || inside_->stopped) return;
    inside_->stopped = true;
    std::uint64_t const one = 1;
    [[maybe_unused]] auto const written = ::write(inside_->wake.get(), &one, sizeof one);
    if (inside_->minder.joinable()) inside_->minder.join();
    inside_->end_server();
    std::error_code error;
    if (inside_->options.remove_when_stopped)
        files::remove_all(inside_->options.data_directory, error);
    inside_->home_lock = Descriptor();
    inside_->data_lock = Descriptor();
}

void Cluster::create_database(std::string const& name, std::string const& pattern) {
    PlainConnection connection(url(Role::admin, "postgres"));
    connection.run("create database " + connection.identifier(name) + " template " +
                   connection.identifier(pattern) + " owner haat_owner");
    restrict_database(connection, name);
}

void Cluster::drop_database(std::string const& name) {
    PlainConnection connection(url(Role::admin, "postgres"));
    connection.run("drop database if exists " + connection.identifier(name) + " with (force)");
}

std::string Cluster::url(Role role, std::string_view database) const {
    return url_for(inside_->state, inside_->sockets.string(), role, database);
}
files::path const& Cluster::directory() const { return inside_->directory(); }
int Cluster::process() const { return inside_->postmaster; }
int Cluster::restarts() const { return inside_->restarts; }

Cluster::Cluster(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Cluster::Cluster(Cluster&&) noexcept = default;
Cluster& Cluster::operator=(Cluster&& other) noexcept {
    std::swap(inside_, other.inside_);
    return *this;
}
Cluster::~Cluster() { stop(); }

} // namespace haat::pg
