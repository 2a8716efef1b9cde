// What may go wrong on the way to somebody else's server and back.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace haat::outbound {

enum class ErrorKind : std::uint8_t {
    bad_request,       // ours: a URL or header that cannot be sent
    dns,               // the name leads nowhere
    forbidden_address, // the name leads where a stranger's URL may not
    refused,           // nobody listens there, or no way leads there
    tls,               // their certificate, or no common language
    timeout,           // connecting, silence, or the whole took too long
    closed,            // the connection ended in the middle
    too_large,         // the answer is larger than we take
    breaker_open,      // that host failed again and again; it is left alone for a while
    busy,              // too many requests wait already
    status,            // an answer other than 2xx, where 2xx was asked for
    bad_reply,         // an answer that cannot be read as what was asked for
    stopped            // haat is shutting down
};
std::string_view name_of(ErrorKind);
inline constexpr std::size_t error_kinds = 13;

class Error : public std::exception {
public:
    Error(ErrorKind kind, std::string text) : kind_(kind), text_(std::move(text)) {}

    ErrorKind kind() const { return kind_; }
    /// For the log. Holds the host, never a path, a query, a header's value or a body.
    std::string const& text() const { return text_; }
    char const* what() const noexcept override { return text_.c_str(); }

    /// Whether the same request may succeed at another time.
    bool temporary() const;

    int status = 0;                                  // of an answer, when there was one
    std::string body;                                // its first bytes, as the callers need them
    std::optional<std::chrono::seconds> retry_after; // as the server asked
    bool perhaps_done = false; // it may have arrived: do not repeat what must happen once

private:
    ErrorKind kind_;
    std::string text_;
};

} // namespace haat::outbound
