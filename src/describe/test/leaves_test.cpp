#include <gtest/gtest.h>

#include <describe/test/shapes.hpp>

namespace haat::describe::test {

namespace {

constexpr std::string_view id_text = "00112233-4455-6677-8899-aabbccddeeff";

/// A member, the JSON value given for it, and the value written again or the problem.
struct Case {
    std::string_view member;
    std::string_view given;
    std::string_view expected;
};

std::string member_again(std::string const& json, std::string_view member) {
    std::string const key = "\"" + std::string(member) + "\":";
    std::size_t const from = json.find(key) + key.size();
    std::size_t depth = 0, at = from;
    for (; at < json.size(); ++at) {
        if (json[at] == '{' || json[at] == '[') ++depth;
        if (depth == 0 && (json[at] == ',' || json[at] == '}')) break;
        if (json[at] == '}' || json[at] == ']') --depth;
    }
    return json.substr(from, at - from);
}

/// Everything but that member is missing, so the problems about the others are left out.
std::string outcome(std::string_view member, std::string_view given) {
    Leaves leaves;
    std::string body = "{\"" + std::string(member) + "\":" + std::string(given) + "}";
    Problems problems;
    if (!decode(body, shape_of<Leaves>, &leaves, problems)) return told(problems);
    std::erase_if(problems, [](Problem const& problem) { return problem.code == "required"; });
    for (Problem& problem : problems) {
        EXPECT_EQ(problem.path, member);
        return std::string(problem.code) + " " + problem.params;
    }
    return member_again(to_json(leaves), member);
}

void expect(std::initializer_list<Case> cases) {
    for (Case const& c : cases)
        EXPECT_EQ(outcome(c.member, c.given), c.expected) << c.member << " " << c.given;
}

TEST(Leaves, Booleans) {
    expect({
        {"flag", "true", "true"},
        {"flag", "\"true\"", "true"},
        {"flag", "\"FALSE\"", "false"},
        {"flag", "\"1\"", "true"},
        {"flag", "\"0\"", "false"},
        {"flag", "1", R"(type {"expected":"boolean"})"},
        {"flag", "\"yes\"", R"(type {"expected":"boolean"})"},
        {"flag", "\"\"", R"(type {"expected":"boolean"})"},
        {"flag", "null", "null "},
        {"flag", "{}", R"(type {"expected":"boolean"})"},
    });
}

TEST(Leaves, Integers) {
    expect({
        {"small", "2147483647", "2147483647"},
        {"small", "-2147483648", "-2147483648"},
        {"small", "\" 42 \"", "42"},
        {"small", "2147483648", R"(too_large {"max":2147483647})"},
        {"small", "-2147483649", R"(too_small {"min":-2147483648})"},
        {"small", "99999999999999999999", R"(too_large {"max":2147483647})"},
        {"small", "1.5", R"(type {"expected":"integer"})"},
        {"small", "1e3", R"(type {"expected":"integer"})"},
        {"small", "true", R"(type {"expected":"integer"})"},
        {"small", "\"\"", R"(type {"expected":"integer"})"},
        {"small", "\"12x\"", R"(type {"expected":"integer"})"},
        {"small", "[]", R"(type {"expected":"integer"})"},
        {"big", "9223372036854775807", "9223372036854775807"},
        {"big", "-9223372036854775808", "-9223372036854775808"},
        {"big", "\"9223372036854775807\"", "9223372036854775807"},
        {"big", "9007199254740993", "9007199254740993"},
        {"big", "9223372036854775808", R"(too_large {"max":9223372036854775807})"},
        {"big", "18446744073709551616", R"(too_large {"max":9223372036854775807})"},
        {"big", "-9223372036854775809", R"(too_small {"min":-9223372036854775808})"},
    });
}

TEST(Leaves, Floats) {
    expect({
        {"ratio", "0.1", "0.1"},
        {"ratio", "-2", "-2"},
        {"ratio", "1e-7", "1e-07"},
        {"ratio", "\"2.5\"", "2.5"},
        {"ratio", "1e309", R"(too_large {"max":9223372036854775807})"},
        {"ratio", "\"nan\"", R"(type {"expected":"number"})"},
        {"ratio", "\"inf\"", R"(type {"expected":"number"})"},
        {"ratio", "\"0x10\"", R"(type {"expected":"number"})"},
        {"ratio", "\"\"", R"(type {"expected":"number"})"},
        {"ratio", "false", R"(type {"expected":"number"})"},
    });
}

TEST(Leaves, MoneyAndQuantity) {
    expect({
        {"money", "199.5", "199.50"},
        {"money", "\"199.50\"", "199.50"},
        {"money", "199", "199.00"},
        {"money", "-0.01", "-0.01"},
        {"money", "0.29", "0.29"}, // 28.999… as a double
        {"money", "9007199254740993.01", "9007199254740993.01"},
        {"money", "1.005", R"(format {"expected":"money"})"},
        {"money", "1e2", R"(format {"expected":"money"})"},
        {"money", "\"1,000.00\"", R"(format {"expected":"money"})"},
        {"money", "\"\"", R"(format {"expected":"money"})"},
        {"money", "92233720368547758.08", R"(format {"expected":"money"})"},
        {"money", "true", R"(type {"expected":"number"})"},
        {"money", "[1]", R"(type {"expected":"number"})"},
        {"quantity", "2.500", "2.5"},
        {"quantity", "\"0.001\"", "0.001"},
        {"quantity", "3", "3"},
        {"quantity", "0.0001", R"(format {"expected":"quantity"})"},
        {"quantity", "{}", R"(type {"expected":"number"})"},
    });
}

TEST(Leaves, Texts) {
    expect({
        {"text", "\"ab\"", "\"ab\""},
        {"text", "\"  abcde \\t\"", "\"abcde\""},
        {"text", "\"\\u00a0ab\\u00a0\"", "\"ab\""},
        {"text", "\"पेनपे\"", "\"पेनपे\""},
        {"text", "\"a\\nb\"", "\"a\\nb\""},
        {"text", "\"a\\tb\"", "\"a\\tb\""},
        {"text", "\"a\\r\\nb\"", "\"a\\nb\""},
        {"text", "\"\\u0905\\ud83d\\ude00\"", "\"अ😀\""},
        {"text", "\"a\\\"\\\\b\"", "\"a\\\"\\\\b\""},
        {"text", "\"a\"", R"(too_short {"min":2})"},
        {"text", "\"   \"", R"(too_short {"min":2})"},
        {"text", "\"\"", R"(too_short {"min":2})"},
        {"text", "\"abcdef\"", R"(too_long {"max":5})"},
        {"text", "\"पेनपेन\"", R"(too_long {"max":5})"},
        {"text", "\"a\\u0000b\"", R"(format {"expected":"text"})"},
        {"text", "\"a\\u0001b\"", R"(format {"expected":"text"})"},
        {"text", "\"a\\u007fb\"", R"(format {"expected":"text"})"},
        {"text", "\"a\\u0085b\"", R"(format {"expected":"text"})"},
        {"text", "\"a\\rb\"", R"(format {"expected":"text"})"},
        {"text", "5", R"(type {"expected":"string"})"},
        {"text", "null", "null "},
        {"text", "{\"a\":1}", R"(type {"expected":"string"})"},
        {"text", "\"a\xFFz\"", R"(- json {"at":10})"},
    });
}

TEST(Leaves, Secrets) {
    expect({
        {"secret", "\"  pass word  \"", "\"  pass word  \""},
        {"secret", "\"pass\\r\\n\\u0001word\"", "\"pass\\r\\n\\u0001word\""},
        {"secret", "\"पासवर्ड१२\"", "\"पासवर्ड१२\""},
        {"secret", "\"short\"", R"(too_short {"min":8})"},
        {"secret", "\"nul\\u0000nul\\u0000nul\"", R"(format {"expected":"text"})"},
        {"secret", "12345678", R"(type {"expected":"string"})"},
    });
}

TEST(Leaves, Words) {
    expect({
        {"email", "\" Asha@Example.in \"", "\"Asha@Example.in\""},
        {"email", "\"asha\"", R"(format {"expected":"email"})"},
        {"email", "\"a\\u0000@example.in\"", R"(format {"expected":"email"})"},
        {"email", "7", R"(type {"expected":"string"})"},
        {"phone", "\"98765 43210\"", "\"+919876543210\""},
        {"phone", "\"+1 415 555 2671\"", "\"+14155552671\""},
        {"phone", "\"12\"", R"(format {"expected":"phone"})"},
        {"url", "\"https://example.in/a\"", "\"https://example.in/a\""},
        {"url", "\"example.in\"", R"(format {"expected":"url"})"},
        {"slug", "\"blue-pen\"", "\"blue-pen\""},
        {"slug", "\"Blue Pen\"", R"(format {"expected":"slug"})"},
        {"id", "\"00112233-4455-6677-8899-AABBCCDDEEFF\"",
         "\"00112233-4455-6677-8899-aabbccddeeff\""},
        {"id", "\"17\"", R"(format {"expected":"uuid"})"},
        {"id", "17", R"(type {"expected":"string"})"},
        {"at", "\"2026-04-01T00:00:00+05:30\"", "\"2026-03-31T18:30:00.000Z\""},
        {"at", "\"yesterday\"", R"(format {"expected":"date-time"})"},
        {"at", "1700000000", R"(type {"expected":"string"})"},
        {"day", "\"2026-03-31\"", "\"2026-03-31\""},
        {"day", "\"31/03/2026\"", R"(format {"expected":"date"})"},
    });
}

TEST(Leaves, Enumerations) {
    std::string_view const wrong =
        R"(not_one_of {"values":["draft","in_review","sold_out","new"]})";
    expect({
        {"status", "\"in_review\"", "\"in_review\""},
        {"status", "\"IN-REVIEW\"", "\"in_review\""},
        {"status", "\"In Review\"", "\"in_review\""},
        {"status", "\"new\"", "\"new\""},
        {"status", "\"\"", wrong},
        {"status", "\"inreview\"", wrong},
        {"status", "\"draft!\"", wrong},
        {"status", "0", R"(type {"expected":"string"})"},
        {"level", "\"low\"", "\"low\""},
        {"level", "\"HIGH\"", "\"high\""},
    });
    Level level = Level::high;
    ASSERT_EQ(decode_text("low", shape_of<Level>, &level), "");
    EXPECT_EQ(level, Level::low);
}

TEST(Leaves, AnyJson) {
    expect({
        {"json", R"({ "a" : [ 1 , 2.50, "x\ny", true, null, {} , [] ], "b":{"c":"\u0905"} })",
         R"({"a":[1,2.50,"x\ny",true,null,{},[]],"b":{"c":"अ"}})"},
        {"json", "[]", "[]"},
        {"json", "\"text\"", "\"text\""},
        {"json", "5", "5"},
        {"json", "null", "null"},
        {"json", "true", "true"},
        {"json", "12345678901234567890.5", "12345678901234567890.5"},
        {"json", R"({"a":"\u0000"})", R"(format {"expected":"json"})"},
        {"json", R"({"\u0000":1})", R"(format {"expected":"json"})"},
        {"json", R"("\u0000")", R"(format {"expected":"json"})"},
        {"json", "[1e99999]", R"(format {"expected":"json"})"},
        {"json", "1e-20000", R"(format {"expected":"json"})"},
    });
}

TEST(Leaves, FromText) {
    Id<Pen> id;
    EXPECT_EQ(decode_text(id_text, shape_of<Id<Pen>>, &id), "");
    EXPECT_EQ(to_string(id.uuid), id_text);
    EXPECT_EQ(decode_text("x", shape_of<Id<Pen>>, &id), "format");
    std::optional<std::int32_t> number;
    EXPECT_EQ(decode_text("7", shape_of<std::optional<std::int32_t>>, &number), "");
    EXPECT_EQ(number, 7);
    EXPECT_EQ(decode_text("seven", shape_of<std::optional<std::int32_t>>, &number), "type");
    Text<1, 9> text;
    EXPECT_EQ(decode_text("a\xC3", shape_of<decltype(text)>, &text), "format");
    EXPECT_EQ(decode_text(std::string_view("a\0b", 3), shape_of<decltype(text)>, &text), "format");
    EXPECT_EQ(decode_text("", shape_of<decltype(text)>, &text), "too_short");
    std::vector<std::string> list;
    EXPECT_EQ(decode_text("a", shape_of<decltype(list)>, &list), "type");
}

TEST(Leaves, LongTextsAreSearchedToTheirEnds) {
    for (std::size_t size = 0; size < 70; ++size)
        for (std::size_t at = 0; at < size; ++at) {
            std::string text(size, 'x');
            text[at] = '\x01';
            std::string into;
            EXPECT_EQ(decode_text("a" + text + "a", shape_of<std::string>, &into), "format");
            text[at] = '"';
            std::string out;
            encode_string(out, text);
            EXPECT_EQ(out, "\"" + text.substr(0, at) + "\\" + text.substr(at) + "\"");
        }
    std::string every;
    for (int c = 1; c < 128; ++c) every += static_cast<char>(c);
    std::string out;
    encode_string(out, every + every + every);
    Problems problems;
    Json json;
    ASSERT_TRUE(decode(out, shape_of<Json>, &json, problems));
    EXPECT_EQ(json.text, out);
}

} // namespace
} // namespace haat::describe::test
