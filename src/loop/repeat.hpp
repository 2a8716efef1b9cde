// Something that a loop does again and again, until it is stopped.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <base/task.hpp>

namespace haat {

class Repeat {
public:
    /// `what` is a named coroutine behind a function; what it throws ends nothing.
    Repeat(std::chrono::milliseconds every, std::function<Task<void>()> what);
    ~Repeat();
    Repeat(Repeat const&) = delete;

    // On the loop's thread.

    /// Does it now, and again each time this long after it was done.
    void start();
    /// As soon as it can be; may be asked for before start(), which does it anyway.
    void hurry();
    /// Waits for what is under way.
    Task<void> stop();

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat
