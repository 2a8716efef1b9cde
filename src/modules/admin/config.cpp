// Settings: the platform's for administrators, an organization's own for its leaders.
#include <algorithm>
#include <cstring>

#include <base/hash.hpp>
#include <events/events.hpp>
#include <http/routes.hpp>
#include <modules/admin/admin.hpp>
#include <settings/rows.hpp>
#include <settings/values.hpp>

namespace haat::admin {

namespace {

RefusalKind const setting_not_found{404, "SETTING_NOT_FOUND", "There is no such setting."};
RefusalKind const setting_of_platform{
    403, "SETTING_OF_PLATFORM",
    "This setting is the same for all shops; administrators change it."};

enum class SettingSource : std::uint8_t { standard, platform, organization };
HAAT_DESCRIBE_ENUM(SettingSource, standard, platform, organization)

struct ConfigNoun {};

struct ConfigView {
    std::string key;
    Json value;
    Json default_value;
    SettingSource source = SettingSource::standard;
    SettingScope scope = SettingScope::organization;
    bool is_feature = false;
    std::string description;
    std::optional<Timestamp> updated_at;
};
HAAT_DESCRIBE(ConfigView, key, value, default_value, source, scope, is_feature, description,
              updated_at)
HAAT_NOTES(ConfigView, {.field = "key", .text = "Its name.", .example = "FEATURE_GUEST_CHECKOUT"},
           {.field = "source", .text = "Whose value this is; standard: the program's default."},
           {.field = "scope", .text = "organization: each may have a value of its own."},
           {.field = "is_feature", .text = "It switches something on or off."},
           {.field = "updated_at", .text = "When it was set; null: it is the default."})

struct NewConfig {
    Json value;
};
HAAT_DESCRIBE(NewConfig, value)
HAAT_NOTES(NewConfig, {.field = "value", .text = "Of the type that the default has."})

using Key = Text<1, 100>;
using settings::KeptRow;

Event<ConfigView> const config_updated{subjects::system_config_updated};

SettingKind const& setting_named(Key const& key) {
    SettingKind const* const found = SettingKind::find(key.value);
    if (!found) throw Refusal(setting_not_found);
    return *found;
}

ConfigView view_of(SettingKind const& setting, std::vector<KeptRow> const& rows) {
    ConfigView view;
    view.key = setting.key();
    view.value.text = view.default_value.text = setting.standard();
    view.scope = setting.options().scope;
    view.is_feature = view.key.starts_with("FEATURE_");
    view.description = setting.text();
    for (KeptRow const& row : rows) {
        std::string value;
        bool const hidden = view.source == SettingSource::organization && !row.is_own;
        if (row.key != view.key || hidden || !setting.normalize(row.value.text, value).empty())
            continue;
        view.value.text = value;
        view.source = row.is_own ? SettingSource::organization : SettingSource::platform;
        view.updated_at = row.updated_at;
    }
    return view;
}

Task<Reply<std::vector<ConfigView>>> list_config(Call<>& call) {
    std::vector<KeptRow> const rows = co_await call.read(settings::kept);
    std::vector<ConfigView> all;
    for (SettingKind const* each = SettingKind::first(); each; each = each->next())
        all.push_back(view_of(*each, rows));
    std::sort(all.begin(), all.end(),
              [](ConfigView const& a, ConfigView const& b) { return a.key < b.key; });
    co_return ok(all);
}

Task<Reply<ConfigView>> find_config(Call<>& call, Key key) {
    SettingKind const& setting = setting_named(key);
    std::vector<KeptRow> const rows = co_await call.read(settings::kept);
    ConfigView const view = view_of(setting, rows);
    co_return ok(view);
}

/// The view before the change; whoever changes the same one waits.
Task<ConfigView> locked(Tx& tx, SettingKind const& setting) {
    std::string const turn = tx.settings().org_id + "/" + setting.key();
    tx.later(settings::take_turns, turn);
    std::vector<KeptRow> const rows = co_await tx(settings::kept);
    co_return view_of(setting, rows);
}

void check_scope(SettingKind const& setting, Actor const& actor) {
    bool const own = !actor.org.uuid.is_nil();
    if (own && setting.options().scope == SettingScope::platform)
        throw Refusal(setting_of_platform);
}

/// A key's changes are told in order: the same key, the same number.
Id<ConfigNoun> event_key(SettingKind const& setting, Actor const& actor) {
    std::string const text = to_string(actor.org.uuid) + setting.key();
    std::uint64_t const halves[] = {hash_of(text, 1), hash_of(text, 2)};
    Id<ConfigNoun> key;
    std::memcpy(&key.uuid, halves, sizeof halves);
    return key;
}

Task<Reply<ConfigView>> finish(SettingValues& values, RawCall& call, Tx& tx,
                               SettingKind const& setting, ConfigView const& before) {
    std::vector<KeptRow> const rows = co_await tx(settings::kept);
    ConfigView const after = view_of(setting, rows);
    call.changed(before, after);
    Id<ConfigNoun> const key = event_key(setting, call.actor());
    emit(tx, config_updated, key, after);
    SettingValues::written(tx, setting.key());
    Reply<ConfigView> answer = ok(after);
    answer.entity = key.uuid;
    RawReply done = co_await call.commit(tx, std::move(answer));
    values.forget();
    co_return std::move(done);
}

Task<Reply<ConfigView>> set_config(SettingValues& values, Call<NewConfig>& call, Key key) {
    SettingKind const& setting = setting_named(key);
    check_scope(setting, call.actor());
    Json value;
    Problems problems = setting.normalize(call.body().value.text, value.text);
    for (Problem& each : problems) each.path = "value" + each.path;
    if (!problems.empty()) throw Refusal(validation_error).about(std::move(problems));
    Actor const& actor = call.actor();
    Tx tx = call.begin();
    ConfigView const before = co_await locked(tx, setting);
    call.expect(before);
    if (actor.org.uuid.is_nil())
        tx.later(settings::set_platform, std::string(setting.key()), value, actor.user);
    else
        tx.later(settings::set_own, actor.org, std::string(setting.key()), value, actor.user);
    co_return co_await finish(values, call, tx, setting, before);
}

Task<Reply<ConfigView>> reset_config(SettingValues& values, Call<>& call, Key key) {
    SettingKind const& setting = setting_named(key);
    check_scope(setting, call.actor());
    Actor const& actor = call.actor();
    Tx tx = call.begin();
    ConfigView const before = co_await locked(tx, setting);
    call.expect(before);
    if (actor.org.uuid.is_nil())
        tx.later(settings::reset_platform, std::string(setting.key()));
    else
        tx.later(settings::reset_own, actor.org, std::string(setting.key()));
    co_return co_await finish(values, call, tx, setting, before);
}

} // namespace

void add_config_routes(Routes& r, SettingValues& values) {
    Routes all = r.group("/system-config", "System configuration");
    all.get("", &list_config, "All settings with their values").needs(Permit::settings_read);
    all.get("/{key}", &find_config, "One setting")
        .needs(Permit::settings_read)
        .refuses(setting_not_found);
    all.put("/{key}", &set_config, values, "Set a value, for the organization or for all")
        .needs(Permit::settings_write)
        .refuses(setting_not_found, setting_of_platform);
    all.remove("/{key}", &reset_config, values, "Back to the platform's value or the default")
        .needs(Permit::settings_write)
        .refuses(setting_not_found, setting_of_platform);
}

} // namespace haat::admin
