#include <access/access.hpp>

namespace haat {

bool is_organizational(Permit permit) {
    return permit != Permit::signed_in && permit != Permit::platform_admin;
}

namespace {
// What administrators do for everybody when they name no organization.
bool belongs_to_platform(Permit permit) {
    return permit == Permit::catalog_propose || permit == Permit::events_read ||
           permit == Permit::settings_read || permit == Permit::settings_write ||
           permit == Permit::audit_read || permit == Permit::webhooks_manage;
}
} // namespace

bool allows(OrgRole role, Permit permit) {
    bool const leads = role == OrgRole::OWNER || role == OrgRole::MANAGER;
    switch (permit) {
    case Permit::signed_in: return true;
    case Permit::organization_read: return true;
    case Permit::organization_write: return leads;
    case Permit::catalog_write: return leads;
    case Permit::catalog_propose: return leads;
    case Permit::events_read: return leads;
    case Permit::settings_read: return true;
    case Permit::settings_write: return leads;
    case Permit::audit_read: return leads;
    case Permit::webhooks_manage: return leads;
    case Permit::platform_admin: return false;
    }
    return false;
}

bool Actor::may(Permit permit) const {
    if (anonymous()) return false;
    if (permit == Permit::signed_in || is_admin()) return true;
    return org_role && allows(*org_role, permit);
}

bool Actor::needs_organization(Permit permit) const {
    if (is_admin() && belongs_to_platform(permit)) return false;
    return is_organizational(permit);
}

} // namespace haat
