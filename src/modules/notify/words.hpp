// Which words a message has: found by name, channel and language, checked, filled in.
#pragma once

#include <modules/notify/markup.hpp>
#include <modules/notify/model.hpp>

namespace haat::notify {

/// Of the table; an organization's own, or the platform's.
struct TemplateRow {
    bool is_own = false;
    std::string name;
    Channel channel = Channel::EMAIL;
    std::string language;
    std::string subject;
    std::string body;
    std::optional<std::string> html;
    std::vector<std::string> variables;
    std::optional<std::string> provider_template;
    Timestamp updated_at;
};
HAAT_DESCRIBE(TemplateRow, is_own, name, channel, language, subject, body, html, variables,
              provider_template, updated_at)

namespace sql {
/// For one organization; nothing: the platform's alone.
extern Many<TemplateRow, std::string, std::optional<OrgId>> const templates_named;
} // namespace sql

/// "hi-IN", "hi", "en".
std::vector<std::string> languages_for(std::string_view asked);

TemplateView view_of(TemplateKind const& kind, TemplateWords const& words);
TemplateView view_of(TemplateRow const& row);

/// The best words for this channel and language: of one language the organization's, then the
/// platform's, then what is built in. Nothing: there are none.
std::optional<TemplateView> choose(TemplateKind const* kind, std::vector<TemplateRow> const& rows,
                                   Channel channel, std::string_view language);

/// Throws TEMPLATE_INVALID and TEMPLATE_VARIABLE_UNKNOWN.
void check_words(TemplateInput const& input, Channel channel,
                 std::vector<std::string> const& variables);

/// Throws TEMPLATE_DATA_INVALID.
Values values_of(std::string_view json);
/// Throws TEMPLATE_VARIABLE_MISSING unless there is a value for each.
void check_values(std::vector<std::string> const& variables, Values const& values);

struct Filled {
    std::string subject;
    std::string body;
    std::optional<std::string> html;
};
/// Throws MarkupError when the words were made unreadable in the table.
Filled fill(TemplateView const& words, Values const& values);

} // namespace haat::notify
