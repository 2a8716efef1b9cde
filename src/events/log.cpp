#include <events/log.hpp>

#include <algorithm>

#include <describe/codec.hpp>
#include <privacy/keyring.hpp>

namespace haat::events {

RefusalKind const subject_unknown{422,
                                  "EVENT_SUBJECT_UNKNOWN",
                                  "There is no such subject: /api/v1/events/subjects has them all.",
                                  {.field = "subject"}};

namespace sql {

Many<EventView, EventSearch> search{"events.search", R"(
    select {row} from events.search($1, $2, $3, $4, $5, $6, $7))"};

ListOf<FailureView, FailureFilter> failures{"events.failures",
                                            {.select = "select {row} from events.failures",
                                             .filters = {{"state", "state = $"},
                                                         {"consumer", "consumer = $"},
                                                         {"subject", "subject = $"},
                                                         {"key", "key = $"}},
                                             .sorts = {{"failedAt", "failed_at", Order::desc}}}};

One<FailureView, FailureId, std::int32_t> redeliver{"events.redeliver", R"(
    update events.failures
       set state = 'waiting', next_at = clock_timestamp(), attempts_max = attempts + $2
     where id = $1 returning {row})"};

} // namespace sql

std::vector<std::string> subjects_of(std::vector<std::string> const& names,
                                     std::vector<SubjectCategory> const& categories) {
    std::vector<std::string> found;
    auto const of_category = [&categories](Subject const& subject) {
        return std::find(categories.begin(), categories.end(), subject.category) !=
               categories.end();
    };
    for (std::string const& name : names) {
        Subject const* const subject = find_subject(name);
        if (!subject) throw Refusal(subject_unknown).with("subject", describe::to_json(name));
        if (categories.empty() || of_category(*subject)) found.emplace_back(subject->name);
    }
    if (!names.empty()) return found;
    for (Subject const& subject : all_subjects())
        if (of_category(subject)) found.emplace_back(subject.name);
    return found;
}

namespace {
template <class View> Task<void> unveil_all(pg::Database& database, std::vector<View>& views) {
    std::vector<std::string*> texts;
    texts.reserve(views.size());
    for (View& view : views) texts.push_back(&view.data.text);
    co_await privacy::unveil(database, texts);
}
} // namespace

Task<void> unveil(pg::Database& database, std::vector<EventView>& events) {
    return unveil_all(database, events);
}
Task<void> unveil(pg::Database& database, std::vector<FailureView>& failures) {
    return unveil_all(database, failures);
}

} // namespace haat::events
