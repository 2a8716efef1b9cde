// An event is a value with a name and a payload type; emitting writes it to the outbox in the
// transaction that caused it.
//
//     inline Event<Brand> brand_created{"BrandCreated", "brand:created"};
//     emit(tx, brand_created, brand.id, brand);
#pragma once

#include <string_view>

#include <pg/pg.hpp>

namespace haat {

enum class Priority : std::uint8_t { low, medium, high, critical };
HAAT_DESCRIBE_ENUM(Priority, low, medium, high, critical)

class EventKind {
public:
    EventKind(std::string_view constant, std::string_view subject, describe::Shape const& payload,
              Priority priority);
    EventKind(EventKind const&) = delete;

    std::string_view constant() const { return constant_; }
    std::string_view subject() const { return subject_; }
    describe::Shape const& payload() const { return *payload_; }
    Priority priority() const { return priority_; }

    EventKind const* next() const { return next_; }
    static EventKind const* first();

private:
    std::string_view constant_;
    std::string_view subject_;
    describe::Shape const* payload_;
    Priority priority_;
    EventKind const* next_;
};

/// Both together, kept for as long as the program runs.
std::string_view kept(std::string_view first, std::string_view second);

template <class Payload> struct Event : EventKind {
    Event(std::string_view constant, std::string_view subject, Priority priority = Priority::medium)
        : EventKind(constant, subject, describe::shape_of<Payload>, priority) {}
};

/// What happens to every simple resource: Events<Brand> events{"Brand", "brand"} declares
/// BrandCreated brand:created, BrandUpdated brand:updated and BrandDeleted brand:deleted.
template <class Payload> struct Events {
    Events(std::string_view constant, std::string_view subject)
        : created(kept(constant, "Created"), kept(subject, ":created")),
          updated(kept(constant, "Updated"), kept(subject, ":updated")),
          deleted(kept(constant, "Deleted"), kept(subject, ":deleted")) {}
    Event<Payload> created;
    Event<Payload> updated;
    Event<Payload> deleted;
};

/// `key` is the aggregate's id: events of one key are delivered in order.
void emit_erased(Tx&, EventKind const&, Uuid const& key, void const* payload);

template <class Payload, class Noun>
void emit(Tx& tx, Event<Payload> const& event, Id<Noun> key,
          std::type_identity_t<Payload> const& payload) {
    emit_erased(tx, event, key.uuid, &payload);
}

} // namespace haat
