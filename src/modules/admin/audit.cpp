// Who did what: for the leaders of an organization theirs, for administrators everything.
#include <audit/search.hpp>
#include <http/routes.hpp>
#include <modules/admin/admin.hpp>

namespace haat::admin {

namespace {

using audit::AuditEntry;
using audit::AuditFilter;

Task<Reply<Page<AuditEntry>>> list_entries(Ask<AuditFilter>& ask) {
    pg::ListOf<AuditEntry, AuditFilter> const& list =
        ask.actor().is_admin() ? audit::list_all : audit::list_own;
    Page<AuditEntry> page = co_await ask.read.list(list, ask.query());
    co_await audit::unveil(ask.database(), page.items);
    co_return listed(page);
}

Task<Reply<AuditEntry>> find_entry(Call<>& call, std::int64_t id) {
    std::optional<AuditEntry> const found = co_await call.read(audit::find, id);
    if (!found) throw not_found<audit::AuditNoun>();
    std::vector<AuditEntry> entries(1, *found);
    co_await audit::unveil(call.database(), entries);
    co_return ok(entries.front());
}

} // namespace

void add_audit_routes(Routes& r) {
    Routes all = r.group("/audit-logs", "Audit log");
    all.get("", &list_entries, "Who did what, the newest first").needs(Permit::audit_read);
    all.get("/{id}", &find_entry, "One entry").needs(Permit::audit_read);
}

} // namespace haat::admin
