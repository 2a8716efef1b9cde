// The module's SQL. Nearly all of it calls the functions of migrations/0002_identity.sql: the
// request role writes nothing here by itself.
#pragma once

#include <modules/identity/model.hpp>
#include <pg/pg.hpp>

namespace haat::identity::sql {

// ---- signing in

inline One<SignInFacts, Attempt, AttemptLimits> find_sign_in{"identity.find_sign_in", R"(
    select {row} from identity.find_sign_in({$1}, {$2}))"};

inline One<FailureCount, Attempt, AttemptLimits, std::int32_t> count_failure{
    "identity.count_failure", R"(
    select {row} from identity.count_failure({$1}, {$2}, {$3}))"};

inline One<bool, Attempt, std::int32_t> clear_failures{"identity.clear_failures", R"(
    select identity.clear_failures({$1}, {$2}) as cleared)"};

inline Exec<std::string, std::string> upgrade_password{"identity.upgrade_password", R"(
    select identity.upgrade_password({$1}, {$2}))"};

// ---- users

inline Exec<NewUser> register_user{"identity.register_user", R"(
    select identity.register_user({$1}))"};

inline One<UserView, UserId> find_user{"identity.find_user", R"(
    select id, email, phone, full_name, platform_role as role, is_active,
           email_verified_at is not null as is_email_verified, referral_code, last_login_at,
           created_at, updated_at
      from identity.users where id = $1)"};

// ---- sessions

inline Exec<NewSession> open_session{"identity.open_session", R"(
    select identity.open_session({$1}))"};

inline One<Rotated, Rotation> rotate_session{"identity.rotate_session", R"(
    select {row} from identity.rotate_session({$1}))"};

inline One<bool, SessionId, std::string, Timestamp> revoke_session{"identity.revoke_session", R"(
    select identity.revoke_session({$1}, {$2}, {$3}) as revoked)"};

inline One<Standing, UserId, SessionId, Timestamp> find_standing{"identity.find_standing", R"(
    select {row} from identity.standing({$1}, {$2}, {$3}))"};

// ---- organizations

inline One<bool, OrgId> organization_exists{"identity.organization_exists", R"(
    select identity.organization_exists($1) as found)"};

inline Exec<OrganizationRow> found_organization{"identity.found_organization", R"(
    select identity.found_organization({$1}))"};

inline One<OrganizationView, OrgId> my_organization{"identity.my_organization", R"(
    select {row} from identity.my_organizations() where id = $1)"};

inline ListOf<OrganizationView, OrganizationFilter> my_organizations{
    "identity.my_organizations",
    {.select = "select {row} from identity.my_organizations()",
     .sorts = {{"createdAt", "created_at"}, {"displayName", "display_name"}}}};

} // namespace haat::identity::sql
