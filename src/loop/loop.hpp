// The event loop as everybody sees it, without Asio: one thread, its timers, and work posted to it.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <functional>
#include <memory>
#include <string_view>

#include <base/task.hpp>

namespace boost::asio {
class io_context;
}

namespace haat {

class Loop {
public:
    explicit Loop(int index = 0);
    ~Loop();
    Loop(Loop const&) = delete;
    Loop& operator=(Loop const&) = delete;

    /// Runs on the calling thread until stop(); meanwhile current() is this loop on that thread.
    void run();
    void stop();

    /// Calls `work` on this loop's thread; may be called from any thread.
    void post(std::function<void()> work);

    int index() const { return index_; }
    boost::asio::io_context& context();

    /// The loop of the calling thread; an assertion outside one.
    static Loop& current();
    static bool inside();

    /// What the loop is doing now, for the watchdog; a string that lives for ever.
    void doing(char const* name) { doing_.store(name, std::memory_order_relaxed); }
    char const* doing() const { return doing_.load(std::memory_order_relaxed); }

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
    std::atomic<char const*> doing_{""};
    int index_;
};

/// Suspends the calling task; `co_await sleep_for(5s)`.
Task<void> sleep_for(std::chrono::nanoseconds);

/// Threads for CPU work (hashing, compression of large bodies). One set for the whole program.
class Workers {
public:
    explicit Workers(int threads, int queue_max = 10'000);
    ~Workers();
    /// False when the queue is full: the caller refuses with 503 rather than wait without end.
    bool post(std::function<void()> work);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

struct WorkersBusy : std::exception {
    char const* what() const noexcept override { return "the worker pool is full"; }
};

/// Runs `work` on the pool and resumes on the calling loop: `auto hash = co_await on(workers, f)`.
template <class Work> class OnWorkers {
public:
    using Result = std::invoke_result_t<Work&>;
    OnWorkers(Workers& workers, Work& work) : workers_(workers), work_(work) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        Loop& home = Loop::current();
        bool const taken = workers_.post([this, waiter, &home] {
            try {
                result_.emplace(work_());
            } catch (...) {
                error_ = std::current_exception();
            }
            home.post([waiter] { waiter.resume(); });
        });
        if (!taken) throw WorkersBusy{};
    }
    Result await_resume() {
        if (error_) std::rethrow_exception(error_);
        return std::move(*result_);
    }

private:
    Workers& workers_;
    Work& work_;
    std::optional<Result> result_;
    std::exception_ptr error_;
};
/// `work` is a named callable that outlives the await (coroutine rule: no capturing temporaries).
template <class Work> OnWorkers<Work> on(Workers& workers, Work& work) { return {workers, work}; }

} // namespace haat
