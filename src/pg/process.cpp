#include <pg/process.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace haat::pg {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
}
Descriptor::~Descriptor() {
    if (number_ >= 0) ::close(number_);
}
int Descriptor::release() { return std::exchange(number_, -1); }

namespace {

[[noreturn]] void fail(char const* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

// Between fork and exec only calls that are safe in a copy of a threaded process.
bool become(SystemUser const& user) {
    return ::setgroups(user.groups.size(), user.groups.data()) == 0 &&
           ::setresgid(user.gid, user.gid, user.gid) == 0 &&
           ::setresuid(user.uid, user.uid, user.uid) == 0;
}

[[noreturn]] void tell_and_exit(int report) {
    int const error = errno;
    [[maybe_unused]] auto const written = ::write(report, &error, sizeof error);
    ::_exit(127);
}

struct Prepared {
    char const* directory;
    std::vector<char*> words;
    int input;
    int output;
    int report;
};

[[noreturn]] void become_the_program(ChildOptions const& options, Prepared const& prepared) {
    sigset_t nothing;
    ::sigemptyset(&nothing);
    ::sigprocmask(SIG_SETMASK, &nothing, nullptr);
    for (int const number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGPIPE, SIGCHLD})
        std::signal(number, SIG_DFL);
    ::setsid();
    if (options.as && !become(*options.as)) tell_and_exit(prepared.report);
    // After the change of user, which would clear it.
    if (options.death_signal != 0) ::prctl(PR_SET_PDEATHSIG, options.death_signal);
    if (::chdir(prepared.directory) != 0 || ::dup2(prepared.input, 0) < 0 ||
        ::dup2(prepared.output, 1) < 0 || ::dup2(prepared.output, 2) < 0)
        tell_and_exit(prepared.report);
    ::umask(077);
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execv(prepared.words[0], prepared.words.data());
    tell_and_exit(prepared.report);
}

} // namespace

std::optional<SystemUser> find_user(std::string const& name) {
    passwd entry{};
    passwd* found = nullptr;
    char buffer[4096];
    if (::getpwnam_r(name.c_str(), &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr)
        return std::nullopt;
    SystemUser user{name, entry.pw_uid, entry.pw_gid, {}};
    int count = 64;
    user.groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name.c_str(), user.gid, user.groups.data(), &count) < 0) count = 64;
    user.groups.resize(static_cast<std::size_t>(count));
    return user;
}

pid_t spawn(ChildOptions const& options) {
    std::string const directory = options.directory.empty() ? "/" : options.directory.string();
    std::vector<std::string> words = options.words;
    Descriptor const null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    int pipe_ends[2];
    if (!null || ::pipe2(pipe_ends, O_CLOEXEC) != 0) fail("cannot start a process");
    Descriptor const reading(pipe_ends[0]);
    Descriptor writing(pipe_ends[1]);
    Prepared prepared{directory.c_str(),
                      {},
                      null.get(),
                      options.output >= 0 ? options.output : null.get(),
                      writing.get()};
    for (auto& word : words) prepared.words.push_back(word.data());
    prepared.words.push_back(nullptr);

    pid_t const child = ::fork();
    if (child < 0) fail("cannot start a process");
    if (child == 0) become_the_program(options, prepared);
    writing = Descriptor();
    // The pipe closes by itself when the program is running, and tells why when it is not.
    int error = 0;
    ssize_t got = 0;
    do got = ::read(reading.get(), &error, sizeof error);
    while (got < 0 && errno == EINTR);
    if (got == 0) return child;
    ::waitpid(child, nullptr, 0);
    throw std::system_error(error, std::generic_category(), "cannot start " + options.words[0]);
}

int run_to_end(ChildOptions const& options) {
    pid_t const child = spawn(options);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) fail("cannot wait for a process");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool may_enter(SystemUser const& user, std::filesystem::path const& path) {
    try {
        return run_to_end({.words = {"/bin/true"}, .as = user, .directory = path}) == 0;
    } catch (std::system_error const&) {
        return false;
    }
}

bool wait_for_end(pid_t process, std::chrono::milliseconds timeout) {
    Descriptor const handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
    if (!handle) return errno == ESRCH || ::waitpid(process, nullptr, WNOHANG) == process;
    auto const until = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
            until - std::chrono::steady_clock::now());
        pollfd waiting{handle.get(), POLLIN, 0};
        int const ready = ::poll(&waiting, 1, static_cast<int>(std::max<long>(0, left.count())));
        if (ready > 0) {
            ::waitpid(process, nullptr, WNOHANG); // ours: do not leave a zombie
            return true;
        }
        if (ready == 0) return false;
        if (errno != EINTR) fail("cannot wait for a process");
    }
}

} // namespace haat::pg
