#include <charconv>

#include <events/catalogue.hpp>
#include <events/log.hpp>
#include <http/routes.hpp>
#include <modules/admin/admin.hpp>

namespace haat::admin {

namespace {

using events::EventView;
using events::FailureFilter;
using events::FailureId;
using events::FailureView;

constexpr std::int32_t attempts_once_more = 3;

RefusalKind const event_cursor_invalid{
    422, "EVENT_CURSOR_INVALID", "The cursor is not one of this list.", {.field = "cursor"}};

struct EventQuery {
    List<Text<1, 100>, 0, 50> subject;
    List<SubjectCategory, 0, 20> category;
    std::optional<Uuid> key;
    std::optional<Timestamp> since;
    std::optional<Timestamp> until;
    std::optional<OrgId> org_id;
    std::int32_t limit = 20;
    std::optional<Text<1, 30>> cursor;
};
HAAT_DESCRIBE(EventQuery, subject, category, key, since, until, org_id, limit, cursor)
HAAT_DEFAULTS(EventQuery, subject, category, limit)
HAAT_NOTES(EventQuery, {.field = "subject", .text = "One or several.", .example = "brand:created"},
           {.field = "key", .text = "The id of what it happened to."},
           {.field = "since", .text = "From this moment on."},
           {.field = "until", .text = "Before this moment."},
           {.field = "org_id", .text = "For administrators: one organization's."},
           {.field = "limit", .text = "How many at most.", .min = 1, .max = 100},
           {.field = "cursor", .text = "meta.pagination.nextCursor of another page."})

struct SubjectView {
    std::string subject;
    std::string constant;
    SubjectCategory category = SubjectCategory::system;
    std::string topic;
    std::string section;
    Priority priority = Priority::medium;
    SubjectGroup group = SubjectGroup::none;
    bool live_only = false;
    std::optional<std::string> payload;
    std::vector<std::string> emitted_by;
    std::vector<std::string> aliases;
};
HAAT_DESCRIBE(SubjectView, subject, constant, category, topic, section, priority, group, live_only,
              payload, emitted_by, aliases)

SubjectView view_of(events::CatalogueEntry const& entry) {
    Subject const& subject = *entry.subject;
    SubjectView view{.subject = std::string(subject.name),
                     .constant = std::string(subject.constant),
                     .category = subject.category,
                     .topic = std::string(topic_of(subject.category)),
                     .section = std::string(subject.section),
                     .priority = subject.priority,
                     .group = subject.group,
                     .live_only = subject.live};
    if (entry.payload) view.payload = std::string(entry.payload->name);
    view.emitted_by.assign(entry.emitters.begin(), entry.emitters.end());
    for (SubjectAlias const& alias : subject_aliases())
        if (&alias.subject == &subject) view.aliases.emplace_back(alias.name);
    return view;
}

Task<Reply<std::vector<SubjectView>>> list_subjects(Call<>&) {
    std::vector<SubjectView> views;
    for (events::CatalogueEntry const& entry : events::catalogue()) views.push_back(view_of(entry));
    co_return ok(views);
}

std::int64_t number_of(std::optional<Text<1, 30>> const& cursor) {
    if (!cursor) return std::numeric_limits<std::int64_t>::max();
    std::string const& text = cursor->value;
    std::int64_t number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0)
        throw Refusal(event_cursor_invalid);
    return number;
}

events::EventSearch search_of(EventQuery const& query) {
    events::EventSearch search{.key = query.key,
                               .since = query.since,
                               .until = query.until,
                               .before = number_of(query.cursor),
                               .take = query.limit + 1};
    if (query.org_id) search.org_id = query.org_id->uuid;
    std::vector<std::string> names;
    for (auto const& name : query.subject) names.push_back(name.value);
    if (!names.empty() || !query.category.empty())
        search.subjects = events::subjects_of(names, query.category);
    return search;
}

Task<Reply<Page<EventView>>> list_events(Ask<EventQuery>& ask) {
    events::EventSearch const search = search_of(ask.query());
    Page<EventView> page;
    page.items = co_await ask.read(events::sql::search, search);
    co_await events::unveil(ask.database(), page.items);
    page.limit = ask.query().limit;
    page.has_more = page.items.size() > static_cast<std::size_t>(page.limit);
    if (page.has_more) {
        page.items.pop_back();
        page.next_cursor = std::to_string(page.items.back().id);
    }
    // Counting the past would cost more than reading it; the end of it is known at the end.
    page.total = static_cast<std::int64_t>(page.items.size());
    page.total_is_exact = !page.has_more && !ask.query().cursor;
    co_return listed(page);
}

Task<Reply<Page<FailureView>>> list_failures(Ask<FailureFilter>& ask) {
    Page<FailureView> page = co_await ask.read.list(events::sql::failures, ask.query());
    co_await events::unveil(ask.database(), page.items);
    co_return listed(page);
}

Task<Reply<FailureView>> redeliver(Call<>& call, FailureId id) {
    Tx tx = call.begin();
    FailureView const failure = co_await tx(events::sql::redeliver, id, attempts_once_more);
    co_return co_await call.commit(tx, ok(failure));
}

} // namespace

void add_event_routes(Routes& r) {
    Routes events = r.group("/events", "Events");
    events.get("/subjects", &list_subjects, "Every subject that an event may have")
        .open()
        .cached(300s, "event-subjects");
    events.get("", &list_events, "What has happened, newest first")
        .needs(Permit::events_read)
        .refuses(events::subject_unknown, event_cursor_invalid);
    events.get("/failures", &list_failures, "Events that could not be delivered")
        .needs(Permit::platform_admin);
    events.post("/failures/{id}/redeliver", &redeliver, "Deliver one of them once more")
        .needs(Permit::platform_admin)
        .answers(200)
        .describes("It gets three more attempts, the first at once.");
}

} // namespace haat::admin
