#include <test/harness/house.hpp>

#include <cstdlib>
#include <optional>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <pg/migrate.hpp>

namespace haat::test {

namespace files = std::filesystem;

namespace {

// The other end of the pipe closes when the parent ends, be it by SIGKILL. PostgreSQL was told by
// the kernel to end as well; until it has, it may still write, so removing is tried again.
[[noreturn]] void wait_and_clean(int parent, files::path const& directory) {
    ::setsid();
    char byte = 0;
    while (::read(parent, &byte, 1) > 0) {
    }
    for (int attempt = 0; attempt < 200; ++attempt) {
        std::error_code error;
        files::remove_all(directory, error);
        if (!error && !files::exists(directory, error)) break;
        ::poll(nullptr, 0, 100);
    }
    ::_exit(0);
}

std::optional<pg::Cluster> the_cluster;

} // namespace

House::House() {
    std::string pattern = files::temp_directory_path() / "haat-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = pattern;
    files::permissions(directory_, files::perms(0711));
    ::setenv("TMPDIR", directory_.c_str(), 1);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    janitor_ = ::fork();
    if (janitor_ == 0) {
        ::close(ends[1]);
        // Whoever waits for this process's output must not wait for the janitor.
        int const nowhere = ::open("/dev/null", O_RDWR);
        for (int number : {0, 1, 2}) ::dup2(nowhere, number);
        wait_and_clean(ends[0], directory_);
    }
    ::close(ends[0]);
    alive_ = ends[1];
}

House::~House() {
    stop_cluster();
    std::error_code error;
    files::remove_all(directory_, error);
    ::close(alive_);
}

files::path temporary_directory(std::string const& name) {
    std::string pattern = files::temp_directory_path() / (name + "-XXXXXX");
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    files::permissions(pattern, files::perms(0711));
    return pattern;
}

pg::Cluster& cluster() {
    if (!the_cluster) the_cluster.emplace(pg::Cluster::throw_away());
    return *the_cluster;
}

std::string const& template_database() {
    static std::string const name = [] {
        std::string const made = "haat_template";
        cluster().create_database(made, "template0");
        pg::Migrator(cluster().url(pg::Role::owner, made)).apply();
        return made;
    }();
    return name;
}

void stop_cluster() { the_cluster.reset(); }

} // namespace haat::test
