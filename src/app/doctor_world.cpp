// The real machine behind the doctor's questions.
#include <app/doctor.hpp>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <app/open_database.hpp>
#include <pg/cluster_home.hpp>
#include <pg/plain.hpp>
#include <pg/process.hpp>

namespace haat::app {

namespace files = std::filesystem;
using std::chrono::system_clock;

namespace {

// The nearest part of the path that is there: what is asked about may not have been made yet.
files::path existing(files::path const& path) {
    files::path found = files::absolute(path);
    std::error_code error;
    while (!files::exists(found, error) && found.has_relative_path()) found = found.parent_path();
    return found;
}

DiskSpace disk(files::path const& path) {
    struct statvfs found {};
    if (::statvfs(existing(path).c_str(), &found) != 0) return {};
    return {found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize};
}

std::string writing_fails(files::path const& directory) {
    std::string pattern = existing(directory) / ".haat-doctor-XXXXXX";
    int const file = ::mkstemp(pattern.data());
    if (file < 0) return std::strerror(errno);
    ::close(file);
    ::unlink(pattern.c_str());
    return {};
}

bool server_may_enter(files::path const& directory) {
    auto const user = pg::server_user();
    return !user || pg::may_enter(*user, existing(directory));
}

std::string listening_fails(std::string const& address, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
        return "it is not an address of a network";
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const owned(found, &::freeaddrinfo);
    pg::Descriptor const socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int const one = 1; // connections that ended a moment ago do not count
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!socket || ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
        ::listen(socket.get(), 1) != 0)
        return std::strerror(errno);
    return {};
}

bool haat_runs(files::path const& directory) {
    pg::Descriptor const lock(::open((directory / "haat.lock").c_str(), O_RDWR | O_CLOEXEC));
    return lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0;
}

std::optional<DatabaseFacts> database(Config const& config) {
    if (config.database_url.empty() && !pg::read_state(config.data_directory)) {
        if (!files::exists(pg::ClusterOptions{}.binaries / "postgres"))
            throw pg::ClusterError("there is no PostgreSQL 15; install postgresql-15 (make setup), "
                                   "or set DATABASE_URL");
        return std::nullopt;
    }
    OpenDatabase const open = open_database(config, Sharing::beside_another_haat);
    DatabaseFacts facts;
    facts.migrations = pg::Migrator(open.urls.owner).status();
    pg::PlainConnection connection(open.urls.request);
    auto const now = [] { return system_clock::now().time_since_epoch(); };
    auto const before = now();
    auto const theirs = std::chrono::microseconds(std::stoll(
        connection.word("select (extract(epoch from clock_timestamp()) * 1000000)::bigint")));
    // They looked at their clock about halfway between our two looks at ours.
    facts.clock_ahead =
        std::chrono::duration_cast<std::chrono::milliseconds>(theirs - (before + now()) / 2);
    return facts;
}

std::optional<system_clock::time_point> certificate_end(std::string const& path) {
    std::unique_ptr<FILE, int (*)(FILE*)> const file(std::fopen(path.c_str(), "re"), &std::fclose);
    if (!file) return std::nullopt;
    std::unique_ptr<X509, decltype(&X509_free)> const certificate(
        PEM_read_X509(file.get(), nullptr, nullptr, nullptr), &X509_free);
    std::tm end{};
    if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1)
        return std::nullopt;
    return system_clock::from_time_t(::timegm(&end));
}

std::uint64_t open_files_max() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : 0;
}

} // namespace

DoctorWorld real_world() {
    DoctorWorld world;
    world.now = [] { return system_clock::now(); };
    world.disk = disk;
    world.writing_fails = writing_fails;
    world.server_may_enter = server_may_enter;
    world.listening_fails = listening_fails;
    world.haat_runs = haat_runs;
    world.database = database;
    world.exists = [](files::path const& path) { return ::access(path.c_str(), R_OK) == 0; };
    world.certificate_end = certificate_end;
    world.open_files_max = open_files_max;
    world.redis_fails = kv::redis_trouble;
    return world;
}

} // namespace haat::app
