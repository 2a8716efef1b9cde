#include <test/harness/process.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <test/harness/client.hpp>
#include <test/harness/paths.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {

// Reads a pipe to its end on a thread of its own, so that the child never waits for us.
struct Process::Reader {
    explicit Reader(int descriptor) : thread([this, descriptor] { run(descriptor); }) {}
    ~Reader() { thread.join(); }

    void run(int descriptor) {
        char bytes[4096];
        for (;;) {
            auto const size = ::read(descriptor, bytes, sizeof bytes);
            if (size < 0 && errno == EINTR) continue;
            if (size <= 0) break;
            std::lock_guard const guard(mutex);
            if (text.size() < text_max) text.append(bytes, static_cast<std::size_t>(size));
        }
        ::close(descriptor);
        ended = true;
    }
    std::string so_far() {
        std::lock_guard const guard(mutex);
        return text;
    }

    static constexpr std::size_t text_max = 8 << 20;
    std::mutex mutex;
    std::string text;
    std::atomic<bool> ended{false};
    std::thread thread;
};

namespace {

std::vector<std::string> environment_of(ProcessOptions const& options) {
    std::map<std::string, std::string> all;
    for (char const* name : {"PATH", "HOME", "TMPDIR", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                             "TSAN_OPTIONS", "LSAN_OPTIONS"})
        if (char const* value = std::getenv(name)) all[name] = value;
    for (auto const& [name, value] : options.environment) all[name] = value;
    std::vector<std::string> lines;
    for (auto const& [name, value] : all) lines.push_back(name + "=" + value);
    return lines;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

std::uint16_t free_port() {
    int const socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket, reinterpret_cast<sockaddr const*>(&address), size);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return ntohs(address.sin_port);
}

std::string haat_program() {
    char const* const chosen = std::getenv("HAAT_PROGRAM");
    return chosen != nullptr ? chosen : (build_directory() / "haat").string();
}

Process::Process(ProcessOptions options) {
    if (options.program.empty()) options.program = haat_program();
    auto& port = options.environment["PORT"];
    if (port.empty()) port = std::to_string(free_port());
    port_ = static_cast<std::uint16_t>(std::stoi(port));
    int out[2], err[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0)
        throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 1);
    posix_spawn_file_actions_adddup2(&files, err[1], 2);
    std::vector<std::string> words{options.program};
    words.insert(words.end(), options.words.begin(), options.words.end());
    auto environment = environment_of(options);
    int const error = ::posix_spawn(&id_, options.program.c_str(), &files, nullptr,
                                    pointers_to(words).data(), pointers_to(environment).data());
    posix_spawn_file_actions_destroy(&files);
    ::close(out[1]);
    ::close(err[1]);
    output_ = std::make_unique<Reader>(out[0]);
    errors_ = std::make_unique<Reader>(err[0]);
    if (error != 0) {
        id_ = -1;
        throw std::runtime_error(options.program + ": " + std::strerror(error));
    }
}

Process::~Process() {
    if (!running()) return;
    signal(SIGKILL);
    wait();
}

bool Process::ready(std::chrono::milliseconds deadline) {
    return soon(
               [&] {
                   if (!running()) return true;
                   try {
                       return Client(port_, 2s).get("!/ready").status == 200;
                   } catch (NoAnswer const&) {
                       return false;
                   }
               },
               deadline) &&
           running();
}

void Process::signal(int number) {
    if (running()) ::kill(id_, number);
}

bool Process::running() {
    if (id_ <= 0 || ended_) return false;
    int status = 0;
    if (::waitpid(id_, &status, WNOHANG) != id_) return true;
    ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return false;
}

std::optional<int> Process::wait(std::chrono::milliseconds deadline) {
    soon([&] { return !running(); }, deadline);
    return ended_;
}

std::string Process::output() const { return output_->so_far(); }
bool Process::said_all() const { return output_->ended && errors_->ended; }
std::string Process::errors() const { return errors_->so_far(); }

Finished run_process(ProcessOptions options, std::chrono::milliseconds deadline) {
    Process process(std::move(options));
    auto const code = process.wait(deadline);
    if (!code) {
        process.signal(SIGKILL);
        process.wait();
    }
    // The pipes may hold a last piece after the end.
    soon([&] { return process.said_all(); });
    return {code.value_or(-1), process.output(), process.errors()};
}

} // namespace haat::test
