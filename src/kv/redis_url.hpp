// Where a Redis is and as whom to speak to it: redis://[user][:password]@host[:port][/db],
// rediss:// for TLS, unix:///path/of.sock[?db=1] for a socket of this machine.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace haat::kv {

struct RedisAddress {
    bool tls = false;
    std::string host = "127.0.0.1";
    std::uint16_t port = 6379;
    std::string socket; // a path; then host and port do not count
    std::string user;
    std::string password;
    int database = 0;

    /// Without user and password: "redis.shop.internal:6379", for logs and errors.
    std::string name() const;
};

/// Its sentence is "cause; cure" and holds no secret.
struct RedisUrlError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws RedisUrlError.
RedisAddress parse_redis_url(std::string_view url);

} // namespace haat::kv
