#include <access/access.hpp>

namespace haat {

bool is_organizational(Permit permit) {
    return permit != Permit::signed_in && permit != Permit::platform_admin;
}

bool allows(OrgRole role, Permit permit) {
    bool const leads = role == OrgRole::OWNER || role == OrgRole::MANAGER;
    switch (permit) {
    case Permit::signed_in: return true;
    case Permit::organization_read: return true;
    case Permit::organization_write: return leads;
    case Permit::catalog_write: return leads;
    case Permit::catalog_propose: return leads;
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
    if (is_admin() && permit == Permit::catalog_propose) return false;
    return is_organizational(permit);
}

} // namespace haat
