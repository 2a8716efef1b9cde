// Runs a task on a loop in a test, on the calling thread, and gives its result:
//
//     Loop loop;
//     Brand const brand = run(loop, find(database, id));
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <base/task.hpp>
#include <loop/loop.hpp>

namespace haat::test {

using namespace std::chrono_literals;

namespace detail {
struct Outcome {
    bool ended = false;
    std::exception_ptr error;
};
template <class T> struct Kept : Outcome {
    std::optional<T> value;
};
template <> struct Kept<void> : Outcome {};

template <class T> Task<void> keep(Task<T> task, Kept<T>& kept, Loop& loop) {
    try {
        if constexpr (std::is_void_v<T>)
            co_await task;
        else
            kept.value.emplace(co_await task);
    } catch (...) {
        kept.error = std::current_exception();
    }
    kept.ended = true;
    loop.stop();
}

inline Task<void> count_down(Task<void> task, int& left, std::coroutine_handle<>& waiter) {
    co_await task;
    if (--left == 0 && waiter) waiter.resume();
}
struct AllDone {
    int& left;
    std::coroutine_handle<>& waiter;
    bool await_ready() const { return left == 0; }
    void await_suspend(std::coroutine_handle<> handle) { waiter = handle; }
    void await_resume() const {}
};
} // namespace detail

/// Throws what the task throws, and std::runtime_error when it does not end before the deadline.
template <class T> T run(Loop& loop, Task<T> task, std::chrono::milliseconds deadline = 60s) {
    detail::Kept<T> kept;
    boost::asio::steady_timer timer(loop.context(), deadline);
    timer.async_wait([&loop](boost::system::error_code const& error) {
        if (!error) loop.stop();
    });
    loop.context().restart();
    loop.post([&] { detach(detail::keep(std::move(task), kept, loop)); });
    loop.run();
    if (!kept.ended) throw std::runtime_error("the task did not end in time");
    if (kept.error) std::rethrow_exception(kept.error);
    if constexpr (!std::is_void_v<T>) return std::move(*kept.value);
}

/// Starts `count` tasks at once, each made by make(i), and waits for all of them.
template <class Make> Task<void> all_of(int count, Make const& make) {
    int left = count;
    std::coroutine_handle<> waiter;
    for (int i = 0; i < count; ++i) detach(detail::count_down(make(i), left, waiter));
    detail::AllDone all_done{left, waiter};
    co_await all_done;
}

} // namespace haat::test
