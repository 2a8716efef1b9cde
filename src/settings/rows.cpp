#include <settings/rows.hpp>

namespace haat::settings {

Many<KeptRow> const kept{"settings.kept", R"(
    select key, value, false as is_own, updated_at from settings.platform
    union all
    select key, value, true, updated_at from settings.overrides
     where org_id = nullif(current_setting('haat.org_id', true), '')::uuid)"};
// Two who change the same value take turns, also where there is no row yet.
Exec<std::string> const take_turns{"settings.take_turns",
                                   "select pg_advisory_xact_lock(hashtextextended($1, 23))"};
Exec<std::string, Json, UserId> const set_platform{"settings.set_platform", R"(
    insert into settings.platform (key, value, updated_by) values ($1, $2, $3)
        on conflict (key) do update set value = excluded.value, updated_at = now(),
                                        updated_by = excluded.updated_by)"};
Exec<OrgId, std::string, Json, UserId> const set_own{"settings.set_own", R"(
    insert into settings.overrides (org_id, key, value, updated_by) values ($1, $2, $3, $4)
        on conflict (org_id, key) do update set value = excluded.value, updated_at = now(),
                                                updated_by = excluded.updated_by)"};
Exec<std::string> const reset_platform{"settings.reset_platform",
                                       "delete from settings.platform where key = $1"};
Exec<OrgId, std::string> const reset_own{
    "settings.reset_own", "delete from settings.overrides where org_id = $1 and key = $2"};

One<MaintenanceView> const find_maintenance{"settings.maintenance", R"(
    select is_on, reason, started_by, started_at, expected_end_at, completed_at
      from settings.maintenance)"};
One<MaintenanceView> const lock_maintenance{"settings.lock_maintenance", R"(
    select is_on, reason, started_by, started_at, expected_end_at, completed_at
      from settings.maintenance for update)"};
One<MaintenanceView, StartRow> const start_maintenance{"settings.start_maintenance", R"(
    update settings.maintenance
       set is_on = true, reason = $1, expected_end_at = $2, started_by = $3, started_at = now(),
           completed_at = null
    returning is_on, reason, started_by, started_at, expected_end_at, completed_at)"};
One<MaintenanceView> const complete_maintenance{"settings.complete_maintenance", R"(
    update settings.maintenance set is_on = false, completed_at = now()
    returning is_on, reason, started_by, started_at, expected_end_at, completed_at)"};

} // namespace haat::settings
