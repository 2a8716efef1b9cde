#include <events/events.hpp>

#include <chrono>

#include <base/clock.hpp>
#include <base/uuid_or_none.hpp>
#include <describe/codec.hpp>
#include <pg/database.hpp>
#include <privacy/keyring.hpp>

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
Exec<> announce{"events.announce", "select pg_notify('haat_events', '')"};
} // namespace sql

Task<void> announce(pg::Database& database) {
    pg::Reader reader(database, pg::nobody);
    try {
        co_await reader(sql::announce);
    } catch (std::exception const&) {
        // Dispatchers look by themselves every second.
    }
}

/// Not by the transaction: PostgreSQL lets those that notify commit one at a time. So it is told
/// beside it, perhaps before the commit; a dispatcher that was woken looks several times. Once in
/// a while is enough, for under load it is awake anyway.
void announce_soon(pg::Database& database) {
    constexpr std::chrono::milliseconds once_in{20};
    thread_local std::chrono::steady_clock::time_point last{};
    auto const at = std::chrono::steady_clock::now();
    if (at - last < once_in) return;
    last = at;
    detach(announce(database));
}

} // namespace

EventKind::EventKind(haat::Subject const& subject, describe::Shape const& payload,
                     std::source_location where)
    : subject_(&subject), payload_(&payload), file_(where.file_name()), next_(first_event) {
    first_event = this;
}
EventKind const* EventKind::first() { return first_event; }

std::string_view EventKind::emitter() const {
    std::string_view const file = file_;
    if (file.find("/test/") != std::string_view::npos) return "tests";
    for (std::string_view const folder : {"modules/", "src/"}) {
        auto const at = file.rfind(folder);
        if (at == std::string_view::npos) continue;
        std::string_view const rest = file.substr(at + folder.size());
        return rest.substr(0, rest.find('/'));
    }
    return "haat";
}

void emit_erased(Tx& tx, EventKind const& event, Uuid const& key, void const* payload,
                 Cause const* cause) {
    Subject const& subject = event.subject();
    if (subject.live)
        throw Fault("the subject " + std::string(subject.name) + " is live only: tell() it");
    OutboxRow row{.event_id = new_uuid(),
                  .subject = std::string(subject.name),
                  .key = key,
                  .priority = subject.priority,
                  .data = {},
                  .user_id = cause ? cause->user_id : uuid_or_none(tx.settings().user_id),
                  .org_id = cause ? cause->org_id : uuid_or_none(tx.settings().org_id),
                  .correlation_id = cause ? cause->correlation_id : tx.settings().correlation_id};
    row.data.text.clear();
    describe::PersonalParts personal;
    describe::encode_masked(row.data.text, event.payload(), payload, personal);
    privacy::veil(tx, row.data.text, personal, row.org_id.value_or(row.user_id.value_or(Uuid{})));
    tx.later(sql::insert_outbox, row);
    announce_soon(tx.database());
}

} // namespace haat
