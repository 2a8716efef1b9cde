// Waiting for the signal to stop.
#pragma once

#include <csignal>

namespace haat::app {

/// SIGINT and SIGTERM are taken by the main thread alone, which waits for them. To be made before
/// any thread is, for threads inherit the mask.
class HeldSignals {
public:
    HeldSignals();
    /// The signal that came. A second one ends the process at once.
    int wait() const;

private:
    sigset_t held_{};
};

} // namespace haat::app
