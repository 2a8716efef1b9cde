#include <pg/cluster_home.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace haat::pg {

namespace files = std::filesystem;

namespace {

std::string hash_of(files::path const& path) {
    std::string const text = path.string();
    unsigned char bytes[crypto_generichash_BYTES_MIN];
    crypto_generichash(bytes, sizeof bytes, reinterpret_cast<unsigned char const*>(text.data()),
                       text.size(), nullptr, 0);
    char hex[17];
    sodium_bin2hex(hex, sizeof hex, bytes, 8);
    return hex;
}

// The whole file appears at once or not at all, and never readable by others.
void replace_file(files::path const& path, std::string const& text,
                  std::optional<SystemUser> const& owner) {
    std::string const fresh = path.string() + ".new";
    Descriptor const file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    bool good = file && ::fchmod(file.get(), 0600) == 0;
    good = good && ::write(file.get(), text.data(), text.size()) == ssize_t(text.size());
    good = good && (!owner || ::fchown(file.get(), owner->uid, owner->gid) == 0);
    good = good && ::fsync(file.get()) == 0 && ::rename(fresh.c_str(), path.c_str()) == 0;
    if (!good)
        throw ClusterError("cannot write " + path.string() + ": " + std::strerror(errno) +
                           "; free the disk or mend the directory's rights");
}

std::int64_t number_in(char const* path, std::string_view key) {
    std::ifstream in(path);
    std::string word;
    while (in >> word)
        if (key.empty() || word == key) {
            std::int64_t number = 0;
            if (key.empty()) return std::atoll(word.c_str());
            return in >> number ? number : 0;
        }
    return 0;
}

// In megabytes; what a container may use counts, not what the machine has.
std::int64_t memory_megabytes() {
    std::int64_t megabytes = number_in("/proc/meminfo", "MemTotal:") / 1024;
    std::int64_t const limit = number_in("/sys/fs/cgroup/memory.max", "") / (1024 * 1024);
    if (limit > 0) megabytes = std::min(megabytes, limit);
    return std::max<std::int64_t>(megabytes, 512);
}

std::string settings_text(ClusterState const& state, files::path const& sockets, bool durable) {
    auto const memory = memory_megabytes();
    auto const megabytes = [](std::int64_t wanted, std::int64_t least, std::int64_t most) {
        return std::to_string(std::clamp(wanted, least, most)) + "MB";
    };
    std::ostringstream out;
    out << "# haat writes this file at every start; what you want changed goes into local.conf.\n"
        << "listen_addresses = ''\n"
        << "unix_socket_directories = '" << sockets.string() << "'\n"
        << "unix_socket_permissions = 0700\n"
        << "port = " << state.port << "\n"
        << "max_connections = 200\n"
        << "shared_buffers = " << (durable ? megabytes(memory / 16, 64, 2048) : "64MB") << "\n"
        << "effective_cache_size = " << megabytes(memory / 2, 256, 65536) << "\n"
        << "work_mem = " << megabytes(memory / 1024, 4, 16) << "\n"
        << "maintenance_work_mem = " << megabytes(memory / 32, 32, 512) << "\n"
        << "min_wal_size = 256MB\nmax_wal_size = 2GB\ncheckpoint_timeout = 15min\n"
        << "wal_compression = lz4\n"
        << "random_page_cost = 1.1\neffective_io_concurrency = 100\n"
        << "jit = off\n"
        << "password_encryption = 'scram-sha-256'\n"
        << "timezone = 'UTC'\nlog_timezone = 'UTC'\nlc_messages = 'C'\n"
        // Refused rows are ordinary work and their details are people's data: neither is logged.
        << "log_min_messages = log\nlog_error_verbosity = terse\n"
        << "log_checkpoints = off\nlog_line_prefix = '%m [%p] %u@%d '\n";
    if (durable)
        out << "logging_collector = on\nlog_directory = 'log'\nlog_filename = 'postgresql-%d.log'\n"
            << "log_file_mode = 0600\nlog_rotation_age = 1d\nlog_rotation_size = 0\n"
            << "log_truncate_on_rotation = on\n"
            << "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\n";
    else
        out << "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n"
            << "max_wal_senders = 0\nwal_level = minimal\nautovacuum = off\n";
    out << "include_if_exists = 'local.conf'\n";
    return out.str();
}

} // namespace

std::string role_name(Role role) {
    switch (role) {
    case Role::owner: return "haat_owner";
    case Role::request: return "haat_request";
    case Role::worker: return "haat_worker";
    case Role::admin: return "haat_admin";
    }
    return {};
}

std::string const& ClusterState::password(Role role) const {
    switch (role) {
    case Role::owner: return owner_password;
    case Role::request: return request_password;
    case Role::worker: return worker_password;
    case Role::admin: break;
    }
    return admin_password;
}

