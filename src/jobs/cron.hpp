// What is done at certain times, once over all nodes; a value like everything that is declared:
//
//     Cron nightly{"platform.clean_up", "0 2 * * *", clean_up, {.catch_up = CatchUp::once}};
//
// docs/decisions/0014-cron.md says what happens when clocks change and when nobody was there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <jobs/jobs.hpp>
#include <jobs/zone.hpp>

namespace haat {

/// The five fields: minute, hour, day of the month, month, day of the week (0 and 7: Sunday), each
/// `*` or a list of numbers, ranges and steps. A wrong one does not compile. When both days are
/// given, either will do.
class CronText {
public:
    consteval CronText(char const* text) : text_(text) { // NOLINT: meant to convert
        if (!parse(text)) throw "five fields, such as 30 2 * * 1-5";
    }
    /// What is read at run time; false: it is not of this form.
    static constexpr bool read(std::string_view text, CronText& into) {
        into.text_ = text;
        return into.parse(text);
    }
    constexpr CronText() = default;

    constexpr std::string_view text() const { return text_; }

    /// The first tick after this time, in seconds since 1970; nothing when there is none in years.
    /// A time that clocks jump over is made up for right after the jump, one that comes twice
    /// counts once; but where every hour is meant, the hours that really are count.
    std::optional<std::int64_t> next(Zone const& zone, std::int64_t after) const;

private:
    struct Field {
        int min;
        int max;
        std::uint64_t bits = 0;
        bool any = false; // it is `*`
    };
    static constexpr bool parse_number(std::string_view& text, int& into) {
        if (text.empty() || text.front() < '0' || text.front() > '9') return false;
        into = 0;
        while (!text.empty() && text.front() >= '0' && text.front() <= '9' && into < 1'000) {
            into = into * 10 + (text.front() - '0');
            text.remove_prefix(1);
        }
        return true;
    }
    static constexpr bool parse_part(std::string_view part, Field& field) {
        int from = field.min;
        int to = field.max;
        int step = 1;
        bool const all = part.starts_with('*');
        if (all) {
            part.remove_prefix(1);
        } else {
            if (!parse_number(part, from)) return false;
            to = from;
            if (part.starts_with('-')) {
                part.remove_prefix(1);
                if (!parse_number(part, to)) return false;
            } else if (part.starts_with('/')) {
                to = field.max;
            }
        }
        if (part.starts_with('/')) {
            part.remove_prefix(1);
            if (!parse_number(part, step)) return false;
        }
        if (!part.empty() || from < field.min || to > field.max || from > to || step < 1)
            return false;
        for (int value = from; value <= to; value += step) field.bits |= std::uint64_t(1) << value;
        return true;
    }
    static constexpr bool parse_field(std::string_view text, Field& field) {
        field.any = text == "*";
        while (true) {
            auto const comma = text.find(',');
            if (!parse_part(text.substr(0, comma), field)) return false;
            if (comma == text.npos) return true;
            text.remove_prefix(comma + 1);
        }
    }
    constexpr bool parse(std::string_view text) {
        Field* const all[] = {&minutes_, &hours_, &days_, &months_, &weekdays_};
        for (Field* const field : all) {
            while (text.starts_with(' ')) text.remove_prefix(1);
            if (!parse_field(text.substr(0, text.find(' ')), *field)) return false;
            text.remove_prefix(std::min(text.find(' '), text.size()));
        }
        while (text.starts_with(' ')) text.remove_prefix(1);
        if (weekdays_.bits >> 7 & 1) weekdays_.bits |= 1;
        return text.empty();
    }
    bool on(std::int64_t day) const;
    std::optional<std::int64_t> next_on(Zone const& zone, std::int64_t day,
                                        std::int64_t after) const;

    std::string_view text_;
    Field minutes_{0, 59};
    Field hours_{0, 23};
    Field days_{1, 31};
    Field months_{1, 12};
    Field weekdays_{0, 7};
};

/// What becomes of ticks at which no worker was there.
enum class CatchUp : std::uint8_t {
    skip, // nothing, when it is more than five minutes late
    once, // one run for all of them
    all   // one run for each, at most a hundred
};

struct CronOptions {
    CatchUp catch_up = CatchUp::once;
    std::string_view zone = {}; // empty: HAAT_TIME_ZONE
};

class Cron {
public:
    /// The job runs with its payload's default values.
    template <class Payload>
    Cron(char const* name, CronText when, Job<Payload> const& job, CronOptions options = {})
        : Cron(name, when, job, default_of<Payload>(), options) {}
    Cron(Cron const&) = delete;

    char const* name() const { return name_; }
    CronText const& when() const { return when_; }
    JobKind const& job() const { return job_; }
    std::string const& payload() const { return payload_; }
    CronOptions const& options() const { return options_; }

    Cron const* next() const { return next_; }
    static Cron const* first();
    static Cron const* find(std::string_view name);

private:
    Cron(char const* name, CronText when, JobKind const& job, std::string payload,
         CronOptions options);
    template <class Payload> static std::string default_of() {
        Payload const payload{};
        return stored_json(describe::shape_of<Payload>, &payload);
    }
    char const* name_;
    CronText when_;
    JobKind const& job_;
    std::string payload_;
    CronOptions options_;
    Cron const* next_;
};

} // namespace haat
