// One attempt at a time handed to libcurl, and libcurl driven by a loop. Not for modules.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <outbound/client.hpp>

namespace haat::outbound {

/// What a URL says, as libcurl understands it, so that nobody checks one host and asks another.
struct Target {
    std::string url;  // normalized; the host in ASCII
    std::string host; // IPv6 in brackets
    std::uint16_t port = 0;
    bool https = false;
    std::string key() const; // "https://host:port"
};
/// "münchen.example" as "xn--mnchen-3ya.example"; empty when that cannot be.
std::string ascii_host(std::string const& host);
/// Error: bad_request.
Target target_of(std::string_view url);
/// A Location of an answer from there.
Target target_from(Target const& base, std::string_view location);

/// One attempt. What it refers to lives until the attempt is over.
struct Order {
    Target target;
    std::vector<Address> addresses; // all checked; nobody else is connected to
    Reach reach = Reach::world;
    Times times;
    std::size_t body_bytes_max = 0;

    std::string method = {}; // empty: a mail
    std::vector<std::string> headers = {};
    std::string_view body = {};
    Source* source = nullptr;
    std::optional<std::uint64_t> source_size = {};
    Sink* sink = nullptr;
    bool repeatable = false; // libcurl may send it again on a fresh connection

    Submission const* mail = nullptr;
};

struct Outcome {
    std::optional<Error> error;
    std::exception_ptr thrown; // by the source or the sink
    Reply reply;
    std::string last_words; // of a mail server
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
};

struct EngineOptions {
    std::string ca_file = {};
    int idle_connections_max = 64;
};

class Engine {
public:
    Engine(Loop& loop, Guard const& guard, EngineOptions options);
    ~Engine();
    Engine(Engine const&) = delete;

    /// Returns when neither the source nor the sink is in use any more.
    Task<Outcome> run(Order const& order);
    /// Everything that runs ends with `stopped`.
    void stop();

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

} // namespace haat::outbound
