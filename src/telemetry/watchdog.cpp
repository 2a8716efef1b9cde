#include <telemetry/watchdog.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <pthread.h>

#include <loop/loop.hpp>
#include <telemetry/log.hpp>
#include <telemetry/metrics.hpp>

namespace haat {

namespace {

using Clock = std::chrono::steady_clock;

std::int64_t nanos_now() {
    return std::chrono::nanoseconds(Clock::now().time_since_epoch()).count();
}

// Shared with the heartbeat that is in the loop's queue, which may outlive the watchdog.
struct Answer {
    std::atomic<std::int64_t> at{0}; // 0: not yet
};

struct Watched {
    Loop* loop = nullptr;
    metrics::Histogram* lag = nullptr;
    std::shared_ptr<Answer> answer = std::make_shared<Answer>();
    std::int64_t asked_at = 0; // 0: nothing asked
    char const* doing = "";    // what it was seen doing most while it did not answer
    int votes = 0;
    bool unfair = false; // this heartbeat says nothing about the loop
    bool told_of_hanging = false;
};

std::chrono::milliseconds as_millis(std::int64_t nanos) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(nanos));
}

} // namespace

struct Watchdog::Inside {
    Inside(std::vector<Loop*> const& loops, WatchdogOptions o, metrics::Registry* registry)
        : options(std::move(o)) {
        options.every = std::max(options.every, std::chrono::milliseconds(1));
        for (Loop* const loop : loops) {
            Watched& added = watched.emplace_back();
            added.loop = loop;
            if (!registry) continue;
            added.lag = &registry->histogram("haat_loop_lag_seconds",
                                             "How long an event loop took to answer a heartbeat.",
                                             {{"loop", std::to_string(loop->index())}});
            blocked_counters.push_back(&registry->counter(
                "haat_loop_blocked_total", "Times that an event loop was blocked for too long.",
                {{"loop", std::to_string(loop->index())}}));
        }
        thread = std::thread([this] {
            pthread_setname_np(pthread_self(), "haat-watchdog");
            run();
        });
    }

    ~Inside() {
        {
            std::lock_guard const lock(mutex);
            stopping = true;
        }
        wake.notify_all();
        thread.join();
    }

    void run() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            auto const planned = Clock::now() + options.every;
            if (wake.wait_until(lock, planned, [this] { return stopping; })) return;
            lock.unlock();
            // When we ourselves were kept from running (a stopped process, a starved machine),
            // a late answer is not the loop's fault.
            bool const late = Clock::now() - planned > options.limit / 2;
            for (std::size_t i = 0; i < watched.size(); ++i) look_at(watched[i], i, late);
            lock.lock();
        }
    }

    void look_at(Watched& one, std::size_t index, bool late) {
        if (one.asked_at != 0) {
            if (late) one.unfair = true;
            std::int64_t const answered_at = one.answer->at.load(std::memory_order_acquire);
            if (answered_at == 0) return still_silent(one, index);
            answered(one, index, std::chrono::nanoseconds(answered_at - one.asked_at));
        }
        ask(one);
    }

    void ask(Watched& one) {
        one.answer->at.store(0, std::memory_order_relaxed);
        one.asked_at = nanos_now();
        one.doing = "";
        one.votes = 0;
        one.unfair = false;
        one.told_of_hanging = false;
        one.loop->post(
            [answer = one.answer] { answer->at.store(nanos_now(), std::memory_order_release); });
    }

    void still_silent(Watched& one, std::size_t index) {
        // A majority vote in one pass: one look may fall on what came before or after the culprit.
        char const* const now = one.loop->doing();
        if (one.votes == 0) one.doing = now;
        one.votes += one.doing == now ? 1 : -1;
        std::int64_t const silent = nanos_now() - one.asked_at;
        if (one.told_of_hanging || one.unfair || as_millis(silent) < options.hangs_after) return;
        one.told_of_hanging = true;
        log::error("event loop hangs")
            .field("loop", watched[index].loop->index())
            .field("doing", one.doing)
            .field("ms", as_millis(silent).count());
    }

    void answered(Watched& one, std::size_t index, std::chrono::nanoseconds lag) {
        if (one.unfair) return;
        if (one.lag) one.lag->observe(lag);
        if (lag < options.limit) return;
        incidents.fetch_add(1, std::memory_order_relaxed);
        if (!blocked_counters.empty()) blocked_counters[index]->add();
        LoopBlocked const blocked{one.loop->index(), one.doing, as_millis(lag.count())};
        log::warn("event loop blocked")
            .field("loop", blocked.loop)
            .field("doing", blocked.doing)
            .field("ms", blocked.duration.count());
        if (options.told) options.told(blocked);
    }

    WatchdogOptions options;
    std::vector<Watched> watched;
    std::vector<metrics::Counter*> blocked_counters; // as watched, or empty
    std::atomic<std::uint64_t> incidents{0};
    std::mutex mutex;
    std::condition_variable wake;
    bool stopping = false;
    std::thread thread;
};

Watchdog::Watchdog(std::vector<Loop*> loops, WatchdogOptions options, metrics::Registry* registry)
    : inside_(std::make_unique<Inside>(loops, std::move(options), registry)) {}
Watchdog::~Watchdog() = default;

std::uint64_t Watchdog::incidents() const {
    return inside_->incidents.load(std::memory_order_relaxed);
}

} // namespace haat
