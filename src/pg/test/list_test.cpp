// Lists: filters, sorts, pages by cursor and by number, totals; and that an index carries them.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <pg/cursor.hpp>
#include <pg/list_text.hpp>
#include <pg/test/database_test.hpp>

namespace haat::pg {
namespace {

using namespace shop;
using test::run;

class ListTest : public DatabaseTest {};

Task<Page<Item>> list(Database& database, ItemFilter const& filter) {
    Settings const settings = settings_of(org_a);
    Reader read(database, settings);
    co_return co_await read.list(sql::list_items, filter);
}

std::vector<std::string> ids_of(std::vector<Item> const& items) {
    std::vector<std::string> ids;
    for (Item const& item : items) ids.push_back(to_string(item.id.uuid));
    return ids;
}

struct Sorting {
    std::string name;
    Order order;
    std::string sql; // for the whole list at once, by PostgreSQL
};
std::vector<Sorting> const sortings{{"createdAt", Order::asc, "created_at, id"},
                                    {"createdAt", Order::desc, "created_at desc, id desc"},
                                    {"price", Order::asc, "price, id"},
                                    {"price", Order::desc, "price desc, id desc"},
                                    {"name", Order::asc, "name, id"},
                                    {"name", Order::desc, "name desc, id desc"}};

TEST_F(ListTest, KeysetPagesCoverEveryRowOnceForwardAndBack) {
    fill(org_a, 203);
    fill(org_b, 0);
    open();
    for (Sorting const& sorting : sortings) {
        std::vector<std::string> expected;
        for (auto const& row : shop_.rows("select id from shop.items order by " + sorting.sql))
            expected.push_back(*row[0]);
        ItemFilter filter;
        filter.paging.limit = 7;
        filter.paging.sort_by = sorting.name;
        filter.paging.order = sorting.order;

        std::vector<std::string> forward;
        std::vector<std::vector<std::string>> pages;
        std::optional<std::string> last_prev;
        for (;;) {
            Page<Item> const page = run(loop_, list(*database_, filter));
            EXPECT_EQ(page.total, 203);
            EXPECT_TRUE(page.total_is_exact);
            EXPECT_EQ(page.prev_cursor.has_value(), !pages.empty());
            EXPECT_EQ(page.next_cursor.has_value(), page.has_more);
            pages.push_back(ids_of(page.items));
            forward.insert(forward.end(), pages.back().begin(), pages.back().end());
            last_prev = page.prev_cursor;
            if (!page.next_cursor) break;
            filter.paging.cursor = page.next_cursor;
        }
        EXPECT_EQ(forward, expected) << sorting.sql;
        EXPECT_EQ(pages.size(), 29u);

        for (std::size_t i = pages.size() - 1; i-- > 0;) {
            ASSERT_TRUE(last_prev) << sorting.sql << " before page " << i + 1;
            filter.paging.cursor = last_prev;
            Page<Item> const page = run(loop_, list(*database_, filter));
            EXPECT_EQ(ids_of(page.items), pages[i]) << sorting.sql << " page " << i;
            EXPECT_TRUE(page.has_more);
            EXPECT_TRUE(page.next_cursor);
            last_prev = page.prev_cursor;
        }
        EXPECT_FALSE(last_prev) << sorting.sql;
    }
}

TEST_F(ListTest, PagesByNumberAndBySkipAreTheSame) {
    fill(org_a, 50);
    open();
    ItemFilter filter;
    filter.paging.limit = 10;
    filter.paging.page = 3;
    Page<Item> const by_page = run(loop_, list(*database_, filter));
    filter.paging.page.reset();
    filter.paging.skip = 20;
    Page<Item> const by_skip = run(loop_, list(*database_, filter));
    EXPECT_EQ(ids_of(by_page.items), ids_of(by_skip.items));
    EXPECT_EQ(by_page.skip, 20);
    ASSERT_TRUE(by_skip.prev_cursor);
    filter.paging.skip.reset();
    filter.paging.cursor = by_skip.prev_cursor;
    Page<Item> const before = run(loop_, list(*database_, filter));
    filter.paging.cursor.reset();
    filter.paging.page = 2;
    EXPECT_EQ(ids_of(before.items), ids_of(run(loop_, list(*database_, filter)).items));
    filter.paging.page = 6;
    Page<Item> const beyond = run(loop_, list(*database_, filter));
    EXPECT_TRUE(beyond.items.empty());
    EXPECT_FALSE(beyond.has_more);
    EXPECT_EQ(beyond.total, 50);
}

TEST_F(ListTest, FiltersNarrowTheListAndItsTotal) {
    fill(org_a, 120);
    open();
    auto const check = [this](ItemFilter filter, std::string const& where) {
        filter.paging.limit = 100;
        Page<Item> const page = run(loop_, list(*database_, filter));
        EXPECT_EQ(page.total, shop_.number("select count(*) from shop.items where " + where))
            << where;
        EXPECT_EQ(static_cast<std::int64_t>(page.items.size()),
                  std::min<std::int64_t>(page.total, 100));
    };
    ItemFilter filter;
    check(filter, "true");
    filter.search = "item 1";
    check(filter, "name like 'item 1%'");
    filter.is_active = false;
    check(filter, "name like 'item 1%' and not is_active");
    filter.search.reset();
    filter.grade = Grade::best;
    check(filter, "not is_active and grade = 'best'");
    filter = {};
    filter.min_price = 2;
    filter.max_price = 4;
    check(filter, "price between 2 and 4");
    filter = {};
    filter.cheap = true;
    check(filter, "price < 10");
    filter.cheap = false;
    check(filter, "true");
    filter.search = "' or true --";
    check(filter, "false");
    filter = {};
    for (auto const& row : shop_.rows("select id from shop.items limit 3"))
        filter.ids.push_back(ItemId{uuid_of(*row[0])});
    Page<Item> const three = run(loop_, list(*database_, filter));
    EXPECT_EQ(three.total, 3);
}

TEST_F(ListTest, OnlyOnesOwnRowsAreListedAndCounted) {
    fill(org_a, 10);
    fill(org_b, 40);
    open();
    Page<Item> const page = run(loop_, list(*database_, {}));
    EXPECT_EQ(page.items.size(), 10u);
    EXPECT_EQ(page.total, 10);
}

TEST_F(ListTest, TotalsAreCountedUpToALimitAndSaySo) {
    fill(org_a, 501);
    open();
    Page<Item> const page = run(loop_, list(*database_, {}));
    EXPECT_EQ(page.total, 500);
    EXPECT_FALSE(page.total_is_exact);
}

class ListRefusalTest : public ListTest {
protected:
    /// "path code" of the first problem.
    std::string refusal(ItemFilter const& filter) {
        try {
            run(loop_, list(*database_, filter));
        } catch (Refusal const& refused) {
            EXPECT_EQ(refused.status(), 422);
            if (refused.problems().empty()) return "no problem";
            Problem const& problem = refused.problems()[0];
            params_ = problem.params;
            return problem.path + " " + std::string(problem.code);
        }
        return "well";
    }
    std::string params_;
};

TEST_F(ListRefusalTest, WhatCannotBeListedIsRefused) {
    open();
    ItemFilter filter;
    filter.paging.sort_by = "password";
    EXPECT_EQ(refusal(filter), "sortBy not_one_of");
    EXPECT_EQ(params_, R"({"values":["createdAt","name","price"]})");
    filter = {};
    filter.paging.skip = 10'001;
    EXPECT_EQ(refusal(filter), "skip too_large");
    filter.paging.skip = 10'000;
    EXPECT_EQ(refusal(filter), "well");
    filter = {};
    filter.paging.page = 502;
    EXPECT_EQ(refusal(filter), "page too_large");
    EXPECT_EQ(params_, R"({"max":501})");
    filter.paging.page = 501;
    EXPECT_EQ(refusal(filter), "well");
    filter.paging.page = INT32_MAX;
    filter.paging.limit = 100;
    EXPECT_EQ(refusal(filter), "page too_large");
}

TEST_F(ListRefusalTest, GarbageAndForeignCursorsAreRefused) {
    fill(org_a, 30);
    open();
    ItemFilter filter;
    std::string const good = *run(loop_, list(*database_, filter)).next_cursor;
    for (std::string const& garbage :
         {std::string("x"), std::string("AAAA"), std::string("%%%"), std::string(5'000, 'A'),
          good.substr(1), good + "A", good.substr(0, 10), std::string()}) {
        filter.paging.cursor = garbage;
        EXPECT_EQ(refusal(filter), "cursor format") << garbage;
    }
    filter.paging.cursor = good;
    EXPECT_EQ(refusal(filter), "well");
    filter.is_active = true; // another filter
    EXPECT_EQ(refusal(filter), "cursor format");
    filter.is_active.reset();
    filter.paging.sort_by = "price"; // another sort
    EXPECT_EQ(refusal(filter), "cursor format");
    filter.paging.sort_by.reset();
    filter.paging.order = Order::asc; // another direction
    EXPECT_EQ(refusal(filter), "cursor format");
    filter.paging.order.reset();
    // The right question with values of the wrong types: only PostgreSQL can tell.
    Cursor made_up = *decode_cursor(good);
    made_up.sort = "yesterday's \xff";
    filter.paging.cursor = encode_cursor(made_up);
    EXPECT_EQ(refusal(filter), "cursor format");
    made_up.sort = decode_cursor(good)->sort;
    made_up.key = "'; drop table shop.items";
    filter.paging.cursor = encode_cursor(made_up);
    EXPECT_EQ(refusal(filter), "cursor format");
    filter.paging.cursor = good;
    EXPECT_EQ(refusal(filter), "well");
}

TEST_F(ListTest, MoreCombinationsThanAreKeptStillWork) {
    fill(org_a, 40);
    open();
    for (int round = 0; round < 2; ++round)
        for (int bits = 0; bits < 32; ++bits)
            for (char const* sort : {"createdAt", "name", "price"}) {
                ItemFilter filter;
                filter.paging.sort_by = sort;
                if (bits & 1) filter.search = "item";
                if (bits & 2) filter.min_price = 0;
                if (bits & 4) filter.max_price = 100;
                if (bits & 8) filter.cheap = true;
                if (bits & 16) filter.is_active = true;
                Page<Item> const page = run(loop_, list(*database_, filter));
                ASSERT_EQ(page.total, bits & 16 ? 30 : 40);
            }
}

// As the request role with its settings, since row-level security changes plans.
TEST_F(ListTest, AnIndexCarriesTheKeyset) {
    fill(org_a, 5'000);
    PlainConnection plain(shop_.url());
    plain.run("select set_config('haat.org_id', '" + std::string(org_a) + "', false)");
    for (std::string const sort : {"createdAt", "price"})
        for (ListFrom const from : {ListFrom::after, ListFrom::before, ListFrom::start}) {
            ListChoice choice;
            choice.sort = sort == "createdAt" ? 0 : 2;
            choice.from = from;
            choice.rows_max = rows_for(20);
            std::string const statement =
                list_sql(sql::list_items, filter_fields(sql::list_items), choice).sql;
            std::string const value = sort == "createdAt" ? "2026-01-01 00:10:00+00" : "3";
            plain.run("prepare page as " + statement);
            std::string explain = "explain execute page";
            if (from != ListFrom::start)
                explain += "('" + value + "', '" + std::string(org_a) + "')";
            std::string plan;
            for (auto const& row : plain.ask(explain)) plan += *row[0] + "\n";
            plain.run("deallocate page");
            EXPECT_NE(plan.find(sort == "createdAt" ? "items_by_time" : "items_by_price"),
                      plan.npos)
                << plan;
            EXPECT_EQ(plan.find("Sort"), plan.npos) << plan;
            if (from != ListFrom::start)
                EXPECT_NE(plan.find("Index Cond: (ROW("), plan.npos) << plan;
        }
}

TEST(CursorTest, ComesBackAsItWas) {
    for (std::size_t const size : {0u, 1u, 2u, 3u, 100u, 2'000u}) {
        Cursor cursor;
        cursor.question = 0x0123456789abcdef;
        cursor.backward = size % 2 == 1;
        cursor.sort = std::string(size, '\xfe');
        cursor.key = "0190-key";
        auto const back = decode_cursor(*encode_cursor(cursor));
        ASSERT_TRUE(back) << size;
        EXPECT_EQ(back->question, cursor.question);
        EXPECT_EQ(back->backward, cursor.backward);
        EXPECT_EQ(back->sort, cursor.sort);
        EXPECT_EQ(back->key, cursor.key);
    }
    Cursor long_one;
    long_one.sort = std::string(5'000, 'x');
    EXPECT_FALSE(encode_cursor(long_one));
}

} // namespace
} // namespace haat::pg
