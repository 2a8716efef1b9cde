// A task that waits for something, but not for ever. Not for modules: it knows Asio.
#pragma once

#include <chrono>
#include <coroutine>

#include <boost/asio/steady_timer.hpp>

#include <loop/loop.hpp>

namespace haat::outbound {

using Steady = std::chrono::steady_clock;

/// Kept by the waiting coroutine; whoever has what it waits for calls wake(). Resumes by way of
/// the loop, so that the waker's own work is finished first.
class Waiter {
public:
    Waiter(Loop& loop, Steady::time_point deadline) : timer_(loop.context()) {
        timer_.expires_at(deadline);
    }
    Waiter(Waiter const&) = delete;

    /// Once; later calls are without effect.
    void wake() {
        if (woken_) return;
        woken_ = true;
        timer_.cancel();
    }
    bool woken() const { return woken_; }

    // co_await gives true when it was woken, false at the deadline.
    bool await_ready() const { return woken_; }
    void await_suspend(std::coroutine_handle<> handle) {
        timer_.async_wait([handle](boost::system::error_code const&) { handle.resume(); });
    }
    bool await_resume() const { return woken_; }

private:
    boost::asio::steady_timer timer_;
    bool woken_ = false;
};

} // namespace haat::outbound
