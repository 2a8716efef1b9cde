#include <jobs/cron.hpp>

#include <algorithm>
#include <chrono>

namespace haat {

namespace {
constinit Cron const* first_cron = nullptr;
constexpr std::int64_t day_seconds = 86'400;
constexpr int days_max = 8 * 366 + 2; // the 29th of February comes after eight years at the latest

bool has(std::uint64_t bits, unsigned value) { return (bits >> value & 1) != 0; }
} // namespace

bool CronText::on(std::int64_t day) const {
    using namespace std::chrono;
    sys_days const date{days(day)};
    year_month_day const civil(date);
    if (!has(months_.bits, unsigned(civil.month()))) return false;
    bool const by_day = has(days_.bits, unsigned(civil.day()));
    bool const by_weekday = has(weekdays_.bits, weekday(date).c_encoding());
    if (days_.any) return by_weekday;
    if (weekdays_.any) return by_day;
    return by_day || by_weekday;
}

std::optional<std::int64_t> CronText::next_on(Zone const& zone, std::int64_t day,
                                              std::int64_t after) const {
    if (!on(day)) return std::nullopt;
    bool const every_hour = hours_.any;
    std::optional<std::int64_t> best;
    auto consider = [&](std::int64_t instant) {
        if (instant > after && (!best || instant < *best)) best = instant;
    };
    for (unsigned hour = 0; hour < 24; ++hour) {
        if (!has(hours_.bits, hour)) continue;
        for (unsigned minute = 0; minute < 60; ++minute) {
            if (!has(minutes_.bits, minute)) continue;
            std::int64_t const local = day * day_seconds + hour * 3'600 + minute * 60;
            Zone::Instants const instants = zone.instants_of(local);
            if (instants.count > 0 || !every_hour) consider(instants.first);
            if (instants.count == 2 && every_hour) consider(instants.second);
        }
    }
    return best;
}

std::optional<std::int64_t> CronText::next(Zone const& zone, std::int64_t after) const {
    std::int64_t const local = after + zone.offset_at(after);
    std::int64_t const first = local / day_seconds - 1;
    for (std::int64_t day = first; day < first + days_max; ++day) {
        auto const here = next_on(zone, day, after);
        if (!here) continue;
        // Where clocks go back over midnight, the next day's first ticks may come before.
        auto const there = next_on(zone, day + 1, after);
        return there ? std::min(*here, *there) : here;
    }
    return std::nullopt;
}

Cron::Cron(char const* name, CronText when, JobKind const& job, std::string payload,
           CronOptions options)
    : name_(name), when_(when), job_(job), payload_(std::move(payload)), options_(options),
      next_(first_cron) {
    first_cron = this;
}
Cron const* Cron::first() { return first_cron; }
Cron const* Cron::find(std::string_view name) {
    for (Cron const* cron = first_cron; cron; cron = cron->next())
        if (name == cron->name()) return cron;
    return nullptr;
}

} // namespace haat
