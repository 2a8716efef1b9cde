// The way back to the loop for a helper thread, which may live longer than the database.
#pragma once

#include <functional>
#include <mutex>

#include <loop/loop.hpp>

namespace haat::pg {

class Mailbox {
public:
    explicit Mailbox(Loop& loop) : loop_(&loop) {}
    /// Dropped when the database has gone meanwhile.
    void post(std::function<void()> work) {
        std::lock_guard const lock(mutex_);
        if (loop_) loop_->post(std::move(work));
    }
    void close() {
        std::lock_guard const lock(mutex_);
        loop_ = nullptr;
    }

private:
    std::mutex mutex_;
    Loop* loop_;
};

} // namespace haat::pg
