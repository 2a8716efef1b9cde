// Time zones by their IANA names, as the machine's tzdata has them. The C++ library of Debian 12
// knows no zones, and localtime() knows only one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace haat {

/// Times are seconds since 1970-01-01; local ones as if that had been in this zone.
class Zone {
public:
    /// "Asia/Kolkata"; throws Fault with the cure when there is no such zone.
    explicit Zone(std::string name);
    /// From a TZif file's bytes; for tests.
    Zone(std::string name, std::string_view bytes);

    std::string const& name() const { return name_; }
    /// Seconds east of Greenwich.
    std::int32_t offset_at(std::int64_t utc) const;

    /// The instants that a local time is: one, two when clocks go back, none when they jump over
    /// it.
    struct Instants {
        int count = 0;
        std::int64_t first = 0; // count 0: the first one after the jump
        std::int64_t second = 0;
    };
    Instants instants_of(std::int64_t local) const;

private:
    /// "M3.5.0/2": when in a year the clocks change.
    struct Change {
        char kind = 'M'; // J: a day of 1 to 365, 0: a day of 0 to 365, M: month, week, weekday
        int month = 0;
        int week = 0;
        int day = 0;
        std::int32_t seconds = 7'200;
        std::int64_t in_year(int year) const; // local
    };
    /// What holds after the last transition.
    struct Rule {
        std::int32_t standard = 0;
        std::int32_t summer = 0;
        bool changes = false;
        Change begins;
        Change ends;
        std::int32_t offset_at(std::int64_t utc) const;
    };
    struct Transition {
        std::int64_t at;
        std::int32_t offset; // from then on
    };
    class RuleReader;
    class FileReader;

    std::string name_;
    std::vector<Transition> transitions_;
    std::int32_t first_offset_ = 0;
    std::optional<Rule> rule_;
};

} // namespace haat
