// Named points in commands where a test may let a rival run, so that a race happens exactly there:
//
//     co_await tx(sql::lock_order, id);
//     HAAT_POINT("orders.cancel.after_lock");
//
// Without a test it is one relaxed load; docs/decisions/0010-race-points.md says why it is there in
// every build. The point suspends the coroutine, so that the rival may use the same loop.
#pragma once

#include <atomic>
#include <coroutine>

namespace haat {

/// Installed by tests alone; see test/harness/point.hpp.
class PointWatcher {
public:
    /// True: the coroutine stays suspended, and the watcher resumes it on the loop it came from.
    virtual bool reached(char const* point, std::coroutine_handle<> waiter) = 0;

protected:
    ~PointWatcher() = default;
};

inline std::atomic<PointWatcher*> point_watcher{nullptr};

class AtPointAwaiter {
public:
    explicit AtPointAwaiter(char const* point) : point_(point) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter) {
        PointWatcher* const watcher = point_watcher.load(std::memory_order_acquire);
        return watcher != nullptr && watcher->reached(point_, waiter);
    }
    void await_resume() const noexcept {}

private:
    char const* point_;
};

} // namespace haat

/// A statement of a coroutine.
#define HAAT_POINT(name)                                                                           \
    if (::haat::point_watcher.load(std::memory_order_relaxed) != nullptr) [[unlikely]]             \
    co_await ::haat::AtPointAwaiter(name)
