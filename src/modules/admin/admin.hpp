// What the operators of an installation see and do: the face of the module.
#pragma once

#include <chrono>
#include <string>

namespace haat {
class Routes;
class SettingValues;
class Workers;
} // namespace haat

namespace haat::admin {

class Maintenance;

/// The process as operators see it; implemented where it is put together.
class System {
public:
    virtual std::string version() const = 0;
    virtual std::chrono::steady_clock::time_point started() const = 0;
    virtual bool in_maintenance() const = 0;
    /// The Prometheus text; from any thread.
    virtual std::string metrics() const = 0;
    virtual Workers& workers() = 0;

protected:
    ~System() = default;
};

void add_job_routes(Routes&);
void add_event_routes(Routes&);
void add_audit_routes(Routes&);
void add_config_routes(Routes&, SettingValues&);
void add_maintenance_routes(Routes&, Maintenance&);
void add_system_routes(Routes&, System&);

} // namespace haat::admin
