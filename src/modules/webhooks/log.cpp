// The log of deliveries, delivering again, and a delivery to try an endpoint.
#include <base/clock.hpp>
#include <modules/webhooks/endpoints.hpp>
#include <privacy/keyring.hpp>

namespace haat::webhooks {

namespace {

struct DeliveryRow {
    DeliveryId id;
    EndpointId endpoint_id;
    Uuid event_id;
    std::string subject;
    DeliveryState state = DeliveryState::waiting;
    std::int32_t attempts = 0;
    std::optional<Timestamp> next_attempt_at;
    std::optional<std::int32_t> last_status;
    std::optional<std::string> last_error;
    Timestamp created_at;
    std::optional<Timestamp> settled_at;
};
HAAT_DESCRIBE(DeliveryRow, id, endpoint_id, event_id, subject, state, attempts, next_attempt_at,
              last_status, last_error, created_at, settled_at)
HAAT_NOTES(DeliveryRow,
           {.field = "next_attempt_at",
            .text = "At the earliest; later when the endpoint is left alone for a while."},
           {.field = "settled_at", .text = "When it was delivered or given up."})

struct Body {
    std::string body;
};
HAAT_DESCRIBE(Body, body)

struct DeliveryView : DeliveryRow {
    std::string request_body;
    std::vector<AttemptRow> tried;
};
HAAT_DESCRIBE(DeliveryView, id, endpoint_id, event_id, subject, state, attempts, next_attempt_at,
              last_status, last_error, created_at, settled_at, request_body, tried)
HAAT_NOTES(DeliveryView, {.field = "tried", .text = "Every attempt, the last one first."})

struct DeliveryFilter {
    std::optional<EndpointId> endpoint_id;
    std::optional<DeliveryState> state;
    std::optional<Text<1, 100>> subject;
    std::optional<Uuid> event_id;
    std::optional<Timestamp> since;
    std::optional<Timestamp> until;
    Paging paging;
};
HAAT_DESCRIBE(DeliveryFilter, endpoint_id, state, subject, event_id, since, until, paging)

RefusalKind const never_sent{409, "WEBHOOK_DELIVERY_TOO_LARGE",
                             "This event is larger than webhooks carry. Ask for it by its id."};

struct Since {
    Timestamp since;
};
HAAT_DESCRIBE(Since, since)
HAAT_NOTES(Since, {.field = "since", .text = "Deliveries that were made at this moment or later."})

struct Redelivered {
    std::int64_t count = 0;
    bool has_more = false;
};
HAAT_DESCRIBE(Redelivered, count, has_more)
HAAT_NOTES(Redelivered, {.field = "has_more", .text = "Ask again for the others."})

/// The payload of a test delivery.
struct Ping {
    EndpointId endpoint_id;
    std::string message = "This is a test. Nothing has happened.";
};
HAAT_DESCRIBE(Ping, endpoint_id, message)

constexpr std::int32_t redelivered_max = 5'000; // in one request

// What is in the row but when the next attempt is: that is only said of what waits.
constexpr std::string_view select_row =
    "select id, endpoint_id, event_id, subject, state, attempts, case when state = 'waiting' then "
    "due_at end as next_attempt_at, last_status, last_error, created_at, settled_at "
    "from webhooks.deliveries";

ListOf<DeliveryRow, DeliveryFilter> list{"webhooks.deliveries.list",
                                         {.select = select_row,
                                          .filters = {{"endpoint_id", "endpoint_id = $"},
                                                      {"state", "state = $"},
                                                      {"subject", "subject = $"},
                                                      {"event_id", "event_id = $"},
                                                      {"since", "created_at >= $"},
                                                      {"until", "created_at < $"}},
                                          .sorts = {{"createdAt", "created_at", Order::desc}}}};

namespace sql {
One<DeliveryRow, DeliveryId> find{"webhooks.find_delivery", R"(
    select id, endpoint_id, event_id, subject, state, attempts,
           case when state = 'waiting' then due_at end as next_attempt_at, last_status,
           last_error, created_at, settled_at
      from webhooks.deliveries where id = $1)"};
One<Body, DeliveryId> body{"webhooks.delivery_body",
                           "select body from webhooks.deliveries where id = $1"};
Many<AttemptRow, DeliveryId> attempts{"webhooks.attempts", R"(
    select {row} from webhooks.attempts where delivery_id = $1 order by number desc limit 100)"};
Exec<DeliveryId, std::int64_t> again{"webhooks.redeliver", R"(
    update webhooks.deliveries
       set state = 'waiting', due_at = clock_timestamp(), tries = 0, settled_at = null,
           give_up_at = clock_timestamp() + $2 * interval '1 millisecond'
     where id = $1 and body <> '')"};
Exec<EndpointId, Timestamp, std::int64_t, std::int32_t> failed_again{"webhooks.redeliver_failed",
                                                                     R"(
    update webhooks.deliveries
       set state = 'waiting', due_at = clock_timestamp(), tries = 0, settled_at = null,
           give_up_at = clock_timestamp() + $3 * interval '1 millisecond'
     where id = any (array(
        select id from webhooks.deliveries
         where endpoint_id = $1 and state = 'failed' and created_at >= $2 and body <> ''
         order by created_at limit $4)))"};
Exec<NewDelivery, std::int64_t> insert{"webhooks.insert_ping", R"(
    insert into webhooks.deliveries (give_up_at, {1})
    values (clock_timestamp() + $9 * interval '1 millisecond', {$1}))"};
} // namespace sql

Task<Reply<DeliveryView>> find(Call<>& call, DeliveryId id) {
    DeliveryView view;
    static_cast<DeliveryRow&>(view) = co_await call.read(sql::find, id);
    Body body = co_await call.read(sql::body, id);
    std::vector<std::string*> const texts(1, &body.body);
    co_await privacy::unveil(call.database(), texts);
    view.request_body = std::move(body.body);
    view.tried = co_await call.read(sql::attempts, id);
    co_return ok(view);
}

Task<Reply<DeliveryRow>> redeliver(Webhooks& webhooks, Call<>& call, DeliveryId id) {
    std::int64_t const patience = webhooks.inside().options.patience.count();
    Tx tx = call.begin();
    DeliveryRow const before = co_await tx(sql::find, id);
    co_await ready_endpoint(tx, before.endpoint_id);
    int const there = co_await tx(sql::again, id, patience);
    if (there == 0) throw Refusal(never_sent);
    wake(tx, before.endpoint_id, org_of(call));
    DeliveryRow const after = co_await tx(sql::find, id);
    call.changed(before, after);
    co_return co_await call.commit(tx, ok(after));
}

Task<Reply<Redelivered>> redeliver_failed(Webhooks& webhooks, Call<Since>& call, EndpointId id) {
    std::int64_t const patience = webhooks.inside().options.patience.count();
    Tx tx = call.begin();
    co_await ready_endpoint(tx, id);
    Redelivered answer;
    answer.count = co_await tx(sql::failed_again, id, call.body().since, patience, redelivered_max);
    answer.has_more = answer.count == redelivered_max;
    if (answer.count > 0) wake(tx, id, org_of(call));
    Reply<Redelivered> reply = ok(answer);
    reply.entity = id.uuid;
    co_return co_await call.commit(tx, std::move(reply));
}

Task<Reply<DeliveryRow>> ping(Webhooks& webhooks, Call<>& call, EndpointId id) {
    Options const& options = webhooks.inside().options;
    Tx tx = call.begin();
    co_await ready_endpoint(tx, id);
    Ping payload;
    payload.endpoint_id = id;
    events::StoredEvent event;
    event.event_id = new_uuid();
    event.subject = "webhook:ping";
    event.key = id.uuid;
    event.data.text = describe::to_json(payload);
    event.created_at = now();
    event.correlation_id = call.request_id();
    NewDelivery const row = delivery_of(event, id, org_of(call), options.body_bytes_max);
    tx.later(sql::insert, row, options.patience.count());
    wake(tx, id, org_of(call));
    DeliveryRow const made = co_await tx(sql::find, row.id);
    Reply<DeliveryRow> reply = haat::reply(202, made);
    co_return co_await call.commit(tx, std::move(reply));
}

} // namespace

void add_delivery_routes(Routes& r, Webhooks& webhooks) {
    Routes endpoints = r.group("/webhooks/endpoints", "Webhooks");
    endpoints.post("/{id}/ping", &ping, webhooks, "Send a test event there")
        .needs(Permit::webhooks_manage)
        .answers(202)
        .refuses(endpoint_is_disabled)
        .describes("Its subject is webhook:ping. How it went is in the log of deliveries.");
    endpoints
        .post("/{id}/redeliver-failed", &redeliver_failed, webhooks,
              "Send again what has failed since a time")
        .needs(Permit::webhooks_manage)
        .answers(200)
        .refuses(endpoint_is_disabled);
    Routes deliveries = r.group("/webhooks/deliveries", "Webhooks");
    deliveries.get("", &list_page<list>, "What was sent, and how it went")
        .needs(Permit::webhooks_manage);
    deliveries.get("/{id}", &find, "One delivery with its attempts").needs(Permit::webhooks_manage);
    deliveries.post("/{id}/redeliver", &redeliver, webhooks, "Send it once more")
        .needs(Permit::webhooks_manage)
        .answers(200)
        .refuses(endpoint_is_disabled, never_sent);
}

void add_webhook_routes(Routes& r, Webhooks& webhooks) {
    add_endpoint_routes(r, webhooks);
    add_delivery_routes(r, webhooks);
}

} // namespace haat::webhooks
