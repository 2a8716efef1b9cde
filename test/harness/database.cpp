#include <test/harness/database.hpp>

#include <algorithm>
#include <atomic>

#include <test/harness/house.hpp>

namespace haat::test {

namespace {

// Partitions count as the table they are of.
constexpr char const* tables_sql = R"(
    select coalesce(pg_partition_root(c.oid)::regclass::text, c.oid::regclass::text),
           c.oid::regclass::text
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
       and n.nspname not like 'pg_toast%' and n.nspname not like 'pg_temp%'
     order by 2)";

// The outbox is asserted by its own; a person's key is made when a process first needs it; the
// others are the dispatcher's, which runs beside.
std::set<std::string> const not_counted{"events.outbox", "privacy.keys",   "events.nodes",
                                        "events.sinks",  "events.cursors", "events.handled"};

int missing(std::set<std::string> const& from, std::set<std::string> const& in) {
    return static_cast<int>(std::count_if(
        from.begin(), from.end(), [&](std::string const& version) { return !in.count(version); }));
}

} // namespace

std::map<std::string, int> RowVersions::written_until(RowVersions const& later) const {
    std::map<std::string, int> written;
    static std::set<std::string> const nothing;
    for (auto const& [table, after] : later.tables_) {
        auto const known = tables_.find(table);
        auto const& before = known == tables_.end() ? nothing : known->second;
        // An update is one version gone and one come.
        int const rows = std::max(missing(after, before), missing(before, after));
        if (rows > 0) written[table] = rows;
    }
    return written;
}

TestDatabase::TestDatabase() {
    static std::atomic<int> made{0};
    name_ = "haat_test_" + std::to_string(++made);
    cluster().create_database(name_, template_database());
}

TestDatabase::~TestDatabase() {
    connection_.reset();
    try {
        cluster().drop_database(name_);
    } catch (std::exception const&) { // the cluster may be away by a test's own doing
    }
}

std::string TestDatabase::url(pg::Role role) const { return cluster().url(role, name_); }

pg::PlainConnection& TestDatabase::connection() {
    if (!connection_) connection_ = std::make_unique<pg::PlainConnection>(url(pg::Role::admin));
    return *connection_;
}

void TestDatabase::exec(std::string const& sql) { connection().run(sql); }

std::vector<TestDatabase::Row> TestDatabase::rows(std::string const& sql,
                                                  std::vector<std::string> const& parameters) {
    return connection().ask(sql, parameters);
}

std::string TestDatabase::word(std::string const& sql, std::vector<std::string> const& parameters) {
    return connection().word(sql, parameters);
}

std::int64_t TestDatabase::number(std::string const& sql,
                                  std::vector<std::string> const& parameters) {
    return std::stoll(word(sql, parameters));
}

// A version of a row is known by its place and the transaction that made it: nothing moves rows
// but a rewrite of the table.
RowVersions TestDatabase::versions() {
    RowVersions found;
    std::string sql;
    for (auto const& row : rows(tables_sql)) {
        found.tables_[*row[0]];
        if (not_counted.contains(*row[0])) continue;
        if (!sql.empty()) sql += " union all ";
        sql += "select '" + *row[0] + "', '" + *row[1] + "' || ctid::text || xmin::text from " +
               *row[1];
    }
    if (sql.empty()) return found;
    for (auto const& row : rows(sql)) found.tables_[*row[0]].insert(*row[1]);
    return found;
}

std::int64_t TestDatabase::event_mark() {
    return number("select coalesce(max(id), 0) from events.outbox");
}

std::vector<OutboxEvent> TestDatabase::events_since(std::int64_t mark) {
    std::vector<OutboxEvent> events;
    for (auto const& row :
         rows("select subject, key, data from events.outbox where id > $1::bigint order by id",
              {std::to_string(mark)}))
        events.push_back({*row[0], *row[1], *row[2]});
    return events;
}

} // namespace haat::test
