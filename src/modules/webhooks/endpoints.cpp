#include <modules/webhooks/endpoints.hpp>

#include <algorithm>

#include <outbound/address.hpp>

namespace haat::webhooks {

Event<EndpointEvent> const endpoint_disabled{subjects::webhook_endpoint_disabled};
RefusalKind const endpoint_is_disabled{409, "WEBHOOK_ENDPOINT_DISABLED",
                                       "This endpoint is disabled. Enable it first."};

namespace {

RefusalKind const url_refused{422,
                              "WEBHOOK_URL_REFUSED",
                              "Webhooks go to public addresses, without user and password, and by "
                              "https in production.",
                              {.field = "url"}};
RefusalKind const subject_refused{422,
                                  "WEBHOOK_SUBJECT_UNKNOWN",
                                  "No event has such a subject. GET /events/subjects lists them.",
                                  {.field = "subjects"}};
RefusalKind const switched_off{
    409,
    "WEBHOOK_ENDPOINT_SWITCHED_OFF",
    "An administrator has switched this endpoint off, and only one can switch it on again.",
    {.constraint = "endpoints_switched_off"}};
RefusalKind const not_switched_off{409, "WEBHOOK_ENDPOINT_NOT_SWITCHED_OFF",
                                   "No administrator has switched this endpoint off."};
RefusalKind const too_many{409, "WEBHOOK_ENDPOINTS_TOO_MANY",
                           "There are as many endpoints as an organization may have."};

Events<EndpointEvent> const events{subjects::webhook_endpoint};
Event<EndpointEvent> const endpoint_enabled{subjects::webhook_endpoint_enabled};
Event<EndpointEvent> const secret_rotated{subjects::webhook_endpoint_secret_rotated};

struct EndpointFilter {
    std::optional<bool> is_enabled;
    std::optional<bool> is_failing;
    Paging paging;
};
HAAT_DESCRIBE(EndpointFilter, is_enabled, is_failing, paging)

struct Rotation {
    std::int32_t overlap_hours = 24;
};
HAAT_DESCRIBE(Rotation, overlap_hours)
HAAT_DEFAULTS(Rotation, overlap_hours)
HAAT_NOTES(Rotation, {.field = "overlap_hours",
                      .text = "So long both secrets sign; 0: the old one is void at once.",
                      .min = 0,
                      .max = 168})

struct Reason {
    Text<1, 200> reason{"disabled by a manager"};
};
HAAT_DESCRIBE(Reason, reason)
HAAT_DEFAULTS(Reason, reason)

struct OverviewFilter {
    std::optional<OrgId> org_id;
    std::optional<bool> is_enabled;
    std::optional<bool> is_failing;
    Paging paging;
};
HAAT_DESCRIBE(OverviewFilter, org_id, is_enabled, is_failing, paging)

struct OverviewRow {
    EndpointId id;
    std::optional<OrgId> org_id;
    std::string url;
    bool is_enabled = true;
    bool is_switched_off = false;
    std::optional<std::string> disabled_reason;
    std::optional<Timestamp> failing_since;
    std::optional<Timestamp> last_success_at;
    std::optional<std::string> last_error;
    std::int64_t waiting = 0;
    std::int64_t failed = 0;
    Timestamp created_at;
};
HAAT_DESCRIBE(OverviewRow, id, org_id, url, is_enabled, is_switched_off, disabled_reason,
              failing_since, last_success_at, last_error, waiting, failed, created_at)
HAAT_NOTES(OverviewRow, {.field = "org_id", .text = "null: the platform's."},
           {.field = "failed", .text = "Deliveries of the last three days."})

/// What an operator has switched off.
struct SwitchedOff {
    EndpointId id;
    std::optional<OrgId> org_id;
    std::string url;
    std::vector<std::string> subjects;
    std::string disabled_reason;
    bool is_enabled = false;
};
HAAT_DESCRIBE(SwitchedOff, id, org_id, url, subjects, disabled_reason, is_enabled)

/// And on again.
struct SwitchedOn {
    EndpointId id;
    std::optional<OrgId> org_id;
    std::string url;
    std::vector<std::string> subjects;
    std::optional<std::string> disabled_reason;
    bool is_enabled = true;
};
HAAT_DESCRIBE(SwitchedOn, id, org_id, url, subjects, disabled_reason, is_enabled)
struct SwitchingOn : SwitchedOn {
    bool was_switched_off = false;
};
HAAT_DESCRIBE(SwitchingOn, id, org_id, url, subjects, disabled_reason, is_enabled, was_switched_off)

using Sealed = std::string;

Table<Endpoint, NewEndpoint, EndpointId> table{"webhooks.endpoints"};
ListOf<Endpoint, EndpointFilter> list{
    "webhooks.endpoints.list",
    {.select = "select {row} from webhooks.endpoints",
     .filters = {{"is_enabled", "is_enabled = $"},
                 {"is_failing", "(failing_since is not null) = $"}},
     .sorts = {{"createdAt", "created_at", Order::desc}}}};
ListOf<OverviewRow, OverviewFilter> overview{
    "webhooks.overview",
    {.select = "select {row} from webhooks.overview()",
     .filters = {{"org_id", "org_id = $"},
                 {"is_enabled", "is_enabled = $"},
                 {"is_failing", "(failing_since is not null) = $"}},
     .sorts = {{"createdAt", "created_at", Order::desc}, {"waiting", "waiting", Order::desc}}}};

namespace sql {
// Two who add at the same time do not both become the last that is allowed.
Exec<OrgId> lock_count{"webhooks.lock_count",
                       "select pg_advisory_xact_lock(hashtextextended($1::text, 9))"};
One<std::int64_t> count{"webhooks.count_endpoints", "select count(*) from webhooks.endpoints"};
One<Endpoint, EndpointId, Sealed, NewEndpoint> insert{"webhooks.insert_endpoint", R"(
    insert into webhooks.endpoints (id, secret, {3}) values ($1, $2, {$3}) returning {row})"};
// Another address has a fresh start.
One<Endpoint, EndpointId, NewEndpoint> change{"webhooks.change_endpoint", R"(
    update webhooks.endpoints
       set {set 2}, updated_at = now(), not_before = null,
           failures_in_row = 0, failing_since = case when url = $2 then failing_since end
     where id = $1 returning {row})"};
One<Endpoint, EndpointId, Sealed, std::int32_t> rotate{"webhooks.rotate_secret", R"(
    update webhooks.endpoints
       set previous_secret = case when $3 > 0 then secret end,
           previous_until = case when $3 > 0 then now() + $3 * interval '1 hour' end, secret = $2,
           updated_at = now()
     where id = $1 returning {row})"};
One<Endpoint, EndpointId> enable{"webhooks.enable_endpoint", R"(
    update webhooks.endpoints
       set is_enabled = true, disabled_reason = null, disabled_at = null, failing_since = null,
           not_before = null, failures_in_row = 0, updated_at = now()
     where id = $1 returning {row})"};
One<Endpoint, EndpointId, std::string> disable{"webhooks.disable_endpoint", R"(
    update webhooks.endpoints
       set is_enabled = false, disabled_reason = $2, disabled_at = now(), updated_at = now()
     where id = $1 returning {row})"};
One<Endpoint, EndpointId> ready{"webhooks.ready_endpoint", R"(
    update webhooks.endpoints set not_before = null where id = $1 returning {row})"};
Maybe<SwitchedOff, EndpointId, std::string> switch_off{"webhooks.switch_off", R"(
    select {row} from webhooks.switch_off($1, $2))"};
Maybe<SwitchingOn, EndpointId> switch_on{"webhooks.switch_on", R"(
    select {row} from webhooks.switch_on($1))"};
Exec<EndpointId, std::string> abandon{"webhooks.abandon", "select webhooks.abandon($1, $2)"};
} // namespace sql

EndpointEvent event_of(Endpoint const& endpoint) {
    EndpointEvent event;
    event.id = endpoint.id;
    event.host = host_of(endpoint.url.value);
    for (auto const& subject : endpoint.subjects) event.subjects.push_back(subject.value);
    event.is_enabled = endpoint.is_enabled;
    event.reason = endpoint.disabled_reason;
    return event;
}

bool is_pattern(std::string_view text) {
    if (text == "*") return true;
    if (!text.ends_with(":*")) return false;
    std::string_view const prefix = text.substr(0, text.size() - 1);
    auto const all = all_subjects();
    return std::any_of(all.begin(), all.end(), [prefix](Subject const& subject) {
        return !subject.live && subject.name.starts_with(prefix);
    });
}

/// Other spellings become the catalogue's own.
void check_subjects(List<Text<1, 100>, 1, 100>& wanted_subjects) {
    for (auto& text : wanted_subjects) {
        if (is_pattern(text.value)) continue;
        Subject const* const subject = find_subject(text.value);
        if (!subject || subject->live)
            throw Refusal(subject_refused).with("subject", describe::to_json(text.value));
        text.value = std::string(subject->name);
    }
}

// Names are looked up when they are needed, each time; an address is judged at once.
void check_url(Options const& options, Url const& url) {
    std::string host = host_of(url.value);
    bool const plain = url.value.starts_with("http://");
    outbound::Address address;
    outbound::Guard const guard(options.client.allowed_networks);
    bool const forbidden =
        outbound::parse(host, address) && !guard.permits(address, outbound::Reach::world);
    if (host.empty() || forbidden || (plain && options.https_only)) throw Refusal(url_refused);
}

void check(Options const& options, NewEndpoint& endpoint) {
    check_url(options, endpoint.url);
    check_subjects(endpoint.subjects);
}

EndpointWithSecret shown(Endpoint const& endpoint, std::string secret) {
    EndpointWithSecret view;
    static_cast<Endpoint&>(view) = endpoint;
    view.secret = std::move(secret);
    return view;
}

Task<Reply<EndpointWithSecret>> create(Webhooks& webhooks, Call<NewEndpoint>& call) {
    Webhooks::Inside& in = webhooks.inside();
    NewEndpoint body = call.body();
    check(in.options, body);
    EndpointId const id = new_id<EndpointNoun>();
    std::string const secret = Vault::fresh();
    std::string const sealed = in.vault.seal(secret, id);
    Tx tx = call.begin();
    tx.later(sql::lock_count, call.actor().org);
    std::int64_t const there = co_await tx(sql::count);
    if (there >= in.options.endpoints_max)
        throw Refusal(too_many).with("max", std::to_string(in.options.endpoints_max));
    Endpoint const made = co_await tx(sql::insert, id, sealed, body);
    call.made(made);
    emit(tx, events.created, id, event_of(made));
    EndpointWithSecret const view = shown(made, secret);
    co_return co_await call.commit(tx, created(view));
}

Task<Reply<Endpoint>> change(Webhooks& webhooks, Call<Change<NewEndpoint>>& call, EndpointId id) {
    Tx tx = call.begin();
    Endpoint const before = co_await tx(table.lock, id);
    call.expect(before);
    NewEndpoint fields = before;
    describe::apply(fields, call.body());
    check(webhooks.inside().options, fields);
    Endpoint const after = co_await tx(sql::change, id, fields);
    call.changed(before, after);
    if (after.is_enabled) wake(tx, id, org_of(call));
    emit(tx, events.updated, id, event_of(after));
    co_return co_await call.commit(tx, ok(after));
}

Task<Reply<Deleted>> remove(Call<>& call, EndpointId id) {
    Tx tx = call.begin();
    Endpoint const row = co_await tx(table.lock, id);
    call.expect(row);
    std::string const why = "the endpoint was removed";
    tx.later(sql::abandon, id, why);
    tx.later(table.remove, id);
    call.removed(row);
    emit(tx, events.deleted, id, event_of(row));
    co_return co_await call.commit(tx, deleted(id));
}

Task<Reply<Endpoint>> enable(Call<>& call, EndpointId id) {
    Tx tx = call.begin();
    Endpoint const before = co_await tx(table.lock, id);
    Endpoint const after = co_await tx(sql::enable, id);
    call.changed(before, after);
    if (!before.is_enabled) emit(tx, endpoint_enabled, id, event_of(after));
    co_return co_await call.commit(tx, ok(after));
}

Task<Reply<Endpoint>> disable(Call<Reason>& call, EndpointId id) {
    Tx tx = call.begin();
    Endpoint const before = co_await tx(table.lock, id);
    if (!before.is_enabled) throw Refusal(endpoint_is_disabled);
    Endpoint const after = co_await tx(sql::disable, id, call.body().reason.value);
    std::string const why = "the endpoint was disabled";
    tx.later(sql::abandon, id, why);
    call.changed(before, after);
    emit(tx, endpoint_disabled, id, event_of(after));
    co_return co_await call.commit(tx, ok(after));
}

Task<Reply<EndpointWithSecret>> rotate(Webhooks& webhooks, Call<Rotation>& call, EndpointId id) {
    std::string const secret = Vault::fresh();
    std::string const sealed = webhooks.inside().vault.seal(secret, id);
    Tx tx = call.begin();
    Endpoint const before = co_await tx(table.lock, id);
    Endpoint const after = co_await tx(sql::rotate, id, sealed, call.body().overlap_hours);
    call.changed(before, after);
    emit(tx, secret_rotated, id, event_of(after));
    EndpointWithSecret const view = shown(after, secret);
    co_return co_await call.commit(tx, ok(view));
}

/// Of an endpoint of any organization, by an administrator.
template <class Switched>
void tell_switched(RawCall const& call, Tx& tx, Event<EndpointEvent> const& what,
                   Switched const& row) {
    Cause cause;
    cause.user_id = call.actor().user.uuid;
    if (row.org_id) cause.org_id = row.org_id->uuid;
    cause.correlation_id = std::string(call.request_id());
    EndpointEvent event;
    event.id = row.id;
    event.host = host_of(row.url);
    event.subjects = row.subjects;
    event.is_enabled = row.is_enabled;
    event.reason = row.disabled_reason;
    emit(tx, cause, what, row.id, event);
}

Task<Reply<SwitchedOff>> switch_off(Call<Reason>& call, EndpointId id) {
    Tx tx = call.begin();
    std::optional<SwitchedOff> const found =
        co_await tx(sql::switch_off, id, call.body().reason.value);
    if (!found) throw not_found<EndpointNoun>();
    call.made(*found);
    tell_switched(call, tx, endpoint_disabled, *found);
    co_return co_await call.commit(tx, ok(*found));
}

Task<Reply<SwitchedOn>> switch_on(Call<>& call, EndpointId id) {
    Tx tx = call.begin();
    std::optional<SwitchingOn> const found = co_await tx(sql::switch_on, id);
    if (!found) throw not_found<EndpointNoun>();
    if (!found->was_switched_off) throw Refusal(not_switched_off);
    SwitchedOn const& row = *found;
    call.made(row);
    tell_switched(call, tx, endpoint_enabled, row);
    co_return co_await call.commit(tx, ok(row));
}

} // namespace

std::string host_of(std::string_view url) {
    auto const begin = url.find("://");
    if (begin == url.npos) return {};
    std::string_view const authority =
        url.substr(begin + 3, url.find_first_of("/?#", begin + 3) - (begin + 3));
    if (authority.find('@') != authority.npos) return {};
    auto const bracket = authority.find(']');
    if (authority.starts_with('[')) return std::string(authority.substr(0, bracket + 1));
    return std::string(authority.substr(0, authority.find(':')));
}

std::optional<OrgId> org_of(RawCall const& call) {
    OrgId const org = call.actor().org;
    return org.uuid.is_nil() ? std::nullopt : std::optional(org);
}

Task<Endpoint> ready_endpoint(Tx& tx, EndpointId id) {
    Endpoint endpoint = co_await tx(sql::ready, id);
    if (!endpoint.is_enabled) throw Refusal(endpoint_is_disabled);
    co_return endpoint;
}

Webhooks::Webhooks(Options options) : inside_(std::make_unique<Inside>(std::move(options))) {}
Webhooks::~Webhooks() = default;

void add_endpoint_routes(Routes& r, Webhooks& webhooks) {
    Routes all = r.group("/webhooks/endpoints", "Webhooks");
    all.get("", &list_page<list>, "Where events are sent to").needs(Permit::webhooks_manage);
    all.get("/{id}", &find_one<table>, "One endpoint").needs(Permit::webhooks_manage);
    all.post("", &create, webhooks, "Add an endpoint")
        .needs(Permit::webhooks_manage)
        .refuses(url_refused, subject_refused, too_many)
        .describes("The answer shows the secret, once. The key of an idempotent request would keep "
                   "it, so there is none: after a lost answer look at the list.");
    all.put("/{id}", &change, webhooks, "Change where or what")
        .needs(Permit::webhooks_manage)
        .refuses(url_refused, subject_refused);
    all.remove("/{id}", &remove, "Remove an endpoint; the log stays")
        .needs(Permit::webhooks_manage);
    all.post("/{id}/enable", &enable, "Send events there again")
        .needs(Permit::webhooks_manage)
        .answers(200)
        .refuses(switched_off)
        .describes("What happened meanwhile is not sent; what had failed may be, by "
                   "redeliver-failed. What an administrator has switched off stays off.");
    all.post("/{id}/disable", &disable, "Send nothing there any more")
        .needs(Permit::webhooks_manage)
        .answers(200)
        .refuses(endpoint_is_disabled);
    all.post("/{id}/rotate-secret", &rotate, webhooks, "A new secret, shown once")
        .needs(Permit::webhooks_manage)
        .answers(200)
        .audited_as("ROTATE")
        .describes("For some hours requests have two signatures, one with each secret.");
    Routes operators = r.group("/webhooks/overview", "Webhooks");
    operators.get("", &list_page<overview>, "The endpoints of all organizations")
        .needs(Permit::platform_admin);
    operators.post("/{id}/disable", &switch_off, "Switch off any organization's endpoint")
        .needs(Permit::platform_admin)
        .answers(200)
        .describes("Its managers cannot enable it.");
    operators.post("/{id}/enable", &switch_on, "Switch on what was switched off")
        .needs(Permit::platform_admin)
        .answers(200)
        .refuses(not_switched_off);
}

} // namespace haat::webhooks
