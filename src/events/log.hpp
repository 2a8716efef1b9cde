// What people ask of the events: what happened, what could not be delivered, once more please. The
// request role asks; row-level security and functions of the database say what it may see.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <events/stored.hpp>
#include <pg/pg.hpp>

namespace haat::events {

struct FailureNoun {
    static constexpr std::string_view noun = "event_failure";
};
using FailureId = Id<FailureNoun>;

// ---- what happened

struct EventView {
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
};
HAAT_DESCRIBE(EventView, id, event_id, subject, key, priority, data, version, user_id, org_id,
              correlation_id, created_at)

struct EventSearch {
    std::optional<std::vector<std::string>> subjects; // nothing: all
    std::optional<Uuid> key;
    std::optional<Timestamp> since;
    std::optional<Timestamp> until;
    std::optional<Uuid> org_id; // administrators may name one
    std::int64_t before = 0;    // the number of an event: those that are older
    std::int32_t take = 20;
};
HAAT_DESCRIBE(EventSearch, subjects, key, since, until, org_id, before, take)

/// Makes what is personal in them readable; what was erased becomes null.
Task<void> unveil(pg::Database&, std::vector<EventView>& events);

// ---- what could not be delivered

enum class FailureState : std::uint8_t { waiting, parked };
HAAT_DESCRIBE_ENUM(FailureState, waiting, parked)

struct FailureView {
    FailureId id;
    FailureState state = FailureState::parked;
    std::string consumer;
    std::int32_t attempts = 0;
    std::string last_error;
    Timestamp failed_at;
    Timestamp next_at;
    Uuid event_id;
    std::string subject;
    Uuid key;
    Priority priority = Priority::medium;
    Json data;
    std::optional<Uuid> user_id;
    std::optional<Uuid> org_id;
    std::string correlation_id;
    Timestamp created_at;
};
HAAT_DESCRIBE(FailureView, id, state, consumer, attempts, last_error, failed_at, next_at, event_id,
              subject, key, priority, data, user_id, org_id, correlation_id, created_at)
HAAT_NOTES(FailureView,
           {.field = "state", .text = "waiting: is tried again by itself; parked: no more."},
           {.field = "consumer", .text = "Who refused it.", .example = "handlers/search.index"},
           {.field = "next_at", .text = "Of a waiting one: when it is tried again."})

Task<void> unveil(pg::Database&, std::vector<FailureView>& failures);

struct FailureFilter {
    std::optional<FailureState> state;
    std::optional<Text<1, 100>> consumer;
    std::optional<Text<1, 100>> subject;
    std::optional<Uuid> key;
    Paging paging;
};
HAAT_DESCRIBE(FailureFilter, state, consumer, subject, key, paging)

namespace sql {

extern Many<EventView, EventSearch> search;
extern ListOf<FailureView, FailureFilter> failures;
/// Gives a parked or waiting one so many more attempts, the first at once.
extern One<FailureView, FailureId, std::int32_t> redeliver;

} // namespace sql

/// Spellings and categories as the subjects they stand for; throws Refusal for an unknown one.
std::vector<std::string> subjects_of(std::vector<std::string> const& names,
                                     std::vector<SubjectCategory> const& categories);
extern RefusalKind const subject_unknown;

} // namespace haat::events
