// How a line of the log is written down: JSON straight into bytes, and its form for a terminal.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <base/words.hpp>
#include <telemetry/log.hpp>

namespace haat::log {

inline constexpr std::size_t line_bytes_max = 8 * 1024;
inline constexpr std::size_t value_bytes_max = 4 * 1024; // of a text, before escaping

/// Every line begins `{"time":"2026-11-21T11:52:32.123Z","level":"`: its level stands here.
inline constexpr std::size_t level_offset = 44;

/// Writes into bytes that somebody else owns. Of a text that does not fit, the end is cut; the
/// callers see to it that what must be there fits.
class Pen {
public:
    Pen(char* begin, std::size_t room) : begin_(begin), at_(begin), end_(begin + room) {}

    void raw(std::string_view text) {
        if (text.size() > room()) return;
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }
    void escaped(std::string_view text);
    void number(std::int64_t value);
    void natural(std::uint64_t value);
    void real(double value);
    void uuid(Uuid const& value);
    void time_now();
    /// As milliseconds with three decimals.
    void millis(std::chrono::nanoseconds duration);

    /// The same pen with less room; what it wrote counts after advance_to().
    Pen without(std::size_t bytes) const {
        Pen shorter = *this;
        shorter.end_ -= std::min(bytes, room());
        return shorter;
    }
    void advance_to(Pen const& other) { at_ = other.at_; }

    std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
    std::size_t room() const { return static_cast<std::size_t>(end_ - at_); }

private:
    std::size_t escape_one(std::string_view rest);
    char* begin_;
    char* at_;
    char* end_;
};

/// The start of every line, up to and with the level.
void begin_line(Pen& pen, Level level);

/// One line of our own JSON (without its line break), short and in colours, with a line break.
void append_coloured(std::string& out, std::string_view line);

/// Whether a field's name says that its value must not be seen.
bool sounds_secret(std::string_view name);

} // namespace haat::log
