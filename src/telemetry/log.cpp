#include <telemetry/log.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

#include <telemetry/log_sink.hpp>
#include <telemetry/log_text.hpp>

namespace haat::log {

/// Where a Line writes until its statement ends. Kept by the thread and used again.
struct LineText {
    LineText() : pen(bytes.data(), bytes.size() - 2) {} // "}\n" always fits
    std::array<char, line_bytes_max> bytes;
    Pen pen;
    std::unique_ptr<LineText> next;
};

namespace {

constexpr std::size_t wake_bytes = 64 * 1024;
constexpr std::size_t message_bytes_max = 1024; // fits a line however much is escaped

// Grows without being cleared, which std::string cannot.
struct Bytes {
    std::unique_ptr<char[]> data;
    std::size_t size = 0;
    std::size_t capacity = 0;

    void make_room(std::size_t more) {
        if (size + more <= capacity) return;
        std::size_t const wider = std::max(capacity * 2, size + more);
        auto moved = std::make_unique_for_overwrite<char[]>(wider);
        if (size > 0) std::memcpy(moved.get(), data.get(), size);
        data = std::move(moved);
        capacity = wider;
    }
    std::string_view view() const { return {data.get(), size}; }
};

// What one thread has logged and the writer has not taken yet.
struct Pending {
    std::mutex mutex;
    Bytes bytes;
    std::uint64_t dropped = 0;
    bool finished = false; // its thread has ended
};

// Lives as long as the process, so that even the last destructor may log.
struct Central {
    Central();
    void run(std::chrono::milliseconds flush_every);
    void write_all_pending();
    void report_dropped();
    void wake();
    void stop();
    template <class Format> void append(Pending& pending, bool at_once, Format format);

    std::atomic<bool> running{false};
    std::atomic<std::size_t> thread_bytes_max{LogOptions{}.thread_bytes_max};
    std::atomic<std::uint64_t> dropped{0};

    std::mutex configuring;
    std::unique_ptr<std::thread> writer;

    std::mutex all_mutex;
    std::vector<std::shared_ptr<Pending>> all;
    Pending leftovers; // of threads whose own has gone already

    std::mutex sink_mutex;
    std::unique_ptr<Sink> sink;
    std::uint64_t reported = 0;
    Bytes taken;

