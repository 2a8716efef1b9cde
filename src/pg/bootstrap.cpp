#include <pg/bootstrap.hpp>

#include <sodium.h>

#include <pg/cluster_home.hpp>
#include <pg/plain.hpp>

namespace haat::pg {

namespace {

// Names resolve in pg_catalog alone, so every statement says its schema and nobody can slip a
// function of his own in front of ours. The time-outs are the last line; the pools set tighter
// ones.
void give_defaults(PlainConnection& connection, std::string const& role, bool may_wait_long) {
    std::string const alter = "alter role " + connection.identifier(role) + " set ";
    std::string sql = alter + "search_path = 'pg_catalog';" + alter + "timezone = 'UTC';";
    if (!may_wait_long)
        sql += alter + "idle_in_transaction_session_timeout = '60s';" + alter + "jit = 'off';";
    connection.run(sql);
}

bool exists(PlainConnection& connection, char const* table, char const* column,
            std::string const& name) {
    return connection.word(std::string("select 1 from pg_catalog.") + table + " where " + column +
                               " = $1",
                           {name}) == "1";
}

void make_role(PlainConnection& connection, std::string const& role, std::string const& password) {
    connection.run(
        "create role " + connection.identifier(role) +
        " login nosuperuser nocreatedb nocreaterole nobypassrls noreplication password " +
        connection.literal(connection.verifier(role, password)));
    give_defaults(connection, role, role == role_name(Role::owner));
}

// Every node that knows the owner's password comes to the same one, and nothing need be stored.
std::string derived_password(std::string const& owner_password, std::string const& role) {
    unsigned char key[crypto_auth_hmacsha256_KEYBYTES];
    crypto_hash_sha256(key, reinterpret_cast<unsigned char const*>(owner_password.data()),
                       owner_password.size());
    unsigned char code[crypto_auth_hmacsha256_BYTES];
    std::string const text = "haat database role " + role;
    crypto_auth_hmacsha256(code, reinterpret_cast<unsigned char const*>(text.data()), text.size(),
                           key);
    char out[64];
    sodium_bin2base64(out, sizeof out, code, sizeof code, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return out;
}

std::string variable_of(Role role) {
    return role == Role::request ? "DATABASE_REQUEST_URL" : "DATABASE_WORKER_URL";
}

// Row-level security is the last wall between organizations: a role that steps over it is refused.
void check_role(PlainConnection& connection, Role role, std::string const& owner) {
    auto const rows = connection.ask(
        "select rolsuper, rolbypassrls, pg_catalog.pg_has_role(current_user, $1::text, 'member'),"
        " pg_catalog.pg_has_role(current_user, $2::text, 'usage')"
        " from pg_catalog.pg_roles where rolname = current_user",
        {owner, role_name(role)});
    auto const says = [&](std::size_t column) { return rows.at(0).at(column) == "t"; };
    std::string const who = "the role " + connection.user() + " of " + variable_of(role);
    if (says(0) || says(1))
        throw ClusterError(who + " can bypass row-level security; give one that is neither "
                                 "superuser nor BYPASSRLS");
    if (says(2))
        throw ClusterError(who + " is the owner of the schema or a member of it, so policies would "
                                 "not bind it; give another role");
    if (!says(3))
        throw ClusterError(who + " has none of haat's rights; run: grant " + role_name(role) +
                           " to " + connection.user());
}

void refuse_forgetful(PlainConnection& connection) {
    for (char const* const setting : {"fsync", "full_page_writes", "synchronous_commit"})
        if (connection.word("select pg_catalog.current_setting($1)", {setting}) == "off")
            throw ClusterError(std::string("the database server runs with ") + setting +
                               " = off and may lose orders it has confirmed; switch it on, or use "
                               "this server only with HAAT_ENV=development");
}

struct Owner {
    PlainConnection& connection;
    std::string const& url;
    std::string const& password;
    bool may_create_roles;
};

void make_missing_role(Owner& owner, Role role, bool has_login) {
    std::string const name = role_name(role);
    if (exists(owner.connection, "pg_roles", "rolname", name)) return;
    if (!owner.may_create_roles)
        throw ClusterError("the database has no role " + name + " and " + owner.connection.user() +
                           " may not create roles; as a superuser run: create role " + name +
                           " login password '…'; then set " + variable_of(role));
    try {
        if (has_login)
            make_role(owner.connection, name, derived_password(owner.password, name));
        else // the given login role is made a member of it by hand
            owner.connection.run("create role " + owner.connection.identifier(name) + " nologin");
    } catch (PlainError const& error) {
        // Another node was quicker: 42710 the name is there, 23505 it appeared this moment.
        if (error.sqlstate() != "42710" && error.sqlstate() != "23505") throw;
    }
}

std::string prepare_role(Owner& owner, Role role, std::string const& given) {
    bool const derive = given.empty();
    if (derive && owner.password.empty())
        throw ClusterError("DATABASE_URL holds no password to derive that of " + role_name(role) +
                           " from; set " + variable_of(role));
    make_missing_role(owner, role, derive);
    std::string const name = role_name(role);
    std::string const url =
        derive ? with_role(owner.url, name, derived_password(owner.password, name)) : given;
    if (derive && owner.may_create_roles)
        owner.connection.run("grant connect on database " +
                             owner.connection.identifier(owner.connection.database()) + " to " +
                             owner.connection.identifier(name));
    try {
        PlainConnection connection(url);
        check_role(connection, role, owner.connection.user());
    } catch (ConnectError const& error) {
        if (error.cause() != ConnectError::Cause::refused_password || !derive)
            throw ClusterError(variable_of(role) + ": " + error.what());
        throw ClusterError("the role " + name +
                           " exists with a password that haat did not set; set " +
                           variable_of(role) + ", or drop the role and start again");
    }
    return url;
}

} // namespace

DatabaseUrls prepare_given(GivenDatabase const& given) {
    if (sodium_init() < 0) throw ClusterError("the system has no source of randomness");
    PlainConnection connection(given.url);
    if (given.production) refuse_forgetful(connection);
    std::string const password = connection.password();
    bool const may_create =
        connection.word("select rolcreaterole or rolsuper from pg_catalog.pg_roles"
                        " where rolname = current_user") == "t";
    Owner owner{connection, given.url, password, may_create};
    DatabaseUrls urls;
    urls.owner = given.url;
    urls.request = prepare_role(owner, Role::request, given.request_url);
    urls.worker = prepare_role(owner, Role::worker, given.worker_url);
    return urls;
}

void restrict_database(PlainConnection& connection, std::string const& database) {
    std::string const name = connection.identifier(database);
    connection.run("revoke all on database " + name + " from public; grant connect on database " +
                   name + " to " + role_name(Role::request) + ", " + role_name(Role::worker));
}

void prepare_private(std::string const& admin_url, ClusterState const& state) {
    PlainConnection connection(admin_url);
    for (Role const role : {Role::owner, Role::request, Role::worker})
        if (!exists(connection, "pg_roles", "rolname", role_name(role)))
            make_role(connection, role_name(role), state.password(role));
    if (!exists(connection, "pg_database", "datname", "haat"))
        connection.run("create database haat owner haat_owner");
    // Public may connect until this has run; a crash in between is made good at the next start.
    if (connection
            .word("select 1 from pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a"
                  " where d.datname = 'haat' and a.grantee = 'haat_request'::regrole")
            .empty())
        restrict_database(connection, "haat");
}

} // namespace haat::pg
