// The built binary as a child process, for tests from outside.
//
//     Process haat({.environment = {{"HAAT_DATA_DIR", dir}}});
//     ASSERT_TRUE(haat.ready()) << haat.errors();
//     Client client(haat.port());
//     haat.signal(SIGTERM);
//     EXPECT_EQ(haat.wait(), 0);
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace haat::test {

using namespace std::chrono_literals;

struct ProcessOptions {
    std::string program = {}; // empty: the haat that was built beside the tests
    std::vector<std::string> words = {"serve"};
    /// Beside PATH, HOME, TMPDIR and the sanitizers' own; PORT is chosen when it is not given.
    std::map<std::string, std::string> environment = {};
};

class Process {
public:
    explicit Process(ProcessOptions options = {});
    ~Process(); // SIGKILL if it still runs
    Process(Process const&) = delete;

    std::uint16_t port() const { return port_; }
    pid_t id() const { return id_; }

    /// Whether /ready answers 200 before the deadline; false at once when the process has ended.
    bool ready(std::chrono::milliseconds deadline = 60s);
    void signal(int number);
    bool running();
    /// Waits for the end: the exit code, 128 + signal when it was killed; nothing at the deadline.
    std::optional<int> wait(std::chrono::milliseconds deadline = 60s);

    std::string output() const; // stdout so far
    std::string errors() const; // stderr so far
    bool said_all() const;      // both were closed, and all of it was read

private:
    struct Reader;
    pid_t id_ = -1;
    std::uint16_t port_ = 0;
    std::optional<int> ended_;
    std::unique_ptr<Reader> output_;
    std::unique_ptr<Reader> errors_;
};

/// Runs to the end: for commands.
struct Finished {
    int code = -1; // -1: it had to be killed at the deadline
    std::string output;
    std::string errors;
};
Finished run_process(ProcessOptions options, std::chrono::milliseconds deadline = 60s);

/// The haat that was built beside the tests.
std::string haat_program();

/// A port that nobody listens on just now.
std::uint16_t free_port();

} // namespace haat::test
