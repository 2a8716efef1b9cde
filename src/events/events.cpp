#include <events/events.hpp>

#include <deque>

#include <base/clock.hpp>
#include <describe/codec.hpp>

namespace haat {

namespace {

constinit EventKind const* first_event = nullptr;

struct OutboxRow {
    Uuid event_id;
    std::string subject;
    Uuid key;
    Priority priority;
    Json data;
    std::optional<Uuid> user_id;
    std::optional<Uuid> org_id;
    std::string correlation_id;
};
HAAT_DESCRIBE(OutboxRow, event_id, subject, key, priority, data, user_id, org_id, correlation_id)

namespace sql {
Exec<OutboxRow> insert_outbox{"events.insert_outbox", R"(
    insert into events.outbox (event_id, subject, key, priority, data, user_id, org_id,
                               correlation_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8))"};
}

std::optional<Uuid> uuid_or_none(std::string const& text) {
    Uuid uuid;
    if (text.empty() || !parse(text, uuid)) return std::nullopt;
    return uuid;
}

} // namespace

EventKind::EventKind(std::string_view constant, std::string_view subject,
                     describe::Shape const& payload, Priority priority)
    : constant_(constant), subject_(subject), payload_(&payload), priority_(priority),
      next_(first_event) {
    first_event = this;
}
EventKind const* EventKind::first() { return first_event; }

std::string_view kept(std::string_view first, std::string_view second) {
    static std::deque<std::string> names;
    return names.emplace_back(std::string(first) + std::string(second));
}

void emit_erased(Tx& tx, EventKind const& event, Uuid const& key, void const* payload) {
    OutboxRow row{.event_id = new_uuid(),
                  .subject = std::string(event.subject()),
                  .key = key,
                  .priority = event.priority(),
                  .data = {},
                  .user_id = uuid_or_none(tx.settings().user_id),
                  .org_id = uuid_or_none(tx.settings().org_id),
                  .correlation_id = tx.settings().correlation_id};
    row.data.text.clear();
    describe::encode_masked(row.data.text, event.payload(), payload);
    tx.later(sql::insert_outbox, row);
}

} // namespace haat
