#include <audit/search.hpp>

#include <privacy/keyring.hpp>

namespace haat::audit {

namespace {

constexpr std::string_view select = R"(
    select e.id, e.at as created_at, e.user_id, e.org_id, e.action, e.operation, e.entity,
           e.entity_id, audit.side(e.changes, 'before', 'after', 'from') as old_data,
           audit.side(e.changes, 'after', 'before', 'to') as new_data, e.address as ip_address,
           e.user_agent, e.request_id
      from audit.entries e)";

std::vector<pg::ListFilter> filters() {
    return {{"actor", "e.user_id = $"},
            {"action", "e.action = $"},
            {"operation", "e.operation = $"},
            {"entity", "e.entity = $"},
            {"entity_id", "e.entity_id = $"},
            {"request_id", "e.request_id = $"},
            {"from", "e.at >= $"},
            {"until", "e.at < $"},
            {"org_id", "e.org_id = $"}};
}

} // namespace

// Row-level security says the same; said here as well, the index of organizations can be used.
pg::ListOf<AuditEntry, AuditFilter> const list_own{
    "audit.list_own",
    {.select = select,
     .always = "e.org_id = nullif(current_setting('haat.org_id', true), '')::uuid",
     .filters = filters(),
     .sorts = {{"createdAt", "e.id", Order::desc}},
     .key = "e.id"}};
pg::ListOf<AuditEntry, AuditFilter> const list_all{"audit.list_all",
                                                   {.select = select,
                                                    .filters = filters(),
                                                    .sorts = {{"createdAt", "e.id", Order::desc}},
                                                    .key = "e.id"}};
Maybe<AuditEntry, std::int64_t> const find{"audit.find", R"(
    select e.id, e.at as created_at, e.user_id, e.org_id, e.action, e.operation, e.entity,
           e.entity_id, audit.side(e.changes, 'before', 'after', 'from') as old_data,
           audit.side(e.changes, 'after', 'before', 'to') as new_data, e.address as ip_address,
           e.user_agent, e.request_id
      from audit.entries e where e.id = $1)"};

One<Waiting> const waiting{"audit.waiting",
                           R"(
    select w.rows, coalesce(extract(epoch from now() - w.since), 0)::integer as seconds
      from audit.waiting() w)",
                           {.slow = true}};

Task<void> unveil(pg::Database& database, std::vector<AuditEntry>& entries) {
    std::vector<std::string*> texts;
    for (AuditEntry& entry : entries) {
        if (entry.old_data) texts.push_back(&entry.old_data->text);
        if (entry.new_data) texts.push_back(&entry.new_data->text);
        texts.push_back(&entry.ip_address);
        texts.push_back(&entry.user_agent);
    }
    co_await privacy::unveil(database, texts);
}

} // namespace haat::audit
