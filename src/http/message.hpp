// One request and one response, as the server engine and the router see them. No Beast here.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <base/task.hpp>
#include <base/words.hpp>

namespace haat::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };
std::string_view name_of(Method);

struct Header {
    std::string_view name;
    std::string_view value;
};

/// Pulls a body piece by piece, for uploads that must not sit in memory. Empty: the end.
class BodyStream {
public:
    virtual ~BodyStream() = default;
    /// The piece is valid until the next call. Throws BodyError (too large, time-out, gone).
    virtual Task<std::string_view> next() = 0;
};

/// Gives an answer's body piece by piece, for what must not sit in memory. It is asked for the next
/// piece only when the client has taken most of the last one; what it throws cuts the answer off.
class BodySource {
public:
    virtual ~BodySource() = default;
    /// The piece is valid until the next call. Empty: the end.
    virtual Task<std::string_view> next() = 0;
};

/// Valid while it is being answered; the views point into the connection's buffers.
struct Request {
    Method method = Method::other;
    std::string_view method_text;
    std::string_view target;         // as sent, after reduction of the absolute form
    std::string_view path;           // the part before '?', still percent-encoded, encoding checked
    std::string_view query;          // the part after '?', still percent-encoded
    std::span<Header const> headers; // in order, names as sent
    std::string body;                // whole and de-chunked, unless the plan asked for a stream
    BodyStream* stream = nullptr;    // set when the plan asked for one
    std::string_view address;        // the client's, seen through trusted proxies
    std::string_view host;           // likewise
    bool secure = false;             // likewise: https
    bool from_loopback = false;      // the peer itself is local and sent no proxy header at all
    std::chrono::steady_clock::time_point received;
    void const* route = nullptr; // the service's own, to carry what plan() found into answer()

    /// The first header of this name (any case), or empty.
    std::string_view header(std::string_view name) const;
};

/// Bytes that many responses share: a cached body with its compressed forms, made when first asked.
/// Belongs to one loop: give each loop its own.
struct SharedBody {
    std::string plain;
    std::string gzip, brotli, zstd; // empty: not made
};

/// A span of a file on disk, sent without being read into memory at once.
struct FileBody {
    int descriptor = -1; // closed by the engine after sending
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

class WebSocket;

/// What the log and the metrics want to know of an answer.
struct Trace {
    int route = -1; // its number; -1: none matched
    Uuid user;
    Uuid org;
    std::string request_id;
};

struct Response {
    int status = 200;
    std::string head; // "Name: value\r\n" lines; Date, Content-Length, Connection are the engine's
    std::string body;
    std::shared_ptr<SharedBody> shared; // instead of body
    FileBody file;                      // instead of body
    std::shared_ptr<BodySource> source; // instead of body: chunked, never compressed by the engine
    bool compressible = true;           // the engine negotiates gzip, br, zstd for larger bodies
    bool close = false;
    Trace trace;
    /// When set, the connection becomes a WebSocket after a 101 and this task owns it.
    std::function<Task<void>(std::unique_ptr<WebSocket>)> upgrade;

    /// Line breaks and NUL in the value are dropped, so that no value can become a second header.
    void header(std::string_view name, std::string_view value);
    std::uint64_t size() const {
        return shared ? shared->plain.size() : file.descriptor >= 0 ? file.length : body.size();
    }
};

/// "Not Found" for 404; empty for a number that has no name.
std::string_view reason_of(int status);

/// Equal without regard to ASCII case.
bool same_word(std::string_view a, std::string_view b);

} // namespace haat::http
