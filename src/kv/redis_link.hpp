// One connection to Redis on a loop: commands out in the order they are written, answers in, and
// connecting again after every loss. Commands of one turn of the loop travel together. Private to
// this room, since it needs Asio and hiredis.
#pragma once

#include <atomic>
#include <coroutine>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include <kv/redis.hpp>
#include <kv/redis_wire.hpp>
#include <loop/loop.hpp>

namespace haat::kv {

using Clock = std::chrono::steady_clock;

class Asked;

class RedisLink : public std::enable_shared_from_this<RedisLink> {
public:
    RedisLink(Loop& loop, RedisOptions const& options, RedisAddress address);
    ~RedisLink();

    void open(); // and again after every loss, until close()
    void close();

    /// Whether a command would be sent. False also when too much waits already.
    bool takes() const;
    /// A command of so many words is written to what goes out next. Only while takes(), and
    /// followed at once by an Asked.
    Command write(std::size_t words);

    bool up() const { return up_.load(std::memory_order_acquire); }
    std::string trouble() const;
    std::uint64_t reconnects() const { return reconnects_.load(std::memory_order_relaxed); }
    metrics::Histogram const& latency() const { return latency_; }

    /// Called when it is up, before anybody else may write.
    std::function<void()> on_up;

private:
    friend class Asked;
    struct Waiting {
        Asked* waiter; // null: gone
        Clock::time_point since;
    };

    void expect(Asked* waiter);
    void forget(Asked const* waiter);
    void wired(std::shared_ptr<Wire> const& wire, std::string const& trouble);
    void greet();
    void take_greeting(Answer answer);
    void read_more();
    void received(std::size_t size);
    bool take(Answer answer);
    void flush();
    void watch();
    Clock::time_point late_at() const;
    void lose(std::string const& why);
    void open_later();
    void say(std::string const& trouble);

    Loop& loop_;
    RedisOptions const& options_;
    RedisAddress address_;
    boost::asio::steady_timer retry_;
    boost::asio::steady_timer deadline_;
    milliseconds backoff_{0};
    bool wanted_ = false;

    std::shared_ptr<Wire> wire_; // another one: it was lost meanwhile
    AnswerReader reader_;
    std::vector<char> input_;
    std::string out_;     // gathers
    std::string sending_; // on its way
    bool writing_ = false;
    bool flushing_ = false; // a flush is posted
    bool watching_ = false;
    bool suspected_ = false;     // late once already; its answer may lie in the socket unread
    Clock::time_point turn_;     // when this turn's first command was written
    Clock::time_point answered_; // when the last answers came
    std::size_t greetings_due_ = 0;
    std::deque<Waiting> waiting_;

    std::atomic<bool> up_{false};
    std::atomic<std::uint64_t> reconnects_{0};
    std::uint64_t connections_ = 0;
    metrics::Histogram latency_;
    mutable std::mutex mutex_;
    std::string trouble_ = "not connected yet";
};

/// The answer to the command that was written just before. May be destroyed while it waits.
class Asked {
public:
    explicit Asked(RedisLink& link) : link_(link) { link.expect(this); }
    ~Asked() {
        if (!done_) link_.forget(this);
    }
    Asked(Asked const&) = delete;

    bool await_ready() const noexcept { return done_; }
    void await_suspend(std::coroutine_handle<> handle) { handle_ = handle; }
    /// Null: the connection was lost, or no answer came in time.
    Answer await_resume() noexcept { return std::move(answer_); }

private:
    friend class RedisLink;
    void finish(Answer answer);

    RedisLink& link_; // told everybody before it goes
    Answer answer_;
    std::coroutine_handle<> handle_;
    bool done_ = false;
};

} // namespace haat::kv
