// Child processes of the private cluster: run as another user, in a session of their own.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace haat::pg {

struct SystemUser {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};
std::optional<SystemUser> find_user(std::string const& name);

struct ChildOptions {
    std::vector<std::string> words;  // the program with its full path, and its arguments
    std::optional<SystemUser> as;    // nothing: as this process
    std::filesystem::path directory; // where it starts; empty: /
    int output = -1;                 // for stdout and stderr; -1: /dev/null
    int death_signal = 0;            // sent to it when the thread that spawned it ends
};

/// Starts a program in a session of its own, so that Ctrl-C does not reach it. Only stdin, stdout
/// and stderr are inherited. Throws std::system_error when it cannot be started.
pid_t spawn(ChildOptions const&);

/// Runs to the end and gives its exit code (128 + signal when it was killed).
int run_to_end(ChildOptions const&);

/// Whether this user can pass through every directory on the way, and enter the last one.
bool may_enter(SystemUser const&, std::filesystem::path const&);

/// Waits for any process, a child or not, to end. False when the time is over.
bool wait_for_end(pid_t, std::chrono::milliseconds);

/// A file descriptor that closes itself.
class Descriptor {
public:
    explicit Descriptor(int number = -1) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();
    int get() const { return number_; }
    int release();
    explicit operator bool() const { return number_ >= 0; }

private:
    int number_;
};

} // namespace haat::pg
