// One libpq connection in pipeline mode on the loop: batches out, answers in, and connecting again
// after every loss. Private to this room, since it needs Asio and libpq.
#pragma once

#include <chrono>
#include <coroutine>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <libpq-fe.h>

#include <pg/connect.hpp>
#include <pg/database.hpp>
#include <pg/mailbox.hpp>
#include <pg/pg.hpp>
#include <pg/statement.hpp>

namespace haat::pg {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class Connection;

/// Statements up to one Sync: they succeed or fail together, and are answered together.
class Batch {
public:
    static constexpr int kept_max = 2;

    /// Its Sync has come; `error` says whether it failed. Nothing refers to it any more.
    virtual void answered() = 0;
    /// The connection is gone; how far the batch came is unknown.
    virtual void lost(std::exception_ptr away) = 0;

    Rows kept[kept_max]; // of the statements that were sent with `keep`
    int kept_count = 0;
    std::optional<DatabaseError> error; // the first; what follows it was skipped
    Connection* connection = nullptr;   // while it is in flight

    void begin_anew() {
        kept_count = 0;
        error.reset();
    }

protected:
    ~Batch() = default;
};

/// Whom a connection belongs to.
class ConnectionHome {
public:
    virtual void came_up(Connection&) = 0;
    virtual void went_down(Connection&, std::string const& why) = 0;
    virtual void could_not_connect(Connection&, std::string const& why) = 0;
    virtual void became_free(Connection&) = 0;
    virtual void heard(std::string_view channel, std::string_view payload) = 0;

protected:
    ~ConnectionHome() = default;
};

enum class Use : std::uint8_t { read, write, slow, listen };

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(Loop& loop, DatabaseOptions const& options, std::shared_ptr<Mailbox> mailbox,
               ConnectionHome& home, Use use);
    ~Connection();

    void open(); // and again after every loss, until close()
    void close();
    void drop(); // close() without telling those who wait
    bool up() const { return state_ == State::up; }
    bool connecting() const { return state_ == State::connecting; }
    Use use() const { return use_; }
    int load() const { return batches_; }
    bool working() const { return batches_ > 0 || copying_; }
    unsigned epoch() const { return epoch_; } // another one: it was lost meanwhile
    bool in_transaction() const;
    PGconn* wire() { return wire_.get(); }

    // ---- a batch: prepare what it needs, execute, sync. Errors of the wire come through lost().
    void prepare(Batch* batch, Statement const& statement);
    void execute(Batch* batch, Statement const& statement, Arguments arguments, bool keep = false);
    void execute(Batch* batch, char const* sql);
    void sync(Batch* batch, milliseconds limit);
    /// Nobody waits for this batch any more; its answers are dropped.
    void forget(Batch& batch);

    /// After exclusive use: stops what runs, rolls back what is open, then home.became_free().
    void clean();
    /// Cancels what runs, as its own error; whoever has the connection keeps it.
    void cancel_running();
    /// The statement's plan no longer fits the schema: it is prepared anew when it is next needed.
    void make_stale(Statement const& statement);
    /// Gives the connection up, as if the server had closed it.
    void lose(std::string const& why);
    /// Loses it when what it works on has taken longer than its limit.
    void expire(Clock::time_point now);

    // ---- without the pipeline, for COPY: nothing else may be in flight
    void leave_pipeline();
    void enter_pipeline();
    struct Readiness {
        Connection& connection;
        bool write;
        bool await_ready() const noexcept { return !connection.up(); }
        void await_suspend(std::coroutine_handle<> waiter) { connection.wait(waiter, write); }
        void await_resume() const;
    };
    /// Throws DatabaseAway when the connection is lost meanwhile, or after `limit`.
    Readiness readable(milliseconds limit);
    Readiness writable(milliseconds limit);

private:
    enum class State : std::uint8_t { closed, down, connecting, up };
    enum class StepKind : std::uint8_t { statement, prepare, sync };
    struct Step {
        StepKind kind;
        bool keep;
        int number; // prepare: the slot; sync: the limit in milliseconds
        Batch* batch;
        char const* label;
    };

    void connected(Connected made);
    void open_later();
    void wait_read();
    void flush();
    void drain();
    void take(PGresult* result);
    void take_error(Step const& step, PGresult* result);
    void take_sync();
    void take_notifications();
    void sent(bool well);
    void go_on_cleaning();
    void wait(std::coroutine_handle<> waiter, bool write);
    void resume_copy();

    Loop& loop_;
    DatabaseOptions const& options_;
    std::shared_ptr<Mailbox> mailbox_;
    ConnectionHome& home_;
    Use use_;
    State state_ = State::closed;
    Wire wire_;
    boost::asio::posix::stream_descriptor descriptor_;
    boost::asio::steady_timer retry_;
    milliseconds backoff_{0};
    unsigned epoch_ = 0; // one more with every connection made or lost

    std::deque<Step> steps_;
    std::vector<std::uint32_t> prepared_; // by slot: the version that is prepared, or 0
    int batches_ = 0;                     // Syncs in flight
    Clock::time_point front_since_;       // since when the server works on the first of them
    int stray_ends_ = 0;                  // NULLs in a row where a Sync was awaited
    bool reading_ = false;
    bool writing_ = false;
    bool broken_ = false;

    std::vector<Batch*>* lost_ = nullptr; // those whom lose() is telling just now

    bool cleaning_ = false;
    bool cancelling_ = false;
    bool rollback_due_ = false;

    bool in_pipeline_ = false;
    std::coroutine_handle<> copying_;
    Clock::time_point copy_deadline_;
};

} // namespace haat::pg
