#include <telemetry/log_text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

namespace haat::log {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

// "000102…ff": a byte's two digits in one step.
constexpr std::array<char, 512> hex_pairs = [] {
    std::array<char, 512> pairs{};
    for (std::size_t i = 0; i < 256; ++i) {
        pairs[i * 2] = hex_digits[i >> 4];
        pairs[i * 2 + 1] = hex_digits[i & 15];
    }
    return pairs;
}();

constexpr std::uint64_t every_byte(unsigned char byte) { return 0x0101010101010101U * byte; }

// Whether all eight bytes are ASCII that JSON takes as it is: no control, no '"', no '\\'.
bool all_plain(std::uint64_t eight) {
    constexpr std::uint64_t high = every_byte(0x80);
    auto const has_zero = [](std::uint64_t v) { return (v - every_byte(1)) & ~v & high; };
    std::uint64_t const bad = (eight & high) | ((eight - every_byte(0x20)) & ~eight & high) |
                              has_zero(eight ^ every_byte('"')) |
                              has_zero(eight ^ every_byte('\\')) |
                              has_zero(eight ^ every_byte(0x7f));
    return bad == 0;
}

bool plain(unsigned char byte) {
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

// The length of the UTF-8 character at the start of `text`; 0 when it is none.
std::size_t utf8_length(std::string_view text) {
    auto const byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    auto const tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    unsigned const first = byte(0);
    if (first >= 0xc2 && first < 0xe0) return tail(1) ? 2 : 0;
    if (first >= 0xe0 && first < 0xf0) {
        bool const overlong = first == 0xe0 && byte(1) < 0xa0;
        bool const surrogate = first == 0xed && byte(1) >= 0xa0;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xf0 && first < 0xf5) {
        bool const overlong = first == 0xf0 && byte(1) < 0x90;
        bool const beyond = first == 0xf4 && byte(1) >= 0x90;
        return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

void two_digits(char* at, int value) {
    at[0] = static_cast<char>('0' + value / 10);
    at[1] = static_cast<char>('0' + value % 10);
}

// "2026-11-21T11:52:32", made once a second.
struct SecondText {
    std::time_t second = -1;
    std::array<char, 19> text{};

    void set(std::time_t now) {
        second = now;
        std::tm parts{};
        gmtime_r(&now, &parts);
        int const year = parts.tm_year + 1900;
        std::memcpy(text.data(), "0000-00-00T00:00:00", text.size());
        two_digits(&text[0], year / 100);
        two_digits(&text[2], year % 100);
        two_digits(&text[5], parts.tm_mon + 1);
        two_digits(&text[8], parts.tm_mday);
        two_digits(&text[11], parts.tm_hour);
        two_digits(&text[14], parts.tm_min);
        two_digits(&text[17], parts.tm_sec);
    }
};
thread_local SecondText second_text;

} // namespace

void Pen::escaped(std::string_view text) {
    if (text.size() > value_bytes_max) text = text.substr(0, value_bytes_max);
    while (!text.empty()) {
        while (text.size() >= 8 && room() >= 8) {
            std::uint64_t eight = 0;
            std::memcpy(&eight, text.data(), 8);
            if (!all_plain(eight)) break;
            std::memcpy(at_, &eight, 8);
            at_ += 8;
            text.remove_prefix(8);
        }
        std::size_t run = 0;
        std::size_t const most = std::min(text.size(), room());
        while (run < most && plain(static_cast<unsigned char>(text[run]))) ++run;
        raw(text.substr(0, run));
        text.remove_prefix(run);
        if (text.empty() || room() < 6) return;
        text.remove_prefix(escape_one(text));
    }
}

// What cannot stand as it is. Control characters of the C1 set too: a terminal obeys them.
std::size_t Pen::escape_one(std::string_view rest) {
    auto const byte = static_cast<unsigned char>(rest.front());
    if (byte < 0x80) {
        switch (byte) {
        case '"': raw("\\\""); break;
        case '\\': raw("\\\\"); break;
        case '\n': raw("\\n"); break;
        case '\r': raw("\\r"); break;
        case '\t': raw("\\t"); break;
        default:
            char const code[] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 15]};
            raw({code, sizeof code});
        }
        return 1;
    }
    std::size_t const length = utf8_length(rest);
    if (length == 0) {
        raw("\\ufffd");
        return 1;
    }
    if (byte == 0xc2 && static_cast<unsigned char>(rest[1]) < 0xa0) {
        auto const second = static_cast<unsigned char>(rest[1]);
        char const code[] = {'\\', 'u', '0', '0', hex_digits[second >> 4], hex_digits[second & 15]};
        raw({code, sizeof code});
    } else {
        raw(rest.substr(0, length));
    }
    return length;
}

void Pen::number(std::int64_t value) {
    auto const [end, error] = std::to_chars(at_, end_, value);
    if (error == std::errc{}) at_ = end;
}
void Pen::natural(std::uint64_t value) {
    auto const [end, error] = std::to_chars(at_, end_, value);
    if (error == std::errc{}) at_ = end;
}
void Pen::real(double value) {
    if (!std::isfinite(value)) return raw("null");
    auto const [end, error] = std::to_chars(at_, end_, value);
    if (error == std::errc{}) at_ = end;
}

void Pen::uuid(Uuid const& value) {
    if (room() < 36) return;
    char* at = at_;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        std::memcpy(at, &hex_pairs[value.bytes[i] * 2U], 2);
        at += 2;
    }
    at_ = at;
}

