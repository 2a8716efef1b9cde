// An event is a value with a subject of the catalogue and a payload type; emitting writes it to the
// outbox in the transaction that caused it.
//
//     inline Event<Brand> brand_created{subjects::brand_created};
//     emit(tx, brand_created, brand.id, brand);
#pragma once

#include <source_location>
#include <string_view>

#include <events/subjects.hpp>
#include <pg/pg.hpp>

namespace haat {

/// Links itself into the list from which docs/events.md and asyncapi.json are made, and lives as
/// long as the program: at namespace scope.
class EventKind {
public:
    EventKind(Subject const& subject, describe::Shape const& payload, std::source_location where);
    EventKind(EventKind const&) = delete;

    haat::Subject const& subject() const { return *subject_; }
    describe::Shape const& payload() const { return *payload_; }
    /// The module or room that declares it: "identity".
    std::string_view emitter() const;

    EventKind const* next() const { return next_; }
    static EventKind const* first();

private:
    haat::Subject const* subject_;
    describe::Shape const* payload_;
    char const* file_;
    EventKind const* next_;
};

template <class Payload_> struct Event : EventKind {
    using Payload = Payload_;
    explicit Event(haat::Subject const& its_subject,
                   std::source_location where = std::source_location::current())
        : EventKind(its_subject, describe::shape_of<Payload>, where) {}
};

/// What happens to every simple resource: Events<Brand> events{subjects::brand} declares
/// brand:created, brand:updated and brand:deleted.
template <class Payload> struct Events {
    explicit Events(Lifecycle const& subjects,
                    std::source_location where = std::source_location::current())
        : created(subjects.created, where), updated(subjects.updated, where),
          deleted(subjects.deleted, where) {}
    Event<Payload> created;
    Event<Payload> updated;
    Event<Payload> deleted;
};

/// On whose behalf an event happens; a transaction's own settings when nothing else is said.
struct Cause {
    std::optional<Uuid> user_id;
    std::optional<Uuid> org_id;
    std::string correlation_id;
};

/// `key` is the aggregate's id: events of one key are delivered in order, if the aggregate's row is
/// locked or new in this transaction.
void emit_erased(Tx&, EventKind const&, Uuid const& key, void const* payload, Cause const*);

template <class Payload, class Noun>
void emit(Tx& tx, Event<Payload> const& event, Id<Noun> key,
          std::type_identity_t<Payload> const& payload) {
    emit_erased(tx, event, key.uuid, &payload, nullptr);
}

/// As a consequence of another event, in its handler: the same user, organization, correlation.
template <class Payload, class Noun>
void emit(Tx& tx, Cause const& cause, Event<Payload> const& event, Id<Noun> key,
          std::type_identity_t<Payload> const& payload) {
    emit_erased(tx, event, key.uuid, &payload, &cause);
}

/// The channel on which nodes tell one another that there may be something in the outbox.
inline constexpr char const* events_channel = "haat_events";

} // namespace haat
