#include <modules/notify/preferences.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <base/clock.hpp>
#include <base/refusal.hpp>
#include <jobs/zone.hpp>

namespace haat::notify {

namespace {

constexpr std::int64_t day_seconds = 86'400;

/// Zone files are read once for each thread; there are some hundred of them.
Zone const* zone_named(std::string const& name) {
    thread_local std::vector<std::unique_ptr<Zone>> kept;
    for (auto const& each : kept)
        if (each->name() == name) return each.get();
    if (name.empty() || name.size() > 64 || name.find("..") != name.npos || name.front() == '/')
        return nullptr;
    try {
        kept.push_back(std::make_unique<Zone>(name));
    } catch (Fault const&) {
        return nullptr;
    }
    return kept.back().get();
}

void take_time(Patch<Text<5, 5>> const& given, std::string_view path,
               std::optional<std::int32_t>& into, Problems& problems) {
    if (!given.given()) return;
    bool const has_value = given.state == Patch<Text<5, 5>>::State::value;
    into = has_value ? minutes_of(given.value.value) : std::nullopt;
    if (has_value && !into)
        problems.push_back({std::string(path), "format", R"({"expected":"time"})"});
}

} // namespace

namespace sql {
// The recipient first: it is what the index has.
Maybe<Preferences, RecipientType, Uuid, std::optional<OrgId>> const preferences_of{
    "notify.preferences_of", R"(
    select {row} from notify.preferences
     where recipient_id = $2 and recipient_type = $1 and org_id is not distinct from $3)"};
// Whoever says something first makes the row, so that there is always one to wait for.
One<Preferences, RecipientType, Uuid, std::optional<OrgId>> const lock_preferences{
    "notify.lock_preferences", R"(
    insert into notify.preferences (recipient_type, recipient_id, org_id) values ($1, $2, $3)
    on conflict on constraint preferences_key do update set updated_at = preferences.updated_at
    returning {row})"};
Exec<KeptPreferences> const keep_preferences{"notify.keep_preferences", R"(
    insert into notify.preferences ({1}) values ({$1})
    on conflict on constraint preferences_key do update
       set language = excluded.language, time_zone = excluded.time_zone,
           quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,
           choices = excluded.choices, updated_at = excluded.updated_at)"};
Exec<RecipientType, Uuid, std::optional<OrgId>> const forget_preferences{
    "notify.forget_preferences", R"(
    delete from notify.preferences
     where recipient_id = $2 and recipient_type = $1 and org_id is not distinct from $3)"};
} // namespace sql

PreferencesView view_of(Preferences const& kept) {
    PreferencesView view;
    view.language = kept.language;
    view.time_zone = kept.time_zone;
    if (kept.quiet_from) view.quiet_from = clock_text(*kept.quiet_from);
    if (kept.quiet_until) view.quiet_until = clock_text(*kept.quiet_until);
    view.choices = kept.choices;
    return view;
}

Preferences changed(Preferences kept, PreferencesInput const& input) {
    Problems problems;
    if (input.language) kept.language = input.language->value;
    if (input.time_zone) kept.time_zone = input.time_zone->value;
    if (!zone_exists(kept.time_zone)) problems.push_back({"timeZone", "not_found", ""});
    take_time(input.quiet_from, "quietFrom", kept.quiet_from, problems);
    take_time(input.quiet_until, "quietUntil", kept.quiet_until, problems);
    if (problems.empty() && kept.quiet_from.has_value() != kept.quiet_until.has_value())
        problems.push_back({kept.quiet_from ? "quietUntil" : "quietFrom", "required", ""});
    if (input.choices) kept.choices.assign(input.choices->begin(), input.choices->end());
    if (!problems.empty()) throw Refusal(validation_error).about(std::move(problems));
    return kept;
}

KeptPreferences row_of(Preferences const& preferences) {
    KeptPreferences row;
    row.language = preferences.language;
    row.time_zone = preferences.time_zone;
    row.quiet_from = preferences.quiet_from;
    row.quiet_until = preferences.quiet_until;
    row.choices = preferences.choices;
    row.updated_at = now();
    return row;
}

bool zone_exists(std::string const& name) { return zone_named(name) != nullptr; }

Category category_of(NotificationType type) {
    switch (type) {
    case NotificationType::PAYMENT_CONFIRMATION:
    case NotificationType::INVOICE_CREATED:
    case NotificationType::SALE_CREATED:
    case NotificationType::ORDER_CONFIRMATION:
    case NotificationType::ORDER_STATUS_UPDATE:
    case NotificationType::WELCOME: return Category::transactional;
    case NotificationType::PAYMENT_REMINDER:
    case NotificationType::INVOICE_OVERDUE: return Category::reminder;
    case NotificationType::STOCK_ALERT:
    case NotificationType::LOW_STOCK_ALERT:
    case NotificationType::REORDER_ALERT:
    case NotificationType::SYSTEM_ALERT:
    case NotificationType::BACKUP_COMPLETED:
    case NotificationType::BACKUP_FAILED: return Category::alert;
    case NotificationType::BIRTHDAY:
    case NotificationType::ANNIVERSARY:
    case NotificationType::PROMOTIONAL: return Category::marketing;
    case NotificationType::CUSTOM: return Category::general;
    }
    return Category::general;
}

bool wanted(Preferences const& preferences, Channel channel, Category category) {
    if (category == Category::transactional) return true;
    return std::none_of(
        preferences.choices.begin(), preferences.choices.end(), [&](Choice const& each) {
            return each.channel == channel && each.category == category && !each.enabled;
        });
}

std::optional<Timestamp> quiet_until(Preferences const& preferences, Timestamp at) {
    if (!preferences.quiet_from || !preferences.quiet_until) return std::nullopt;
    std::int64_t const from = *preferences.quiet_from * 60;
    std::int64_t const until = *preferences.quiet_until * 60;
    if (from == until) return std::nullopt;
    Zone const* const zone = zone_named(preferences.time_zone);
    std::int64_t const utc = at.micros / 1'000'000;
    std::int64_t const local = utc + (zone != nullptr ? zone->offset_at(utc) : 0);
    std::int64_t const midnight = local - local % day_seconds;
    std::int64_t const time = local - midnight;
    bool const over_midnight = from > until;
    bool const quiet = over_midnight ? time >= from || time < until : time >= from && time < until;
    if (!quiet) return std::nullopt;
    std::int64_t const end = midnight + until + (over_midnight && time >= from ? day_seconds : 0);
    std::int64_t const instant = zone != nullptr ? zone->instants_of(end).first : end;
    return Timestamp{instant * 1'000'000};
}

std::optional<std::int32_t> minutes_of(std::string_view text) {
    auto const digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
        return std::nullopt;
    std::int32_t const hours = (text[0] - '0') * 10 + (text[1] - '0');
    std::int32_t const minutes = (text[3] - '0') * 10 + (text[4] - '0');
    if (hours > 23 || minutes > 59) return std::nullopt;
    return hours * 60 + minutes;
}

std::string clock_text(std::int32_t minutes) {
    return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

} // namespace haat::notify
