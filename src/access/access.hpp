// Who acts, and what they may do. The table of role -> permissions here is the only place where
// rights are decided; a route declares the permission it needs.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

#include <base/words.hpp>
#include <describe/describe.hpp>

namespace haat {

struct User {
    static constexpr std::string_view noun = "user";
};
struct Organization {
    static constexpr std::string_view noun = "organization";
};
struct Session {
    static constexpr std::string_view noun = "session";
};
using UserId = Id<User>;
using OrgId = Id<Organization>;
using SessionId = Id<Session>;

enum class PlatformRole : std::uint8_t { customer, admin, system };
HAAT_DESCRIBE_ENUM(PlatformRole, customer, admin, system)

/// The role in an organization.
enum class OrgRole : std::uint8_t { OWNER, MANAGER, ACCOUNTANT, STAFF, VIEWER };
HAAT_DESCRIBE_ENUM(OrgRole, OWNER, MANAGER, ACCOUNTANT, STAFF, VIEWER)

enum class Permit : std::uint8_t {
    signed_in,          // anybody with a valid access token
    organization_read,  // members
    organization_write, // the organization's profile and addresses
    catalog_write,      // the organization's products
    catalog_propose,    // brands and categories, which belong to the platform
    events_read,        // what has happened in the organization; administrators: everywhere
    settings_read,      // what a shop has set; administrators: what the platform has
    settings_write,     // likewise
    audit_read,         // who did what in a shop; administrators: everywhere
    webhooks_manage,    // where a shop's events are sent; administrators: those of the platform
    platform_admin,     // administrators of this installation
};
HAAT_DESCRIBE_ENUM(Permit, signed_in, organization_read, organization_write, catalog_write,
                   catalog_propose, events_read, settings_read, settings_write, audit_read,
                   webhooks_manage, platform_admin)

/// True when the permission comes from a role in an organization.
bool is_organizational(Permit);
bool allows(OrgRole, Permit);

/// The caller. Anonymous: no user.
struct Actor {
    UserId user;
    SessionId session;
    OrgId org; // the acting organization, when the route needs one
    PlatformRole platform_role = PlatformRole::customer;
    std::optional<OrgRole> org_role;

    bool anonymous() const { return user.uuid.is_nil(); }
    bool is_admin() const { return platform_role == PlatformRole::admin; }
    bool may(Permit) const;
    /// Whether a route with this permission needs an acting organization: not for administrators
    /// where what is written belongs to the platform.
    bool needs_organization(Permit) const;
};

} // namespace haat
