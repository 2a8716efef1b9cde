#include <http/server.hpp>

#include <system_error>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <http/shard.hpp>
#include <loop/loop.hpp>

namespace haat::http {

namespace {

constexpr int backlog = 4096;

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress socket_address(std::string const& text, std::uint16_t port) {
    auto const address = Address::parse(text);
    if (!address)
        throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                                "not an address to listen on: " + text);
    SocketAddress result;
    if (address->is_v4()) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(result.storage);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::copy(address->bytes.begin() + 12, address->bytes.end(),
                  reinterpret_cast<unsigned char*>(&v4.sin_addr));
        result.size = sizeof v4;
    } else {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(result.storage);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::copy(address->bytes.begin(), address->bytes.end(), v6.sin6_addr.s6_addr);
        result.size = sizeof v6;
    }
    return result;
}

int bound_socket(SocketAddress address, bool shared_port, std::string const& name) {
    int const descriptor =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int const on = 1, off = 0;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared_port) ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (address.storage.ss_family == AF_INET6)
        ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (descriptor >= 0 && ::bind(descriptor, address.get(), address.size) == 0) return descriptor;
    int const problem = errno;
    if (descriptor >= 0) ::close(descriptor);
    throw std::system_error(problem, std::generic_category(), "cannot listen on " + name);
}

std::uint16_t port_of(int descriptor) {
    SocketAddress address;
    address.size = sizeof address.storage;
    ::getsockname(descriptor, address.get(), &address.size);
    return ntohs(address.storage.ss_family == AF_INET
                     ? reinterpret_cast<sockaddr_in&>(address.storage).sin_port
                     : reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port);
}

} // namespace

struct Server::Inside {
    std::shared_ptr<ServerShared> shared;
    std::vector<Loop*> loops;
    std::vector<Service*> services;
    std::vector<std::shared_ptr<Shard>> shards;
    std::uint16_t port = 0;
    std::atomic<std::size_t> undrained{0};
    std::unique_ptr<boost::asio::steady_timer> drain_timer;
};

Server::Server(ServerOptions options, std::vector<Loop*> loops, std::vector<Service*> services,
               Workers& workers)
    : inside_(std::make_unique<Inside>()) {
    TrustedProxies proxies(options.trusted_proxies);
    inside_->shared.reset(
        new ServerShared{std::move(options), std::move(proxies), nullptr, workers, {}, {}});
    inside_->loops = std::move(loops);
    inside_->services = std::move(services);
}

Server::~Server() {
    inside_->drain_timer.reset();
    for (auto const& shard : inside_->shards) shard->abandon();
}

void Server::listen() {
    Inside& in = *inside_;
    ServerOptions const& options = in.shared->options;
    if (!options.certificate_file.empty())
        in.shared->tls =
            std::make_unique<TlsContext>(options.certificate_file, options.private_key_file);

    std::string const name = options.address + ":" + std::to_string(options.port);
    // SO_REUSEPORT would let a second server of the same user share the port without a word. A
    // first socket without it fails when anybody has the port.
    SocketAddress const wanted = socket_address(options.address, options.port);
    int const probe = bound_socket(wanted, false, name);
    in.port = port_of(probe);
    ::close(probe);

    std::vector<int> listening;
    try {
        for (std::size_t i = 0; i < in.loops.size(); ++i) {
            listening.push_back(bound_socket(socket_address(options.address, in.port), true, name));
            if (::listen(listening.back(), backlog) != 0)
                throw std::system_error(errno, std::generic_category(), "cannot listen on " + name);
        }
    } catch (...) {
        for (int const descriptor : listening) ::close(descriptor);
        throw;
    }
    for (std::size_t i = 0; i < in.loops.size(); ++i) {
        in.shards.push_back(
            std::make_shared<Shard>(in.shared, *in.loops[i], *in.services[i], listening[i]));
        in.loops[i]->post([shard = in.shards.back()] { shard->start(); });
    }
}

std::uint16_t Server::port() const { return inside_->port; }
bool Server::draining() const { return inside_->shared->draining; }

void Server::drain(std::function<void()> drained) {
    Inside& in = *inside_;
    in.shared->draining = true;
    in.undrained = in.shards.size();
    Loop& first = *in.loops.front();
    auto const finished = [&in, &first, drained = std::move(drained)] {
        if (--in.undrained > 0) return;
        first.post([&in, drained] {
            in.drain_timer.reset();
            drained();
        });
    };
    first.post([&in, &first] {
        in.drain_timer = std::make_unique<boost::asio::steady_timer>(
            first.context(), in.shared->options.drain_timeout);
        in.drain_timer->async_wait([&in](boost::system::error_code const& error) {
            if (error) return;
            for (auto const& shard : in.shards) shard->loop().post([shard] { shard->close_all(); });
        });
    });
    for (auto const& shard : in.shards)
        shard->loop().post([shard, finished] { shard->drain(finished); });
}

ServerCounters Server::counters() const {
    ServerCounters sum;
    for (auto const& shard : inside_->shards) {
        LoopCounters const& c = shard->counters();
        sum.connections_open += c.connections_open.load(std::memory_order_relaxed);
        sum.connections_accepted += c.connections_accepted.load(std::memory_order_relaxed);
        sum.connections_refused += c.connections_refused.load(std::memory_order_relaxed);
        sum.requests_running += c.requests_running.load(std::memory_order_relaxed);
        sum.requests += c.requests.load(std::memory_order_relaxed);
        sum.bytes_in += c.bytes_in.load(std::memory_order_relaxed);
        sum.bytes_out += c.bytes_out.load(std::memory_order_relaxed);
    }
    return sum;
}

} // namespace haat::http
