// A database of one's own, cloned from the migrated template; dropped at the end.
//
//     TestDatabase db;
//     db.exec("insert into catalog.brands …");
//     EXPECT_EQ(db.word("select count(*) from catalog.brands"), "1");
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <pg/cluster.hpp>
#include <pg/plain.hpp>

namespace haat::test {

/// Every version of every row, so that any write shows: inserts, deletes and updates, also those
/// that change no value. The outbox is not among them: events are asserted by their own.
class RowVersions {
public:
    /// How many rows of each table were inserted, updated or deleted since; untouched tables are
    /// not named.
    std::map<std::string, int> written_until(RowVersions const& later) const;

private:
    friend class TestDatabase;
    std::map<std::string, std::set<std::string>> tables_;
};

struct OutboxEvent {
    std::string subject;
    std::string key;
    std::string data; // JSON
};

class TestDatabase {
public:
    using Row = pg::PlainConnection::Row;

    TestDatabase();
    ~TestDatabase();
    TestDatabase(TestDatabase const&) = delete;

    std::string const& name() const { return name_; }
    std::string url(pg::Role role = pg::Role::request) const;

    // As the superuser, whom row-level security does not bind.
    void exec(std::string const& sql);
    std::vector<Row> rows(std::string const& sql, std::vector<std::string> const& parameters = {});
    /// The first column of the first row, as text; empty when there is none.
    std::string word(std::string const& sql, std::vector<std::string> const& parameters = {});
    std::int64_t number(std::string const& sql, std::vector<std::string> const& parameters = {});

    RowVersions versions();

    /// The last event's number; events_since() gives what came after it, in order.
    std::int64_t event_mark();
    std::vector<OutboxEvent> events_since(std::int64_t mark);

    pg::PlainConnection& connection();

private:
    std::string name_;
    std::unique_ptr<pg::PlainConnection> connection_;
};

} // namespace haat::test
