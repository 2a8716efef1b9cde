// The bytes before a body: status line, Date, Content-Length, and looking into a handler's headers.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include <http/message.hpp>

namespace haat::http {

/// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", formatted once a second. One for each loop.
class DateLine {
public:
    std::string_view get();

private:
    std::time_t second_ = 0;
    char text_[40] = {};
    std::size_t size_ = 0;
};

enum class Persistence : std::uint8_t { implied, keep_alive, close };

/// The length of a body, for answers that have one.
inline constexpr std::uint64_t no_length = UINT64_MAX; // 204, 304; or up to the end of it all
inline constexpr std::uint64_t chunked_length = UINT64_MAX - 1; // each piece says its own
void append_head(std::string& out, int status, std::string_view head, std::string_view date_line,
                 std::uint64_t length, Persistence);

/// The value of the first line of that name in "Name: value\r\n" lines; nullopt when absent.
std::optional<std::string_view> find_line(std::string_view head, std::string_view name);

/// A compressed form is another representation: its strong ETag would lie about the bytes.
void weaken_etag(std::string& head);

/// "Sun, 06 Nov 1994 08:49:37 GMT", and back (only this form; 0 for anything else).
std::string http_date(std::time_t);
std::time_t from_http_date(std::string_view);

} // namespace haat::http
