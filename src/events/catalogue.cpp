#include <events/catalogue.hpp>

#include <algorithm>
#include <map>

#include <describe/codec.hpp>

namespace haat::events {

namespace {

std::string_view word_of(Priority priority) {
    return describe::enumerators_of<Priority>[static_cast<std::size_t>(priority)].name;
}

std::string joined(std::set<std::string_view> const& words) {
    std::string text;
    for (std::string_view const word : words) text.append(text.empty() ? "" : ", ").append(word);
    return text;
}

void add_row(std::string& out, CatalogueEntry const& entry) {
    Subject const& subject = *entry.subject;
    std::string const payload =
        entry.payload ? "`" + std::string(entry.payload->name) + "`" : std::string("–");
    std::string const emitters =
        entry.emitters.empty() ? std::string("not emitted yet") : joined(entry.emitters);
    out.append("| `").append(subject.name).append("` | ").append(subject.constant);
    out.append(" | ").append(word_of(subject.priority)).append(" | ").append(payload);
    out.append(" | ").append(emitters);
    if (subject.live) out += ", live only";
    out += " |\n";
}

void add_payload(std::string& out, describe::Shape const& shape) {
    out.append("\n### ").append(shape.name).append("\n\n");
    for (std::uint32_t i = 0; i < shape.count; ++i) {
        describe::Field const& field = shape.fields[i];
        std::string schema;
        describe::schema(schema, *field.shape, describe::Direction::output,
                         [](describe::Shape const&, describe::Direction) {});
        out.append("- `").append(field.name.json()).append("`: `").append(schema).append("`\n");
    }
}

} // namespace

std::vector<CatalogueEntry> catalogue() {
    std::vector<CatalogueEntry> entries;
    for (Subject const& subject : all_subjects()) entries.push_back({&subject, nullptr, {}});
    auto const entry_of = [&entries](Subject const& subject) -> CatalogueEntry& {
        return entries[static_cast<std::size_t>(&subject - all_subjects().data())];
    };
    for (PromisedPayload const& promised : promised_payloads())
        entry_of(promised.subject).payload = &promised.shape;
    for (EventKind const* kind = EventKind::first(); kind; kind = kind->next()) {
        if (kind->emitter() == "tests") continue;
        CatalogueEntry& entry = entry_of(kind->subject());
        entry.payload = &kind->payload();
        entry.emitters.insert(kind->emitter());
    }
    return entries;
}

std::string events_page() {
    auto const entries = catalogue();
    auto const emitted = std::count_if(entries.begin(), entries.end(),
                                       [](auto const& entry) { return !entry.emitters.empty(); });
    std::string out =
        "# Events\n\nEvery subject there is, " + std::to_string(entries.size()) + " of them, " +
        std::to_string(emitted) +
        " emitted by now. This page is written by `haat docs` from src/events/subjects.inc and the "
        "events that modules declare; `/asyncapi.json` says the same to machines.\n\nEach event "
        "comes in the envelope `{subject, data, timestamp, eventId, version, userId, "
        "correlationId}`, at least once, in order per key (its aggregate's id). Be idempotent by "
        "`eventId`. A subject that is *live only* is told to those who listen at that moment and "
        "is never kept.\n";
    std::string_view section;
    SubjectCategory category{};
    bool first = true;
    std::map<std::string_view, describe::Shape const*> payloads;
    for (CatalogueEntry const& entry : entries) {
        Subject const& subject = *entry.subject;
        if (first || subject.category != category) {
            out.append("\n## ").append(title_of(subject.category)).append("\n\nTopic `");
            out.append(topic_of(subject.category)).append("`.\n");
        }
        if (first || subject.category != category || subject.section != section) {
            if (subject.section != title_of(subject.category))
                out.append("\n**").append(subject.section).append("**\n");
            out += "\n| subject | constant | priority | payload | emitted by "
                   "|\n|---|---|---|---|---|\n";
        }
        first = false;
        section = subject.section;
        category = subject.category;
        add_row(out, entry);
        if (entry.payload) payloads[entry.payload->name] = entry.payload;
    }
    out += "\n## Other spellings\n\n| taken for | subject |\n|---|---|\n";
    for (SubjectAlias const& alias : subject_aliases())
        out.append("| `").append(alias.name).append("` | `").append(alias.subject.name) += "` |\n";
    out += "\n## Payloads\n";
    for (auto const& [name, shape] : payloads) add_payload(out, *shape);
    return out;
}

} // namespace haat::events
