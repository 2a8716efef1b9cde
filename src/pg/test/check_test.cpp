// Every query of this program fits the migrated schema; and a wrong one is found.
#include <algorithm>
#include <string>
#include <vector>

#include <pg/check.hpp>
#include <pg/test/database_test.hpp>

namespace haat::pg {
namespace {

using namespace shop;

/// Those of other tests, which have schemas of their own, and those that are meant to be wrong.
bool is_not_ours(std::string const& line) {
    return line.starts_with("broken.") || line.starts_with("shop.world_") ||
           line.starts_with("shop.outside_") || line.starts_with("trial.");
}

TEST(CheckTest, EveryQueryFitsTheSchema) {
    Shop shop;
    std::vector<std::string> found = check_queries(shop.url(Role::admin));
    std::erase_if(found, is_not_ours);
    for (std::string const& line : found) ADD_FAILURE() << line;
}

struct Wrong {
    ItemId id;
    std::string price;  // is a bigint
    std::string colour; // is not there
};
HAAT_DESCRIBE(Wrong, id, price, colour)
struct BadFilter {
    Paging paging;
    std::optional<std::int64_t> name;
};
HAAT_DESCRIBE(BadFilter, paging, name)

TEST(CheckTest, WrongQueriesAreFound) {
    // They stay in the list for ever, and the test above knows their names.
    static Exec<> const no_table{"broken.no_table", "delete from shop.nowhere"};
    static One<Wrong, ItemId> const members{"broken.members",
                                            "select id, price, name from shop.items where id = $1"};
    static Exec<std::string> const wrong_type{"broken.wrong_type",
                                              "delete from shop.items where id = $1"};
    static Exec<ItemId, ItemId> const unused{"broken.unused",
                                             "delete from shop.items where id = $1"};
    static Exec<ItemId> const missing{"broken.missing",
                                      "update shop.items set price = $2 where id = $1"};
    static ListOf<Item, BadFilter> const no_member{
        "broken.no_member",
        {.select = "select {row} from shop.items", .filters = {{"colour", "name = $"}}}};
    static ListOf<Item, BadFilter> const filter_type{
        "broken.filter_type",
        {.select = "select {row} from shop.items", .filters = {{"name", "name = $"}}}};
    static ListOf<Item, BadFilter> const sort{
        "broken.sort", {.select = "select {row} from shop.items", .sorts = {{"colour", "colour"}}}};
    Shop shop;
    std::vector<std::string> const found = check_queries(shop.url(Role::admin));
    auto const says = [&found](std::string_view begin, std::string_view part) {
        return std::any_of(found.begin(), found.end(), [&](std::string const& line) {
            return line.starts_with(begin) && line.find(part) != line.npos;
        });
    };
    EXPECT_TRUE(says("broken.no_table:", "does not exist"));
    EXPECT_TRUE(says("broken.members:", "price"));
    EXPECT_TRUE(says("broken.members:", "colour"));
    EXPECT_TRUE(says("broken.members:", "no member takes the column name"));
    EXPECT_TRUE(says("broken.wrong_type:", "operator does not exist"));
    EXPECT_TRUE(says("broken.unused:", "$2"));
    EXPECT_TRUE(says("broken.missing:", "2 parameters"));
    EXPECT_TRUE(says("broken.no_member:", "colour"));
    EXPECT_TRUE(says("broken.filter_type:", "operator does not exist"));
    EXPECT_TRUE(says("broken.sort:", "colour"));
}

} // namespace
} // namespace haat::pg
