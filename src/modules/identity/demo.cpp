// Three people for a fresh install that is only being looked at.
#include <base/clock.hpp>
#include <modules/identity/identity.hpp>
#include <modules/identity/queries.hpp>
#include <modules/identity/registration.hpp>

namespace haat::identity {

namespace {

constexpr std::string_view demo_password = "Haat-demo-2026";

struct DemoUser {
    UserId id;
    Email email;
    std::string full_name;
    PlatformRole role = PlatformRole::customer;
    std::string password_hash;
    std::string referral_code;
    Timestamp now;
};
HAAT_DESCRIBE(DemoUser, id, email, full_name, role, password_hash, referral_code, now)

struct DemoOrganization {
    OrgId id;
    std::string display_name;
    Slug slug;
    std::string owner_email;
    std::string gstin;
    std::string pan;
    Timestamp now;
};
HAAT_DESCRIBE(DemoOrganization, id, display_name, slug, owner_email, gstin, pan, now)

One<std::int64_t, std::vector<std::string>> count_demo_users{"identity.count_demo_users", R"(
    select pg_catalog.count(*) as known from identity.users where email_lower = any($1))"};

Exec<DemoUser> insert_demo_user{"identity.insert_demo_user", R"(
    insert into identity.users (id, email, email_lower, full_name, platform_role, password_hash,
                                referral_code, email_verified_at, created_at, updated_at)
    values ($1, $2, $2, $3, $4, $5, $6, $7, $7, $7)
    on conflict on constraint users_email_lower_key do nothing)"};

Exec<DemoOrganization> insert_demo_organization{"identity.insert_demo_organization", R"(
    with owner as (
        select u.id, u.full_name from identity.users u where u.email_lower = $4),
    shop as (
        insert into identity.organizations (id, display_name, owner_name, slug, gstin, pan,
                                            state_code, status, created_at, updated_at)
        select $1, $2, owner.full_name, $3, $5, $6, pg_catalog.left($5, 2), 'authorized', $7, $7
          from owner
        on conflict on constraint organizations_slug_key do nothing
        returning id)
    insert into identity.memberships (org_id, user_id, role, created_at)
    select shop.id, owner.id, 'OWNER', $7 from shop, owner)"};

DemoUser demo_user(std::string_view email, std::string_view name, PlatformRole role) {
    return {.id = new_id<User>(),
            .email = {std::string(email)},
            .full_name = std::string(name),
            .role = role,
            .password_hash = hash_password(demo_password, HashCost()),
            .referral_code = new_referral_code(),
            .now = now()};
}

} // namespace

Task<void> seed_identity_demo(pg::Database& database) {
    std::vector<std::string> const emails{"admin@haat.test", "owner@haat.test", "asha@haat.test"};
    Tx tx(database, pg::Settings());
    std::int64_t const known = co_await tx(count_demo_users, emails);
    if (known == 3) co_return; // the hashes take a moment, and this runs at every start
    tx.later(insert_demo_user, demo_user("admin@haat.test", "Anand Kulkarni", PlatformRole::admin));
    tx.later(insert_demo_user, demo_user("owner@haat.test", "Meera Joshi", PlatformRole::customer));
    tx.later(insert_demo_user, demo_user("asha@haat.test", "Asha Rao", PlatformRole::customer));
    DemoOrganization const shop{.id = new_id<Organization>(),
                                .display_name = "Sunrise School Supplies",
                                .slug = {"sunrise-school-supplies"},
                                .owner_email = "owner@haat.test",
                                .gstin = "27AAPFU0939F1ZV",
                                .pan = "AAPFU0939F",
                                .now = now()};
    tx.later(insert_demo_organization, shop);
    co_await tx.commit();
}

} // namespace haat::identity
