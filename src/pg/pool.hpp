// Connections that one transaction or slow query has for itself, and the queue for them.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include <pg/connection.hpp>

namespace haat::pg {

/// Waits for a connection of its own.
class PoolWaiter {
public:
    virtual void got(Connection& connection) = 0;
    virtual void refused(std::exception_ptr why) = 0;
    Clock::time_point waits_until;

protected:
    ~PoolWaiter() = default;
};

class Pool {
public:
    Pool(std::size_t queue_max, milliseconds acquire_timeout)
        : queue_max_(queue_max), acquire_timeout_(acquire_timeout) {}

    void add(std::shared_ptr<Connection> connection) { all_.push_back(std::move(connection)); }
    std::vector<std::shared_ptr<Connection>> const& all() const { return all_; }

    /// Calls got() at once, or later, or refused(). Throws DatabaseAway when the queue is full or
    /// no connection is up.
    void take(PoolWaiter& waiter);
    /// The waiter goes away.
    void leave(PoolWaiter& waiter);

    void became_free(Connection& connection);
    void went_down(Connection& connection, std::string const& why);
    void could_not_connect(std::string const& why);
    /// Refuses those who have waited too long.
    void expire(Clock::time_point now);
    void refuse_all(std::exception_ptr const& why);

    int up() const;
    std::size_t waiting() const { return waiting_.size(); }
    bool idle() const;

private:
    std::size_t queue_max_;
    milliseconds acquire_timeout_;
    std::vector<std::shared_ptr<Connection>> all_;
    std::vector<Connection*> free_; // the last one used is the next one taken: it is warm
    std::deque<PoolWaiter*> waiting_;
    bool away_ = false; // as opposed to: is just being connected for the first time
};

} // namespace haat::pg
