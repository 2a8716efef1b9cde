#include <gtest/gtest.h>

#include <set>

#include <base/clock.hpp>
#include <base/text_forms.hpp>

namespace haat {
namespace {

constexpr std::string_view refused = "refused";

template <class Word> std::string money_like(std::string_view text) {
    Word word;
    return parse(text, word) ? to_string(word) : std::string(refused);
}

struct Case {
    std::string_view text;
    std::string_view expected;
};

TEST(Words, MoneyText) {
    Case const cases[] = {
        {"199.5", "199.50"},
        {"0", "0.00"},
        {"-0.01", "-0.01"},
        {"-0", "0.00"},
        {"007", "7.00"},
        {"12.34", "12.34"},
        {"92233720368547758.07", "92233720368547758.07"},
        {"-92233720368547758.07", "-92233720368547758.07"},
        {"92233720368547758.08", refused},
        {"999999999999999999999", refused},
        {"12.345", refused},
        {"12.", refused},
        {".5", refused},
        {"+5", refused},
        {"-", refused},
        {"--1", refused},
        {"1-", refused},
        {"1e3", refused},
        {"1,000", refused},
        {"1 000", refused},
        {"", refused},
        {"1.2.3", refused},
    };
    for (Case const& c : cases) EXPECT_EQ(money_like<Money>(c.text), c.expected) << c.text;
    EXPECT_EQ(to_string(Money{INT64_MIN}), "-92233720368547758.08");
}

TEST(Words, QuantityText) {
    Case const cases[] = {
        {"1.250", "1.25"}, {"1.001", "1.001"},  {"3", "3"},        {"-0.5", "-0.5"},
        {"100", "100"},    {"1.0005", refused}, {"kg", refused},   {"0.100", "0.1"},
        {"1.", refused},   {"0.000", "0"},      {"0x10", refused},
    };
    for (Case const& c : cases) EXPECT_EQ(money_like<Quantity>(c.text), c.expected) << c.text;
}

TEST(Words, TimestampText) {
    Case const cases[] = {
        {"2026-03-31T18:30:00Z", "2026-03-31T18:30:00.000Z"},
        {"2026-03-31T18:30:00.5Z", "2026-03-31T18:30:00.500Z"},
        {"2026-03-31T18:30:00.123456Z", "2026-03-31T18:30:00.123Z"},
        {"2026-03-31T18:30:00.123456789Z", "2026-03-31T18:30:00.123Z"},
        {"2026-04-01T00:00:00+05:30", "2026-03-31T18:30:00.000Z"},
        {"2026-03-31T13:30:00-05:00", "2026-03-31T18:30:00.000Z"},
        {"2026-03-31 18:30:00z", "2026-03-31T18:30:00.000Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
        {"0001-01-01T00:00:00+05:30", refused},
        {"9999-12-31T23:59:59-01:00", refused},
        {"2025-02-29T00:00:00Z", refused},
        {"2026-13-01T00:00:00Z", refused},
        {"2026-00-01T00:00:00Z", refused},
        {"2026-01-32T00:00:00Z", refused},
        {"2026-01-01T24:00:00Z", refused},
        {"2026-01-01T23:60:00Z", refused},
        {"2026-01-01T23:59:60Z", refused},
        {"2026-01-01T00:00:00", refused},
        {"2026-01-01", refused},
        {"2026-01-01T00:00Z", refused},
        {"2026-01-01T00:00:00.Z", refused},
        {"2026-01-01T00:00:00.1234567890Z", refused},
        {"2026-01-01T00:00:00+0530", refused},
        {"2026-01-01T00:00:00+24:00", refused},
        {"2026-01-01T00:00:00Zx", refused},
        {"26-01-01T00:00:00Z", refused},
        {"0000-01-01T00:00:00Z", refused},
        {"", refused},
    };
    for (Case const& c : cases) EXPECT_EQ(money_like<Timestamp>(c.text), c.expected) << c.text;
    EXPECT_EQ(to_string(Timestamp{0}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(to_string(Timestamp{-1}), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(to_string(Timestamp{INT64_MAX}), "9999-12-31T23:59:59.999Z");
    EXPECT_EQ(to_string(Timestamp{INT64_MIN}), "0001-01-01T00:00:00.000Z");
}

TEST(Words, DateText) {
    Case const cases[] = {
        {"2026-03-31", "2026-03-31"},
        {"2024-02-29", "2024-02-29"},
        {"1970-01-01", "1970-01-01"},
        {"0001-01-01", "0001-01-01"},
        {"9999-12-31", "9999-12-31"},
        {"2025-02-29", refused},
        {"2026-3-31", refused},
        {"31-03-2026", refused},
        {"2026-03-31T", refused},
        {"0000-12-31", refused},
        {"", refused},
    };
    for (Case const& c : cases) EXPECT_EQ(money_like<Date>(c.text), c.expected) << c.text;
    EXPECT_EQ(to_string(Date{INT32_MAX}), "9999-12-31");
    EXPECT_EQ(to_string(Date{INT32_MIN}), "0001-01-01");
}

TEST(Words, UuidText) {
    Case const cases[] = {
        {"00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff"},
        {"00112233-4455-6677-8899-AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff"},
        {"00112233445566778899aabbccddeeff", refused},
        {"00112233-4455-6677-8899-aabbccddeef", refused},
        {"00112233-4455-6677-8899-aabbccddeefg", refused},
        {"0011223-34455-6677-8899-aabbccddeeff", refused},
        {"{0112233-4455-6677-8899-aabbccddeef}", refused},
        {"", refused},
    };
    for (Case const& c : cases) EXPECT_EQ(money_like<Uuid>(c.text), c.expected) << c.text;
}

template <class Word> std::string kept(std::string_view text) {
    Word word;
    return parse(text, word) ? word.value : std::string(refused);
}

TEST(Words, Emails) {
    std::string const long_local(65, 'a');
    std::string const long_host = "a@" + std::string(64, 'b') + ".in";
    Case const cases[] = {
        {"asha@example.in", "asha@example.in"},
        {"Asha.Rao+shop@Mail.Example.co.in", "Asha.Rao+shop@Mail.Example.co.in"},
        {"o'brien@example.ie", "o'brien@example.ie"},
        {"आशा@उदाहरण.भारत", "आशा@उदाहरण.भारत"},
        {"asha", refused},
        {"asha@", refused},
        {"@example.in", refused},
        {"asha@example", refused},
        {"asha@example.", refused},
        {"asha@.in", refused},
        {"asha@example..in", refused},
        {"asha@-example.in", refused},
        {"asha@192.168.0.1", refused},
        {"asha@@example.in", refused},
        {"asha@ex@ample.in", refused},
        {".asha@example.in", refused},
        {"as..ha@example.in", refused},
        {"asha.@example.in", refused},
        {"as ha@example.in", refused},
        {"<asha@example.in>", refused},
        {"asha@example.in\n", refused},
        {"a\"b@example.in", refused},
        {"a,b@example.in", refused},
        {"\xFF@example.in", refused},
        {"", refused},
    };
    for (Case const& c : cases) EXPECT_EQ(kept<Email>(c.text), c.expected) << c.text;
    EXPECT_EQ(kept<Email>(long_local + "@example.in"), refused);
    EXPECT_EQ(kept<Email>(long_host), refused);
    EXPECT_EQ(Email{"Asha@EXAMPLE.in"}.lower(), "asha@example.in");
    EXPECT_EQ(Email{"ÄSHA@example.in"}.lower(), "Äsha@example.in");
}

TEST(Words, Phones) {
    Case const cases[] = {
        {"98765 43210", "+919876543210"},
        {"+91-98765-43210", "+919876543210"},
        {"09876543210", "+919876543210"},
        {"9876543210", "+919876543210"},
        {"919876543210", "+919876543210"},
        {"0091 98765 43210", "+919876543210"},
        {"+91 (987) 654.3210", "+919876543210"},
        {"080 1234 5678", "+918012345678"},
        {"+1 415 555 2671", "+14155552671"},
        {"+442071838750", "+442071838750"},
        {"+49 30 901820", "+4930901820"},
        {"+91987654321", refused},
        {"+9198765432101", refused},
        {"987654321", refused},
        {"0987654321", refused},
        {"4155552671234", refused},
        {"+0123456789", refused},
        {"+1234567", refused},
        {"+1234567890123456", refused},
        {"98765x43210", refused},
        {"++919876543210", refused},
        {"+91+9876543210", refused},
        {"+", refused},
        {"phone", refused},
        {"", refused},
        {"00000000000000000000000000000", refused},
    };
    for (Case const& c : cases) EXPECT_EQ(kept<Phone>(c.text), c.expected) << c.text;
}

TEST(Words, Urls) {
    std::string const longest = "https://example.in/" + std::string(2048 - 19, 'a');
    Case const cases[] = {
        {"https://example.in", "https://example.in"},
        {"http://localhost:8080/a?b=c#d", "http://localhost:8080/a?b=c#d"},
        {"HTTPS://Example.in/%E0%A4%85", "HTTPS://Example.in/%E0%A4%85"},
        {"https://192.168.0.1/x", "https://192.168.0.1/x"},
        {"https://[::1]:80/", "https://[::1]:80/"},
        {"https://example.in?x=1", "https://example.in?x=1"},
        {"https://example.in/ü", "https://example.in/ü"},
        {longest, longest},
        {"//example.in", refused},
        {"/a/b", refused},
        {"example.in", refused},
        {"ftp://example.in", refused},
        {"javascript:alert(1)", refused},
        {"https://", refused},
        {"https:///a", refused},
        {"https://exa mple.in", refused},
        {"https://example.in/<a>", refused},
        {"https://example.in/\"", refused},
        {"https://example.in/a\nb", refused},
        {"https://example.in:0", refused},
        {"https://example.in:65536", refused},
        {"https://example.in:8a", refused},
        {"https://example.in:", refused},
        {"https://bank.in@evil.in/", refused},
        {"https://.in", refused},
        {"https://[::1", refused},
        {"https://example.in/\xC3", refused},
        {"", refused},
    };
    for (Case const& c : cases) EXPECT_EQ(kept<Url>(c.text), c.expected) << c.text;
    EXPECT_EQ(kept<Url>(longest + "a"), refused);
}

TEST(Words, Slugs) {
    Case const cases[] = {
        {"cello-gripper", "cello-gripper"},
        {"a", "a"},
        {"7-up", "7-up"},
        {"Cello", refused},
        {"-a", refused},
        {"a-", refused},
        {"a--b", refused},
        {"a_b", refused},
        {"a b", refused},
        {"é", refused},
        {"", refused},
    };
    for (Case const& c : cases) EXPECT_EQ(kept<Slug>(c.text), c.expected) << c.text;
    EXPECT_EQ(kept<Slug>(std::string(256, 'a')), refused);
}

TEST(Words, SlugOf) {
    Case const cases[] = {
        {"Cello Gripper, Blue", "cello-gripper-blue"},
        {"  --A&B--  ", "a-b"},
        {"Levi's & Levi’s", "levis-levis"},
        {"Café Crème Łódź Ÿ", "cafe-creme-lodz-y"},
        {"पेन", ""},
        {"पेन 5", "5"},
        {"\xC3", ""},
        {"a\xFFz", "a-z"},
        {"!!!", ""},
        {"", ""},
    };
    for (Case const& c : cases) EXPECT_EQ(Slug::of(c.text).value, c.expected) << c.text;
    std::string const many(300, 'a');
    EXPECT_EQ(Slug::of(many).value.size(), 255u);
    std::string words;
    for (int i = 0; i < 200; ++i) words += "ab ";
    Slug made = Slug::of(words);
    EXPECT_TRUE(parse(made.value, made)) << made.value;
}

TEST(Words, Trimming) {
    Case const cases[] = {
        {" a ", "a"}, {"\t\r\n\v\fa b\n", "a b"}, {"\u00A0a\u00A0 ", "a"},
        {"", ""},     {" \u00A0 ", ""},           {"à", "à"},
    };
    for (Case const& c : cases) EXPECT_EQ(trimmed(c.text), c.expected) << c.text;
}

TEST(Words, Utf8) {
    for (std::string_view text : {"", "abc", "é", "पेन", "😀", "\u007F", "\U0010FFFF"})
        EXPECT_TRUE(is_utf8(text)) << text;
    for (std::string_view text :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE0\xA4", "a\xC3", "\xFF"})
        EXPECT_FALSE(is_utf8(text));
    EXPECT_EQ(facts_of("a\r\nपे").characters, 4u);
    EXPECT_TRUE(facts_of("a\r\n").carriage_return);
    EXPECT_TRUE(facts_of("a\rb").control);
    EXPECT_TRUE(facts_of("\u0085").control);
    EXPECT_FALSE(facts_of("\t\n\u00A0").control);
}

TEST(Clock, CanBeHeld) {
    Timestamp const before = now();
    {
        HeldClock clock(Timestamp{1'000'000});
        EXPECT_EQ(now().micros, 1'000'000);
        clock.advance(60);
        EXPECT_EQ(now().micros, 61'000'000);
        clock.set(Timestamp{5});
        EXPECT_EQ(now().micros, 5);
    }
    EXPECT_GE(now(), before);
}

TEST(Clock, IdsAreVersionSevenAndInOrder) {
    std::set<Uuid> ids;
    Uuid last;
    std::int64_t const begin_ms = now().micros / 1000;
    for (int i = 0; i < 100'000; ++i) {
        Uuid const id = new_uuid();
        EXPECT_GT(id, last);
        EXPECT_EQ(id.bytes[6] >> 4, 7);
        EXPECT_EQ(id.bytes[8] >> 6, 2);
        last = id;
        ids.insert(id);
    }
    EXPECT_EQ(ids.size(), 100'000u);
    std::int64_t ms = 0;
    for (int i = 0; i < 6; ++i) ms = ms << 8 | last.bytes[static_cast<std::size_t>(i)];
    EXPECT_GE(ms, begin_ms);
    EXPECT_LE(ms, now().micros / 1000 + 100);
}

TEST(Clock, IdsStayInOrderWhileTheClockStands) {
    HeldClock clock(Timestamp{1'700'000'000'000'000});
    Uuid last;
    for (int i = 0; i < 200'000; ++i) {
        Uuid const id = new_uuid();
        ASSERT_GT(id, last);
        last = id;
    }
}

TEST(Clock, IdsFollowAClockThatJumps) {
    HeldClock clock(Timestamp{1'700'000'000'000'000});
    EXPECT_TRUE(to_string(new_uuid()).starts_with("018bcfe5-6800-7"));
    clock.set(Timestamp{0});
    EXPECT_TRUE(to_string(new_uuid()).starts_with("00000000-0000-7"));
}

} // namespace
} // namespace haat
