// Single flight: of those who want the same value at the same time, one makes it and the others
// wait, whichever loops they are on. A flight that began before a tag was dropped is not joined by
// those who ask after it: they may have made the change, and must see it.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <kv/store.hpp>

namespace haat::kv {

class Flights {
public:
    /// What those who waited get.
    struct Landing {
        bool landed = false; // false: whoever made it went away; try again
        Value value;
        std::exception_ptr error;
    };
    /// The duty to make the value. Let go without land(): those who wait try again.
    class Seat;
    class Board;

    static constexpr std::size_t waiters_max = 10'000; // of one key; more make it for themselves

    /// `co_await`ed: a seat, or what another one's flight brought. `key` and `stamp` are read until
    /// then. May be destroyed while it waits.
    Board board(std::string_view key, Stamp const& stamp);

    std::size_t flying() const;

    /// How often this node dropped anything: what a stamp says while the store is away.
    std::atomic<std::int64_t> drops{0};

private:
    struct Flight;
    void end(std::shared_ptr<Flight> const& flight, Landing const& landing);

    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
};

class Flights::Seat {
public:
    Seat() = default;
    Seat(Flights& flights, std::shared_ptr<Flight> flight)
        : flights_(&flights), flight_(std::move(flight)) {}
    Seat(Seat&& other) noexcept : flights_(other.flights_), flight_(std::move(other.flight_)) {}
    Seat& operator=(Seat&&) = delete;
    ~Seat() { land({}); }

    explicit operator bool() const { return flight_ != nullptr; }
    void land(Landing const& landing);

private:
    Flights* flights_ = nullptr;
    std::shared_ptr<Flight> flight_;
};

class Flights::Board {
public:
    struct Boarded {
        Seat seat; // taken, or there is a landing
        Landing landing;
    };
    struct Waiter;

    Board(Flights& flights, std::string_view key, Stamp const& stamp)
        : flights_(flights), key_(key), stamp_(stamp) {}
    Board(Board const&) = delete;
    ~Board();
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handle);
    Boarded await_resume();

private:
    Flights& flights_;
    std::string_view key_;
    Stamp const& stamp_;
    std::shared_ptr<Flight> led_;
    std::shared_ptr<Waiter> waiter_;
};

} // namespace haat::kv
