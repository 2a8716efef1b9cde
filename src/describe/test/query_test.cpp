#include <gtest/gtest.h>

#include <describe/test/shapes.hpp>

namespace haat::describe::test {
namespace {

#define PEN "00112233-4455-6677-8899-aabbccddeeff"

/// What was read, as JSON, or what is wrong.
std::string read_query(std::string_view text) {
    Query query;
    Problems problems;
    decode_query(text, shape_of<Query>, &query, problems);
    return problems.empty() ? to_json(query) : told(problems);
}

std::string query_json(std::string_view change_of, std::string_view to) {
    std::string text = R"({"search":null,"status":[],"tags":[],"active":null,"from":null,)"
                       R"("pen":")" PEN R"(","paging":{"limit":20,"cursor":null},"note":"none"})";
    if (std::size_t const at = text.find(change_of); at != text.npos && !change_of.empty())
        text.replace(at, change_of.size(), to);
    return text;
}

TEST(Queries, Members) {
    struct Case {
        std::string_view query;
        std::string_view from;
        std::string_view to;
    };
    Case const cases[] = {
        {"", "", ""},
        {"&&unknown=1&x[]=2&%FF=3", "", ""},
        {"search=blue+pen", R"("search":null)", R"("search":"blue pen")"},
        {"search=%E0%A4%AA%E0%A5%87", R"("search":null)", R"("search":"पे")"},
        {"search=a%2Bb%26c%3Dd=e", R"("search":null)", R"("search":"a+b&c=d=e")"},
        {"search=", "", ""},
        {"search", "", ""},
        {"search=a&search=b", R"("search":null)", R"("search":"b")"},
        {"status=draft,sold-out", R"("status":[])", R"("status":["draft","sold_out"])"},
        {"status=draft&status=New", R"("status":[])", R"("status":["draft","new"])"},
        {"status[]=draft&status[]=new", R"("status":[])", R"("status":["draft","new"])"},
        {"status%5B%5D=draft", R"("status":[])", R"("status":["draft"])"},
        {"status=,draft,,", R"("status":[])", R"("status":["draft"])"},
        {"status=[\"draft\"]", R"("status":[])", R"("status":["draft"])"},
        {"tags[]=a,b&tags[]=c", R"("tags":[])", R"("tags":["a,b","c"])"},
        {"tags=a,b&tags=c", R"("tags":[])", R"("tags":["a","b","c"])"},
        {"active=true", R"("active":null)", R"("active":true)"},
        {"active=0", R"("active":null)", R"("active":false)"},
        {"active=", "", ""},
        {"from=2026-03-31", R"("from":null)", R"("from":"2026-03-31")"},
        {"limit=50", R"("limit":20)", R"("limit":50)"},
        {"limit=", "", ""},
        {"per_page=50", R"("limit":20)", R"("limit":50)"},
        {"paging.limit=50", R"("limit":20)", R"("limit":50)"},
        {"paging[limit]=50", R"("limit":20)", R"("limit":50)"},
        {"paging={\"limit\":50}", R"("limit":20)", R"("limit":50)"},
        {"cursor=abc", R"("cursor":null)", R"("cursor":"abc")"},
        {"note=", R"("note":"none")", R"("note":"")"},
    };
    for (Case const& c : cases)
        EXPECT_EQ(read_query("pen=" PEN "&" + std::string(c.query)), query_json(c.from, c.to))
            << c.query;
}

TEST(Queries, Problems) {
    struct Case {
        std::string_view query;
        std::string_view told;
    };
    Case const cases[] = {
        {"", "pen required"},
        {"pen=", "pen required"},
        {"pen=1", R"(pen format {"expected":"uuid"})"},
        {"pen=" PEN "&limit=0", R"(limit too_small {"min":1})"},
        {"pen=" PEN "&limit=101", R"(limit too_large {"max":100})"},
        {"pen=" PEN "&limit=ten", R"(limit type {"expected":"integer"})"},
        {"pen=" PEN "&paging.limit=ten", R"(paging.limit type {"expected":"integer"})"},
        {"pen=" PEN "&paging={\"limit\":0}", R"(paging.limit too_small {"min":1})"},
        {"pen=" PEN "&paging=5", R"(paging type {"expected":"object"})"},
        {"pen=" PEN "&paging={", R"(paging json {"at":1})"},
        {"pen=" PEN "&active=perhaps", R"(active type {"expected":"boolean"})"},
        {"pen=" PEN "&from=today", R"(from format {"expected":"date"})"},
        {"pen=" PEN "&status=draft,lost",
         R"(status[1] not_one_of {"values":["draft","in_review","sold_out","new"]})"},
        {"pen=" PEN "&status=draft,draft,draft,draft,draft", R"(status too_many {"max":3})"},
        {"pen=" PEN "&search=%00", R"(search format {"expected":"percent-encoding"})"},
        {"pen=" PEN "&search=%FF", R"(search format {"expected":"percent-encoding"})"},
        {"pen=" PEN "&search=%4", R"(search format {"expected":"percent-encoding"})"},
        {"pen=" PEN "&search=%zz", R"(search format {"expected":"percent-encoding"})"},
        {"pen=" PEN "&search=%01", R"(search format {"expected":"text"})"},
        {"pen=" PEN "&unknown=%00", ""},
    };
    for (Case const& c : cases) {
        std::string const read = read_query(c.query);
        EXPECT_EQ(read, c.told.empty() ? query_json("", "") : c.told) << c.query;
    }
}

std::string read_order(std::vector<FormField> const& fields) {
    Order order;
    Problems problems;
    decode_form(fields, shape_of<Order>, &order, problems);
    return problems.empty() ? to_json(order) : told(problems);
}

TEST(Forms, TakeFlatNamesAndJson) {
    std::string const line = R"({"penId":")" PEN R"(","quantity":2,"unitPrice":10.00,"note":null})";
    std::string const expected =
        R"({"email":"asha@example.in","shipTo":{"city":"Pune","lineTwo":null,"country":"IN"},)"
        R"("billTo":{"city":"Goa","lineTwo":null,"country":"IN"},"items":[)" +
        line + R"(],"tags":["x","y"],"priority":7,"status":"draft","attributes":{"a":1}})";
    FormField const email{"email", "asha@example.in"};
    FormField const bill_to{"billTo", R"({"city":"Goa"})"};
    FormField const attributes{"attributes", R"({"a": 1})"};
    FormField const priority{"priority", "7"};
    FormField const items{"items", "[" + line + "]"};
    FormField const item{"items[]", line};
    FormField const tags{"tags", "x,y"};
    for (FormField const& city :
         {FormField{"city", "Pune"}, FormField{"shipTo.city", "Pune"},
          FormField{"shipTo[city]", "Pune"}, FormField{"shipTo", R"({"city":"Pune"})"}}) {
        EXPECT_EQ(read_order({email, city, bill_to, items, tags, priority, attributes}), expected);
        EXPECT_EQ(read_order({email, city, bill_to, item, tags, priority, attributes}), expected);
    }
}

TEST(Forms, Problems) {
    EXPECT_EQ(read_order({}), "email required; city required; items required");
    EXPECT_EQ(read_order({{"email", "a@b.in"},
                          {"shipTo", R"({"city":""})"},
                          {"items", R"([{"quantity":0}])"},
                          {"attributes", "{"},
                          {"tags[]", "a\xFF"}}),
              R"(shipTo.city too_short {"min":1}; items[0].quantity too_small {"min":1}; )"
              R"(items[0].penId required; items[0].unitPrice required; attributes json {"at":1}; )"
              R"(tags[0] format {"expected":"text"})");
    EXPECT_EQ(read_order({{"email", "a@b.in"}, {"city", "x"}, {"items", ""}}),
              R"(items too_few {"min":1})");
}

TEST(Forms, EmptyInputsOfAPatchTakeTheValueAway) {
    Change change;
    Problems problems;
    decode_form({{"price", ""}, {"description", ""}}, shape_of<Change>, &change, problems);
    EXPECT_EQ(told(problems), "");
    EXPECT_EQ(change.price.state, Patch<Money>::State::null);
    EXPECT_EQ(to_json(change.description), "\"\"");
    EXPECT_FALSE(change.token.given());
}

TEST(Queries, PercentDecoding) {
    struct Case {
        std::string_view text;
        bool plus;
        std::string_view expected;
    };
    Case const cases[] = {
        {"a%20b", false, "a b"},        {"a+b", false, "a+b"},     {"a+b", true, "a b"},
        {"%41%61%2f", true, "Aa/"},     {"%C3%A9", true, "é"},     {"", true, ""},
        {"%", true, "refused"},         {"%4", true, "refused"},   {"a%4", true, "refused"},
        {"%4g", true, "refused"},       {"%00", true, "refused"},  {"%C3", true, "refused"},
        {"%ED%A0%80", true, "refused"}, {"\xFF", true, "refused"}, {"%25", true, "%"},
    };
    for (Case const& c : cases) {
        std::string out;
        bool const fine = percent_decode(c.text, out, c.plus);
        EXPECT_EQ(fine ? out : "refused", c.expected) << c.text;
    }
}

} // namespace
} // namespace haat::describe::test
