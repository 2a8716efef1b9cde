#include <gtest/gtest.h>

#include <describe/test/shapes.hpp>

namespace haat::describe::test {
namespace {

#define PEN "\"00112233-4455-6677-8899-aabbccddeeff\""
#define LINE R"({"penId":)" PEN R"(,"quantity":2,"unitPrice":10})"

template <class T> std::string problems_of(std::string_view json, ReadOptions const& options = {}) {
    T value;
    return told(from_json(json, value, options));
}

/// What is written of what was read, or what is wrong with it.
template <class T> std::string again(std::string_view json, ReadOptions const& options = {}) {
    T value;
    Problems const problems = from_json(json, value, options);
    return problems.empty() ? to_json(value) : told(problems);
}

constexpr std::string_view good_order =
    R"({"email":"asha@example.in","shipTo":{"city":"Pune"},"items":[)" LINE R"(]})";

TEST(ReadJson, FillsInDefaults) {
    EXPECT_EQ(
        again<Order>(good_order),
        R"({"email":"asha@example.in","shipTo":{"city":"Pune","lineTwo":null,"country":"IN"},)"
        R"("billTo":null,"items":[{"penId":)" PEN
        R"(,"quantity":2,"unitPrice":10.00,"note":null}],)"
        R"("tags":["a","b"],"priority":5,"status":"draft","attributes":null})");
}

TEST(ReadJson, TellsEverythingAtOnce) {
    EXPECT_EQ(problems_of<Order>("{}"), "email required; shipTo required; items required");
    EXPECT_EQ(
        problems_of<Order>(
            R"({"email":"asha","shipTo":{"city":""},"billTo":{"country":"IND"},"priority":10,)"
            R"("tags":["ok","far too long",5,null],"status":"lost","items":[)"
            R"({"penId":"1","quantity":0.999,"unitPrice":1000.01},)"
            R"({"penId":)" PEN R"(,"quantity":"100.001","unitPrice":-0.01,"note":""},7]})"),
        R"(email format {"expected":"email"}; shipTo.city too_short {"min":1}; )"
        R"(billTo.country too_long {"max":2}; billTo.city required; )"
        R"(priority too_large {"max":9}; tags[1] too_long {"max":5}; )"
        R"(tags[2] type {"expected":"string"}; tags too_many {"max":3}; )"
        R"(status not_one_of {"values":["draft","in_review","sold_out","new"]}; )"
        R"(items[0].penId format {"expected":"uuid"}; items[0].quantity too_small {"min":1}; )"
        R"(items[0].unitPrice too_large {"max":1000}; items[1].quantity too_large {"max":100}; )"
        R"(items[1].unitPrice too_small {"min":0}; items[1].note too_short {"min":1}; )"
        R"(items[2] type {"expected":"object"})");
}

TEST(ReadJson, Shapes) {
    struct Case {
        std::string_view json;
        std::string_view told;
    };
    Case const cases[] = {
        {"[]", R"(- type {"expected":"object"})"},
        {"5", R"(- type {"expected":"object"})"},
        {"null", "- null"},
        {"", R"(- json {"at":0})"},
        {"{", R"(- json {"at":1})"},
        {R"({"email":})", R"(- json {"at":9})"},
        {R"({"email":"a@b.in"} x)", R"(- json {"at":19})"},
        {R"({"email":nope})", R"(- json {"at":9})"},
        {R"({"email":"a@b.in",})", R"(- json {"at":18})"},
        {R"({'email':1})", R"(- json {"at":1})"},
        {R"({"shipTo":5,"email":[],"items":{}})",
         R"(shipTo type {"expected":"object"}; email type {"expected":"string"}; )"
         R"(items type {"expected":"array"})"},
        {R"({"shipTo":null,"email":null,"items":null})", "shipTo null; email null; items null"},
        {R"({"email":"a@b.in","shipTo":{},"items":[]})",
         R"(shipTo.city required; items too_few {"min":1})"},
        {R"({"email":"a@b.in","shipTo":{"city":"x"},"items":[)" LINE "," LINE "," LINE "," LINE
         "," LINE R"(]})",
         R"(items too_many {"max":3})"},
        {R"({"email":"a@b.in","shipTo":{"city":"x"},"items":[)" LINE
         R"(],"priority":null,"billTo":null,"unknown":{"a":[1,{"b":2}]},"x":"y"})",
         "priority null"},
    };
    for (Case const& c : cases) EXPECT_EQ(problems_of<Order>(c.json), c.told) << c.json;
}

TEST(ReadJson, AliasesAndTwice) {
    std::string_view const line = R"({"price":"7.5","quantity":1,"penId":)" PEN "}";
    EXPECT_NE(again<Line>(line).find("\"unitPrice\":7.50"), std::string::npos);
    EXPECT_EQ(problems_of<Line>(R"({"unitCost":"x","quantity":1,"penId":)" PEN "}"),
              R"(unitPrice format {"expected":"money"})");
    // The last of the same key holds, as a whole.
    EXPECT_EQ(again<Address>(R"({"city":"A","city":"B"})"),
              R"({"city":"B","lineTwo":null,"country":"IN"})");
    std::string twice(good_order);
    twice.replace(twice.size() - 1, 1,
                  R"(,"tags":["x","y"],"tags":["z"],"billTo":{"city":"A","lineTwo":"b"},)"
                  R"("billTo":{"city":"C"},"shipTo":{"city":"D","lineTwo":"e"},)"
                  R"("shipTo":{"city":"F"}})");
    std::string const text = again<Order>(twice);
    EXPECT_NE(text.find(R"("shipTo":{"city":"F","lineTwo":null)"), text.npos) << text;
    EXPECT_NE(text.find(R"("billTo":{"city":"C","lineTwo":null)"), text.npos) << text;
    EXPECT_NE(text.find(R"("tags":["z"])"), text.npos) << text;
}

TEST(ReadJson, EscapedAndLongKeys) {
    EXPECT_EQ(again<Address>(R"({"c\u0069ty":"A","\u0000":1,"":2})"),
              R"({"city":"A","lineTwo":null,"country":"IN"})");
    std::string const key(10'000, 'k');
    EXPECT_EQ(again<Address>("{\"" + key + "\":1,\"city\":\"A\"}"),
              R"({"city":"A","lineTwo":null,"country":"IN"})");
    std::string const text =
        "\"" + std::string(10'000, 'x') + "\\n" + std::string(9'000, 'y') + "\"";
    EXPECT_EQ(again<Json>(text), text);
    EXPECT_EQ(again<std::string>(text), text);
}

TEST(ReadJson, Patches) {
    struct Case {
        std::string_view json;
        std::string_view again;
    };
    Case const cases[] = {
        {"{}", R"({"name":null,"status":null})"},
        {R"({"description":null})", R"({"name":null,"description":null,"status":null})"},
        {R"({"description":"d"})", R"({"name":null,"description":"d","status":null})"},
        {R"({"price":"1.5","price":null})", R"({"name":null,"price":null,"status":null})"},
        {R"({"tags":[]})", R"({"name":null,"status":null,"tags":[]})"},
        {R"({"tags":["a"],"tags":["b"]})", R"({"name":null,"status":null,"tags":["b"]})"},
        {R"({"address":{"city":"a","lineTwo":"b"},"address":{"city":"c"}})",
         R"({"name":null,"status":null,"address":{"city":"c","lineTwo":null,"country":"IN"}})"},
        {R"({"address":{}})", "address.city required"},
    };
    for (Case const& c : cases) EXPECT_EQ(again<Change>(c.json), c.again) << c.json;
}

TEST(ReadJson, UnwrapsData) {
    ReadOptions const unwrap{.unwrap_data = true};
    std::string_view const plain = R"({"city":"A","lineTwo":null,"country":"IN"})";
    EXPECT_EQ(again<Address>(R"({"data":{"city":"A"}})", unwrap), plain);
    EXPECT_EQ(again<Address>(R"({"city":"A"})", unwrap), plain);
    EXPECT_EQ(again<Address>(R"({"meta":1,"data":{"city":"A"},"city":"B","x":[]})", unwrap), plain);
    EXPECT_EQ(again<Address>(R"({"city":"A","data":{"city":"B"}})", unwrap), plain);
    EXPECT_EQ(again<Address>(R"({"data":{"city":"A"},"data":{"city":"B"}})", unwrap), plain);
    EXPECT_EQ(again<Address>(R"({"data":{"city":""}})", unwrap), R"(city too_short {"min":1})");
    EXPECT_EQ(again<Address>(R"({"data":{}})", unwrap), "city required");
    EXPECT_EQ(again<Address>(R"({"data":[{"city":"A"}]})", unwrap), "city required");
    EXPECT_EQ(again<Address>(R"({"data":5,"city":"A"})", unwrap), plain);
    EXPECT_EQ(again<Address>(R"({"data":null,"city":"A"})", unwrap), plain);
    EXPECT_EQ(again<Address>(R"({"data":{"data":{"city":"A"}}})", unwrap), "city required");
    EXPECT_EQ(again<Address>(R"({"data":{"city":"A"}})"), "city required");
}

TEST(ReadJson, HasLimits) {
    auto const nested = [](int depth) {
        return "{\"x\":" + std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']') + ",\"city\":\"A\"}";
    };
    EXPECT_EQ(problems_of<Address>(nested(31)), "");
    EXPECT_EQ(problems_of<Address>(nested(32)), "- too_deep");
    EXPECT_EQ(problems_of<Address>(nested(3), {.depth_max = 3}), "- too_deep");
    EXPECT_EQ(problems_of<Json>(std::string(100'000, '[')), "- too_deep");
    EXPECT_EQ(problems_of<Json>(std::string(100'000, '['), {.depth_max = 1'000'000}), "- too_deep");
    std::string many = "[";
    for (int i = 0; i < 1000; ++i) many += "5,";
    std::vector<std::string> list;
    EXPECT_EQ(from_json(many + "5]", list).size(), 100u);
    EXPECT_EQ(from_json(many + "5]", list, {.problems_max = 7}).size(), 7u);
}

TEST(WriteJson, EveryLeafGoesRoundUnchanged) {
    std::string const text =
        R"({"flag":true,"small":-5,"big":9007199254740993,"ratio":0.1,"text":"पेन","secret":)"
        R"("pass word","email":"asha@example.in","phone":"+919876543210",)"
        R"("url":"https://example.in/","slug":"blue-pen","quantity":1.25,"money":199.50,)"
        R"("id":)" PEN R"(,"at":"2026-03-31T18:30:00.123Z","day":"2026-03-31",)"
        R"("json":{"a":[1,null]},"status":"new","level":"high"})";
    EXPECT_EQ(again<Leaves>(text), text);
    Leaves leaves;
    ASSERT_TRUE(from_json(text, leaves).empty());
    std::string masked;
    encode_masked(masked, shape_of<Leaves>, &leaves);
    EXPECT_NE(masked.find(R"("secret":"***")"), masked.npos);
    EXPECT_EQ(masked.find("pass word"), masked.npos);
}

TEST(WriteJson, Appends) {
    std::string out = "before ";
    std::vector<std::int32_t> const numbers{1, 2, 3};
    to_json(out, numbers);
    to_json(out, std::vector<std::int32_t>{});
    to_json(out, std::optional<Money>{});
    to_json(out, std::optional<Money>{Money{5}});
    EXPECT_EQ(out, "before [1,2,3][]null0.05");
    std::string out_of_enum;
    Status const none{77};
    to_json(out_of_enum, none);
    EXPECT_EQ(out_of_enum, "null");
    EXPECT_EQ(to_json(1.0 / 0.0), "null");
    EXPECT_EQ(to_json(Json{""}), "null");
}

TEST(Change, AppliesWhatIsGiven) {
    Row row;
    row.name.value = "Pen";
    row.description.emplace().value = "old";
    row.price.minor = 100;
    row.tags = {"a"};
    row.token.value = "t";
    auto const applied = [&row](std::string_view json) {
        Change change;
        EXPECT_EQ(told(from_json(json, change)), "");
        Row copy = row;
        apply(copy, change);
        return diff(row, copy);
    };
    EXPECT_EQ(applied("{}"), "{}");
    EXPECT_EQ(applied(R"({"unrelated":5})"), "{}");
    EXPECT_EQ(applied(R"({"name":"Pen"})"), "{}");
    EXPECT_EQ(applied(R"({"name":"Ink"})"), R"({"name":{"from":"Pen","to":"Ink"}})");
    EXPECT_EQ(applied(R"({"name":null})"), "{}");
    EXPECT_EQ(applied(R"({"description":null})"), R"({"description":{"from":"old","to":null}})");
    EXPECT_EQ(applied(R"({"description":""})"), R"({"description":{"from":"old","to":""}})");
    EXPECT_EQ(applied(R"({"price":2.5})"), R"({"price":{"from":1.00,"to":2.50}})");
    EXPECT_EQ(applied(R"({"price":null})"), "{}"); // a price cannot be null
    EXPECT_EQ(applied(R"({"status":"sold_out"})"),
              R"({"status":{"from":"draft","to":"sold_out"}})");
    EXPECT_EQ(applied(R"({"tags":["x","y"]})"), R"({"tags":{"from":["a"],"to":["x","y"]}})");
    EXPECT_EQ(applied(R"({"tags":["a"]})"), "{}");
    EXPECT_EQ(applied(R"({"address":{"city":"Pune"}})"),
              R"({"address":{"from":null,"to":{"city":"Pune","lineTwo":null,"country":"IN"}}})");
    EXPECT_EQ(applied(R"({"token":"new"})"), R"({"token":{"from":"***","to":"***"}})");
}

struct WrongChange {
    Patch<std::int32_t> name;
};
HAAT_DESCRIBE(WrongChange, name)

TEST(Change, OfAnotherTypeIsAFault) {
    Row row;
    WrongChange change;
    apply(row, change);
    change.name.state = Patch<std::int32_t>::State::value;
    EXPECT_THROW(apply(row, change), Fault);
}

} // namespace
} // namespace haat::describe::test
