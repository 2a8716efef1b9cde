// TZif files (RFC 8536): transitions up to some year, and a POSIX rule for all that follow.
#include <jobs/zone.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

#include <base/refusal.hpp>

namespace haat {

namespace {

constexpr std::int64_t day_seconds = 86'400;
constexpr char const* directory = "/usr/share/zoneinfo/";

std::int64_t days_of(int year, int month, int day) {
    using namespace std::chrono;
    sys_days const date = std::chrono::year(year) / month / day;
    return date.time_since_epoch().count();
}
int year_of(std::int64_t seconds) {
    using namespace std::chrono;
    auto const days = seconds >= 0 ? seconds / day_seconds : (seconds + 1) / day_seconds - 1;
    return int(year_month_day(sys_days(std::chrono::days(days))).year());
}
int weekday_of(std::int64_t days) { return static_cast<int>(((days + 4) % 7 + 7) % 7); }

bool is_name(std::string_view name) {
    bool const plain = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '/' || c == '_' || c == '-' || c == '+';
    });
    return plain && !name.empty() && name.front() != '/' && name.size() < 64;
}

std::string file_of(std::string const& name) {
    std::string const cure = "; names look like Asia/Kolkata, and the package tzdata has them";
    if (!is_name(name)) throw Fault("\"" + name + "\" is not the name of a time zone" + cure);
    std::ifstream file(directory + name, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!bytes.starts_with("TZif")) throw Fault("there is no time zone \"" + name + "\"" + cure);
    return bytes;
}

} // namespace

std::int64_t Zone::Change::in_year(int year) const {
    using std::chrono::last;
    std::int64_t days = days_of(year, 1, 1);
    bool const leaps = std::chrono::year(year).is_leap();
    if (kind == '0') {
        days += day;
    } else if (kind == 'J') { // never counts the 29th of February
        days += day - 1 + (leaps && day >= 60 ? 1 : 0);
    } else {
        std::int64_t const first = days_of(year, month, 1);
        days = first + (day - weekday_of(first) + 7) % 7 + (week - 1) * 7;
        auto const end = std::chrono::year(year) / month / last;
        if (days >= first + static_cast<int>(unsigned(end.day()))) days -= 7;
    }
    return days * day_seconds + seconds;
}

std::int32_t Zone::Rule::offset_at(std::int64_t utc) const {
    if (!changes) return standard;
    int const year = year_of(utc + standard);
    std::int64_t const from = begins.in_year(year) - standard;
    std::int64_t const until = ends.in_year(year) - summer;
    bool const is_summer = from < until ? utc >= from && utc < until : utc >= from || utc < until;
    return is_summer ? summer : standard;
}

/// "IST-5:30", "CET-1CEST,M3.5.0,M10.5.0/3"
class Zone::RuleReader {
public:
    explicit RuleReader(std::string_view text) : text_(text) {}

    Rule read() {
        Rule rule;
        skip_name();
        rule.standard = -clock();
        rule.summer = rule.standard;
        if (text_.empty()) return rule;
        skip_name();
        rule.changes = true;
        rule.summer = rule.standard + 3'600;
        if (!text_.empty() && text_.front() != ',') rule.summer = -clock();
        rule.begins = change();
        rule.ends = change();
        return rule;
    }

private:
    void skip_name() {
        bool const quoted = text_.starts_with('<');
        std::size_t const end = quoted ? text_.find('>') + 1 : text_.find_first_of("+-0123456789,");
        text_.remove_prefix(std::min(end, text_.size()));
    }
    bool take(char c) {
        if (!text_.starts_with(c)) return false;
        text_.remove_prefix(1);
        return true;
    }
    int number() {
        int value = 0;
        while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9' && value < 100'000) {
            value = value * 10 + (text_.front() - '0');
            text_.remove_prefix(1);
        }
        return value;
    }
    std::int32_t clock() {
        bool const negative = take('-');
        if (!negative) take('+');
        std::int32_t seconds = number() * 3'600;
        if (take(':')) seconds += number() * 60;
        if (take(':')) seconds += number();
        return negative ? -seconds : seconds;
    }
    Change change() {
        Change made;
        take(',');
        if (take('M')) {
            made.month = std::clamp(number(), 1, 12);
            take('.');
            made.week = std::clamp(number(), 1, 5);
            take('.');
            made.day = number() % 7;
        } else {
            made.kind = take('J') ? 'J' : '0';
            made.day = number();
        }
        if (take('/')) made.seconds = clock();
        return made;
    }
    std::string_view text_;
};

