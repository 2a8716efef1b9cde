// What an organization's customers and parties want to be told, kept by its people for them.
#include <http/routes.hpp>
#include <modules/notify/errors.hpp>
#include <modules/notify/preferences.hpp>

namespace haat::notify {

namespace {

struct RecipientNoun {
    static constexpr std::string_view noun = "recipient";
};
using RecipientId = Id<RecipientNoun>;

/// Users have theirs once for all organizations.
void refuse_users(RecipientType type) {
    if (type == RecipientType::USER) throw Refusal(wishes_of_users);
}

Task<Reply<PreferencesView>> show(Call<>& call, RecipientType type, RecipientId id) {
    refuse_users(type);
    std::optional<OrgId> const org = call.actor().org;
    std::optional<Preferences> const kept =
        co_await call.read(sql::preferences_of, type, id.uuid, org);
    PreferencesView const view = view_of(kept.value_or(Preferences{}));
    co_return ok(view);
}

Task<Reply<PreferencesView>> set(Call<PreferencesInput>& call, RecipientType type, RecipientId id) {
    refuse_users(type);
    std::optional<OrgId> const org = call.actor().org;
    Tx tx = call.begin();
    Preferences const before = co_await tx(sql::lock_preferences, type, id.uuid, org);
    Preferences const after = changed(before, call.body());
    KeptPreferences row = row_of(after);
    row.org_id = org;
    row.recipient_type = type;
    row.recipient_id = id.uuid;
    tx.later(sql::keep_preferences, row);
    PreferencesView const view = view_of(after);
    call.changed(view_of(before), view);
    emit(tx, preferences_updated, id, view);
    Reply<PreferencesView> answer = ok(view);
    answer.entity = id.uuid;
    co_return co_await call.commit(tx, std::move(answer));
}

/// Back to what is wanted when nothing is said: everything, at any time.
Task<Reply<PreferencesView>> forget(Call<>& call, RecipientType type, RecipientId id) {
    refuse_users(type);
    std::optional<OrgId> const org = call.actor().org;
    Tx tx = call.begin();
    std::optional<Preferences> const kept = co_await tx(sql::preferences_of, type, id.uuid, org);
    PreferencesView const view = view_of(Preferences{});
    if (kept) {
        tx.later(sql::forget_preferences, type, id.uuid, org);
        call.changed(view_of(*kept), view);
        emit(tx, preferences_updated, id, view);
    }
    Reply<PreferencesView> answer = ok(view);
    answer.entity = id.uuid;
    co_return co_await call.commit(tx, std::move(answer));
}

} // namespace

void add_recipient_routes(Routes& r) {
    Routes all = r.group("/notifications/preferences", "Notifications");
    all.get("/{recipientType}/{id}", &show, "What a customer or a party wants to be told")
        .needs(Permit::organization_read)
        .refuses(wishes_of_users);
    all.put("/{recipientType}/{id}", &set, "Change what a customer or a party wants to be told")
        .needs(Permit::organization_write)
        .refuses(wishes_of_users)
        .describes("They hold for this organization's messages alone. Nothing is looked up: an id "
                   "that no message names has no effect.");
    all.remove("/{recipientType}/{id}", &forget, "Back to: everything, at any time")
        .needs(Permit::organization_write)
        .refuses(wishes_of_users);
}

} // namespace haat::notify