void Pen::time_now() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != second_text.second) second_text.set(now.tv_sec);
    raw({second_text.text.data(), second_text.text.size()});
    int const millis = static_cast<int>(now.tv_nsec / 1'000'000);
    char const rest[] = {'.', static_cast<char>('0' + millis / 100),
                         static_cast<char>('0' + millis / 10 % 10),
                         static_cast<char>('0' + millis % 10), 'Z'};
    raw({rest, sizeof rest});
}

void Pen::millis(std::chrono::nanoseconds duration) {
    auto const micros = std::max<std::int64_t>(duration.count() / 1'000, 0);
    number(micros / 1'000);
    auto const rest = static_cast<int>(micros % 1'000);
    char const decimals[] = {'.', static_cast<char>('0' + rest / 100),
                             static_cast<char>('0' + rest / 10 % 10),
                             static_cast<char>('0' + rest % 10)};
    raw({decimals, sizeof decimals});
}

void begin_line(Pen& pen, Level level) {
    pen.raw(R"({"time":")");
    pen.time_now();
    pen.raw(R"(","level":")");
    pen.raw(name_of(level));
}

bool sounds_secret(std::string_view name) {
    static constexpr std::array<std::string_view, 7> words{
        "password", "token", "secret", "authorization", "cookie", "otp", "apikey"};
    std::array<char, 64> bare{}; // "X-Api-Key" as "xapikey"
    std::size_t size = 0;
    for (char const c : name.substr(0, bare.size()))
        if (c != '-' && c != '_')
            bare[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
    std::string_view const text(bare.data(), size);
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return text.find(word) != std::string_view::npos;
    });
}

namespace {

// Reads the flat objects that are written here, and nothing else.
class Fields {
public:
    explicit Fields(std::string_view line) : rest_(line) {
        if (!rest_.empty()) rest_.remove_prefix(1); // '{'
    }
    bool next(std::string_view& name, std::string_view& value) {
        if (rest_.empty() || rest_.front() != '"') return false;
        name = quoted();
        if (rest_.empty()) return false;
        rest_.remove_prefix(1); // ':'
        if (!rest_.empty() && rest_.front() == '"') {
            value = quoted();
        } else {
            value = rest_.substr(0, rest_.find_first_of(",}"));
            rest_.remove_prefix(value.size());
        }
        if (!rest_.empty()) rest_.remove_prefix(1); // ',' or '}'
        return true;
    }

private:
    std::string_view quoted() {
        std::size_t end = 1;
        while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
        std::string_view const found = rest_.substr(1, end - 1);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return found;
    }
    std::string_view rest_;
};

constexpr std::string_view dim = "\x1b[2m", plain_text = "\x1b[0m", red = "\x1b[31m",
                           green = "\x1b[32m", yellow = "\x1b[33m", cyan = "\x1b[36m";

std::string_view colour_of_level(std::string_view level) {
    if (level == "error") return red;
    if (level == "warn") return yellow;
    return level == "info" ? green : dim;
}

std::string_view colour_of_status(std::string_view status) {
    switch (status.empty() ? '0' : status.front()) {
    case '2': return green;
    case '3': return cyan;
    case '4': return yellow;
    default: return red;
    }
}

void append_time(std::string& out, std::string_view time) {
    out.append(dim).append(time.size() == 24 ? time.substr(11, 12) : time).append(plain_text);
}

// 11:52:32.123 200 GET /api/v1/brands 1.234 ms
void append_request(std::string& out, std::string_view line) {
    std::string_view name, value, time, method, path, status, millis;
    for (Fields fields(line); fields.next(name, value);) {
        if (name == "time")
            time = value;
        else if (name == "method")
            method = value;
        else if (name == "path")
            path = value;
        else if (name == "status")
            status = value;
        else if (name == "ms")
            millis = value;
    }
    append_time(out, time);
    out.append(" ").append(colour_of_status(status)).append(status).append(plain_text);
    out.append(" ").append(method).append(" ").append(path).append(" ");
    out.append(dim).append(millis).append(" ms").append(plain_text).append("\n");
}

} // namespace

void append_coloured(std::string& out, std::string_view line) {
    // A line without a message is the access line.
    std::size_t const after_level = line.find('"', level_offset);
    if (line.substr(std::min(line.size(), after_level)).starts_with(R"(","requestId")"))
        return append_request(out, line);

    std::string_view name, value;
    for (Fields fields(line); fields.next(name, value);) {
        if (name == "time") {
            append_time(out, value);
        } else if (name == "level") {
            out.append(" ").append(colour_of_level(value)).append(value).append(plain_text);
            out.append(6 - std::min<std::size_t>(value.size(), 5), ' ');
        } else if (name == "message") {
            out.append(value);
        } else {
            out.append(" ").append(dim).append(name).append("=").append(plain_text).append(value);
        }
    }
    out.append("\n");
}

} // namespace haat::log