class Zone::FileReader {
public:
    FileReader(Zone& zone, std::string_view bytes) : zone_(zone), bytes_(bytes) {}

    void read() {
        Header const old = header();
        skip(old.size(4)); // the block with 32 bits, for programs of old
        Header const counts = header();
        std::vector<std::int64_t> times(counts.times);
        for (std::int64_t& time : times) time = number(8);
        std::vector<std::size_t> kinds(counts.times);
        for (std::size_t& kind : kinds) kind = static_cast<std::size_t>(number(1) & 0xFF);
        std::vector<std::int32_t> offsets(counts.types);
        for (std::int32_t& offset : offsets) {
            offset = static_cast<std::int32_t>(number(4));
            skip(2); // whether it is summer, and the abbreviation
        }
        if (offsets.empty()) throw Fault("a time zone's file has no offset");
        zone_.first_offset_ = offsets.front();
        for (std::size_t i = 0; i < times.size(); ++i)
            zone_.transitions_.push_back({times[i], offsets.at(kinds[i])});
        skip(counts.letters + counts.leaps * 12 + counts.standards + counts.universals);
        if (bytes_.starts_with('\n')) bytes_.remove_prefix(1);
        std::string_view const rule = bytes_.substr(0, bytes_.find('\n'));
        if (!rule.empty()) zone_.rule_ = RuleReader(rule).read();
    }

private:
    struct Header {
        std::size_t universals, standards, leaps, times, types, letters;
        std::size_t size(std::size_t time) const {
            return times * (time + 1) + types * 6 + letters + leaps * (time + 4) + standards +
                   universals;
        }
    };
    Header header() {
        skip(20);
        Header counts{};
        for (std::size_t* const count : {&counts.universals, &counts.standards, &counts.leaps,
                                         &counts.times, &counts.types, &counts.letters})
            *count = std::min<std::size_t>(static_cast<std::size_t>(number(4)), 100'000);
        return counts;
    }
    std::int64_t number(std::size_t size) {
        if (bytes_.size() < size) throw Fault("a time zone's file is cut off");
        std::uint64_t value = bytes_[0] < 0 ? ~std::uint64_t(0) : 0;
        for (std::size_t i = 0; i < size; ++i)
            value = value << 8 | static_cast<unsigned char>(bytes_[i]);
        skip(size);
        return static_cast<std::int64_t>(value);
    }
    void skip(std::size_t size) {
        if (bytes_.size() < size) throw Fault("a time zone's file is cut off");
        bytes_.remove_prefix(size);
    }
    Zone& zone_;
    std::string_view bytes_;
};

Zone::Zone(std::string name) : Zone(name, file_of(name)) {}

Zone::Zone(std::string name, std::string_view bytes) : name_(std::move(name)) {
    FileReader(*this, bytes).read();
}

std::int32_t Zone::offset_at(std::int64_t utc) const {
    if (rule_ && (transitions_.empty() || utc >= transitions_.back().at))
        return rule_->offset_at(utc);
    auto const after = std::upper_bound(
        transitions_.begin(), transitions_.end(), utc,
        [](std::int64_t time, Transition const& transition) { return time < transition.at; });
    return after == transitions_.begin() ? first_offset_ : std::prev(after)->offset;
}

Zone::Instants Zone::instants_of(std::int64_t local) const {
    // No zone is further from Greenwich, and none changes twice within this time.
    constexpr std::int64_t around = 26 * 3'600;
    std::int32_t const before = offset_at(local - around);
    std::int32_t const after = offset_at(local + around);
    Instants found;
    bool const with_before = offset_at(local - before) == before;
    bool const with_after = before != after && offset_at(local - after) == after;
    if (with_before) found = {1, local - before, 0};
    if (with_after && with_before) found = {2, local - before, local - after};
    if (with_after && !with_before) found = {1, local - after, 0};
    if (found.count > 0) return found;
    std::int64_t low = local - after;   // before the jump
    std::int64_t high = local - before; // behind it
    while (high - low > 1) {
        std::int64_t const middle = low + (high - low) / 2;
        (offset_at(middle) == after ? high : low) = middle;
    }
    found.first = high;
    return found;
}

} // namespace haat
