// Task<T>: a lazy coroutine. The stack is bounded by nesting, not by the number of awaits.
// No Asio here: whoever completes an operation resumes a handle, on the loop that started it.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace haat {

template <class T> class Task;

namespace detail {

struct PromiseBase {
    std::coroutine_handle<> awaiter = std::noop_coroutine();
    std::exception_ptr error;
    bool starting = false; // one loop, one thread: plain flags do
    bool finished = false;

    struct Final {
        bool await_ready() noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
            PromiseBase& promise = self.promise();
            promise.finished = true;
            // Finished at once: the caller goes on by itself.
            return promise.starting ? std::noop_coroutine() : promise.awaiter;
        }
        void await_resume() noexcept {}
    };

    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { error = std::current_exception(); }
};

// What the frame keeps for a Task<T>: T::stored when T names one, else T itself.
template <class T> struct Stored {
    using type = T;
};
template <class T>
    requires requires { typename T::stored; }
struct Stored<T> {
    using type = typename T::stored;
};

template <class T> struct Promise : PromiseBase {
    struct Object {
        std::coroutine_handle<Promise> handle;
        template <class U> operator Task<U>() const { return Task<U>{handle}; }
    };
    std::optional<T> result;

    Object get_return_object() { return {std::coroutine_handle<Promise>::from_promise(*this)}; }
    template <class U>
        requires std::convertible_to<U&&, T>
    void return_value(U&& value) {
        result.emplace(std::forward<U>(value));
    }
    T take() {
        if (error) std::rethrow_exception(error);
        return std::move(*result);
    }
};

template <> struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() {}
    void take() {
        if (error) std::rethrow_exception(error);
    }
};

} // namespace detail

template <class T = void> class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<typename detail::Stored<T>::type>;
    using Handle = std::coroutine_handle<promise_type>;

    explicit Task(Handle handle) : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> awaiter) noexcept {
        auto& promise = handle_.promise();
        promise.awaiter = awaiter;
        promise.starting = true;
        handle_.resume(); // runs until it waits for something or ends
        promise.starting = false;
        return !promise.finished; // ended: do not suspend, so that a loop of awaits stays flat
    }
    decltype(auto) await_resume() { return handle_.promise().take(); }

    /// Task<Reply<Out>> as Task<RawReply>: both keep a Promise<RawReply>, so no coroutine is made.
    template <class Base> Task<Base> slice() && {
        return Task<Base>{std::exchange(handle_, nullptr)};
    }

private:
    Handle handle_;
};

inline Task<void> detail::Promise<void>::get_return_object() {
    return Task<void>{std::coroutine_handle<Promise>::from_promise(*this)};
}

namespace detail {
/// A coroutine nobody waits for; it frees itself. An exception that reaches its end is a bug.
struct Detached {
    struct promise_type {
        Detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
    };
};
} // namespace detail

/// Starts a task here and now, and lets it run to its end by itself.
inline void detach(Task<void> task) {
    [](Task<void> owned) -> detail::Detached { co_await owned; }(std::move(task));
}

} // namespace haat