    std::mutex wake_mutex;
    std::condition_variable wake_up;
    std::condition_variable written;
    std::atomic<bool> woken{false};
    bool stopping = false;
    std::uint64_t flushes_wanted = 0;
    std::uint64_t flushes_done = 0;
};

std::atomic<Level> least_level{Level::info};

Central& central() {
    static Central& only = *std::make_unique<Central>().release();
    return only;
}

// A forked child has no writer; what its parent had pending is the parent's. The order is that in
// which the writer locks.
void before_fork() {
    Central& c = central();
    c.configuring.lock();
    c.sink_mutex.lock();
    c.all_mutex.lock();
    for (auto const& pending : c.all) pending->mutex.lock();
    c.leftovers.mutex.lock();
    c.wake_mutex.lock();
}
void after_fork_in_parent() {
    Central& c = central();
    c.wake_mutex.unlock();
    c.leftovers.mutex.unlock();
    for (auto const& pending : c.all) pending->mutex.unlock();
    c.all_mutex.unlock();
    c.sink_mutex.unlock();
    c.configuring.unlock();
}
void after_fork_in_child() {
    Central& c = central();
    c.running = false;
    static_cast<void>(c.writer.release()); // the thread is not here: nothing to join
    std::construct_at(&c.wake_up);         // nobody waits here, whatever the old one remembers
    std::construct_at(&c.written);
    c.woken = false;
    for (auto const& pending : c.all) pending->bytes.size = 0;
    c.leftovers.bytes.size = 0;
    after_fork_in_parent();
}

Central::Central() {
    sink = std::make_unique<Sink>(LogOptions{});
    pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
}

// Trivial, so that it can still be asked when the thread's other objects have gone.
thread_local bool thread_has_ended = false;

struct ThreadState {
    ThreadState() : pending(std::make_shared<Pending>()) {
        std::lock_guard const lock(central().all_mutex);
        central().all.push_back(pending);
    }
    ~ThreadState() {
        thread_has_ended = true;
        std::lock_guard const lock(pending->mutex);
        pending->finished = true;
    }
    std::shared_ptr<Pending> pending;
    std::unique_ptr<LineText> spare;
};

ThreadState* this_thread() {
    if (thread_has_ended) return nullptr;
    thread_local ThreadState state;
    return &state;
}

Pending& pending_of_this_thread() {
    ThreadState* const mine = this_thread();
    return mine ? *mine->pending : central().leftovers;
}

// `format(char* at)` writes at most line_bytes_max bytes there and returns how many.
template <class Format> void Central::append(Pending& pending, bool at_once, Format format) {
    std::unique_lock lock(pending.mutex);
    // Read under the lock: whoever saw it true is taken by the writer's last round.
    if (running.load(std::memory_order_acquire)) {
        std::size_t const before = pending.bytes.size;
        if (before >= thread_bytes_max.load(std::memory_order_relaxed)) {
            ++pending.dropped;
            return;
        }
        pending.bytes.make_room(line_bytes_max);
        pending.bytes.size += format(pending.bytes.data.get() + before);
        bool const full = before < wake_bytes && pending.bytes.size >= wake_bytes;
        lock.unlock();
        if (full || at_once) wake();
        return;
    }
    lock.unlock();
    std::array<char, line_bytes_max> text;
    std::size_t const size = format(text.data());
    std::lock_guard const sink_lock(sink_mutex);
    sink->write({text.data(), size});
}

void Central::wake() {
    if (woken.exchange(true, std::memory_order_relaxed)) return; // it comes anyway
    std::lock_guard const lock(wake_mutex);
    wake_up.notify_one();
}

void Central::run(std::chrono::milliseconds flush_every) {
    std::unique_lock lock(wake_mutex);
    for (;;) {
        wake_up.wait_for(lock, flush_every, [this] {
            return stopping || flushes_wanted > flushes_done ||
                   woken.load(std::memory_order_relaxed);
        });
        woken.store(false, std::memory_order_relaxed); // before the round: what comes now waits
        bool const last = stopping;
        std::uint64_t const wanted = flushes_wanted;
        lock.unlock();
        write_all_pending();
        lock.lock();
        flushes_done = wanted;
        written.notify_all();
        if (last) return;
    }
}

void Central::write_all_pending() {
    std::vector<std::shared_ptr<Pending>> round;
    {
        std::lock_guard const lock(all_mutex);
        round = all;
    }
    std::lock_guard const sink_lock(sink_mutex);
    std::uint64_t lost_in_buffers = 0;
    auto const take = [&](Pending& pending) {
        {
            std::lock_guard const lock(pending.mutex);
            std::swap(pending.bytes, taken);
            lost_in_buffers += std::exchange(pending.dropped, 0);
        }
        if (taken.size > 0) sink->write(taken.view());
        taken.size = 0;
        if (taken.capacity > 4 * wake_bytes) taken = Bytes{}; // after a flood
    };
    for (auto const& pending : round) take(*pending);
    take(leftovers);
    dropped.fetch_add(lost_in_buffers, std::memory_order_relaxed);
    report_dropped();

    std::lock_guard const lock(all_mutex);
    std::erase_if(all, [](std::shared_ptr<Pending> const& pending) {
        std::lock_guard const pending_lock(pending->mutex);
        return pending->finished && pending->bytes.size == 0 && pending->dropped == 0;
    });
}

// Tries once for every loss; when this line is lost as well, the count says so.
void Central::report_dropped() {
    std::uint64_t const lost = dropped.load(std::memory_order_relaxed) + sink->lost();
    if (lost == reported) return;
    std::array<char, line_bytes_max> text;
    Pen pen(text.data(), text.size());
    begin_line(pen, Level::warn);
    pen.raw(R"(","message":"log lines dropped","lines":)");
    pen.natural(lost - reported);
    pen.raw("}\n");
    sink->write({text.data(), pen.size()});
    reported = dropped.load(std::memory_order_relaxed) + sink->lost();
}

// With `configuring` held.
void Central::stop() {
    if (!writer) return;
    running.store(false, std::memory_order_release);
    {
        std::lock_guard const lock(wake_mutex);
        stopping = true;
        wake_up.notify_one();
    }
    writer->join();
    writer.reset();
    stopping = false;
}

constexpr std::string_view level_names[] = {"debug", "info", "warn", "error", "off"};

} // namespace

bool parse(std::string_view text, Level& out) {
    if (text == "warning") text = "warn";
    for (std::size_t i = 0; i < std::size(level_names); ++i) {
        if (text != level_names[i]) continue;
        out = static_cast<Level>(i);
        return true;
    }
    return false;
}
std::string_view name_of(Level level) { return level_names[static_cast<std::size_t>(level)]; }

void configure(LogOptions options) {
    Central& c = central();
    auto sink = std::make_unique<Sink>(options); // throws before anything has changed
    std::lock_guard const lock(c.configuring);
    c.stop();
    {
        std::lock_guard const sink_lock(c.sink_mutex);
        c.dropped.fetch_add(c.sink->lost(), std::memory_order_relaxed);
        c.sink = std::move(sink);
    }
    c.thread_bytes_max = options.thread_bytes_max;
    least_level = options.level;

    // Signals are for the other threads.
    sigset_t all_signals, before;
    sigfillset(&all_signals);
    pthread_sigmask(SIG_SETMASK, &all_signals, &before);
    c.writer = std::make_unique<std::thread>(
        [&c, every = std::max(options.flush_every, std::chrono::milliseconds(1))] {
            pthread_setname_np(pthread_self(), "haat-log");
            c.run(every);
        });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    c.running.store(true, std::memory_order_release);
}

bool flush(std::chrono::milliseconds patience) {
    Central& c = central();
    if (!c.running.load(std::memory_order_acquire)) return true;
    std::unique_lock lock(c.wake_mutex);
    std::uint64_t const mine = ++c.flushes_wanted;
    c.wake_up.notify_one();
    return c.written.wait_for(lock, patience, [&] { return c.flushes_done >= mine; });
}

void shutdown() {
    Central& c = central();
    std::lock_guard const lock(c.configuring);
    c.stop();
}

std::uint64_t dropped() {
    Central& c = central();
    std::lock_guard const lock(c.sink_mutex);
    return c.dropped.load(std::memory_order_relaxed) + c.sink->lost();
}

bool enabled(Level level) { return level >= least_level.load(std::memory_order_relaxed); }

Line::Line(Level level, std::string_view message) : level_(level), text_(nullptr) {
    if (!enabled(level)) return;
    ThreadState* const mine = this_thread();
    if (mine && mine->spare) {
        text_ = mine->spare.release();
        mine->spare = std::move(text_->next);
        text_->pen = Pen(text_->bytes.data(), text_->bytes.size() - 2);
    } else {
        text_ = std::make_unique<LineText>().release();
    }
    begin_line(text_->pen, level);
    text_->pen.raw(R"(","message":")");
    text_->pen.escaped(message.substr(0, message_bytes_max));
    text_->pen.raw("\"");
}

Line::~Line() {
    if (!text_) return;
    std::unique_ptr<LineText> text(text_);
    std::size_t const size = text->pen.size();
    central().append(pending_of_this_thread(), level_ >= Level::warn, [&](char* at) {
        std::memcpy(at, text->bytes.data(), size);
        at[size] = '}';
        at[size + 1] = '\n';
        return size + 2;
    });
    if (ThreadState* const mine = this_thread()) {
        text->next = std::move(mine->spare);
        mine->spare = std::move(text);
    }
}

// False when the rest of the line is too short for this field: then it is left out.
bool Line::begin(std::string_view name, std::size_t value_room) {
    if (!text_ || text_->pen.room() < 4 + name.size() * 6 + value_room) return false;
    text_->pen.raw(",\"");
    text_->pen.escaped(name);
    text_->pen.raw("\":");
    return true;
}

Line& Line::field(std::string_view name, std::string_view value) {
    if (!begin(name, 16)) return *this;
    // The closing quote always fits: a cut value leaves its last bytes to it.
    Pen& pen = text_->pen;
    pen.raw("\"");
    Pen inner = pen.without(1);
    inner.escaped(sounds_secret(name) ? "[masked]" : value);
    pen.advance_to(inner);
    pen.raw("\"");
    return *this;
}
Line& Line::field(std::string_view name, double value) {
    if (begin(name, 32)) text_->pen.real(value);
    return *this;
}
Line& Line::field(std::string_view name, Uuid const& value) {
    if (!begin(name, 38)) return *this;
    text_->pen.raw("\"");
    text_->pen.uuid(value);
    text_->pen.raw("\"");
    return *this;
}
Line& Line::number(std::string_view name, std::int64_t value) {
    if (begin(name, 24)) text_->pen.number(value);
    return *this;
}
Line& Line::natural(std::string_view name, std::uint64_t value) {
    if (begin(name, 24)) text_->pen.natural(value);
    return *this;
}
Line& Line::truth(std::string_view name, bool value) {
    if (begin(name, 8)) text_->pen.raw(value ? "true" : "false");
    return *this;
}

namespace {

// What of each text may stand in an access line: six times their sum, for escapes, fits a line.
constexpr std::size_t id_bytes_max = 64, method_bytes_max = 16, path_bytes_max = 512,
                      route_bytes_max = 256, address_bytes_max = 64, agent_bytes_max = 256;
static_assert((id_bytes_max + method_bytes_max + path_bytes_max + route_bytes_max +
               address_bytes_max + agent_bytes_max) *
                      6 +
                  512 <
              line_bytes_max);

std::size_t format_request(char* at, RequestLine const& line, Level level) {
    Pen pen(at, line_bytes_max);
    begin_line(pen, level);
    pen.raw(R"(","requestId":")");
    pen.escaped(line.request_id.substr(0, id_bytes_max));
    pen.raw(R"(","method":")");
    pen.escaped(line.method.substr(0, method_bytes_max));
    pen.raw(R"(","path":")");
    pen.escaped(line.path.substr(0, path_bytes_max));
    pen.raw(R"(","route":")");
    pen.escaped(line.route.substr(0, route_bytes_max));
    pen.raw(R"(","status":)");
    pen.number(line.status);
    pen.raw(R"(,"ms":)");
    pen.millis(line.duration);
    pen.raw(R"(,"bytesIn":)");
    pen.natural(line.bytes_in);
    pen.raw(R"(,"bytesOut":)");
    pen.natural(line.bytes_out);
    pen.raw(R"(,"ip":")");
    pen.escaped(line.address.substr(0, address_bytes_max));
    if (!line.user.is_nil()) {
        pen.raw(R"(","userId":")");
        pen.uuid(line.user);
    }
    if (!line.org.is_nil()) {
        pen.raw(R"(","orgId":")");
        pen.uuid(line.org);
    }
    pen.raw(R"(","userAgent":")");
    pen.escaped(line.user_agent.substr(0, agent_bytes_max));
    pen.raw("\"}\n");
    return pen.size();
}

} // namespace

void request(RequestLine const& line) {
    Level const level = line.status >= 500 ? Level::error : Level::info;
    if (!enabled(level)) return;
    central().append(pending_of_this_thread(), false,
                     [&](char* at) { return format_request(at, line, level); });
}

namespace {

// Only what a signal handler may do, but for try_lock, which never waits: a thread that died while
// it was logging keeps its lines.
void write_pending_and_die(int signal) {
    Central& c = central();
    if (c.all_mutex.try_lock()) {
        for (auto const& pending : c.all)
            if (pending->mutex.try_lock()) c.sink->write_dying(pending->bytes.view());
    }
    raise(signal); // SA_RESETHAND: the system's own way now
}

} // namespace

void flush_when_crashing() {
    central();
    struct sigaction action {};
    action.sa_handler = &write_pending_and_die;
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_NODEFER;
    for (int const signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS})
        sigaction(signal, &action, nullptr);
}

} // namespace haat::log