std::string random_password() {
    if (sodium_init() < 0) throw ClusterError("the system has no source of randomness");
    unsigned char bytes[18];
    randombytes_buf(bytes, sizeof bytes);
    char text[64];
    sodium_bin2base64(text, sizeof text, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return text;
}

std::optional<ClusterState> read_state(files::path const& data_directory) {
    files::path const path = data_directory / "cluster";
    std::error_code error;
    if (!files::exists(path, error)) return std::nullopt;
    std::ifstream in(path);
    if (!in)
        throw ClusterError("cannot read " + path.string() +
                           "; run haat as the user who made it, or set HAAT_DATA_DIR to another "
                           "directory");
    std::map<std::string, std::string> values;
    for (std::string line; std::getline(in, line);) {
        auto const equals = line.find('=');
        if (equals != std::string::npos) values[line.substr(0, equals)] = line.substr(equals + 1);
    }
    // Relative when it is inside, so that a data directory may be moved.
    ClusterState state{data_directory / values["directory"],
                       std::atoi(values["port"].c_str()),
                       values["admin"],
                       values["owner"],
                       values["request"],
                       values["worker"]};
    if (values["directory"].empty() || state.port == 0 || state.worker_password.empty())
        throw ClusterError(path.string() +
                           " is damaged; restore it from a backup: without it the database's "
                           "passwords are lost");
    return state;
}

void write_state(files::path const& data_directory, ClusterState const& state) {
    std::ostringstream out;
    bool const inside = state.directory.parent_path() == data_directory;
    out << "directory=" << (inside ? state.directory.filename() : state.directory).string()
        << "\nport=" << state.port << "\nadmin=" << state.admin_password
        << "\nowner=" << state.owner_password << "\nrequest=" << state.request_password
        << "\nworker=" << state.worker_password << "\n";
    replace_file(data_directory / "cluster", out.str(), std::nullopt);
}

ClusterState new_state(files::path const& directory) {
    std::random_device random;
    std::uniform_int_distribution<int> port(20'000, 59'999);
    return {directory,         port(random),      random_password(),
            random_password(), random_password(), random_password()};
}

std::optional<SystemUser> server_user() {
    if (::geteuid() != 0) return std::nullopt;
    auto user = find_user("postgres");
    if (!user)
        throw ClusterError("PostgreSQL does not run as root and there is no user postgres; install "
                           "postgresql-15 (make setup), or run haat as an ordinary user");
    return user;
}

Descriptor lock_directory(files::path const& directory) {
    std::error_code error;
    if (files::create_directories(directory, error))
        files::permissions(directory, files::perms(::geteuid() == 0 ? 0711 : 0700), error);
    files::path const path = directory / "haat.lock";
    Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock)
        throw ClusterError("cannot write in " + directory.string() + ": " + std::strerror(errno) +
                           "; give it to this user, or set HAAT_DATA_DIR to another directory");
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        char holder[32] = {};
        [[maybe_unused]] auto const got = ::pread(lock.get(), holder, sizeof holder - 1, 0);
        throw ClusterInUse("another haat (process " + std::string(holder) + ") is using " +
                           directory.string() +
                           "; stop it, or set HAAT_DATA_DIR to another directory");
    }
    std::string const mine = std::to_string(::getpid());
    if (::ftruncate(lock.get(), 0) != 0 ||
        ::pwrite(lock.get(), mine.data(), mine.size(), 0) != ssize_t(mine.size()))
        throw ClusterError("cannot write " + path.string() + ": " + std::strerror(errno));
    return lock;
}

files::path choose_directory(files::path const& data_directory,
                             std::optional<SystemUser> const& user) {
    if (!user || may_enter(*user, data_directory)) return data_directory / "postgres";
    return files::path("/var/lib") / ("haat-" + hash_of(data_directory)) / "postgres";
}

void give_directory(files::path const& directory, std::optional<SystemUser> const& user) {
    std::error_code error;
    files::create_directories(directory, error);
    if (::chmod(directory.c_str(), 0700) != 0 ||
        (user && ::chown(directory.c_str(), user->uid, user->gid) != 0))
        throw ClusterError("cannot prepare " + directory.string() + ": " + std::strerror(errno));
}

files::path socket_directory(ClusterState const& state, std::optional<SystemUser> const& user) {
    // sun_path holds 108 bytes, and the socket's own name and its lock's take up to 24.
    std::size_t const longest = 80;
    files::path const beside = state.directory.parent_path() / "run";
    if (beside.string().size() <= longest) {
        give_directory(beside, user);
        return beside;
    }
    files::path const shorter = "/tmp/haat-" + hash_of(state.directory);
    uid_t const owner = user ? user->uid : ::geteuid();
    ::mkdir(shorter.c_str(), 0700);
    struct stat found {};
    // Somebody else may have put something of that name into /tmp; never follow or take it.
    bool const real = ::lstat(shorter.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
    if (!real || (found.st_uid != owner && found.st_uid != ::geteuid()))
        throw ClusterError(shorter.string() +
                           " belongs to somebody else; remove it, or set HAAT_DATA_DIR to a "
                           "directory with a shorter path");
    give_directory(shorter, user);
    return shorter;
}

void write_configuration(ClusterState const& state, files::path const& sockets, bool durable,
                         std::optional<SystemUser> const& user) {
    replace_file(state.directory / "postgresql.conf", settings_text(state, sockets, durable), user);
    replace_file(state.directory / "pg_hba.conf",
                 "# haat writes this file at every start.\nlocal all all scram-sha-256\n", user);
}

} // namespace haat::pg
