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
    Page<AuditEntry> const page = co_await ask.read.list(list, ask.query());
    co_return listed(page);
}

Task<Reply<AuditEntry>> find_entry(Call<>& call, std::int64_t id) {
    std::optional<AuditEntry> const entry = co_await call.read(audit::find, id);
    if (!entry) throw not_found<audit::AuditNoun>();
    co_return ok(*entry);
}

} // namespace

void add_audit_routes(Routes& r) {
    Routes all = r.group("/audit-logs", "Audit log");
    all.get("", &list_entries, "Who did what, the newest first").needs(Permit::audit_read);
    all.get("/{id}", &find_entry, "One entry").needs(Permit::audit_read);
}

} // namespace haat::admin
