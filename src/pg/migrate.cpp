#include <pg/migrate.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include <sodium.h>

#include <base/embedded.hpp>
#include <pg/plain.hpp>

namespace haat::pg {

namespace {

struct Applied {
    std::string name;
    std::string checksum;
    std::string at;
    int took_ms = 0;
};
using AppliedByNumber = std::map<int, Applied>;

// Any number will do as long as every haat uses the same.
constexpr char const* lock_key = "4702111234474983745";

// Waiting inside pg_advisory_lock would hold a snapshot, and `create index concurrently` of the one
// that has the lock would wait for that snapshot: so we ask again instead.
class Lock {
public:
    explicit Lock(PlainConnection& connection) : connection_(connection) {
        std::string const sql = std::string("select pg_try_advisory_lock(") + lock_key + ")";
        while (connection_.word(sql) != "t")
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ~Lock() {
        try {
            connection_.ask(std::string("select pg_advisory_unlock(") + lock_key + ")");
        } catch (std::exception const&) {
            // The connection is gone, and the lock with it.
        }
    }
    Lock(Lock const&) = delete;
    Lock& operator=(Lock const&) = delete;

private:
    PlainConnection& connection_;
};

AppliedByNumber read_applied(PlainConnection& connection) {
    AppliedByNumber applied;
    if (connection.word("select pg_catalog.to_regclass('haat.migrations')").empty()) return applied;
    auto const rows = connection.ask(
        "select number, name, checksum,"
        " to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), took_ms"
        " from haat.migrations order by number");
    for (auto const& row : rows)
        applied[std::stoi(*row[0])] = {*row[1], *row[2], *row[3], std::stoi(*row[4])};
    return applied;
}

void make_table(PlainConnection& connection) {
    connection.run(R"(
        create schema if not exists haat;
        create table if not exists haat.migrations (
            number integer primary key check (number > 0),
            name text not null,
            checksum text not null,
            applied_at timestamptz not null default now(),
            took_ms integer not null);
        grant usage on schema haat to haat_request, haat_worker;
        grant select on haat.migrations to haat_request, haat_worker;)");
}

void refuse_gaps(std::vector<Migration> const& migrations) {
    for (std::size_t i = 0; i < migrations.size(); ++i) {
        auto const& found = migrations[i];
        int const wanted = static_cast<int>(i) + 1;
        if (found.number == wanted) continue;
        std::string const what =
            found.number < wanted ? "has a number that is taken" : "leaves a gap in the numbers";
        throw MigrationError("migration " + found.name + " " + what + "; it should be number " +
                             std::to_string(wanted));
    }
}

void refuse_strange(std::vector<Migration> const& migrations, AppliedByNumber const& applied) {
    for (auto const& [number, was] : applied) {
        if (number > static_cast<int>(migrations.size()))
            throw MigrationError(
                "the database has migration " + was.name +
                ", which this haat does not know; run the newer haat that made it");
        Migration const& now = migrations[static_cast<std::size_t>(number) - 1];
        if (now.checksum() != was.checksum)
            throw MigrationError("migration " + now.name +
                                 " was edited after it had been applied; put it back as it was and "
                                 "write the change as a new migration");
    }
    int expected = 1;
    for (auto const& [number, was] : applied)
        if (number != expected++)
            throw MigrationError("the database has migration " + was.name + " but not number " +
                                 std::to_string(expected - 1) +
                                 " before it; restore haat.migrations from a backup");
}

void record(PlainConnection& connection, Migration const& migration, std::int64_t took_ms) {
    connection.ask("insert into haat.migrations (number, name, checksum, took_ms)"
                   " values ($1, $2, $3, $4)",
                   {std::to_string(migration.number), migration.name, migration.checksum(),
                    std::to_string(took_ms)});
}

void run_one(PlainConnection& connection, Migration const& migration) {
    auto const began = std::chrono::steady_clock::now();
    auto const took_ms = [&] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::steady_clock::now() - began)
            .count();
    };
    bool const alone = migration.sql.starts_with("-- no transaction");
    connection.run("reset all; set search_path = 'pg_catalog'; set lock_timeout = '30s'");
    try {
        if (!alone) connection.run("begin");
        connection.run(migration.sql);
        record(connection, migration, took_ms());
        if (!alone) connection.run("commit");
    } catch (PlainError const& error) {
        std::string const left =
            alone ? "what it began may have to be dropped by hand" : "nothing of it was kept";
        throw MigrationError("migration " + migration.name + " failed: " + error.what() + "; " +
                             left);
    }
}

} // namespace

std::string Migration::checksum() const {
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, reinterpret_cast<unsigned char const*>(sql.data()), sql.size());
    char hex[2 * sizeof hash + 1];
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    return hex;
}

int number_of(std::string_view file_name) {
    if (file_name.size() < 10 || file_name[4] != '_' || !file_name.ends_with(".sql")) return 0;
    int number = 0;
    for (char const c : file_name.substr(0, 4)) {
        if (c < '0' || c > '9') return 0;
        number = number * 10 + (c - '0');
    }
    return number;
}

std::vector<Migration> embedded_migrations() {
    std::string_view const folder = "migrations/";
    std::vector<Migration> migrations;
    for (auto const& file : embedded_under(folder)) {
        auto const name = file.path.substr(folder.size());
        int const number = number_of(name);
        if (number == 0)
            throw MigrationError("migration " + std::string(name) +
                                 " should be named like 0001_what_it_makes.sql");
        migrations.push_back(
            {number, std::string(name.substr(0, name.size() - 4)), std::string(file.bytes)});
    }
    return migrations;
}

std::string_view name_of(MigrationStatus::State state) {
    using enum MigrationStatus::State;
    switch (state) {
    case applied: return "applied";
    case pending: return "pending";
    case edited: return "edited";
    case unknown: return "unknown";
    }
    return {};
}

Migrator::Migrator(std::string owner_url, std::vector<Migration> migrations)
    : url_(std::move(owner_url)), migrations_(std::move(migrations)) {
    refuse_gaps(migrations_);
}

std::vector<MigrationStatus> Migrator::status() const {
    using enum MigrationStatus::State;
    PlainConnection connection(url_);
    auto const there = read_applied(connection);
    std::vector<MigrationStatus> all;
    for (auto const& migration : migrations_) {
        MigrationStatus status{migration.number, migration.name, pending, "", 0};
        if (auto const found = there.find(migration.number); found != there.end()) {
            status.state = found->second.checksum == migration.checksum() ? applied : edited;
            status.applied_at = found->second.at;
            status.took_ms = found->second.took_ms;
        }
        all.push_back(std::move(status));
    }
    for (auto const& [number, was] : there)
        if (number > static_cast<int>(migrations_.size()))
            all.push_back({number, was.name, unknown, was.at, was.took_ms});
    return all;
}

std::vector<std::string> Migrator::apply(std::function<void(std::string_view)> const& say) {
    PlainConnection connection(url_);
    Lock const lock(connection);
    make_table(connection);
    auto const there = read_applied(connection);
    refuse_strange(migrations_, there);
    std::vector<std::string> done;
    for (auto const& migration : migrations_) {
        if (there.contains(migration.number)) continue;
        if (say) say("applying migration " + migration.name);
        run_one(connection, migration);
        done.push_back(migration.name);
    }
    // Plans made on tables that look empty are several times slower.
    if (!done.empty()) connection.run("reset all; analyze");
    return done;
}

} // namespace haat::pg
