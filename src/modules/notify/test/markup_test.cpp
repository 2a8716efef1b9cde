// The language of templates, and who wants what when: pure rules.
#include <gtest/gtest.h>

#include <base/text_forms.hpp>
#include <modules/notify/markup.hpp>
#include <modules/notify/preferences.hpp>
#include <modules/notify/words.hpp>

namespace haat::notify {
namespace {

std::string rendered(std::string_view text, Form form, Values const& values) {
    return Markup::parse(text, form).render(values);
}
/// Empty: it can be read.
std::string problem_of(std::string_view text, Form form) {
    try {
        Markup::parse(text, form);
        return {};
    } catch (MarkupError const& error) {
        return error.what;
    }
}

TEST(NotifyMarkup, PutsValuesIn) {
    Values const values{{"name", "Asha"}, {"gone", ""}, {"no", "false"}};
    EXPECT_EQ(rendered("Hello {{name}} and {{ name }}{{missing}}!", Form::text, values),
              "Hello Asha and Asha!");
    EXPECT_EQ(
        rendered("{{#if name}}a{{#if gone}}b{{else}}c{{/if}}{{else}}d{{/if}}", Form::text, values),
        "ac");
    EXPECT_EQ(rendered("{{#if no}}a{{else}}b{{/if}}", Form::html, values), "b");
    EXPECT_EQ(rendered("{ {{name}} }", Form::text, values), "{ Asha }");
}

TEST(NotifyMarkup, AValueIsNeverMarkup) {
    Values const values{{"x", "<script>alert('1')</script>&\"{{y}}"}, {"y", "secret"}};
    EXPECT_EQ(rendered("<p>{{x}}</p>", Form::html, values),
              "<p>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;{{y}}</p>");
    EXPECT_EQ(rendered("<p title=\"{{x}}\">", Form::html, {{"x", "\" onclick=\"a()"}}),
              "<p title=\"&quot; onclick=&quot;a()\">");
    EXPECT_EQ(rendered("Hello {{x}}", Form::line, {{"x", "a\r\nBcc: all@example.org"}}),
              "Hello a  Bcc: all@example.org");
    EXPECT_EQ(rendered("{{x}}", Form::text, {{"x", "a\x1b[31m\nb"}}), "a[31m\nb");
}

TEST(NotifyMarkup, AUrlIsAUrl) {
    auto const link = [](std::string value) {
        return rendered("<a href=\"{{x}}\">", Form::html, {{"x", std::move(value)}});
    };
    EXPECT_EQ(link("https://haat.test/?a=1&b=2"), "<a href=\"https://haat.test/?a=1&amp;b=2\">");
    EXPECT_EQ(link("/orders/1"), "<a href=\"/orders/1\">");
    for (char const* const bad : {"javascript:alert(1)", " JaVaScRiPt:alert(1)",
                                  "java\nscript:alert(1)", "data:text/html,x", "//evil.test", ""})
        EXPECT_EQ(link(bad), "<a href=\"#\">") << bad;
}

TEST(NotifyMarkup, WhatCannotBeSafeIsRefused) {
    for (char const* const bad : {"<script>{{x}}</script>",
                                  "<p onclick=\"{{x}}\">",
                                  "<p onclick=\"a()\">",
                                  "<p {{x}}>",
                                  "<p title={{x}}>",
                                  "<{{x}}>",
                                  "<a href=\"java{{x}}\">",
                                  "<a href=\"javascript:a()\">",
                                  "<a href = 'javascript:a()'>",
                                  "<a href=\"j&#97;vascript:a()\">",
                                  "<p style=\"color:{{x}}\">",
                                  "<style>{{x}}</style>",
                                  "<!-- {{x}} -->",
                                  "<iframe src=\"x\">",
                                  "<svg/onload=a()>",
                                  "<p title=\"x",
                                  "a < b",
                                  "{{#if x}}<p title=\"{{/if}}\">",
                                  "<img srcset=\"a\">",
                                  "<form>",
                                  "<meta charset=utf-8>"})
        EXPECT_NE(problem_of(bad, Form::html), "") << bad;
    for (char const* const good :
         {"<p>{{x}}</p>", "<!doctype html><p class=a title='{{x}}'>", "<a href=\"/o/{{x}}\">",
          "<a href=\"https://haat.test/{{x}}?a={{x}}\">", "<style>p{color:red}</style><br/>{{x}}",
          "<img src=\"https://haat.test/a.png\" alt=\"{{x}}\">", "<!-- a > b -->{{x}}"})
        EXPECT_EQ(problem_of(good, Form::html), "") << good;
    for (char const* const bad :
         {"{{", "{{x", "{{}}", "{{a b}}", "{{#if x}}", "{{/if}}", "{{else}}",
          "{{#if x}}{{else}}{{else}}{{/if}}", "{{1}}", "{{>part}}", "{{{x}}}"})
        EXPECT_NE(problem_of(bad, Form::text), "") << bad;
}

TEST(NotifyMarkup, HtmlHasATextForThoseWhoReadNone) {
    EXPECT_EQ(text_of_html("<h1>Hello</h1><p>a &amp; b<br>c</p>"), "Hello\na & b\nc");
}

// Nothing that is built in needs a value that it is not given.
TEST(NotifyMarkup, WhatIsBuiltInCanBeRead) {
    int kinds = 0;
    for (TemplateKind const* kind = TemplateKind::first(); kind != nullptr; kind = kind->next()) {
        ++kinds;
        ASSERT_FALSE(kind->options().words.empty()) << kind->name();
        for (TemplateWords const& words : kind->options().words) {
            TemplateInput input;
            input.subject.value = words.subject;
            input.body.value = words.body;
            if (!words.html.empty()) input.html.emplace().value = words.html;
            EXPECT_NO_THROW(check_words(input, words.channel, kind->variables())) << kind->name();
        }
    }
    EXPECT_GE(kinds, 6);
}

TEST(NotifyWords, TheBestLanguageIsFound) {
    std::vector<TemplateRow> rows(2);
    rows[0].is_own = true;
    rows[0].name = rows[1].name = "welcome";
    rows[0].language = "en";
    rows[0].subject = "ours";
    rows[1].language = "hi";
    rows[1].subject = "platform";
    auto const subject = [&](std::string_view language, Channel channel = Channel::EMAIL) {
        return choose(&welcome, rows, channel, language)->subject;
    };
    EXPECT_EQ(subject("en"), "ours");
    EXPECT_EQ(subject("hi-IN"), "platform") << "before what is built in";
    EXPECT_EQ(subject("fr"), "ours") << "English when there is nothing else";
    EXPECT_EQ(subject("en", Channel::IN_APP), "Welcome, {{name}}");
    EXPECT_EQ(subject("en", Channel::PUSH), "Welcome, {{name}}") << "the same words everywhere";
    EXPECT_FALSE(choose(nullptr, rows, Channel::SMS, "en"));
    EXPECT_EQ(choose(nullptr, {rows[1]}, Channel::EMAIL, "en")->language, "hi") << "any at all";
}

Timestamp at(char const* text) {
    Timestamp when;
    EXPECT_TRUE(describe::decode_text(text, describe::shape_of<Timestamp>, &when).empty()) << text;
    return when;
}
std::string end_of_quiet(Preferences const& wishes, char const* when) {
    auto const end = quiet_until(wishes, at(when));
    return end ? describe::to_json(*end) : "not quiet";
}

TEST(NotifyPreferences, QuietHoursAreTheRecipients) {
    Preferences wishes;
    EXPECT_EQ(end_of_quiet(wishes, "2026-03-01T18:00:00Z"), "not quiet");
    wishes.quiet_from = 22 * 60;
    wishes.quiet_until = 7 * 60 + 30;
    EXPECT_EQ(end_of_quiet(wishes, "2026-03-01T16:29:59Z"), "not quiet"); // 21:59 in India
    EXPECT_EQ(end_of_quiet(wishes, "2026-03-01T16:30:00Z"), R"("2026-03-02T02:00:00.000Z")");
    EXPECT_EQ(end_of_quiet(wishes, "2026-03-01T20:00:00Z"), R"("2026-03-02T02:00:00.000Z")");
    EXPECT_EQ(end_of_quiet(wishes, "2026-03-02T02:00:00Z"), "not quiet");
    wishes.time_zone = "Europe/Berlin"; // whose clocks jump in that night
    EXPECT_EQ(end_of_quiet(wishes, "2026-03-28T22:00:00Z"), R"("2026-03-29T05:30:00.000Z")");
    wishes.quiet_from = 13 * 60;
    wishes.quiet_until = 15 * 60;
    EXPECT_EQ(end_of_quiet(wishes, "2026-06-01T11:30:00Z"), R"("2026-06-01T13:00:00.000Z")");
    EXPECT_EQ(end_of_quiet(wishes, "2026-06-01T13:00:00Z"), "not quiet");
}

TEST(NotifyPreferences, WhatMustComeComes) {
    Preferences wishes;
    for (Category const each : {Category::transactional, Category::marketing})
        wishes.choices.push_back({Channel::SMS, each, false});
    EXPECT_TRUE(wanted(wishes, Channel::SMS, Category::transactional));
    EXPECT_FALSE(wanted(wishes, Channel::SMS, Category::marketing));
    EXPECT_TRUE(wanted(wishes, Channel::EMAIL, Category::marketing));
    EXPECT_TRUE(wanted(wishes, Channel::SMS, Category::reminder));
    EXPECT_EQ(minutes_of("23:59"), 1439);
    for (char const* const bad : {"24:00", "1:00", "12:60", "ab:cd", "12-00", ""})
        EXPECT_FALSE(minutes_of(bad)) << bad;
}

} // namespace
} // namespace haat::notify
