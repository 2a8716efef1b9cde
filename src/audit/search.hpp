// The audit log as those who may read it see it.
#pragma once

#include <base/refusal.hpp>
#include <base/task.hpp>
#include <pg/pg.hpp>

namespace haat::audit {

struct AuditNoun {
    static constexpr std::string_view noun = "audit_log";
};

struct AuditEntry {
    std::int64_t id = 0;
    Timestamp created_at;
    std::optional<Uuid> user_id;
    std::optional<Uuid> org_id;
    std::string action;
    std::string operation;
    std::string entity;
    std::optional<Uuid> entity_id;
    std::optional<Json> old_data;
    std::optional<Json> new_data;
    std::string ip_address;
    std::string user_agent;
    std::string request_id;
};
HAAT_DESCRIBE(AuditEntry, id, created_at, user_id, org_id, action, operation, entity, entity_id,
              old_data, new_data, ip_address, user_agent, request_id)
HAAT_NOTES(AuditEntry, {.field = "user_id", .text = "Who did it; null: nobody was signed in."},
           {.field = "action",
            .text = "CREATE, UPDATE, DELETE, LOGIN, LOGOUT, or EXECUTE for what is none of them.",
            .example = "UPDATE"},
           {.field = "operation", .text = "The operation of this API.", .example = "putBrandsById"},
           {.field = "entity", .text = "What it was done to.", .example = "Brands"},
           {.field = "old_data", .text = "What was changed or removed, as it was before."},
           {.field = "new_data", .text = "What was changed or made, as it is after."})

struct AuditFilter {
    std::optional<Uuid> actor;
    std::optional<Text<1, 60>> action;
    std::optional<Text<1, 100>> operation;
    std::optional<Text<1, 100>> entity;
    std::optional<Uuid> entity_id;
    std::optional<Text<1, 200>> request_id;
    std::optional<Timestamp> from;
    std::optional<Timestamp> until;
    std::optional<Uuid> org_id;
    Paging paging;
};
HAAT_DESCRIBE(AuditFilter, actor, action, operation, entity, entity_id, request_id, from, until,
              org_id, paging)
HAAT_NOTES(AuditFilter, {.field = "actor", .text = "The user who did it.", .also = {"userId"}},
           {.field = "from", .text = "At this time or later.", .also = {"startDate"}},
           {.field = "until", .text = "Before this time.", .also = {"endDate"}},
           {.field = "org_id", .text = "For administrators; members see their own anyway."})

// Row-level security decides what is seen: of the acting organization, or for administrators all.
extern pg::ListOf<AuditEntry, AuditFilter> const list_own;
extern pg::ListOf<AuditEntry, AuditFilter> const list_all;
extern Maybe<AuditEntry, std::int64_t> const find;

/// Makes what is personal in them readable; what was erased becomes null, or empty.
Task<void> unveil(pg::Database&, std::vector<AuditEntry>& entries);

/// How far the sealing is behind; for administrators.
struct Waiting {
    std::int64_t rows = 0;
    std::int32_t seconds = 0; // since the oldest was written
};
HAAT_DESCRIBE(Waiting, rows, seconds)
extern One<Waiting> const waiting;

} // namespace haat::audit
