// Migrations: plain SQL, numbered without gaps, forward only, each in its own transaction.
//
// The files are migrations/0001_name.sql and so on. One whose first line is `-- no transaction`
// holds a single statement that PostgreSQL will not run inside one, such as
// `create index concurrently if not exists …`. Each migration says itself what haat_request and
// haat_worker may do with what it makes: nothing is granted by default.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace haat::pg {

struct Migration {
    int number = 0;
    std::string name; // "0001_platform"
    std::string sql;

    std::string checksum() const; // SHA-256 of the SQL, in hexadecimal
};

/// Those inside this binary, in order. Throws MigrationError on a wrong name, a gap or a double.
std::vector<Migration> embedded_migrations();
/// The number in front of "0001_name.sql"; 0 when the name is not of that form.
int number_of(std::string_view file_name);

/// Names the migration and the cure.
class MigrationError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct MigrationStatus {
    enum class State { applied, pending, edited, unknown };
    int number = 0;
    std::string name;
    State state = State::pending;
    std::string applied_at; // ISO 8601 in UTC; empty: not applied
    int took_ms = 0;
};
std::string_view name_of(MigrationStatus::State);

class Migrator {
public:
    /// `owner_url` is the owner role's; throws MigrationError when the list has a gap.
    explicit Migrator(std::string owner_url, std::vector<Migration> = embedded_migrations());

    /// All that are known here or there, by number. Changes nothing.
    std::vector<MigrationStatus> status() const;

    /// Runs what is pending under a lock that all nodes share, then ANALYZE; tells `say` each one.
    /// Gives the names of those that were run. Refuses, before running anything, when an applied
    /// migration was edited, is missing, or is unknown to this binary.
    std::vector<std::string> apply(std::function<void(std::string_view)> const& say = {});

private:
    std::string url_;
    std::vector<Migration> migrations_;
};

} // namespace haat::pg
