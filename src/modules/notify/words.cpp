#include <modules/notify/words.hpp>

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include <modules/notify/errors.hpp>

namespace haat::notify {

namespace json = boost::json;

namespace sql {
Many<TemplateRow, std::string, std::optional<OrgId>> const templates_named{"notify.templates_named",
                                                                           R"(
    select org_id is not null as is_own, name, channel, language, subject, body, html, variables,
           provider_template, updated_at
      from notify.templates where name = $1 and coalesce(org_id = $2, org_id is null)
     order by is_own desc, channel, language)"};
} // namespace sql

std::vector<std::string> languages_for(std::string_view asked) {
    std::vector<std::string> all;
    auto const add = [&](std::string_view language) {
        if (!language.empty() && std::find(all.begin(), all.end(), language) == all.end())
            all.emplace_back(language);
    };
    add(asked);
    add(asked.substr(0, asked.find('-')));
    add("en");
    return all;
}

TemplateView view_of(TemplateKind const& kind, TemplateWords const& words) {
    TemplateView view;
    view.name = kind.name();
    view.channel = words.channel;
    view.language = words.language;
    view.subject = words.subject;
    view.body = words.body;
    if (!words.html.empty()) view.html = std::string(words.html);
    view.variables = kind.variables();
    return view;
}

TemplateView view_of(TemplateRow const& row) {
    TemplateView view;
    view.name = row.name;
    view.channel = row.channel;
    view.language = row.language;
    view.subject = row.subject;
    view.body = row.body;
    view.html = row.html;
    view.variables = row.variables;
    view.provider_template = row.provider_template;
    view.source = row.is_own ? TemplateSource::organization : TemplateSource::platform;
    view.updated_at = row.updated_at;
    return view;
}

std::optional<TemplateView> choose(TemplateKind const* kind, std::vector<TemplateRow> const& rows,
                                   Channel channel, std::string_view language) {
    for (std::string const& each : languages_for(language)) {
        for (bool const own : {true, false})
            for (TemplateRow const& row : rows)
                if (row.is_own == own && row.channel == channel && row.language == each)
                    return view_of(row);
        if (kind == nullptr) continue;
        for (TemplateWords const& words : kind->options().words)
            if (words.channel == channel && words.language == each) return view_of(*kind, words);
    }
    for (TemplateRow const& row : rows) // in any language rather than not at all
        if (row.channel == channel) return view_of(row);
    if (kind == nullptr || kind->options().words.empty()) return std::nullopt;
    // What is built in says the same on every channel.
    TemplateView view = view_of(*kind, kind->options().words.front());
    view.channel = channel;
    if (channel != Channel::EMAIL) view.html.reset();
    return view;
}

namespace {

[[noreturn]] void refuse(std::string_view part, MarkupError const& error) {
    throw Refusal(template_invalid)
        .saying(fmt::format("The {} cannot be read, line {}: {}.", part, error.line, error.what))
        .with("field", "\"" + std::string(part) + "\"")
        .with("line", std::to_string(error.line));
}

void check_part(std::string_view part, std::string const& text, Form form,
                std::vector<std::string> const& variables) {
    Markup markup;
    try {
        markup = Markup::parse(text, form);
    } catch (MarkupError const& error) {
        refuse(part, error);
    }
    for (Markup::Variable const& each : markup.variables())
        if (std::find(variables.begin(), variables.end(), each.name) == variables.end())
            throw Refusal(template_variable_unknown)
                .saying(fmt::format(
                    "The {} has {{{{{}}}}} in line {}; it is given: {}.", part, each.name,
                    each.line,
                    variables.empty() ? "nothing" : fmt::format("{}", fmt::join(variables, ", "))))
                .with("field", "\"" + std::string(part) + "\"")
                .with("variable", "\"" + each.name + "\"");
}

} // namespace

void check_words(TemplateInput const& input, Channel channel,
                 std::vector<std::string> const& variables) {
    check_part("subject", input.subject.value, Form::line, variables);
    check_part("body", input.body.value, Form::text, variables);
    if (input.html) check_part("html", input.html->value, Form::html, variables);
    if (channel == Channel::EMAIL && input.subject.value.empty())
        throw Refusal(template_invalid)
            .saying("A mail needs a subject.")
            .with("field", R"("subject")");
    if (channel != Channel::EMAIL && input.html)
        throw Refusal(template_invalid).saying("Only mails have HTML.").with("field", R"("html")");
}

Values values_of(std::string_view text) {
    boost::system::error_code bad;
    json::value const value = json::parse({text.data(), text.size()}, bad);
    if (bad || !value.is_object()) throw Refusal(template_data_invalid);
    Values values;
    for (auto const& [key, each] : value.as_object()) {
        std::string name(key);
        if (each.is_string())
            values[name] = std::string(each.as_string());
        else if (each.is_bool())
            values[name] = each.as_bool() ? "true" : "false";
        else if (each.is_number())
            values[name] = json::serialize(each);
        else if (!each.is_null())
            throw Refusal(template_data_invalid)
                .saying("\"" + name.substr(0, 60) + "\" is no text, number or boolean.");
    }
    return values;
}

void check_values(std::vector<std::string> const& variables, Values const& values) {
    for (std::string const& each : variables)
        if (!values.contains(each))
            throw Refusal(template_variable_missing)
                .saying("The template needs a value for {{" + each + "}}.")
                .with("variable", "\"" + each + "\"");
}

Filled fill(TemplateView const& words, Values const& values) {
    Filled filled;
    filled.subject = Markup::parse(words.subject, Form::line).render(values);
    filled.body = Markup::parse(words.body, Form::text).render(values);
    if (words.html) filled.html = Markup::parse(*words.html, Form::html).render(values);
    return filled;
}

} // namespace haat::notify
