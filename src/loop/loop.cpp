#include <loop/loop.hpp>

#include <cassert>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace haat {

namespace asio = boost::asio;

namespace {
thread_local Loop* current_loop = nullptr;
}

struct Loop::Inside {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
};

Loop::Loop(int index) : inside_(std::make_unique<Inside>()), index_(index) {}
Loop::~Loop() = default;

void Loop::run() {
    current_loop = this;
    inside_->context.run();
    current_loop = nullptr;
}
void Loop::stop() { inside_->context.stop(); }
void Loop::post(std::function<void()> work) { asio::post(inside_->context, std::move(work)); }
asio::io_context& Loop::context() { return inside_->context; }
bool Loop::inside() { return current_loop != nullptr; }
Loop& Loop::current() {
    assert(current_loop && "only on a loop's thread");
    return *current_loop;
}

namespace {
struct Sleep {
    asio::steady_timer timer;
    explicit Sleep(std::chrono::nanoseconds how_long)
        : timer(Loop::current().context(), how_long) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        timer.async_wait([waiter](boost::system::error_code const&) { waiter.resume(); });
    }
    void await_resume() const noexcept {}
};
} // namespace

Task<void> sleep_for(std::chrono::nanoseconds how_long) {
    Sleep sleep(how_long);
    co_await sleep;
}

struct Workers::Inside {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void()>> queue;
    std::size_t queue_max = 0;
    bool stopping = false;
    std::vector<std::thread> threads;

    void work() {
        for (;;) {
            std::function<void()> next;
            {
                std::unique_lock lock(mutex);
                wake.wait(lock, [this] { return stopping || !queue.empty(); });
                if (queue.empty()) return;
                next = std::move(queue.front());
                queue.pop_front();
            }
            next();
        }
    }
};

Workers::Workers(int threads, int queue_max) : inside_(std::make_unique<Inside>()) {
    inside_->queue_max = static_cast<std::size_t>(queue_max);
    for (int i = 0; i < threads; ++i) inside_->threads.emplace_back([this] { inside_->work(); });
}
Workers::~Workers() {
    {
        std::lock_guard lock(inside_->mutex);
        inside_->stopping = true;
    }
    inside_->wake.notify_all();
    for (auto& thread : inside_->threads) thread.join();
}
bool Workers::post(std::function<void()> work) {
    {
        std::lock_guard lock(inside_->mutex);
        if (inside_->stopping || inside_->queue.size() >= inside_->queue_max) return false;
        inside_->queue.push_back(std::move(work));
    }
    inside_->wake.notify_one();
    return true;
}

} // namespace haat
