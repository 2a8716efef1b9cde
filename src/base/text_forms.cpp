#include <base/text_forms.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

namespace haat {

namespace {

constexpr std::int64_t micros_of_second = 1'000'000;
constexpr std::int64_t micros_of_day = 86'400 * micros_of_second;
constexpr std::int64_t micros_min = -62'135'596'800 * micros_of_second;     // 0001-01-01
constexpr std::int64_t micros_max = 253'402'300'800 * micros_of_second - 1; // end of 9999
constexpr std::int32_t days_min = -719'162;
constexpr std::int32_t days_max = 2'932'896;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Digits with at most `decimals` behind the point, as a count of the smallest unit.
bool parse_fixed(std::string_view text, std::size_t decimals, std::int64_t& out) {
    bool const negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    std::size_t const dot = text.find('.');
    std::string_view const whole = text.substr(0, dot);
    std::string_view const part = dot == text.npos ? std::string_view{} : text.substr(dot + 1);
    if (whole.empty() || part.size() > decimals || (dot != text.npos && part.empty())) return false;
    std::int64_t count = 0;
    auto const push = [&count](char c) {
        return is_digit(c) && !__builtin_mul_overflow(count, 10, &count) &&
               !__builtin_add_overflow(count, c - '0', &count);
    };
    for (char c : whole)
        if (!push(c)) return false;
    for (std::size_t i = 0; i < decimals; ++i)
        if (!push(i < part.size() ? part[i] : '0')) return false;
    out = negative ? -count : count;
    return true;
}

std::uint64_t magnitude(char*& at, std::int64_t value) {
    if (value >= 0) return static_cast<std::uint64_t>(value);
    *at++ = '-';
    return 0 - static_cast<std::uint64_t>(value);
}

char* put_number(char* at, std::uint64_t value) { return std::to_chars(at, at + 20, value).ptr; }

constexpr auto digit_pairs = [] {
    std::array<char, 200> pairs{};
    for (std::size_t i = 0; i < 100; ++i) {
        pairs[2 * i] = static_cast<char>('0' + i / 10);
        pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return pairs;
}();
char* put_two(char* at, unsigned value) {
    std::memcpy(at, digit_pairs.data() + std::size_t{2} * value, 2);
    return at + 2;
}
char* put_three(char* at, unsigned value) {
    *at = static_cast<char>('0' + value / 100);
    return put_two(at + 1, value % 100);
}

/// Takes text from the left, piece by piece.
class Pieces {
public:
    explicit Pieces(std::string_view text) : rest_(text) {}
    bool digits(std::size_t count, unsigned& out) {
        if (rest_.size() < count) return false;
        out = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (!is_digit(rest_[i])) return false;
            out = out * 10 + static_cast<unsigned>(rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return true;
    }
    bool one_of(std::string_view letters, char* which = nullptr) {
        if (rest_.empty() || letters.find(rest_.front()) == letters.npos) return false;
        if (which) *which = rest_.front();
        rest_.remove_prefix(1);
        return true;
    }
    bool at_end() const { return rest_.empty(); }
    bool next_is_digit() const { return !rest_.empty() && is_digit(rest_.front()); }

private:
    std::string_view rest_;
};

bool read_day(Pieces& pieces, std::int32_t& days) {
    unsigned year = 0, month = 0, day = 0;
    if (!pieces.digits(4, year) || !pieces.one_of("-") || !pieces.digits(2, month) ||
        !pieces.one_of("-") || !pieces.digits(2, day) || year == 0)
        return false;
    std::chrono::year_month_day const date{std::chrono::year(static_cast<int>(year)),
                                           std::chrono::month(month), std::chrono::day(day)};
    if (!date.ok()) return false;
    days = static_cast<std::int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
    return true;
}

/// ".123456789" after the seconds; what is finer than a microsecond is cut off.
bool read_fraction(Pieces& pieces, std::int64_t& micros) {
    if (!pieces.one_of(".")) return true;
    if (!pieces.next_is_digit()) return false;
    std::int64_t scale = 100'000;
    for (int count = 0; pieces.next_is_digit(); ++count, scale /= 10) {
        unsigned digit = 0;
        if (count == 9 || !pieces.digits(1, digit)) return false;
        micros += digit * scale;
    }
    return true;
}

bool read_offset(Pieces& pieces, std::int64_t& micros) {
    if (pieces.one_of("Zz")) return true;
    char sign = '+';
    unsigned hours = 0, minutes = 0;
    if (!pieces.one_of("+-", &sign) || !pieces.digits(2, hours) || !pieces.one_of(":") ||
        !pieces.digits(2, minutes) || hours > 23 || minutes > 59)
        return false;
    std::int64_t const offset = (hours * 60 + minutes) * 60 * micros_of_second;
    micros += sign == '+' ? -offset : offset;
    return true;
}

char* write_seconds(char* at, std::int64_t& micros) {
    // Years that RFC 3339 cannot say, PostgreSQL's infinities among them, stop at its ends.
    micros = std::min(std::max(micros, micros_min), micros_max);
    std::int64_t days = micros / micros_of_day;
    micros %= micros_of_day;
    if (micros < 0) {
        micros += micros_of_day;
        --days;
    }
    at = write(at, Date{static_cast<std::int32_t>(days)});
    auto const seconds = static_cast<unsigned>(micros / micros_of_second);
    *at++ = 'T';
    at = put_two(at, seconds / 3600);
    *at++ = ':';
    at = put_two(at, seconds / 60 % 60);
    *at++ = ':';
    at = put_two(at, seconds % 60);
    *at++ = '.';
    micros %= micros_of_second;
    return at;
}

} // namespace

bool parse(std::string_view text, Money& out) { return parse_fixed(text, 2, out.minor); }
bool parse(std::string_view text, Quantity& out) { return parse_fixed(text, 3, out.thousandths); }

bool parse(std::string_view text, Date& out) {
    Pieces pieces(text);
    std::int32_t days = 0;
    if (!read_day(pieces, days) || !pieces.at_end()) return false;
    out.days = days;
    return true;
}

bool parse(std::string_view text, Timestamp& out) {
    Pieces pieces(text);
    std::int32_t days = 0;
    unsigned hour = 0, minute = 0, second = 0;
    if (!read_day(pieces, days) || !pieces.one_of("Tt ") || !pieces.digits(2, hour) ||
        !pieces.one_of(":") || !pieces.digits(2, minute) || !pieces.one_of(":") ||
        !pieces.digits(2, second) || hour > 23 || minute > 59 || second > 59)
        return false;
    std::int64_t micros = days * micros_of_day;
    micros += ((hour * 60 + minute) * 60 + second) * micros_of_second;
    if (!read_fraction(pieces, micros) || !read_offset(pieces, micros) || !pieces.at_end())
        return false;
    if (micros < micros_min || micros > micros_max) return false;
    out.micros = micros;
    return true;
}

char* write(char* at, Money money) {
    std::uint64_t const minor = magnitude(at, money.minor);
    at = put_number(at, minor / 100);
    *at++ = '.';
    return put_two(at, static_cast<unsigned>(minor % 100));
}

char* write(char* at, Quantity quantity) {
    std::uint64_t const thousandths = magnitude(at, quantity.thousandths);
    at = put_number(at, thousandths / 1000);
    auto const part = static_cast<unsigned>(thousandths % 1000);
    if (part == 0) return at;
    *at++ = '.';
    at = put_three(at, part);
    while (at[-1] == '0') --at;
    return at;
}

char* write(char* at, Date date) {
    int const days = std::min(std::max(date.days, days_min), days_max);
    std::chrono::year_month_day const day{std::chrono::sys_days(std::chrono::days(days))};
    auto const year = static_cast<unsigned>(static_cast<int>(day.year()));
    at = put_two(put_two(at, year / 100), year % 100);
    *at++ = '-';
    at = put_two(at, static_cast<unsigned>(day.month()));
    *at++ = '-';
    return put_two(at, static_cast<unsigned>(day.day()));
}

char* write(char* at, Timestamp time) {
    at = write_seconds(at, time.micros);
    at = put_three(at, static_cast<unsigned>(time.micros / 1000));
    *at++ = 'Z';
    return at;
}

char* write_with_micros(char* at, Timestamp time) {
    at = write_seconds(at, time.micros);
    at = put_three(at, static_cast<unsigned>(time.micros / 1000));
    at = put_three(at, static_cast<unsigned>(time.micros % 1000));
    *at++ = 'Z';
    return at;
}

} // namespace haat
