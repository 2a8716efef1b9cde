// The words of messages: those that are built in, and an organization's or the platform's own.
#include <algorithm>

#include <base/clock.hpp>
#include <http/routes.hpp>
#include <modules/notify/errors.hpp>
#include <modules/notify/words.hpp>

namespace haat::notify {

namespace {

using TemplateName = Text<1, 63>;
using Language = Text<2, 12>;

struct TemplateNoun {};

struct KeptTemplate {
    Id<TemplateNoun> id;
    std::optional<OrgId> org_id;
    std::string name;
    Channel channel = Channel::EMAIL;
    std::string language;
    std::string subject;
    std::string body;
    std::optional<std::string> html;
    std::vector<std::string> variables;
    std::optional<std::string> provider_template;
    UserId updated_by;
    Timestamp updated_at;
};
HAAT_DESCRIBE(KeptTemplate, id, org_id, name, channel, language, subject, body, html, variables,
              provider_template, updated_by, updated_at)

struct TemplateKey {
    std::string name;
    Channel channel = Channel::EMAIL;
    std::string language;
};
HAAT_DESCRIBE(TemplateKey, name, channel, language)

namespace sql {
Many<TemplateRow> const templates{"notify.templates", R"(
    select org_id is not null as is_own, name, channel, language, subject, body, html, variables,
           provider_template, updated_at
      from notify.templates order by name, channel, language)"};
One<TemplateRow, KeptTemplate> const keep_template{"notify.keep_template", R"(
    insert into notify.templates ({1}) values ({$1})
    on conflict on constraint templates_key do update
       set subject = excluded.subject, body = excluded.body, html = excluded.html,
           variables = excluded.variables, provider_template = excluded.provider_template,
           updated_by = excluded.updated_by, updated_at = excluded.updated_at
    returning org_id is not null as is_own, name, channel, language, subject, body, html,
              variables, provider_template, updated_at)"};
Maybe<Uuid, TemplateKey> const remove_template{"notify.remove_template", R"(
    delete from notify.templates
     where coalesce(org_id, '00000000-0000-0000-0000-000000000000') = notify.acting_owner()
       and name = $1 and channel = $2 and language = $3
    returning id)"};
} // namespace sql

bool is_template_name(std::string_view name) {
    return !name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
}
/// "en", "hi", "pt-BR"
bool is_language(std::string_view text) {
    auto const small = [](char c) { return c >= 'a' && c <= 'z'; };
    auto const any = [&](char c) {
        return small(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    std::size_t const dash = std::min(text.find('-'), text.size());
    std::string_view const base = text.substr(0, dash);
    if (base.size() < 2 || base.size() > 3 || !std::all_of(base.begin(), base.end(), small))
        return false;
    if (dash == text.size()) return true;
    std::string_view const region = text.substr(dash + 1);
    return region.size() >= 2 && region.size() <= 8 &&
           std::all_of(region.begin(), region.end(), any);
}

std::optional<OrgId> acting_org(Actor const& actor) {
    if (actor.org.uuid.is_nil()) return std::nullopt;
    return actor.org;
}

Task<Reply<std::vector<TemplateView>>> list_templates(Call<>& call) {
    std::vector<TemplateRow> const rows = co_await call.read(sql::templates);
    std::vector<TemplateView> all;
    for (TemplateRow const& row : rows) all.push_back(view_of(row));
    for (TemplateKind const* kind = TemplateKind::first(); kind != nullptr; kind = kind->next())
        for (TemplateWords const& words : kind->options().words)
            all.push_back(view_of(*kind, words));
    auto const key = [](TemplateView const& each) {
        return std::tie(each.name, each.channel, each.language);
    };
    std::stable_sort(all.begin(), all.end(),
                     [&](TemplateView const& a, TemplateView const& b) { return key(a) < key(b); });
    co_return ok(all);
}

/// What the words may speak of.
std::vector<std::string> variables_for(TemplateKind const* kind, TemplateInput const& input) {
    if (kind != nullptr) return kind->variables();
    std::vector<std::string> names;
    for (auto const& each : input.variables) names.push_back(each.value);
    return names;
}

Task<Reply<TemplateView>> put_template(Call<TemplateInput>& call, TemplateName name,
                                       Channel channel, Language language) {
    if (!is_template_name(name.value))
        throw Refusal(template_invalid).saying("A template's name has a-z, 0-9 and _ only.");
    if (!is_language(language.value))
        throw Refusal(template_invalid).saying("A language is such as en, hi or pt-BR.");
    TemplateInput const& body = call.body();
    std::vector<std::string> const variables = variables_for(TemplateKind::find(name.value), body);
    check_words(body, channel, variables);
    KeptTemplate row;
    row.id = new_id<TemplateNoun>();
    row.org_id = acting_org(call.actor());
    row.name = name.value;
    row.channel = channel;
    row.language = language.value;
    row.subject = body.subject.value;
    row.body = body.body.value;
    if (body.html) row.html = body.html->value;
    row.variables = variables;
    if (body.provider_template) row.provider_template = body.provider_template->value;
    row.updated_by = call.actor().user;
    row.updated_at = now();
    Tx tx = call.begin();
    TemplateRow const kept = co_await tx(sql::keep_template, row);
    TemplateView const view = view_of(kept);
    call.made(view);
    co_return co_await call.commit(tx, ok(view));
}

Task<Reply<Deleted>> remove_template(Call<>& call, TemplateName name, Channel channel,
                                     Language language) {
    TemplateKey const key{name.value, channel, language.value};
    Tx tx = call.begin();
    std::optional<Uuid> const removed = co_await tx(sql::remove_template, key);
    if (!removed) throw Refusal(template_not_found);
    Id<TemplateNoun> const id{*removed};
    co_return co_await call.commit(tx, deleted(id));
}

Task<Reply<Preview>> preview(Call<PreviewInput>& call) {
    PreviewInput const& body = call.body();
    TemplateKind const* const kind = TemplateKind::find(body.name.value);
    std::optional<TemplateView> words;
    if (body.draft) {
        check_words(*body.draft, body.channel, variables_for(kind, *body.draft));
        words.emplace();
        words->subject = body.draft->subject.value;
        words->body = body.draft->body.value;
        if (body.draft->html) words->html = body.draft->html->value;
        words->variables = variables_for(kind, *body.draft);
        words->language = body.language.value;
        words->source = TemplateSource::organization;
    } else {
        std::vector<TemplateRow> const rows = co_await call.read(
            notify::sql::templates_named, body.name.value, acting_org(call.actor()));
        words = choose(kind, rows, body.channel, body.language.value);
    }
    if (!words) throw Refusal(template_not_found);
    Values const values = values_of(body.data.text);
    check_values(kind != nullptr ? kind->variables() : words->variables, values);
    Filled filled = fill(*words, values);
    Preview const view{std::move(filled.subject), std::move(filled.body), std::move(filled.html),
                       words->language, words->source};
    co_return ok(view);
}

} // namespace

void add_template_routes(Routes& r) {
    Routes all = r.group("/notifications/templates", "Notifications");
    all.get("", &list_templates, "The words of messages, built in and own")
        .needs(Permit::settings_read);
    all.put("/{name}/{channel}/{language}", &put_template, "Own words instead of those built in")
        .needs(Permit::settings_write)
        .refuses(template_invalid, template_variable_unknown)
        .describes("{{name}} stands for a value, {{#if name}}…{{else}}…{{/if}} for what may be "
                   "missing. Values are escaped in HTML.");
    all.remove("/{name}/{channel}/{language}", &remove_template, "Back to the words built in")
        .needs(Permit::settings_write)
        .refuses(template_not_found);
    all.post("/preview", &preview, "How a message would read")
        .needs(Permit::settings_read)
        .answers(200)
        .unaudited()
        .refuses(template_not_found, template_invalid, template_variable_unknown,
                 template_variable_missing, template_data_invalid);
}

} // namespace haat::notify
