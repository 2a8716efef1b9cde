// What comes in, what the database holds, what goes out: three different things.
#pragma once

#include <access/access.hpp>
#include <describe/describe.hpp>
#include <pg/list.hpp>

namespace haat::identity {

// ---- in

/// The name may come as fullName, as name, or as firstName and lastName.
struct Registration {
    Email email;
    Secret<1, 128> password;
    std::optional<Text<1, 120>> full_name;
    std::optional<Text<1, 50>> first_name;
    std::optional<Text<1, 50>> last_name;
    std::optional<Phone> phone;
    std::optional<Text<1, 20>> referral_code;
};
HAAT_DESCRIBE(Registration, email, password, full_name, first_name, last_name, phone, referral_code)
HAAT_NOTES(Registration, {.field = "email", .example = "asha@haat.test"},
           {.field = "password",
            .text = "At least 8 characters; by default with a small and a capital letter and a "
                    "digit, and none that anybody would try first.",
            .example = "Haat-demo-2026"},
           {.field = "full_name",
            .text = "Or firstName and lastName.",
            .example = "Asha Rao",
            .also = {"name"}},
           {.field = "referral_code", .text = "Of the user who recommended haat, if any."})

enum class AccountKind : std::uint8_t { customer, retailer, admin };
HAAT_DESCRIBE_ENUM(AccountKind, customer, retailer, admin)

struct Credential {
    Email email;
    Secret<1, 128> password;
    std::optional<AccountKind> login_as;
};
HAAT_DESCRIBE(Credential, email, password, login_as)
HAAT_NOTES(Credential, {.field = "email", .example = "asha@haat.test"},
           {.field = "password", .example = "Haat-demo-2026"},
           {.field = "login_as",
            .text = "Refuse unless the account is of this kind: retailer is a member of an "
                    "organization, admin an administrator of this installation."})

struct Refreshing {
    std::optional<Secret<1, 512>> refresh_token;
};
HAAT_DESCRIBE(Refreshing, refresh_token)
HAAT_NOTES(Refreshing, {.field = "refresh_token", .text = "Or the cookie refreshToken."})

struct NewOrganization {
    Text<1, 150> display_name;
    std::optional<Text<1, 120>> owner_name;
    std::optional<Text<15, 15>> gstin;
    std::optional<Text<10, 10>> pan;
    std::optional<Text<2, 2>> state_code;
    Text<3, 3> currency{"INR"};
    Text<1, 64> time_zone{"Asia/Kolkata"};
    std::int32_t fiscal_year_start = 4;
};
HAAT_DESCRIBE(NewOrganization, display_name, owner_name, gstin, pan, state_code, currency,
              time_zone, fiscal_year_start)
HAAT_DEFAULTS(NewOrganization, currency, time_zone, fiscal_year_start)
HAAT_NOTES(NewOrganization,
           {.field = "display_name", .example = "Sunrise School Supplies", .also = {"name"}},
           {.field = "owner_name", .text = "Your own name when it is left out."},
           {.field = "gstin", .example = "27AAPFU0939F1ZV"},
           {.field = "pan", .example = "AAPFU0939F"},
           {.field = "state_code",
            .text = "The first two digits of the GSTIN when it is left out.",
            .example = "27"},
           {.field = "currency", .example = "INR"},
           {.field = "time_zone", .example = "Asia/Kolkata"},
           {.field = "fiscal_year_start", .text = "The month.", .min = 1, .max = 12})

struct OrganizationFilter {
    Paging paging;
};
HAAT_DESCRIBE(OrganizationFilter, paging)

// ---- out

struct UserView {
    UserId id;
    std::optional<Email> email;
    std::optional<Phone> phone;
    std::string full_name;
    PlatformRole role = PlatformRole::customer;
    bool is_active = true;
    bool is_email_verified = false;
    std::string referral_code;
    std::optional<Timestamp> last_login_at;
    Timestamp created_at;
    Timestamp updated_at;
};
HAAT_DESCRIBE(UserView, id, email, phone, full_name, role, is_active, is_email_verified,
              referral_code, last_login_at, created_at, updated_at)
HAAT_PERSONAL(UserView, full_name)
HAAT_PERSON(UserView, id)

struct SignedIn {
    Secret<0, 1024> access_token;
    Secret<0, 512> refresh_token;
    std::int32_t expires_in = 0;
    Timestamp expires_at;
    UserView user;
};
HAAT_DESCRIBE(SignedIn, access_token, refresh_token, expires_in, expires_at, user)
HAAT_NOTES(SignedIn, {.field = "access_token", .text = "Also in the cookie accessToken, HttpOnly."},
           {.field = "refresh_token", .text = "Also in the cookie refreshToken, HttpOnly."},
           {.field = "expires_in",
            .text = "Seconds that the access token lives.",
            .example = "900"})

enum class OrganizationStatus : std::uint8_t { unauthorized, authorized, deactivated };
HAAT_DESCRIBE_ENUM(OrganizationStatus, unauthorized, authorized, deactivated)

struct OrganizationView {
    OrgId id;
    std::string display_name;
    std::string owner_name;
    std::string slug;
    std::optional<std::string> gstin;
    std::optional<std::string> pan;
    std::optional<std::string> state_code;
    std::string currency;
    std::string time_zone;
    std::int32_t fiscal_year_start = 4;
    OrganizationStatus status = OrganizationStatus::unauthorized;
    std::optional<std::string> status_reason;
    OrgRole role = OrgRole::VIEWER;
    Timestamp created_at;
    Timestamp updated_at;
};
HAAT_DESCRIBE(OrganizationView, id, display_name, owner_name, slug, gstin, pan, state_code,
              currency, time_zone, fiscal_year_start, status, status_reason, role, created_at,
              updated_at)
HAAT_PERSONAL(OrganizationView, owner_name, pan) // the number of a person, in a firm of one
HAAT_PERSON(OrganizationView, id)
HAAT_NOTES(OrganizationView, {.field = "role", .text = "Yours."})

// ---- rows and arguments

/// Where and when wrong passwords are counted.
struct Attempt {
    std::string email_lower;
    std::string address;
    Timestamp now;
};
HAAT_DESCRIBE(Attempt, email_lower, address, now)

struct AttemptLimits {
    std::int32_t pair_max = 5; // one e-mail from one address
    std::int32_t email_max = 50;
    std::int32_t address_max = 20;
};
HAAT_DESCRIBE(AttemptLimits, pair_max, email_max, address_max)

struct SignInFacts {
    std::optional<UserId> user_id; // nothing: nobody has this e-mail
    std::optional<std::string> password_hash;
    PlatformRole platform_role = PlatformRole::customer;
    bool is_active = true;
    std::optional<std::string> deactivation_reason;
    bool is_member = false;
    std::optional<Timestamp> locked_until;
    std::optional<Timestamp> blocked_until;
};
HAAT_DESCRIBE(SignInFacts, user_id, password_hash, platform_role, is_active, deactivation_reason,
              is_member, locked_until, blocked_until)

struct FailureCount {
    std::int32_t failures = 0;
    std::optional<Timestamp> locked_until;
};
HAAT_DESCRIBE(FailureCount, failures, locked_until)

struct NewUser {
    Email email;
    std::string email_lower;
    std::optional<Phone> phone;
    std::string full_name;
    std::string password_hash;
    std::string referral_code;
    std::optional<std::string> referrer_code;
    Timestamp now;
};
HAAT_DESCRIBE(NewUser, email, email_lower, phone, full_name, password_hash, referral_code,
              referrer_code, now)

struct NewSession {
    SessionId id;
    std::string refresh_hash;
    std::string ip;
    std::string user_agent;
    Json device_info;
    Timestamp now;
    Timestamp expires_at;
};
HAAT_DESCRIBE(NewSession, id, refresh_hash, ip, user_agent, device_info, now, expires_at)

struct Rotation {
    SessionId session;
    std::string presented_hash;
    std::string successor_hash;
    Timestamp now;
    Timestamp expires_at;
    std::int32_t grace_seconds = 10;
};
HAAT_DESCRIBE(Rotation, session, presented_hash, successor_hash, now, expires_at, grace_seconds)

enum class RotationOutcome : std::uint8_t { rotated, repeated, reused, ended, inactive, unknown };
HAAT_DESCRIBE_ENUM(RotationOutcome, rotated, repeated, reused, ended, inactive, unknown)

struct Rotated {
    RotationOutcome outcome = RotationOutcome::unknown;
    Timestamp expires_at;
};
HAAT_DESCRIBE(Rotated, outcome, expires_at)

struct Membership {
    OrgId id;
    std::string display_name;
    OrgRole role = OrgRole::VIEWER;
};
HAAT_DESCRIBE(Membership, id, display_name, role)

/// What a request must know about its caller.
struct Standing {
    bool is_live = false;
    PlatformRole platform_role = PlatformRole::customer;
    std::vector<Membership> memberships;
};
HAAT_DESCRIBE(Standing, is_live, platform_role, memberships)

struct OrganizationRow {
    OrgId id;
    Text<1, 150> display_name;
    std::optional<Text<1, 120>> owner_name;
    Slug slug;
    std::optional<Text<15, 15>> gstin;
    std::optional<Text<10, 10>> pan;
    std::optional<Text<2, 2>> state_code;
    Text<3, 3> currency;
    Text<1, 64> time_zone;
    std::int32_t fiscal_year_start = 4;
    Timestamp now;
    std::int32_t owned_max = 20;
};
HAAT_DESCRIBE(OrganizationRow, id, display_name, owner_name, slug, gstin, pan, state_code, currency,
              time_zone, fiscal_year_start, now, owned_max)

} // namespace haat::identity
