#include <map>
#include <set>

#include <describe/codec.hpp>
#include <events/catalogue.hpp>

namespace haat::events {

namespace {

using describe::Direction;
using describe::Shape;

void quote(std::string& out, std::string_view text) { describe::encode_string(out, text); }

/// Members with the commas in the right places.
class Members {
public:
    explicit Members(std::string& out, char open = '{', char close = '}')
        : out_(out), close_(close) {
        out_ += open;
    }
    Members(Members const&) = delete;
    ~Members() { out_ += close_; }
    std::string& key(std::string_view name) {
        item();
        quote(out_, name);
        return out_ += ':';
    }
    std::string& item() {
        if (!first_) out_ += ',';
        first_ = false;
        return out_;
    }
    void text(std::string_view name, std::string_view value) { quote(key(name), value); }

private:
    std::string& out_;
    char close_;
    bool first_ = true;
};

/// The named types that payloads refer to, and those that these refer to.
class Schemas {
public:
    void refer(std::string& out, Shape const& shape) {
        describe::schema(out, shape, Direction::output, named_);
    }
    void write(Members& into) {
        while (!waiting_.empty()) {
            auto const [name, shape] = *waiting_.begin();
            waiting_.erase(waiting_.begin());
            std::string text;
            describe::component(text, *shape, Direction::output, named_);
            written_[name] = std::move(text);
        }
        for (auto const& [name, text] : written_) into.key(name) += text;
    }

private:
    std::map<std::string, Shape const*> waiting_;
    std::map<std::string, std::string> written_;
    std::function<void(Shape const&, Direction)> named_ = [this](Shape const& shape, Direction) {
        std::string name = describe::component_name(shape, Direction::output);
        if (!written_.contains(name)) waiting_.insert({std::move(name), &shape});
    };
};

constexpr std::string_view envelope_head =
    R"({"type":"object","required":["subject","data","timestamp","eventId","version"],)"
    R"("properties":{"subject":{"const":)";
constexpr std::string_view envelope_tail =
    R"(,"timestamp":{"type":"string","format":"date-time"},)"
    R"("eventId":{"type":"string","format":"uuid"},"version":{"type":"string"},)"
    R"("userId":{"type":"string","format":"uuid"},"correlationId":{"type":"string"}}})";

void write_message(std::string& out, CatalogueEntry const& entry, Schemas& schemas) {
    Subject const& subject = *entry.subject;
    Members message(out);
    message.text("name", subject.name);
    message.text("title", subject.constant);
    message.text("contentType", "application/json");
    std::string emitters = entry.emitters.empty() ? "Not emitted yet." : "Emitted by";
    for (std::string_view const emitter : entry.emitters)
        emitters.append(" ").append(emitter).append(".");
    message.text("summary", emitters);
    std::string& payload = message.key("payload");
    payload += envelope_head;
    quote(payload, subject.name);
    payload += R"(},"data":)";
    if (entry.payload)
        schemas.refer(payload, *entry.payload);
    else
        payload += R"({"type":"object"})";
    payload += envelope_tail;
    message.key("x-haat-priority") += describe::to_json(subject.priority);
    if (subject.live) message.key("x-haat-live-only") += "true";
}

void write_channels(std::string& out, std::vector<CatalogueEntry> const& entries) {
    std::map<SubjectCategory, std::vector<Subject const*>> by_category;
    for (CatalogueEntry const& entry : entries)
        if (!entry.subject->live) by_category[entry.subject->category].push_back(entry.subject);
    Members channels(out);
    for (auto const& [category, subjects] : by_category) {
        Members channel(channels.key(topic_of(category)));
        channel.text("address", topic_of(category));
        channel.text("description", title_of(category));
        Members messages(channel.key("messages"));
        for (Subject const* subject : subjects) {
            Members reference(messages.key(subject->constant));
            reference.text("$ref", "#/components/messages/" + std::string(subject->constant));
        }
    }
}

void write_operations(std::string& out) {
    Members operations(out);
    std::set<SubjectCategory> categories;
    for (Subject const& subject : all_subjects()) categories.insert(subject.category);
    for (SubjectCategory const category : categories) {
        std::string const topic(topic_of(category));
        Members operation(operations.key("send-" + topic));
        operation.text("action", "send");
        operation.key("channel") += R"({"$ref":"#/channels/)" + topic + "\"}";
    }
}

void write_document(std::string& out, std::string_view version) {
    auto const entries = catalogue();
    Members document(out);
    document.text("asyncapi", "3.0.0");
    {
        Members info(document.key("info"));
        info.text("title", "haat events");
        info.text("version", version);
        info.text("description",
                  "What haat tells others. A channel is a Kafka topic when brokers are configured; "
                  "the message key is the aggregate's id. At least once, in order per key.");
    }
    document.text("defaultContentType", "application/json");
    write_channels(document.key("channels"), entries);
    write_operations(document.key("operations"));
    Members components(document.key("components"));
    Schemas schemas;
    {
        Members messages(components.key("messages"));
        for (CatalogueEntry const& entry : entries)
            write_message(messages.key(entry.subject->constant), entry, schemas);
    }
    Members all(components.key("schemas"));
    schemas.write(all);
}

} // namespace

std::string asyncapi(std::string_view version) {
    std::string out;
    write_document(out, version);
    return out;
}

} // namespace haat::events
