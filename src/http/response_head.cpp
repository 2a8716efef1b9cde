#include <http/response_head.hpp>

#include <charconv>
#include <cstring>

namespace haat::http {

namespace {

constexpr char days[] = "SunMonTueWedThuFriSat";
constexpr char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void append_number(std::string& out, std::uint64_t number) {
    char digits[20];
    auto const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

void append_status(std::string& out, int status) {
    if (status == 200) {
        out.append("HTTP/1.1 200 OK\r\n");
        return;
    }
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::uint64_t>(status));
    out.append(" ").append(reason_of(status)).append("\r\n");
}

} // namespace

std::string http_date(std::time_t when) {
    // By hand: strftime would follow the locale.
    std::tm t{};
    ::gmtime_r(&when, &t);
    auto const two = [](std::string& out, int number) {
        out.push_back(static_cast<char>('0' + number / 10));
        out.push_back(static_cast<char>('0' + number % 10));
    };
    std::string out(days + t.tm_wday * 3, 3);
    out.append(", ");
    two(out, t.tm_mday);
    out.append(" ").append(months + t.tm_mon * 3, 3).append(" ");
    append_number(out, 1900u + static_cast<std::uint64_t>(t.tm_year));
    out.append(" ");
    two(out, t.tm_hour);
    out.append(":");
    two(out, t.tm_min);
    out.append(":");
    two(out, t.tm_sec);
    return out.append(" GMT");
}

std::time_t from_http_date(std::string_view text) {
    if (text.size() != 29) return 0;
    auto const number = [&](std::size_t at, std::size_t size) {
        int value = -1;
        std::from_chars(text.data() + at, text.data() + at + size, value);
        return value;
    };
    std::tm t{};
    std::string_view const month = text.substr(8, 3);
    auto const at = std::string_view(months).find(month);
    if (at == std::string_view::npos || at % 3 != 0) return 0;
    t.tm_mon = static_cast<int>(at / 3);
    t.tm_mday = number(5, 2);
    t.tm_year = number(12, 4) - 1900;
    t.tm_hour = number(17, 2);
    t.tm_min = number(20, 2);
    t.tm_sec = number(23, 2);
    std::time_t const when = ::timegm(&t);
    return http_date(when) == text ? when : 0; // whatever was nonsense does not come back the same
}

std::string_view DateLine::get() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != second_) {
        second_ = now.tv_sec;
        std::string const line = "Date: " + http_date(second_) + "\r\n";
        size_ = line.copy(text_, sizeof text_);
    }
    return {text_, size_};
}

void append_head(std::string& out, int status, std::string_view head, std::string_view date_line,
                 std::uint64_t length, Persistence persistence) {
    append_status(out, status);
    out.append(head).append(date_line);
    if (length == chunked_length) {
        out.append("Transfer-Encoding: chunked\r\n");
    } else if (length != no_length) {
        out.append("Content-Length: ");
        append_number(out, length);
        out.append("\r\n");
    }
    if (persistence == Persistence::close)
        out.append("Connection: close\r\n");
    else if (persistence == Persistence::keep_alive)
        out.append("Connection: keep-alive\r\n");
    out.append("\r\n");
}

std::optional<std::string_view> find_line(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        auto const end = std::min(head.find("\r\n"), head.size());
        std::string_view const line = head.substr(0, end);
        head.remove_prefix(std::min(end + 2, head.size()));
        if (line.size() <= name.size() || line[name.size()] != ':') continue;
        if (!same_word(line.substr(0, name.size()), name)) continue;
        std::string_view value = line.substr(name.size() + 1);
        while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
        return value;
    }
    return {};
}

void weaken_etag(std::string& head) {
    auto const tag = find_line(head, "ETag");
    if (tag && tag->starts_with('"'))
        head.insert(static_cast<std::size_t>(tag->data() - head.data()), "W/");
}

} // namespace haat::http
