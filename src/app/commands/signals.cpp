#include <app/commands/signals.hpp>

namespace haat::app {

HeldSignals::HeldSignals() {
    sigemptyset(&held_);
    sigaddset(&held_, SIGINT);
    sigaddset(&held_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &held_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

int HeldSignals::wait() const {
    int signal = 0;
    sigwait(&held_, &signal);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &held_, nullptr);
    return signal;
}

} // namespace haat::app
