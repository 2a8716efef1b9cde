// What somebody wants, and when: rules, and the statements that keep it.
#pragma once

#include <events/events.hpp>
#include <modules/notify/notify.hpp>

namespace haat::notify {

/// One channel for one kind of message, switched off or on.
struct Choice {
    Channel channel = Channel::EMAIL;
    Category category = Category::marketing;
    bool enabled = true;
};
HAAT_DESCRIBE(Choice, channel, category, enabled)

struct PreferencesView {
    std::string language;
    std::string time_zone = "Asia/Kolkata";
    std::optional<std::string> quiet_from;
    std::optional<std::string> quiet_until;
    std::vector<Choice> choices;
};
HAAT_DESCRIBE(PreferencesView, language, time_zone, quiet_from, quiet_until, choices)

struct PreferencesInput {
    std::optional<Text<0, 20>> language;
    std::optional<Text<1, 64>> time_zone;
    Patch<Text<5, 5>> quiet_from;
    Patch<Text<5, 5>> quiet_until;
    std::optional<List<Choice, 0, 25>> choices;
};
HAAT_DESCRIBE(PreferencesInput, language, time_zone, quiet_from, quiet_until, choices)
HAAT_NOTES(PreferencesInput, {.field = "language", .text = "Empty: the sender's.", .example = "hi"},
           {.field = "time_zone", .text = "By its IANA name.", .example = "Asia/Kolkata"},
           {.field = "quiet_from",
            .text = "From this hour nothing rings but what is urgent; it comes afterwards.",
            .example = "22:00"},
           {.field = "quiet_until", .text = "Until this hour.", .example = "07:30"},
           {.field = "choices",
            .text = "What is not named is wanted. Transactional messages always come."})

/// As it is kept.
struct Preferences {
    std::string language;
    std::string time_zone = "Asia/Kolkata";
    std::optional<std::int32_t> quiet_from; // minutes of the day
    std::optional<std::int32_t> quiet_until;
    std::vector<Choice> choices;
};
HAAT_DESCRIBE(Preferences, language, time_zone, quiet_from, quiet_until, choices)

PreferencesView view_of(Preferences const& kept);
/// Refuses what cannot be, with every problem.
Preferences changed(Preferences kept, PreferencesInput const& input);

extern Event<PreferencesView> const preferences_updated;

/// A row: of a user, or of somebody whom an organization knows.
struct KeptPreferences {
    std::optional<OrgId> org_id;
    RecipientType recipient_type = RecipientType::USER;
    Uuid recipient_id;
    std::string language;
    std::string time_zone;
    std::optional<std::int32_t> quiet_from;
    std::optional<std::int32_t> quiet_until;
    std::vector<Choice> choices;
    Timestamp updated_at;
};
HAAT_DESCRIBE(KeptPreferences, org_id, recipient_type, recipient_id, language, time_zone,
              quiet_from, quiet_until, choices, updated_at)
KeptPreferences row_of(Preferences const& preferences);

namespace sql {
extern Maybe<Preferences, RecipientType, Uuid, std::optional<OrgId>> const preferences_of;
extern One<Preferences, RecipientType, Uuid, std::optional<OrgId>> const lock_preferences;
extern Exec<KeptPreferences> const keep_preferences;
extern Exec<RecipientType, Uuid, std::optional<OrgId>> const forget_preferences;
} // namespace sql

bool wanted(Preferences const& preferences, Channel channel, Category category);

/// When the quiet that is now ends; nothing: it is not quiet. A zone that this machine does not
/// know is as UTC.
std::optional<Timestamp> quiet_until(Preferences const& preferences, Timestamp at);

/// "22:00" as minutes; nothing when it is no time.
std::optional<std::int32_t> minutes_of(std::string_view text);
std::string clock_text(std::int32_t minutes);
bool zone_exists(std::string const& name);

} // namespace haat::notify
