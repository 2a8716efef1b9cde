// The HTTP/1.1 engine: listeners, connections, limits, time-outs, TLS, compression, drain.
// It knows nothing of routes; a Service (one per loop) answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <base/task.hpp>
#include <http/message.hpp>

namespace haat {
class Loop;
class Workers;
} // namespace haat

namespace haat::http {

using namespace std::chrono_literals;

/// Every limit has its own clear error; 0 bytes or 0 s is never "without limit".
struct ServerOptions {
    std::string address = "0.0.0.0";
    std::uint16_t port = 8080; // 0: any free port, see Server::port()
    std::string certificate_file;
    std::string private_key_file;
    std::vector<std::string> trusted_proxies; // addresses or CIDR blocks
    std::size_t header_bytes_max = 16 * 1024;
    int header_count_max = 100;
    std::size_t target_bytes_max = 8 * 1024;
    std::chrono::milliseconds header_timeout = 10s; // from the first byte; TLS handshake too
    /// Waiting for a body or for a reader may take this long in all, and a second more for every
    /// 4 KB that went through: a slow line is served, a trickle is not.
    std::chrono::milliseconds body_timeout = 30s;
    std::chrono::milliseconds write_timeout = 30s;
    std::chrono::milliseconds idle_timeout = 75s;
    int connections_per_address_max = 1'000; // trusted proxies are not counted
    int connections_max = 20'000;
    std::size_t compress_bytes_min = 1'024;
    std::chrono::milliseconds drain_timeout = 30s;
};

/// What the engine found wrong before a route was asked.
enum class Trouble : std::uint8_t {
    bad_request,             // 400: not HTTP, bad framing, bad encoding
    target_too_long,         // 414
    headers_too_large,       // 431
    too_many_headers,        // 431
    body_too_large,          // 413
    header_timeout,          // 408
    body_timeout,            // 408
    too_many_connections,    // 503, over all
    too_many_from_address,   // 429
    unsupported_expectation, // 417
    unsupported_transfer,    // 501: a transfer coding other than chunked
    unsupported_version,     // 505
    draining,                // 503
    failed,                  // 500: the service threw; the text is in the log only
};

/// Thrown out of BodyStream::next().
struct BodyError : std::exception {
    Trouble trouble;
    explicit BodyError(Trouble t) : trouble(t) {}
    char const* what() const noexcept override { return "the request body could not be read"; }
};

struct Exchange {
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::chrono::nanoseconds duration{};
};

class Service {
public:
    virtual ~Service() = default;

    /// Asked when the head is complete and a body follows, before it is read.
    struct Plan {
        std::size_t body_bytes_max = 0;
        bool stream = false;
    };
    virtual Plan plan(Request const& head) = 0;

    virtual Task<Response> answer(Request& request) = 0;

    /// The body of an error that the engine found; `request` may be only partly filled.
    virtual Response refuse(Request const& request, Trouble trouble) = 0;

    /// After the response was handed to the kernel, or to the connection's buffer when more
    /// requests wait behind it, or the client went away.
    virtual void finished(Request const&, Response const&, Exchange const&) {}

    /// An exception came out of plan() or answer(); refuse(failed) is asked for next.
    virtual void broke(Request const&, std::exception_ptr) {}
};

/// Counters for /metrics: each loop writes its own, counters() adds them up.
struct ServerCounters {
    std::int64_t connections_open = 0;
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;
    std::int64_t requests_running = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
};

/// Listens once per loop with SO_REUSEPORT. services[i] answers on loops[i].
/// Destroyed only when its loops have stopped; the loops themselves outlive it.
class Server {
public:
    Server(ServerOptions, std::vector<Loop*> loops, std::vector<Service*> services, Workers&);
    ~Server();

    /// Throws std::system_error when the port is taken or the certificate cannot be read.
    void listen();
    std::uint16_t port() const;

    /// Stops accepting, lets running requests finish within drain_timeout, closes idle connections
    /// at once; then calls `drained` on the first loop. May be called from any thread, once.
    void drain(std::function<void()> drained);
    bool draining() const;

    ServerCounters counters() const; // from any thread

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::http
