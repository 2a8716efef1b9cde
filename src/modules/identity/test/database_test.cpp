// What the database itself allows, attacked as the request role would.
#include <gtest/gtest.h>

#include <set>

#include <test/harness/actors.hpp>
#include <test/harness/database.hpp>

namespace haat::identity {
namespace {

using test::Actors;
using test::TestDatabase;
using test::Who;

class IdentityInTheDatabase : public testing::Test {
protected:
    TestDatabase db;
    pg::PlainConnection admin{db.url(pg::Role::admin)};
    Actors actors{admin};
    pg::PlainConnection request{db.url(pg::Role::request)};

    void act(std::string const& user, std::string const& org = "") {
        request.ask("select pg_catalog.set_config('haat.user_id', $1, false),"
                    " pg_catalog.set_config('haat.org_id', $2, false)",
                    {user, org});
    }
    /// The SQLSTATE that the request role gets; empty when it may.
    std::string refused(std::string const& sql) {
        try {
            request.run(sql);
        } catch (pg::PlainError const& error) {
            return error.sqlstate();
        }
        return "";
    }
};

constexpr char const* not_allowed = "42501";

TEST_F(IdentityInTheDatabase, NobodySeesNothing) {
    for (std::string const user : {"", "0a000000-0000-7000-8000-00000000000f"}) {
        act(user, user);
        for (char const* const table : {"users", "organizations", "memberships", "sessions"})
            EXPECT_EQ(request.word(std::string("select pg_catalog.count(*) from identity.") +
                                   table + " where true"),
                      "0")
                << table;
    }
}

TEST_F(IdentityInTheDatabase, OneSeesOneselfAlone) {
    act(actors.user(Who::owner), actors.org_a());
    EXPECT_EQ(request.word("select id from identity.users"), actors.user(Who::owner));
    EXPECT_EQ(request.word("select pg_catalog.string_agg(user_id::text, ',')"
                           " from identity.memberships"),
              actors.user(Who::owner));
    EXPECT_EQ(request.word("select pg_catalog.string_agg(distinct user_id::text, ',')"
                           " from identity.sessions"),
              actors.user(Who::owner));
    EXPECT_EQ(request.word("select pg_catalog.string_agg(id::text, ',')"
                           " from identity.organizations"),
              actors.org_a());
    EXPECT_EQ(request.word("select pg_catalog.count(*) from identity.users where id = $1",
                           {actors.user(Who::other_owner)}),
              "0");
    EXPECT_EQ(request.word("select pg_catalog.count(*) from identity.organizations where id = $1",
                           {actors.org_b()}),
              "0");
}

TEST_F(IdentityInTheDatabase, SecretsAreNotSelectable) {
    act(actors.user(Who::owner));
    EXPECT_EQ(refused("select password_hash from identity.users"), not_allowed);
    EXPECT_EQ(refused("select * from identity.users"), not_allowed);
    EXPECT_EQ(refused("select refresh_hash from identity.sessions"), not_allowed);
    EXPECT_EQ(refused("select previous_hash from identity.sessions"), not_allowed);
    EXPECT_EQ(refused("select 1 from identity.sign_in_failures"), not_allowed);
}

TEST_F(IdentityInTheDatabase, NothingIsWrittenDirectly) {
    act(actors.user(Who::owner), actors.org_a());
    for (char const* const sql :
         {"insert into identity.users default values",
          "update identity.users set platform_role = 'admin'", "delete from identity.users",
          "insert into identity.memberships default values",
          "update identity.memberships set role = 'OWNER'", "delete from identity.memberships",
          "update identity.organizations set status = 'authorized'",
          "delete from identity.organizations", "update identity.sessions set revoked_at = null",
          "delete from identity.sessions", "truncate identity.users cascade",
          "alter table identity.users disable row level security",
          "drop policy own on identity.users", "create table identity.mine ()"})
        EXPECT_EQ(refused(sql), not_allowed) << sql;
}

TEST_F(IdentityInTheDatabase, FunctionsTakeTheCallerFromTheSetting) {
    std::string const victim = admin.word("select id from identity.sessions where user_id = $1",
                                          {actors.user(Who::other_owner)});
    ASSERT_FALSE(victim.empty());
    act(actors.user(Who::owner), actors.org_b());
    EXPECT_EQ(request.word("select identity.revoke_session($1, 'x', pg_catalog.now())", {victim}),
              "f");
    std::string const hash(43, 'x');
    EXPECT_EQ(request.word("select outcome from identity.rotate_session($1, $2, $2,"
                           " pg_catalog.now(), pg_catalog.now(), 10)",
                           {victim, hash}),
              "unknown");
    EXPECT_EQ(request.word("select pg_catalog.string_agg(id::text, ',')"
                           " from identity.my_organizations()"),
              actors.org_a());
    EXPECT_EQ(admin.word("select revoked_at from identity.sessions where id = $1", {victim}), "");
}

// Whoever adds one must look at what it lets through and add it here.
TEST_F(IdentityInTheDatabase, TheseFunctionsRunWithTheOwnersRights) {
    std::set<std::string> found;
    for (auto const& row : admin.ask("select p.proname from pg_proc p"
                                     "  join pg_namespace n on n.oid = p.pronamespace"
                                     " where n.nspname = 'identity' and p.prosecdef"))
        found.insert(row.at(0).value());
    std::set<std::string> const listed{
        "find_sign_in",  "count_failure",       "clear_failures",   "open_session",
        "register_user", "upgrade_password",    "rotate_session",   "revoke_session",
        "standing",      "organization_exists", "my_organizations", "found_organization"};
    EXPECT_EQ(found, listed);
    EXPECT_EQ(admin.word("select pg_catalog.string_agg(p.proname, ',') from pg_proc p"
                         "  join pg_namespace n on n.oid = p.pronamespace"
                         " where n.nspname = 'identity' and (p.proconfig is null or"
                         "   not 'search_path=pg_catalog' = any(p.proconfig))"),
              "")
        << "a function with a search path that others can fill";
    EXPECT_EQ(admin.word("select pg_catalog.string_agg(p.proname, ',') from pg_proc p"
                         "  join pg_namespace n on n.oid = p.pronamespace"
                         " where n.nspname = 'identity'"
                         "   and has_function_privilege('haat_worker', p.oid, 'execute')"),
              "")
        << "a function that everybody may call";
}

TEST_F(IdentityInTheDatabase, EveryTableHasRowLevelSecurity) {
    EXPECT_EQ(admin.word("select pg_catalog.string_agg(c.relname, ',') from pg_class c"
                         "  join pg_namespace n on n.oid = c.relnamespace"
                         " where n.nspname = 'identity' and c.relkind = 'r'"
                         "   and not c.relrowsecurity"),
              "");
}

} // namespace
} // namespace haat::identity
