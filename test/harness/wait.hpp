// Waiting for a condition, with a deadline; never for a time that is hoped to be long enough.
#pragma once

#include <chrono>

#include <poll.h>

namespace haat::test {

using namespace std::chrono_literals;

/// Leaves the processor to others for about a millisecond between two looks.
inline void pause_briefly() { ::poll(nullptr, 0, 1); }

/// Whether `done()` becomes true before the deadline.
template <class Condition> bool soon(Condition done, std::chrono::milliseconds deadline = 20s) {
    auto const until = std::chrono::steady_clock::now() + deadline;
    do {
        if (done()) return true;
        pause_briefly();
    } while (std::chrono::steady_clock::now() < until);
    return done();
}

} // namespace haat::test
