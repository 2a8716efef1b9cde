// The rows behind settings and maintenance: what the admin module's routes read and write.
#pragma once

#include <access/access.hpp>
#include <pg/pg.hpp>

namespace haat::settings {

struct KeptRow {
    std::string key;
    Json value;
    bool is_own = false;
    Timestamp updated_at;
};
HAAT_DESCRIBE(KeptRow, key, value, is_own, updated_at)

struct MaintenanceView {
    bool is_on = false;
    std::string reason;
    std::optional<Uuid> started_by;
    std::optional<Timestamp> started_at;
    std::optional<Timestamp> expected_end_at;
    std::optional<Timestamp> completed_at;
};
HAAT_DESCRIBE(MaintenanceView, is_on, reason, started_by, started_at, expected_end_at, completed_at)

struct StartRow {
    std::string reason;
    std::optional<Timestamp> expected_end_at;
    UserId started_by;
};
HAAT_DESCRIBE(StartRow, reason, expected_end_at, started_by)

extern Many<KeptRow> const kept;
extern Exec<std::string> const take_turns;
extern Exec<std::string, Json, UserId> const set_platform;
extern Exec<OrgId, std::string, Json, UserId> const set_own;
extern Exec<std::string> const reset_platform;
extern Exec<OrgId, std::string> const reset_own;
extern One<MaintenanceView> const find_maintenance;
extern One<MaintenanceView> const lock_maintenance;
extern One<MaintenanceView, StartRow> const start_maintenance;
extern One<MaintenanceView> const complete_maintenance;

} // namespace haat::settings
