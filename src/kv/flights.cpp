#include <kv/flights.hpp>

#include <vector>

#include <loop/loop.hpp>

namespace haat::kv {

// Belongs to the loop it waits on: only there it is resumed, and only there it goes away.
struct Flights::Board::Waiter {
    Loop& home;
    std::coroutine_handle<> handle;
    Landing landing;
    bool gone = false;
};

struct Flights::Flight {
    std::string key;
    Stamp stamp;
    std::vector<std::shared_ptr<Board::Waiter>> waiters;
};

Flights::Board Flights::board(std::string_view key, Stamp const& stamp) {
    return {*this, key, stamp};
}

std::size_t Flights::flying() const {
    std::lock_guard const lock(mutex_);
    return flights_.size();
}

void Flights::end(std::shared_ptr<Flight> const& flight, Landing const& landing) {
    std::vector<std::shared_ptr<Board::Waiter>> waiters;
    {
        std::lock_guard const lock(mutex_);
        auto const found = flights_.find(flight->key);
        if (found != flights_.end() && found->second == flight) flights_.erase(found);
        waiters = std::move(flight->waiters);
    }
    for (auto& waiter : waiters) {
        Loop& home = waiter->home;
        home.post([waiter = std::move(waiter), landing] {
            if (waiter->gone) return;
            waiter->landing = landing;
            waiter->handle.resume();
        });
    }
}

void Flights::Seat::land(Landing const& landing) {
    if (auto const flight = std::move(flight_)) flights_->end(flight, landing);
}

Flights::Board::~Board() {
    if (waiter_) waiter_->gone = true;
}

bool Flights::Board::await_suspend(std::coroutine_handle<> handle) {
    std::lock_guard const lock(flights_.mutex_);
    auto const found = flights_.flights_.find(std::string(key_));
    if (found != flights_.flights_.end() && found->second->stamp == stamp_ && Loop::inside() &&
        found->second->waiters.size() < waiters_max) {
        waiter_ = std::make_shared<Waiter>(Waiter{Loop::current(), handle, {}, false});
        found->second->waiters.push_back(waiter_);
        return true;
    }
    led_ = std::make_shared<Flight>(Flight{std::string(key_), stamp_, {}});
    // One that is out of date goes on for those who wait for it already.
    flights_.flights_[led_->key] = led_;
    return false;
}

Flights::Board::Boarded Flights::Board::await_resume() {
    if (led_) return {Seat(flights_, std::move(led_)), {}};
    return {Seat(), std::move(waiter_->landing)};
}

} // namespace haat::kv
