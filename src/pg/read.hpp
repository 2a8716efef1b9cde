// One read in flight: on a shared connection, in the queue for a slow one, or there.
#pragma once

#include <memory>

#include <pg/connection.hpp>
#include <pg/pool.hpp>
#include <pg/statement.hpp>

namespace haat::pg {

struct Tally;

/// A list's two statements, its page and its total; lives in the frame that waits for them.
struct ListAsk {
    std::shared_ptr<Statement> page;
    std::shared_ptr<Statement> total; // null when it is not asked
    Arguments page_arguments;
    Arguments total_arguments;
    int number = 0; // of the list

    Rows page_rows;
    Rows total_rows;
    std::exception_ptr error;
    Flight* flight = nullptr;
    std::coroutine_handle<> waiter;
};

class Read final : public Batch, public PoolWaiter, public Flight {
public:
    explicit Read(Database::Inside& home) : home_(home) {}
    ~Read();

    /// Goes to the shared connections, or to the slow pool; throws DatabaseAway.
    void start(Pending& pending, Settings const& settings);
    void start(ListAsk& list, Settings const& settings);
    /// It could not be started: forgets whom it was for.
    void give_up();

    void answered() override;
    void lost(std::exception_ptr away) override;
    void got(Connection& connection) override;
    void refused(std::exception_ptr why) override { fail(why); }
    void abandoned() noexcept override;

private:
    void start(Settings const& settings, char const* name, Tally& tally, bool slow);
    void submit();
    void send(Connection& connection, std::string const& timeout_text, milliseconds limit);
    bool try_again();
    void succeed();
    void fail(std::exception_ptr error);
    /// Gives this object back; it must not be touched afterwards.
    void recycle(bool well);

    Database::Inside& home_;
    Pending* pending_ = nullptr; // either this one
    ListAsk* list_ = nullptr;    // or that one
    Settings const* settings_ = nullptr;
    char const* name_ = "";
    Tally* tally_ = nullptr;
    Clock::time_point since_;
    Connection* own_ = nullptr;  // of the slow pool
    Connection* last_ = nullptr; // the one it was sent on
    bool queued_ = false;        // for the slow pool
    bool again_ = false;         // it has been sent a second time
};

} // namespace haat::pg
