// What somebody sees of their own: messages in the application, what they want and when, browsers
// that tell them.
#include <base/clock.hpp>
#include <http/routes.hpp>
#include <modules/notify/errors.hpp>
#include <modules/notify/inside.hpp>
#include <modules/notify/preferences.hpp>

namespace haat::notify {

namespace {

constexpr std::int32_t browsers_max = 20;

struct KeptBrowser {
    PushId id;
    UserId user_id;
    std::string endpoint;
    std::string p256dh;
    std::string auth;
    std::string user_agent;
    Timestamp created_at;
};
HAAT_DESCRIBE(KeptBrowser, id, user_id, endpoint, p256dh, auth, user_agent, created_at)

#define MINE                                                                                       \
    "user_id = nullif(current_setting('haat.user_id', true), '')::uuid and channel = 'IN_APP' "    \
    "and status in ('SENT', 'DELIVERED', 'READ')"

namespace sql {
ListOf<InboxItem, InboxFilter> const inbox{"notify.inbox",
                                           {.select = "select {row} from notify.messages",
                                            .always = MINE,
                                            .filters = {{"unread", "(not $ or status <> 'READ')"}},
                                            .sorts = {{"createdAt", "created_at", Order::desc}}}};
One<UnreadCount> const unread{"notify.unread",
                              "select count(*) as unread from notify.messages where " MINE
                              " and status in ('SENT', 'DELIVERED')"};
One<InboxItem, NotificationId, Timestamp> const mark_read{
    "notify.mark_read",
    "update notify.messages set status = 'READ', read_at = coalesce(read_at, $2), "
    "updated_at = $2 where id = $1 and " MINE " returning {row}"};
Exec<Timestamp> const mark_all_read{
    "notify.mark_all_read",
    "update notify.messages set status = 'READ', read_at = $1, updated_at = $1 where " MINE
    " and status in ('SENT', 'DELIVERED')"};

Many<PushSubscriptionView> const my_browsers{"notify.my_browsers", R"(
    select {row} from notify.push_subscriptions
     where user_id = nullif(current_setting('haat.user_id', true), '')::uuid
     order by created_at desc)"};
One<PushSubscriptionView, KeptBrowser> const keep_browser{"notify.keep_browser", R"(
    insert into notify.push_subscriptions ({1}) values ({$1})
    on conflict (user_id, endpoint) do update
       set p256dh = excluded.p256dh, auth = excluded.auth, user_agent = excluded.user_agent,
           created_at = excluded.created_at
    returning {row})"};
One<PushSubscriptionView, PushId> const my_browser{"notify.my_browser", R"(
    select {row} from notify.push_subscriptions
     where id = $1 and user_id = nullif(current_setting('haat.user_id', true), '')::uuid
       for update)"};
Exec<PushId> const remove_browser{"notify.remove_browser",
                                  "delete from notify.push_subscriptions where id = $1"};
} // namespace sql
#undef MINE

// ---- in the application

Task<Reply<Page<InboxItem>>> list_inbox(Ask<InboxFilter>& ask) {
    Page<InboxItem> const page = co_await ask.read.list(sql::inbox, ask.query());
    co_return listed(page);
}

Task<Reply<UnreadCount>> count_unread(Call<>& call) {
    UnreadCount const count = co_await call.read(sql::unread);
    co_return ok(count);
}

Task<Reply<InboxItem>> mark_read(Call<>& call, NotificationId id) {
    Tx tx = call.begin();
    InboxItem const item = co_await tx(sql::mark_read, id, now());
    co_return co_await call.commit(tx, ok(item));
}

Task<Reply<MarkedCount>> mark_all_read(Call<>& call) {
    Tx tx = call.begin();
    MarkedCount marked;
    marked.marked = co_await tx(sql::mark_all_read, now());
    co_return co_await call.commit(tx, ok(marked));
}

// ---- wishes

Task<Reply<PreferencesView>> show_preferences(Call<>& call) {
    std::optional<OrgId> const nobodys;
    std::optional<Preferences> const kept = co_await call.read(
        notify::sql::preferences_of, RecipientType::USER, call.actor().user.uuid, nobodys);
    PreferencesView const view = view_of(kept.value_or(Preferences{}));
    co_return ok(view);
}

Task<Reply<PreferencesView>> set_preferences(Call<PreferencesInput>& call) {
    UserId const user = call.actor().user;
    std::optional<OrgId> const nobodys;
    Tx tx = call.begin();
    Preferences const before =
        co_await tx(notify::sql::lock_preferences, RecipientType::USER, user.uuid, nobodys);
    Preferences const after = changed(before, call.body());
    KeptPreferences row = row_of(after);
    row.recipient_id = user.uuid;
    tx.later(notify::sql::keep_preferences, row);
    PreferencesView const view = view_of(after);
    call.changed(view_of(before), view);
    emit(tx, preferences_updated, user, view);
    Reply<PreferencesView> answer = ok(view);
    answer.entity = user.uuid;
    co_return co_await call.commit(tx, std::move(answer));
}

// ---- browsers

Task<Reply<PushKeyView>> push_key(NotifyFacts& facts, Call<>&) {
    if (facts.push_key.empty()) throw Refusal(push_unavailable);
    PushKeyView const view{facts.push_key};
    co_return ok(view);
}

Task<Reply<std::vector<PushSubscriptionView>>> list_browsers(Call<>& call) {
    std::vector<PushSubscriptionView> const all = co_await call.read(sql::my_browsers);
    co_return ok(all);
}

Task<Reply<PushSubscriptionView>> subscribe(NotifyFacts& facts, Call<NewPushSubscription>& call) {
    if (facts.push_key.empty()) throw Refusal(push_unavailable);
    NewPushSubscription const& body = call.body();
    Problems problems;
    if (!body.endpoint.value.starts_with("https://"))
        problems.push_back({"endpoint", "format", R"({"expected":"url"})"});
    if (!problems.empty()) throw Refusal(validation_error).about(std::move(problems));
    Tx tx = call.begin();
    std::vector<PushSubscriptionView> const all = co_await tx(sql::my_browsers);
    bool known = false;
    for (PushSubscriptionView const& each : all) known |= each.endpoint == body.endpoint.value;
    if (!known && all.size() >= static_cast<std::size_t>(browsers_max))
        throw Refusal(push_subscriptions_full);
    KeptBrowser const row{new_id<PushNoun>(),
                          call.actor().user,
                          body.endpoint.value,
                          body.keys.p256dh.value,
                          body.keys.auth.value,
                          cut(call.request().header("user-agent"), 255),
                          now()};
    PushSubscriptionView const view = co_await tx(sql::keep_browser, row);
    co_return co_await call.commit(tx, created(view));
}

Task<Reply<Deleted>> unsubscribe(Call<>& call, PushId id) {
    Tx tx = call.begin();
    co_await tx(sql::my_browser, id);
    co_await tx(sql::remove_browser, id);
    co_return co_await call.commit(tx, deleted(id));
}

} // namespace

void add_own_notification_routes(Routes& r, NotifyFacts& facts) {
    Routes all = r.group("/notifications", "Notifications");
    all.get("/mine", &list_inbox, "My messages in the application").needs(Permit::signed_in);
    all.get("/mine/unread-count", &count_unread, "How many of them I have not read")
        .needs(Permit::signed_in);
    all.post("/mine/read-all", &mark_all_read, "I have read all of them")
        .needs(Permit::signed_in)
        .answers(200)
        .unaudited();
    all.patch("/{id}/read", &mark_read, "I have read it")
        .needs(Permit::signed_in)
        .unaudited()
        .alias(http::Method::put, "/api/v1/notifications/{id}/read");
    all.get("/preferences", &show_preferences, "What I want to be told, how, and when")
        .needs(Permit::signed_in);
    all.put("/preferences", &set_preferences, "Change what I want to be told")
        .needs(Permit::signed_in);
    all.get("/push/key", &push_key, facts, "The key that browsers subscribe with")
        .open()
        .refuses(push_unavailable);
    all.get("/push/subscriptions", &list_browsers, "My browsers that are told")
        .needs(Permit::signed_in);
    all.post("/push/subscriptions", &subscribe, facts, "This browser wants to be told")
        .needs(Permit::signed_in)
        .refuses(push_unavailable, push_subscriptions_full);
    all.remove("/push/subscriptions/{id}", &unsubscribe, "This browser no longer wants it")
        .needs(Permit::signed_in);
}

} // namespace haat::notify
