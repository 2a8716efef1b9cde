// Row-level security: that it is on, that its policies are plain, that nobody walks around it.
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include <test/harness/database.hpp>
#include <test/harness/paths.hpp>

namespace haat::test {
namespace {

std::set<std::string> words_in(std::string const& path) {
    std::set<std::string> words;
    std::ifstream in(source_directory() / path);
    for (std::string line; std::getline(in, line);)
        if (!line.empty() && line[0] != '#') words.insert(line);
    return words;
}

std::set<std::string> column(std::vector<TestDatabase::Row> const& rows) {
    std::set<std::string> found;
    for (auto const& row : rows) found.insert(row[0].value_or(""));
    return found;
}

using Names = std::set<std::string>;

TEST(RowSecurityTest, IsEnabledOnEveryTable) {
    TestDatabase db;
    EXPECT_EQ(column(db.rows(R"(
        select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and not c.relrowsecurity
           and n.nspname not in ('pg_catalog', 'information_schema')
           and n.nspname not like 'pg_toast%')")),
              Names{"haat.migrations"}); // which everybody may read and only the owner may write
}

TEST(RowSecurityTest, TheRequestRoleCannotWalkAroundIt) {
    TestDatabase db;
    EXPECT_EQ(db.word("select count(*) from pg_roles where rolname in ('haat_request',"
                      " 'haat_worker') and (rolsuper or rolbypassrls or rolcreaterole"
                      " or rolcreatedb)"),
              "0");
    EXPECT_EQ(db.word("select count(*) from pg_class c join pg_roles r on r.oid = c.relowner"
                      " where r.rolname in ('haat_request', 'haat_worker')"),
              "0")
        << "who owns a table is not bound by its policies";
    EXPECT_EQ(db.word("select pg_has_role('haat_request', 'haat_owner', 'member')"), "f");
}

// What may be done must be allowed by a policy of that verb, or nobody would ever see it work.
TEST(RowSecurityTest, EveryGrantedVerbHasAPolicy) {
    TestDatabase db;
    EXPECT_EQ(column(db.rows(R"(
        with granted as (
            select c.oid, g.grantee, v.verb, v.letter
              from pg_class c
              join pg_namespace n on n.oid = c.relnamespace
              cross join (values ('haat_request'), ('haat_worker')) as g (grantee)
              cross join (values ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'),
                                 ('DELETE', 'd')) as v (verb, letter)
             where c.relkind in ('r', 'p')
               and n.nspname not in ('pg_catalog', 'information_schema', 'haat')
               and case when v.verb = 'DELETE' then has_table_privilege(g.grantee, c.oid, v.verb)
                        else has_any_column_privilege(g.grantee, c.oid, v.verb) end)
        select g.oid::regclass || ' ' || g.grantee || ' ' || g.verb
          from granted g
         where not exists (select from pg_policy p
                            where p.polrelid = g.oid and p.polcmd::text in (g.letter, '*')
                              and (p.polroles = '{0}'
                                   or g.grantee::regrole = any (p.polroles))))")),
              Names{});
}

// `or` and sub-selects cost an index on every read, and are where mistakes hide.
TEST(RowSecurityTest, PoliciesArePlain) {
    TestDatabase db;
    EXPECT_EQ(column(db.rows(R"(
        select polrelid::regclass || ' ' || polname from pg_policy
         cross join lateral (values (lower(coalesce(pg_get_expr(polqual, polrelid), '') || ' ' ||
                                           coalesce(pg_get_expr(polwithcheck, polrelid), ''))))
               as said (text)
         where said.text ~ '\mor\M' or said.text ~ '\mselect\M')")),
              Names{});
}

// Whatever carries an organization is bound to the acting one, for whoever serves requests.
TEST(RowSecurityTest, TenantTablesAreBoundToTheActingOrganization) {
    TestDatabase db;
    EXPECT_EQ(column(db.rows(R"(
        select c.oid::regclass || ' ' || p.polname
          from pg_attribute a
          join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
          join pg_namespace n on n.oid = c.relnamespace
          join pg_policy p on p.polrelid = c.oid
         where a.attname = 'org_id' and not a.attisdropped
           and n.nspname not in ('events', 'audit', 'pg_catalog') -- added to, never read
           and 'haat_request'::regrole = any (p.polroles)
           and coalesce(pg_get_expr(p.polqual, p.polrelid),
                        pg_get_expr(p.polwithcheck, p.polrelid))
               !~ 'current_setting\(''haat\.(org_id|user_id)''')")),
              Names{});
}

TEST(RowSecurityTest, SecurityDefinerFunctionsAreThoseOfTheList) {
    TestDatabase db;
    EXPECT_EQ(column(db.rows(R"(
        select p.oid::regprocedure::text from pg_proc p
          join pg_namespace n on n.oid = p.pronamespace
         where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema'))")),
              words_in("test/security_definer.txt"))
        << "whoever adds one says so in test/security_definer.txt";
}

// A function that runs with the owner's rights must not take a stranger's tables for its own.
TEST(RowSecurityTest, SecurityDefinerFunctionsHaveAFixedSearchPathAndNoPublicUse) {
    TestDatabase db;
    EXPECT_EQ(column(db.rows(R"(
        select p.oid::regprocedure::text from pg_proc p
          join pg_namespace n on n.oid = p.pronamespace
         where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')
           and (not coalesce(p.proconfig::text like '%search_path=%', false)
                or has_function_privilege('public', p.oid, 'execute')))")),
              Names{});
}

class CrossingTest : public testing::Test {
protected:
    CrossingTest() {
        db_.exec(R"(
            insert into identity.users (id, email, email_lower, full_name, referral_code) values
                ('00000000-0000-7000-8000-000000000001', 'a@x.in', 'a@x.in', 'A', 'A'),
                ('00000000-0000-7000-8000-000000000002', 'b@x.in', 'b@x.in', 'B', 'B');
            insert into identity.organizations (id, display_name, owner_name, slug) values
                ('00000000-0000-7000-8000-00000000000a', 'A', 'A', 'a'),
                ('00000000-0000-7000-8000-00000000000b', 'B', 'B', 'b');
            insert into identity.memberships (org_id, user_id, role) values
                ('00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-000000000001',
                 'OWNER'),
                ('00000000-0000-7000-8000-00000000000b', '00000000-0000-7000-8000-000000000002',
                 'OWNER'))");
        request_.run(R"(
            set haat.user_id = '00000000-0000-7000-8000-000000000001';
            set haat.org_id = '00000000-0000-7000-8000-00000000000a')");
    }
    TestDatabase db_;
    pg::PlainConnection request_{db_.url(pg::Role::request)};
};

TEST_F(CrossingTest, OthersAreNotSeen) {
    EXPECT_EQ(request_.word("select string_agg(email, ',') from identity.users"), "a@x.in");
    EXPECT_EQ(request_.word("select string_agg(slug, ',') from identity.organizations"), "a");
    EXPECT_EQ(request_.word("select count(*) from identity.memberships"), "1");
    request_.run("set haat.user_id = ''; set haat.org_id = ''");
    EXPECT_EQ(request_.word("select count(*) from identity.users"), "0");
    EXPECT_EQ(request_.word("select count(*) from identity.organizations"), "0");
}

TEST_F(CrossingTest, NothingIsWrittenAroundTheFunctions) {
    for (char const* sql :
         {"update identity.users set full_name = 'x'", "delete from identity.memberships",
          "insert into identity.memberships values ('00000000-0000-7000-8000-00000000000b',"
          " '00000000-0000-7000-8000-000000000001', 'OWNER')",
          "select password_hash from identity.users", "select refresh_hash from identity.sessions",
          "select count(*) from events.outbox", "delete from audit.entries",
          "update audit.entries set action = 'x'", "delete from events.outbox",
          "create table catalog.mine ()", "alter table identity.users disable row level security",
          "set role haat_owner", "delete from haat.migrations"})
        EXPECT_THROW(request_.ask(sql), pg::PlainError) << sql;
}

TEST_F(CrossingTest, OnlyAdministratorsChangePlatformRows) {
    db_.exec("insert into catalog.brands (id, name, slug) values (gen_random_uuid(), 'C', 'c')");
    request_.run("update catalog.brands set name = 'stolen'; delete from catalog.brands");
    EXPECT_EQ(db_.word("select name from catalog.brands"), "C");
    request_.run("set haat.role = 'admin'; update catalog.brands set name = 'mended'");
    EXPECT_EQ(db_.word("select name from catalog.brands"), "mended");
}

} // namespace
} // namespace haat::test
