// A plain, blocking connection for what happens before and beside serving: making the cluster,
// roles, migrations, the doctor. Requests never use it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

struct pg_conn;
struct pg_result;

namespace haat::pg {

using namespace std::chrono_literals;

/// What PostgreSQL said. Never holds a URL or a password.
class PlainError : public std::runtime_error {
public:
    PlainError(std::string sqlstate, std::string const& text)
        : std::runtime_error(text), sqlstate_(std::move(sqlstate)) {}
    std::string const& sqlstate() const { return sqlstate_; } // empty: not a server's error

private:
    std::string sqlstate_;
};

/// Thrown when a connection cannot be made; tells a wrong password from a server that is away.
class ConnectError : public PlainError {
public:
    enum class Cause { unreadable_url, away, refused_password, refused };
    ConnectError(Cause cause, std::string const& text) : PlainError("", text), cause_(cause) {}
    Cause cause() const { return cause_; }

private:
    Cause cause_;
};

class PlainConnection {
public:
    using Row = std::vector<std::optional<std::string>>;

    explicit PlainConnection(std::string const& url, std::chrono::seconds timeout = 10s);

    /// One statement with parameters, everything as text.
    std::vector<Row> ask(std::string const& sql, std::vector<std::string> const& parameters = {});
    /// The first column of the first row; empty when there is none or it is null.
    std::string word(std::string const& sql, std::vector<std::string> const& parameters = {});
    /// Any number of statements, as psql would send them.
    void run(std::string const& sql);

    std::string user() const;
    std::string database() const;
    std::string password() const; // the one that was used, wherever it came from
    std::string identifier(std::string const& name);
    std::string literal(std::string const& text);
    /// What `alter role … password` takes, so that the password itself never leaves this process.
    std::string verifier(std::string const& role, std::string const& password);

private:
    std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
};

/// The same server and database for another role: `key='value'` words that libpq reads.
std::string with_role(std::string const& url, std::string const& user, std::string const& password);
/// The same server and role, another database.
std::string with_database(std::string const& url, std::string const& database);

} // namespace haat::pg
