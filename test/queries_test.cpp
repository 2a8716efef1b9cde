// Every query of the program against the migrated schema: names, columns, types, both ways.
#include <gtest/gtest.h>

#include <pg/check.hpp>
#include <pg/query.hpp>
#include <test/harness/database.hpp>

namespace haat::test {
namespace {

TEST(QueriesTest, AllOfThemFitTheMigratedSchema) {
    ASSERT_GT(pg::Query::count(), 10) << "the modules' queries are not linked in";
    TestDatabase db;
    for (std::string const& mismatch : pg::check_queries(db.url()))
        // Some rooms' own tests have a schema of theirs.
        if (!mismatch.starts_with("shop.") && !mismatch.starts_with("trial."))
            ADD_FAILURE() << mismatch;
}

TEST(QueriesTest, AChangedColumnIsNoticed) {
    TestDatabase db;
    db.exec("alter table catalog.brands rename column country to land");
    bool noticed = false;
    for (std::string const& mismatch : pg::check_queries(db.url()))
        noticed |= mismatch.starts_with("catalog.brands.");
    EXPECT_TRUE(noticed);
}

} // namespace
} // namespace haat::test
