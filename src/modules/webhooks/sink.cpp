// Events out of the dispatcher become deliveries: rows and, for each endpoint, a job.
#include <algorithm>
#include <set>

#include <base/clock.hpp>
#include <modules/webhooks/deliveries.hpp>
#include <pg/database.hpp>

namespace haat::webhooks {

namespace {

// What one transaction writes at the most.
constexpr std::size_t rows_max = 500;
constexpr std::size_t bytes_max = 8 * 1024 * 1024;

struct Subscription {
    EndpointId id;
    std::optional<OrgId> org_id;
    std::vector<std::string> subjects;
};
HAAT_DESCRIBE(Subscription, id, org_id, subjects)

namespace sql {
Many<Subscription, std::vector<Uuid>> subscriptions{"webhooks.subscriptions", R"(
    select {row} from webhooks.endpoints where is_enabled and org_id = any ($1)
    union all
    select {row} from webhooks.endpoints where is_enabled and org_id is null)"};
// In the order of their ids, so that two who lock several do not wait for one another.
Many<EndpointId, std::vector<Uuid>> lock{"webhooks.lock_enabled", R"(
    select id from webhooks.endpoints where id = any ($1) and is_enabled order by id for share)"};
Exec<std::vector<NewDelivery>, std::int64_t, bool> insert{"webhooks.insert_deliveries", R"(
    insert into webhooks.deliveries as d (id, endpoint_id, org_id, event_id, subject, body, state,
                                          last_error, settled_at, give_up_at)
    select n.id, n.endpoint_id, n.org_id, n.event_id, n.subject, n.body, n.state, n.last_error,
           case when n.state <> 'waiting' then clock_timestamp() end,
           clock_timestamp() + $2 * interval '1 millisecond'
      from jsonb_to_recordset($1) as n (id uuid, endpoint_id uuid, org_id uuid, event_id uuid,
                                        subject text, body text, state text, last_error text)
     order by n.endpoint_id, n.event_id
        on conflict (endpoint_id, event_id) do update
           set state = 'waiting', due_at = clock_timestamp(), tries = 0, settled_at = null,
               give_up_at = excluded.give_up_at
         where $3 and d.state <> 'waiting' and excluded.state = 'waiting')"};
} // namespace sql

std::vector<Uuid> organizations_of(events::Batch const& batch) {
    std::set<Uuid> all;
    for (events::StoredEvent const& event : batch.events)
        if (event.org_id) all.insert(*event.org_id);
    return {all.begin(), all.end()};
}

/// An endpoint never sees what happened elsewhere; the platform's see everything.
bool meant_for(Subscription const& one, events::StoredEvent const& event) {
    bool const own = !one.org_id || (event.org_id && *event.org_id == one.org_id->uuid);
    return own && wanted(one.subjects, event.subject);
}

/// A part of what a batch brings, in a transaction of its own.
struct Part {
    std::vector<NewDelivery> rows;
    std::size_t bytes = 0;
    bool full() const { return rows.size() >= rows_max || bytes >= bytes_max; }
};

Task<void> write(pg::Database& worker, Part& part, std::int64_t patience_ms, bool again) {
    std::set<Uuid> ids;
    for (NewDelivery const& row : part.rows) ids.insert(row.endpoint_id.uuid);
    std::vector<Uuid> const wanted_ids(ids.begin(), ids.end());
    Tx tx(worker, pg::nobody);
    std::vector<EndpointId> const there = co_await tx(sql::lock, wanted_ids);
    std::erase_if(part.rows, [&there](NewDelivery const& row) {
        return !std::binary_search(there.begin(), there.end(), row.endpoint_id);
    });
    if (part.rows.empty()) co_return;
    tx.later(sql::insert, part.rows, patience_ms, again);
    for (EndpointId const id : there) {
        auto const row =
            std::find_if(part.rows.begin(), part.rows.end(),
                         [id](NewDelivery const& one) { return one.endpoint_id == id; });
        wake(tx, id, row->org_id);
    }
    co_await tx.commit();
}

} // namespace

bool wanted(std::vector<std::string> const& patterns, std::string_view subject) {
    return std::any_of(patterns.begin(), patterns.end(), [subject](std::string const& pattern) {
        if (pattern == "*" || pattern == subject) return true;
        std::string_view const text = pattern;
        return text.ends_with(":*") && subject.starts_with(text.substr(0, text.size() - 1));
    });
}

NewDelivery delivery_of(events::StoredEvent const& event, EndpointId endpoint,
                        std::optional<OrgId> const& org, std::size_t kept_max) {
    NewDelivery row;
    row.id = new_id<DeliveryNoun>();
    row.endpoint_id = endpoint;
    row.org_id = org;
    row.event_id = event.event_id;
    row.subject = event.subject;
    events::write_veiled_envelope(row.body, event);
    if (row.body.size() <= kept_max) return row;
    row.state = DeliveryState::failed;
    row.last_error = "the event has " + std::to_string(row.body.size()) +
                     " bytes, more than webhooks carry; ask for it by its id";
    row.body.clear();
    return row;
}

EventSink::EventSink(pg::Database& worker, Options const& options)
    : Sink("webhooks"), worker_(worker), patience_ms_(options.patience.count()),
      body_bytes_max_(options.body_bytes_max) {}

Task<std::vector<events::Refused>> EventSink::deliver(events::Batch const& batch) {
    std::vector<Uuid> const orgs = organizations_of(batch);
    pg::Reader read(worker_, pg::nobody);
    std::vector<Subscription> const subscriptions = co_await read(sql::subscriptions, orgs);
    Part part;
    for (events::StoredEvent const& event : batch.events) {
        for (Subscription const& one : subscriptions) {
            if (!meant_for(one, event)) continue;
            part.rows.push_back(delivery_of(event, one.id, one.org_id, body_bytes_max_));
            part.bytes += part.rows.back().body.size();
            if (!part.full()) continue;
            co_await write(worker_, part, patience_ms_, batch.again);
            part = Part();
        }
    }
    if (!part.rows.empty()) co_await write(worker_, part, patience_ms_, batch.again);
    co_return std::vector<events::Refused>();
}

// Nothing is ever refused by itself: either all of a batch is written, or it comes again.
Task<void> EventSink::retry(std::string const&, events::StoredEvent const& event) {
    events::Batch batch;
    batch.events = std::span(&event, 1);
    co_await deliver(batch);
}

} // namespace haat::webhooks
