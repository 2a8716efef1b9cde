// The dispatcher's SQL. Private to this room.
#pragma once

#include <events/stored.hpp>
#include <pg/query.hpp>

namespace haat::events {

struct CursorRow {
    std::string sink;
    std::int32_t shard = 0;
    std::int64_t ordinal = 0;
    std::int64_t id = 0;
    std::int64_t fence = 0;
};
HAAT_DESCRIBE(CursorRow, sink, shard, ordinal, id, fence)

struct LaneName {
    std::string sink;
    std::int32_t shard = 0;
};
HAAT_DESCRIBE(LaneName, sink, shard)

/// What a sink refused, as it is written.
struct NewFailure {
    std::string sink;
    std::string consumer;
    std::int32_t shard = 0;
    std::int32_t attempts = 0;
    std::int32_t attempts_max = 0;
    std::string state;
    std::string last_error;
    std::int64_t ordinal = 0;
    std::int64_t number = 0;
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
};
HAAT_DESCRIBE(NewFailure, sink, consumer, shard, attempts, attempts_max, state, last_error, ordinal,
              number, event_id, subject, key, priority, data, version, user_id, org_id,
              correlation_id, created_at)
NewFailure failure_of(std::string const& sink, std::string consumer, StoredEvent const& event);

struct FailureRow {
    Uuid id;
    std::string consumer;
    std::int32_t attempts = 0;
    std::int32_t attempts_max = 0;
    std::int64_t ordinal = 0;
    std::int64_t number = 0;
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
};
HAAT_DESCRIBE(FailureRow, id, consumer, attempts, attempts_max, ordinal, number, event_id, subject,
              key, priority, data, version, user_id, org_id, correlation_id, created_at)
StoredEvent event_of(FailureRow const& row);

struct HeldRow {
    std::string consumer;
    Uuid key;
};
HAAT_DESCRIBE(HeldRow, consumer, key)

struct ReplayRow {
    Uuid id;
    std::string sink;
    std::vector<std::string> subjects; // empty: all
    std::optional<Uuid> key;
    Timestamp since;
    Timestamp until;
    bool again = false;
    std::int32_t shard = 0;
    std::int64_t ordinal = 0;
    std::int64_t number = 0;
    std::int64_t fence = 0;
};
HAAT_DESCRIBE(ReplayRow, id, sink, subjects, key, since, until, again, shard, ordinal, number,
              fence)

/// What is to be read next.
struct ReplayPart {
    std::int32_t shard = 0;
    std::vector<std::string> subjects;
    std::optional<Uuid> key;
    Timestamp since;
    Timestamp until;
    std::int64_t ordinal = 0;
    std::int64_t number = 0;
    std::int32_t take = 0;
};
HAAT_DESCRIBE(ReplayPart, shard, subjects, key, since, until, ordinal, number, take)

/// How far it has come; another fence means that another node has it.
struct ReplayStep {
    Uuid id;
    std::int64_t fence = 0;
    std::int32_t shard = 0;
    std::int64_t ordinal = 0;
    std::int64_t number = 0;
    std::int64_t delivered = 0;
    std::int64_t lease_ms = 0;
};
HAAT_DESCRIBE(ReplayStep, id, fence, shard, ordinal, number, delivered, lease_ms)

namespace sql {

// ---- nodes, sinks, leases; the time is the database's
extern Exec<Uuid, std::string, std::vector<std::string>> join;
extern Exec<std::vector<std::string>> know_sinks;
extern Exec<std::string, std::int64_t> make_cursors;
extern Many<LaneName, Uuid, std::int64_t> renew; // what is still ours
extern One<std::int64_t, std::string, std::int64_t> nodes_with;
extern Many<CursorRow, std::string, Uuid, std::int64_t, std::int64_t> lease_free;
extern Exec<std::string, std::int32_t, std::int64_t> give_back;
extern Exec<Uuid> give_all_back;
extern Exec<Uuid> leave;
extern One<std::int32_t, std::int64_t> maintain;

// ---- reading: only below the oldest transaction that still runs
extern Many<LaneName, Uuid> lanes_with_work;
extern Many<StoredEvent, std::int32_t, std::int64_t, std::int64_t, std::int32_t> next_of_shard;
extern One<std::int64_t> horizon;
extern Many<StoredEvent, std::int64_t, std::int64_t, std::int32_t> next_of_all;

// ---- standing
extern Exec<std::string, std::int32_t, std::int64_t, std::int64_t, std::int64_t> move_cursor;
/// The commit does not wait for the disk: what a crash takes is done once more.
extern Exec<> forgettable;
extern Exec<std::int64_t, NewFailure> insert_failure;
extern Many<HeldRow, std::string, std::int32_t> held;
extern Many<FailureRow, std::string, std::int32_t> due_failures;
extern Exec<Uuid> failure_over;
extern Exec<Uuid, std::int32_t, std::string, std::string, std::int64_t> failure_again;

// ---- replays
extern Maybe<ReplayRow, std::vector<std::string>, std::int64_t> take_replay;
extern Many<StoredEvent, ReplayPart> next_of_replay;
extern Exec<ReplayStep> move_replay;
extern Exec<Uuid, std::int64_t, std::string, std::string> end_replay;

} // namespace sql
} // namespace haat::events
