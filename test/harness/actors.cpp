#include <test/harness/actors.hpp>

#include <base/clock.hpp>
#include <modules/identity/token.hpp>
#include <test/harness/server.hpp>

namespace haat::test {

namespace {

constexpr std::array<std::string_view, everybody.size()> names{"guest",   "stranger",    "owner",
                                                               "manager", "accountant",  "staff",
                                                               "viewer",  "other_owner", "admin"};

std::string add_user(pg::PlainConnection& db, std::string_view name) {
    std::string const id = to_string(new_uuid());
    db.ask("insert into identity.users (id, email, email_lower, full_name, platform_role,"
           " referral_code) values ($1::uuid, $2, $2, $3, $4, $5)",
           {id, std::string(name) + "@haat.test", std::string(name),
            name == "admin" ? "admin" : "customer", "REF-" + std::string(name)});
    return id;
}

std::string add_organization(pg::PlainConnection& db, std::string const& name) {
    std::string const id = to_string(new_uuid());
    db.ask("insert into identity.organizations (id, display_name, owner_name, slug, status)"
           " values ($1::uuid, $2, 'Asha Rao', $2, 'authorized')",
           {id, name});
    return id;
}

void add_member(pg::PlainConnection& db, std::string const& org, std::string const& user,
                std::string const& role) {
    db.ask("insert into identity.memberships (org_id, user_id, role)"
           " values ($1::uuid, $2::uuid, $3)",
           {org, user, role});
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

} // namespace

std::string_view name_of(Who who) { return names[static_cast<std::size_t>(who)]; }

std::string Actors::sign_in(pg::PlainConnection& db, std::string const& user, bool is_admin) {
    std::string const session = to_string(new_uuid());
    db.ask("insert into identity.sessions (id, user_id, refresh_hash, ip, user_agent, created_at,"
           " expires_at) values ($1::uuid, $2::uuid, repeat('x', 43), '127.0.0.1', 'test', now(),"
           " now() + interval '1 day')",
           {session, user});
    identity::Claims claims;
    parse(user, claims.sub.uuid);
    parse(session, claims.sid.uuid);
    claims.jti = new_uuid();
    claims.iat = now().micros / 1'000'000;
    claims.exp = claims.iat + 24 * 3600;
    claims.role = is_admin ? PlatformRole::admin : PlatformRole::customer;
    std::array<std::string, 1> const secrets{test_secret};
    return identity::AccessTokens(secrets).write(claims);
}

Actors::Actors(pg::PlainConnection& db)
    : org_a_(add_organization(db, "organization-a")),
      org_b_(add_organization(db, "organization-b")) {
    for (Who const who : everybody) {
        if (who == Who::guest) continue;
        auto const at = static_cast<std::size_t>(who);
        users_[at] = add_user(db, names[at]);
        if (who == Who::other_owner) {
            add_member(db, org_b_, users_[at], "OWNER");
            callers_[at].org_id = org_b_;
        } else if (who != Who::stranger && who != Who::admin) {
            add_member(db, org_a_, users_[at], upper(names[at]));
            callers_[at].org_id = org_a_;
        }
        callers_[at].token = sign_in(db, users_[at], who == Who::admin);
    }
}

} // namespace haat::test
