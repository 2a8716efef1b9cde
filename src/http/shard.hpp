// One loop's share of the server: its listener, its connections, their clock and their workspaces.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include <http/poll_set.hpp>
#include <http/proxy.hpp>
#include <http/response_head.hpp>
#include <http/server.hpp>
#include <http/wire.hpp>

namespace haat::http {

class Connection;
class Shard;
struct Workspace;

using Nanoseconds = std::int64_t; // of the steady clock
inline Nanoseconds steady_now() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

/// Connections counted over all loops; touched only when one is accepted or closed.
class Seats {
public:
    enum class Verdict : std::uint8_t { seated, full, full_for_address };
    /// A negative limit for the address: it is not counted.
    Verdict take(Address const&, int max, int max_for_address);
    void leave(Address const&, bool counted);

private:
    struct Hash {
        std::size_t operator()(Address const& address) const;
    };
    std::mutex mutex_;
    int taken_ = 0;
    std::unordered_map<Address, int, Hash> by_address_;
};

/// What all shards of a server have in common; constant while it runs, apart from the seats.
struct ServerShared {
    ServerOptions options;
    TrustedProxies proxies;
    std::unique_ptr<TlsContext> tls;
    Workers& workers;
    Seats seats;
    std::atomic<bool> draining{false};
};

/// Written by one loop only: a plain load and store, no locked instruction.
struct alignas(64) LoopCounters {
    std::atomic<std::int64_t> connections_open{0}, requests_running{0};
    std::atomic<std::uint64_t> connections_accepted{0}, connections_refused{0}, requests{0},
        bytes_in{0}, bytes_out{0};

    template <class T> static void add(std::atomic<T>& counter, std::type_identity_t<T> by) {
        counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
};

/// The place of a connection among those that are counted; a WebSocket takes it along.
class Seat {
public:
    Seat(std::shared_ptr<Shard> shard, Address address, bool counted);
    Seat(Seat&&) = default;
    Seat& operator=(Seat&&) = delete;
    ~Seat();

private:
    std::shared_ptr<Shard> shard_;
    Address address_;
    bool counted_;
};

class Shard final : public std::enable_shared_from_this<Shard> {
public:
    Shard(std::shared_ptr<ServerShared>, Loop&, Service&, int listening_descriptor);
    ~Shard();

    void start();                             // on the loop
    void drain(std::function<void()> closed); // on the loop; `closed` once, when none is left
    void close_all();                         // on the loop: the drain took too long
    void abandon();                           // the loop has stopped

    // For connections.
    Service& service() { return service_; }
    Loop& loop() { return loop_; }
    ServerShared& shared() { return *shared_; }
    ServerOptions const& options() const { return shared_->options; }
    PollSet& poll() { return *poll_; }
    LoopCounters& counters() { return counters_; }
    DateLine& date() { return date_; }
    bool draining() const { return draining_; }

    std::unique_ptr<Workspace> borrow();
    void give_back(std::unique_ptr<Workspace>);
    void forget(Connection&); // it has closed; it lives until the end of this turn
    bool may_linger() const;  // a flood of refused clients must not hold descriptors

    /// Sockets that left HTTP are told of the drain by their own word.
    std::uint64_t keep_closer(std::function<void()> close);
    void drop_closer(std::uint64_t id);

private:
    struct Listener;
    void accept_all();
    void resume_accepting();
    void admit(int descriptor, Address const& peer);
    void tick();
    void arm_tick();
    void check_drained();

    std::shared_ptr<ServerShared> shared_;
    Loop& loop_;
    Service& service_;
    std::unique_ptr<PollSet> poll_;
    LoopCounters counters_;
    DateLine date_;
    std::vector<std::shared_ptr<Connection>> connections_;
    std::size_t sweep_ = 0; // the next connection whose deadline is looked at
    std::vector<std::unique_ptr<Workspace>> spare_;
    std::unordered_map<std::uint64_t, std::function<void()>> closers_;
    std::uint64_t next_closer_ = 0;
    std::function<void()> drained_;
    bool draining_ = false;
    int listening_;
    bool accept_paused_ = false;
    struct Timer;
    std::unique_ptr<Listener> listener_;
    std::unique_ptr<Timer> timer_;
    friend class Seat;
};

} // namespace haat::http
