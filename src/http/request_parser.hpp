// Bytes to requests, without sockets: the head by Beast's parser under stricter rules, and chunks.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <http/message.hpp>
#include <http/server.hpp>

namespace haat::http {

/// One after another, the requests of one connection. All views point into the given input, which
/// stays where it is from the moment head() is done until reset().
class RequestParser {
public:
    struct Limits {
        std::size_t header_bytes_max = 16 * 1024;
        int header_count_max = 100;
        std::size_t target_bytes_max = 8 * 1024;
    };
    enum class Step : std::uint8_t { need_more, done, trouble };

    explicit RequestParser(Limits);
    ~RequestParser();

    void reset();

    /// `input` begins where the last request ended. Called again with more while it needs more.
    Step head(std::string_view input);
    std::size_t head_size() const; // when done: where the body begins

    /// The next piece of a chunked body; `input` begins where the last call's `consumed` ended.
    struct Piece {
        Step step = Step::need_more;
        std::size_t consumed = 0;
        std::string_view bytes; // may be set along with need_more; empty otherwise
    };
    Piece chunk(std::string_view input);

    Trouble trouble() const; // after Step::trouble

    Request& request();
    struct Framing {
        std::uint64_t content_length = 0;
        bool chunked = false;
        bool expects_continue = false;
        bool version_1_1 = false;
        bool keep_alive = false;
        bool upgrade = false;      // Connection: upgrade and Upgrade: websocket
        bool proxy_header = false; // any header that a proxy adds
        std::string_view accept_encoding;

        bool has_body() const { return chunked || content_length > 0; }
    };
    Framing const& framing() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// '%' is followed by two hex digits and never encodes NUL; no control and no non-ASCII bytes.
bool well_encoded(std::string_view target);

} // namespace haat::http
