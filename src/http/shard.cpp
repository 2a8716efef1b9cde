#include <http/shard.hpp>

#include <cerrno>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <http/connection.hpp>
#include <loop/loop.hpp>

namespace haat::http {

namespace {
constexpr auto tick_length = std::chrono::milliseconds(100);
constexpr std::size_t sweep_min = 1'000; // connections looked at in a tick, at least
constexpr int accepts_in_a_turn = 128;
constexpr std::size_t spare_max = 64; // workspaces kept warm
constexpr std::size_t linger_connections_max = 25'000;
} // namespace

std::size_t Seats::Hash::operator()(Address const& address) const {
    return std::hash<std::string_view>{}(
        {reinterpret_cast<char const*>(address.bytes.data()), address.bytes.size()});
}

Seats::Verdict Seats::take(Address const& address, int max, int max_for_address) {
    std::lock_guard const lock(mutex_);
    if (taken_ >= max) return Verdict::full;
    if (max_for_address >= 0) {
        int& here = by_address_[address];
        if (here >= max_for_address) return Verdict::full_for_address;
        ++here;
    }
    ++taken_;
    return Verdict::seated;
}

void Seats::leave(Address const& address, bool counted) {
    std::lock_guard const lock(mutex_);
    --taken_;
    if (!counted) return;
    auto const here = by_address_.find(address);
    if (--here->second == 0) by_address_.erase(here);
}

Seat::Seat(std::shared_ptr<Shard> shard, Address address, bool counted)
    : shard_(std::move(shard)), address_(address), counted_(counted) {
    LoopCounters::add(shard_->counters_.connections_open, 1);
}
Seat::~Seat() {
    if (!shard_) return;
    LoopCounters::add(shard_->counters_.connections_open, -1);
    shard_->shared_->seats.leave(address_, counted_);
    if (shard_->draining_) shard_->check_drained();
}

struct Shard::Listener final : PollSet::Watcher {
    Shard& shard;
    explicit Listener(Shard& owner) : shard(owner) {}
    void ready(std::uint32_t) override { shard.accept_all(); }
};

struct Shard::Timer {
    boost::asio::steady_timer timer;
    explicit Timer(Loop& loop) : timer(loop.context()) {}
};

Shard::Shard(std::shared_ptr<ServerShared> shared, Loop& loop, Service& service, int listening)
    : shared_(std::move(shared)), loop_(loop), service_(service), listening_(listening) {}

Shard::~Shard() {
    if (listening_ >= 0) ::close(listening_);
}

void Shard::start() {
    poll_ = std::make_unique<PollSet>(loop_);
    listener_ = std::make_unique<Listener>(*this);
    timer_ = std::make_unique<Timer>(loop_);
    arm_tick();
    if (listening_ >= 0) poll_->add(listening_, *listener_);
}

namespace {
/// Reachable for ever, so that no leak is reported that is meant.
void give_up(std::shared_ptr<Connection> const& connection) {
    static std::mutex mutex;
    static auto& given_up = *std::make_unique<std::vector<std::shared_ptr<Connection>>>().release();
    std::lock_guard const lock(mutex);
    given_up.push_back(connection);
}
} // namespace

/// When the loop has stopped. Connections whose service still holds their coroutine are given up
/// rather than destroyed: a handle to them may lie in any queue.
void Shard::abandon() {
    timer_.reset();
    for (auto& connection : connections_)
        if (connection->busy()) give_up(connection);
    auto const connections = std::exchange(connections_, {});
    for (auto const& connection : connections)
        if (!connection->busy()) connection->close_now();
    spare_.clear();
    poll_.reset();
}

void Shard::accept_all() {
    for (int i = 0; i < accepts_in_a_turn && listening_ >= 0; ++i) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        int const descriptor = ::accept4(listening_, reinterpret_cast<sockaddr*>(&from), &size,
                                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            admit(descriptor, Address::of(reinterpret_cast<sockaddr const&>(from)));
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        // No descriptors or no memory: those who wait in the backlog wait for the next tick.
        if (errno != EAGAIN && errno != EWOULDBLOCK) accept_paused_ = true;
        return;
    }
    accept_paused_ = true; // more may wait: after the others had their turn
    loop_.post([weak = weak_from_this()] {
        if (auto const shard = weak.lock()) shard->resume_accepting();
    });
}

void Shard::resume_accepting() {
    if (std::exchange(accept_paused_, false) && listening_ >= 0) accept_all();
}

void Shard::admit(int descriptor, Address const& peer) {
    LoopCounters::add(counters_.connections_accepted, 1);
    int const on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool const counted = !shared_->proxies.trusts(peer);
    auto const verdict = shared_->seats.take(peer, options().connections_max,
                                             counted ? options().connections_per_address_max : -1);
    bool const seated = verdict == Seats::Verdict::seated;
    std::optional<Seat> seat;
    if (seated) seat.emplace(shared_from_this(), peer, counted);
    auto const connection = std::make_shared<Connection>(
        shared_from_this(), Wire(descriptor, shared_->tls.get()), peer, std::move(seat));
    try {
        poll_->add(descriptor, *connection);
    } catch (std::system_error const&) {
        return; // no memory in the kernel: the client sees the end of its connection
    }
    connection->place = connections_.size();
    connections_.push_back(connection);
    if (seated && !draining_) {
        connection->start();
        return;
    }
    LoopCounters::add(counters_.connections_refused, 1);
    connection->refuse_at_once(verdict == Seats::Verdict::full ? Trouble::too_many_connections
                               : seated                        ? Trouble::draining
                                                               : Trouble::too_many_from_address);
}

std::unique_ptr<Workspace> Shard::borrow() {
    if (spare_.empty()) return std::make_unique<Workspace>(*this);
    auto workspace = std::move(spare_.back());
    spare_.pop_back();
    return workspace;
}

void Shard::give_back(std::unique_ptr<Workspace> workspace) {
    workspace->clear();
    spare_.push_back(std::move(workspace)); // tick() frees what is too much: this may be its frame
}

void Shard::forget(Connection& connection) {
    std::size_t const place = connection.place;
    if (place >= connections_.size() || connections_[place].get() != &connection) return;
    poll_->bury(std::move(connections_[place]));
    if (place + 1 < connections_.size()) {
        connections_[place] = std::move(connections_.back());
        connections_[place]->place = place;
    }
    connections_.pop_back();
    if (draining_) check_drained();
}

bool Shard::may_linger() const { return connections_.size() < linger_connections_max; }

void Shard::arm_tick() {
    timer_->timer.expires_after(tick_length);
    timer_->timer.async_wait([weak = weak_from_this()](boost::system::error_code const& error) {
        auto const shard = weak.lock();
        if (error || !shard || !shard->timer_) return;
        shard->tick();
        shard->arm_tick();
    });
}

/// Deadlines are looked at now and then instead of setting a timer for every wait: one look at a
/// connection each few ticks costs less than two timer operations a request.
void Shard::tick() {
    resume_accepting();
    while (spare_.size() > spare_max) spare_.pop_back();
    Nanoseconds const now = steady_now();
    std::size_t const most = std::max(sweep_min, connections_.size() / 8);
    for (std::size_t i = 0; i < most && !connections_.empty(); ++i) {
        if (sweep_ >= connections_.size()) {
            sweep_ = 0;
            if (i > 0 && i >= connections_.size()) break; // all of them, once
        }
        auto const connection = connections_[sweep_++];
        connection->check_deadline(now);
    }
}

void Shard::drain(std::function<void()> closed) {
    drained_ = std::move(closed);
    accept_all(); // those who wait in the backlog get an answer rather than a reset
    draining_ = true;
    if (listening_ >= 0) {
        poll_->remove(listening_);
        ::close(std::exchange(listening_, -1));
    }
    auto const connections = connections_;
    for (auto const& connection : connections) connection->drain();
    auto const closers = closers_;
    for (auto const& [id, close] : closers) close();
    check_drained();
}

void Shard::close_all() {
    auto const connections = connections_;
    for (auto const& connection : connections) connection->close_now();
    if (drained_) std::exchange(drained_, nullptr)();
}

void Shard::check_drained() {
    if (!drained_ || !connections_.empty() || !closers_.empty()) return;
    std::exchange(drained_, nullptr)();
}

std::uint64_t Shard::keep_closer(std::function<void()> close) {
    closers_.emplace(++next_closer_, std::move(close));
    return next_closer_;
}
void Shard::drop_closer(std::uint64_t id) {
    closers_.erase(id);
    if (draining_) check_drained();
}

} // namespace haat::http
