// An event as it lies in the outbox, and the envelope in which others get it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <events/events.hpp>

namespace haat::events {

struct StoredEvent {
    std::int64_t ordinal = 0; // its transaction, or that of the event before it in its key
    std::int64_t id = 0;
    Uuid event_id;
    std::string subject;
    Uuid key;
    Priority priority = Priority::medium;
    Json data;
    std::int32_t version = 1;
    std::optional<Uuid> user_id;
    std::optional<Uuid> org_id;
    std::string correlation_id;
    Timestamp created_at;
    /// The data with what is personal in it made readable; empty: nothing is veiled.
    std::string readable;

    std::string_view payload() const { return readable.empty() ? data.text : readable; }
};
HAAT_DESCRIBE(StoredEvent, ordinal, id, event_id, subject, key, priority, data, version, user_id,
              org_id, correlation_id, created_at)

/// Makes all of them readable, with one query at the most.
Task<void> unveil(pg::Database&, std::vector<StoredEvent>& events);

/// Keys are spread over so many shards, each read and leased by itself; migrations say the same.
inline constexpr int shard_count = 8;
inline int shard_of(Uuid const& key) { return key.bytes[15] % shard_count; }

inline Cause cause_of(StoredEvent const& event) {
    return {event.user_id, event.org_id, event.correlation_id};
}

/// {"subject","data","timestamp","eventId","version","userId","correlationId"}; what is not known
/// is left out.
void write_envelope(std::string& out, StoredEvent const& event);
/// The same to be kept: what is personal in it stays veiled.
void write_veiled_envelope(std::string& out, StoredEvent const& event);
/// An event of somebody else. Throws Fault with what is wrong. An eventId that is no UUID becomes
/// one by hashing, always the same.
StoredEvent read_envelope(std::string_view json);
/// A key of somebody else: as it is when it is a UUID, else by hashing.
Uuid key_of(std::string_view text);

/// Into a described payload; throws Fault with the first thing that is wrong.
void read_payload(StoredEvent const& event, describe::Shape const& shape, void* into);

} // namespace haat::events
