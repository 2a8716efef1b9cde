#include <pg/pool.hpp>

#include <algorithm>

#include <pg/errors.hpp>

namespace haat::pg {

void Pool::take(PoolWaiter& waiter) {
    if (!free_.empty()) {
        Connection* const connection = free_.back();
        free_.pop_back();
        return waiter.got(*connection);
    }
    if (away_) throw DatabaseAway("the database is away: no connection is up");
    if (waiting_.size() >= queue_max_)
        throw DatabaseAway("too many wait for a database connection", true);
    waiter.waits_until = Clock::now() + acquire_timeout_;
    waiting_.push_back(&waiter);
}

void Pool::leave(PoolWaiter& waiter) { std::erase(waiting_, &waiter); }

void Pool::became_free(Connection& connection) {
    away_ = false;
    if (waiting_.empty()) return free_.push_back(&connection);
    PoolWaiter* const next = waiting_.front();
    waiting_.pop_front();
    next->got(connection);
}

void Pool::went_down(Connection& connection, std::string const& why) {
    std::erase(free_, &connection);
    could_not_connect(why);
}

void Pool::could_not_connect(std::string const& why) {
    away_ = up() == 0;
    if (away_) refuse_all(away(why));
}

void Pool::expire(Clock::time_point now) {
    while (!waiting_.empty() && waiting_.front()->waits_until < now) {
        PoolWaiter* const late = waiting_.front();
        waiting_.pop_front();
        late->refused(overloaded("no database connection became free in time"));
    }
}

void Pool::refuse_all(std::exception_ptr const& why) {
    // Those who queue again while they are refused wait for the next time.
    for (std::size_t left = waiting_.size(); left > 0 && !waiting_.empty(); --left) {
        PoolWaiter* const next = waiting_.front();
        waiting_.pop_front();
        next->refused(why);
    }
}

int Pool::up() const {
    return static_cast<int>(
        std::count_if(all_.begin(), all_.end(), [](auto const& one) { return one->up(); }));
}

bool Pool::idle() const {
    return waiting_.empty() && free_.size() == static_cast<std::size_t>(up());
}

} // namespace haat::pg
