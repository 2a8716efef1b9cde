// The structured log: one JSON object a line, or a short coloured form on a terminal.
//
//     log::info("database up").field("connections", 4).field("ms", 1.5);
//
// Each thread appends to its own buffer; one writer thread takes the buffers when they are large,
// after flush_every, and at once after a warning or an error. Lines of one thread stay in order.
// Before configure(), after shutdown() and in a forked child, lines are written at once.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <base/words.hpp>

namespace haat::log {

enum class Level : std::uint8_t { debug, info, warn, error, off };
/// "debug", "info", "warn" (or "warning"), "error", "off"; false for anything else.
bool parse(std::string_view text, Level& out);
std::string_view name_of(Level);

enum class Form : std::uint8_t { automatic, json, coloured };

struct LogOptions {
    Level level = Level::info;
    Form form = Form::automatic; // automatic: coloured when the descriptor is a terminal
    int descriptor = 2;          // -1: files only
    std::string file;            // every line, always JSON; empty: none
    std::string error_file;      // the lines of level error, always JSON; empty: none
    std::uint64_t rotate_bytes = 5 * 1024 * 1024;
    int rotate_files = 5; // app.log, app.log.1 … app.log.4
    std::chrono::milliseconds flush_every{100};
    std::size_t thread_bytes_max = 4 * 1024 * 1024; // above, lines are dropped and counted
};

/// Starts the writer. Throws std::system_error when a file cannot be opened. May be called again.
void configure(LogOptions);

/// Waits until everything logged before is written; false when that took longer.
bool flush(std::chrono::milliseconds patience = std::chrono::seconds(2));

/// Flushes and ends the writer.
void shutdown();

/// On SIGSEGV, SIGABRT and their like, writes what is pending before the process dies. For the
/// program's start; not for a build with sanitizers, which have handlers of their own.
void flush_when_crashing();

/// Lines lost because the writer was stuck or a file refused them.
std::uint64_t dropped();

/// Whether lines of this level are written at all.
bool enabled(Level);

struct LineText;

/// One line; written when the statement ends. Values whose name speaks of a password, token,
/// secret, cookie or authorization are masked. Long values are cut.
class Line {
public:
    Line(Level level, std::string_view message);
    ~Line();
    Line(Line const&) = delete;
    Line& operator=(Line const&) = delete;

    Line& field(std::string_view name, std::string_view value);
    Line& field(std::string_view name, char const* value) {
        return field(name, std::string_view(value));
    }
    Line& field(std::string_view name, std::string const& value) {
        return field(name, std::string_view(value));
    }
    Line& field(std::string_view name, double value);
    template <std::same_as<bool> Bool> Line& field(std::string_view name, Bool value) {
        return truth(name, value);
    }
    template <std::integral Int>
        requires(!std::same_as<Int, bool> && !std::same_as<Int, char>)
    Line& field(std::string_view name, Int value) {
        if constexpr (std::is_signed_v<Int>)
            return number(name, value);
        else
            return natural(name, value);
    }
    Line& field(std::string_view name, Uuid const& value);

private:
    Line& number(std::string_view name, std::int64_t value);
    Line& natural(std::string_view name, std::uint64_t value);
    Line& truth(std::string_view name, bool value);
    bool begin(std::string_view name, std::size_t value_room);

    Level level_;
    LineText* text_; // the thread's, lent; null: this level is not written
};

inline Line debug(std::string_view message) { return {Level::debug, message}; }
inline Line info(std::string_view message) { return {Level::info, message}; }
inline Line warn(std::string_view message) { return {Level::warn, message}; }
inline Line error(std::string_view message) { return {Level::error, message}; }

/// The access line. No query string and no header but the user agent: they may hold secrets. A
/// route whose path holds a token passes the route as the path as well.
struct RequestLine {
    std::string_view request_id;
    std::string_view method;
    std::string_view path;
    std::string_view route; // "/api/v1/brands/{id}"; empty: none matched
    int status = 0;
    std::chrono::nanoseconds duration{};
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::string_view address;
    Uuid user{}; // nil: nobody
    Uuid org{};
    std::string_view user_agent;
};

/// Level info; error from status 500. Does not wake the writer.
void request(RequestLine const&);

} // namespace haat::log
