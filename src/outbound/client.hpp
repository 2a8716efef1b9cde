// Requests to the world. Everything that calls another's server goes through a Client: time-outs,
// limits, retries where they are safe, a breaker per host, the guard against private addresses.
//
//     Reply const reply = co_await client.send(std::move(request));
//     Rates const rates = co_await client.get_json<Rates>("https://rates.example/today");
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <base/task.hpp>
#include <base/words.hpp>
#include <describe/codec.hpp>
#include <outbound/address.hpp>
#include <outbound/error.hpp>

namespace haat {
class Loop;
}

namespace haat::outbound {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
class Meter;

enum class Method : std::uint8_t { get, head, post, put, patch, remove, options };
std::string_view name_of(Method);

struct Header {
    std::string name;
    std::string value;
};

/// A body in pieces. Each must stay as it is until the next call.
class Source {
public:
    virtual ~Source() = default;
    virtual Task<std::string_view> next() = 0; // empty: the end
    /// Begins again, for a retry; false when that cannot be.
    virtual bool rewind() { return false; }
};

/// Takes the body of a 2xx answer; the server is slowed down until take() has returned. What it
/// throws ends the request and reaches the caller.
class Sink {
public:
    virtual ~Sink() = default;
    virtual Task<void> take(std::string_view piece) = 0;
};

struct Times {
    milliseconds connect = 5s;  // name, TCP and TLS of one attempt
    milliseconds silence = 15s; // of the server: before its first byte and between two
    milliseconds whole = 30s;   // with all waiting and all attempts
};

struct Request {
    Method method = Method::get;
    std::string url; // http or https, without user and password
    std::vector<Header> headers = {};
    std::string body = {};
    Source* source = nullptr; // instead of `body`; alive until send() has returned
    std::optional<std::uint64_t> source_size = {};
    Sink* sink = nullptr;               // instead of Reply::body; alive until send() has returned
    std::string idempotency_key = {};   // sent as Idempotency-Key; makes a POST safe to repeat
    std::string_view purpose = "other"; // for metrics and log: "webhook", "sms"; lives for ever
    Reach reach = Reach::world;
    Times times = {};
    std::size_t body_bytes_max = 8 * 1024 * 1024; // of the answer, uncompressed; of a sink as well
    int attempts_max = 3;                         // 1: never again, however safe
    int redirects_max = 0;    // followed to public addresses only; credentials stay at home
    bool path_secret = false; // the path is a password of a kind: not logged
};

struct Reply {
    int status = 0;
    std::vector<Header> headers;
    std::string body;
    int attempts = 1;
    std::string http_version; // "1.1", "2"

    bool ok() const { return status >= 200 && status < 300; }
    /// Empty when it is not there; any case.
    std::string_view header(std::string_view name) const;
    /// As the server asked: in seconds or as a date.
    std::optional<std::chrono::seconds> retry_after() const;
};

/// One mail for one server; smtp.hpp is the way in.
struct Submission {
    enum class Security : std::uint8_t { starttls, tls, none };
    std::string host;
    std::uint16_t port = 587;
    Security security = Security::starttls;
    std::string user = {}; // empty: no sign-in
    std::string password = {};
    std::string from = {};
    std::vector<std::string> recipients = {};
    std::string message = {}; // with CRLF at the ends of lines
    Times times = {.connect = 10s, .silence = 60s, .whole = 120s};
};

struct Options {
    std::vector<Network> allowed_networks = {}; // reached by strangers' URLs though not public
    std::string ca_file = {};                   // empty: the system's certificates
    int running_max = 256;                      // of this client
    int running_per_host_max = 16;
    int waiting_max = 20'000; // of this client; then `busy`
    int waiting_per_host_max = 2'000;
    int idle_connections_max = 64;
    int breaker_failures = 5;         // in a row; then the host is left alone
    milliseconds breaker_pause = 10s; // doubles each time the probe fails, up to 5 minutes
    milliseconds backoff = 250ms;     // before the second attempt; doubles, with jitter
    milliseconds names_kept = 30s;    // how long an address is believed; 0: asked each time
    Meter* meter = nullptr;           // outlives the client
    /// Instead of the system's resolver, for tests; called on other threads. Throws when there is
    /// nothing under that name.
    std::function<std::vector<Address>(std::string const& host)> lookup = {};
};

/// A POST with a JSON body, to add to before it is sent.
Request json_request(std::string url, std::string body);

/// For one loop; made and used on its thread, or made before the loop runs. When it goes, what
/// still runs ends with `stopped`.
class Client {
public:
    explicit Client(Loop& loop, Options options = {});
    ~Client();
    Client(Client const&) = delete;

    /// Any answer, whatever its status; throws Error when there is none.
    Task<Reply> send(Request request);

    /// Sends and expects 2xx with JSON: throws `status` or `bad_reply` otherwise.
    template <class Answer> Task<Answer> json(Request request) {
        Answer answer{};
        co_await read_json(std::move(request), describe::shape_of<Answer>, &answer);
        co_return answer;
    }
    template <class Answer> Task<Answer> get_json(std::string url) {
        Request request;
        request.url = std::move(url);
        return json<Answer>(std::move(request));
    }
    template <class Answer, class Body> Task<Answer> post_json(std::string url, Body const& body) {
        return json<Answer>(json_request(std::move(url), describe::to_json(body)));
    }

    /// Hands a mail over; gives the server's last words. `status` holds its refusal: 550.
    Task<std::string> submit(Submission const& mail);

    /// Numbers for /metrics and tests.
    struct Load {
        int running = 0;
        int waiting = 0;
        int hosts = 0; // that are remembered
        int open_breakers = 0;
    };
    Load load() const;

private:
    struct Inside;
    Task<void> read_json(Request request, describe::Shape const& shape, void* into);
    std::shared_ptr<Inside> inside_;
};

/// "a=1&b=two%20words"
std::string form_encoded(std::vector<Header> const& fields);
/// Everything but A-Z a-z 0-9 - . _ ~ as %XX.
std::string percent_encoded(std::string_view text);
/// Throws `status` with the first bytes of the answer unless it is 2xx.
void expect_ok(Reply const& reply, std::string_view host);
/// The URL as it may be logged: query values masked, a secret path left out.
std::string masked_url(std::string_view url, bool path_secret);

} // namespace haat::outbound
