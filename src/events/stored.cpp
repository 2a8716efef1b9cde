#include <events/stored.hpp>

#include <base/clock.hpp>
#include <describe/codec.hpp>
#include <privacy/keyring.hpp>

#include <sodium/crypto_generichash.h>

namespace haat::events {

namespace {

struct Envelope {
    std::string subject;
    Json data;
    std::optional<Timestamp> timestamp;
    std::string event_id;
    std::optional<Json> version; // a string with us, a number with some
    std::optional<std::string> user_id;
    std::optional<std::string> correlation_id;
};
HAAT_DESCRIBE(Envelope, subject, data, timestamp, event_id, version, user_id, correlation_id)

void add_text(std::string& out, std::string_view key, std::string_view value) {
    out.append(",\"").append(key).append("\":");
    describe::encode_string(out, value);
}

std::int32_t number_in(std::string const& version) {
    std::int32_t number = 0;
    for (char const c : version) {
        if (c == '"' && number == 0) continue;
        if (c < '0' || c > '9' || number > 100'000) break;
        number = number * 10 + (c - '0');
    }
    return number > 0 ? number : 1;
}

} // namespace

Task<void> unveil(pg::Database& database, std::vector<StoredEvent>& events) {
    std::vector<std::string*> texts;
    for (StoredEvent& event : events) {
        if (!privacy::is_veiled(event.data.text)) continue;
        event.readable = event.data.text;
        texts.push_back(&event.readable);
    }
    if (!texts.empty()) co_await privacy::unveil(database, texts);
}

namespace {
void write_envelope(std::string& out, StoredEvent const& event, std::string_view data) {
    out += R"({"subject":)";
    describe::encode_string(out, event.subject);
    out.append(R"(,"data":)").append(data);
    out.append(R"(,"timestamp":)").append(describe::to_json(event.created_at));
    add_text(out, "eventId", to_string(event.event_id));
    add_text(out, "version", std::to_string(event.version));
    if (event.user_id) add_text(out, "userId", to_string(*event.user_id));
    if (!event.correlation_id.empty()) add_text(out, "correlationId", event.correlation_id);
    out += '}';
}
} // namespace

void write_envelope(std::string& out, StoredEvent const& event) {
    write_envelope(out, event, event.payload());
}
void write_veiled_envelope(std::string& out, StoredEvent const& event) {
    write_envelope(out, event, event.data.text);
}

Uuid key_of(std::string_view text) {
    Uuid uuid;
    if (parse(text, uuid)) return uuid;
    crypto_generichash(uuid.bytes.data(), uuid.bytes.size(),
                       reinterpret_cast<unsigned char const*>(text.data()), text.size(), nullptr,
                       0);
    uuid.bytes[6] = static_cast<unsigned char>(0x80 | (uuid.bytes[6] & 0x0F)); // version 8: ours
    uuid.bytes[8] = static_cast<unsigned char>(0x80 | (uuid.bytes[8] & 0x3F));
    return uuid;
}

StoredEvent read_envelope(std::string_view json) {
    Envelope envelope;
    Problems const problems = describe::from_json(json, envelope);
    if (!problems.empty())
        throw Fault("not an event's envelope: " + problems.front().path + " " +
                    sentence_of(problems.front()));
    Subject const* const subject = find_subject(envelope.subject);
    StoredEvent event;
    event.subject = subject ? std::string(subject->name) : envelope.subject;
    event.priority = subject ? subject->priority : Priority::medium;
    event.event_id = key_of(envelope.event_id);
    event.key = event.event_id;
    event.data = std::move(envelope.data);
    event.version = envelope.version ? number_in(envelope.version->text) : 1;
    Uuid user;
    if (envelope.user_id && parse(*envelope.user_id, user)) event.user_id = user;
    event.correlation_id = envelope.correlation_id.value_or("");
    event.created_at = envelope.timestamp.value_or(now());
    return event;
}

void read_payload(StoredEvent const& event, describe::Shape const& shape, void* into) {
    Problems problems;
    describe::decode(event.payload(), shape, into, problems);
    if (problems.empty()) return;
    throw Fault("the payload of " + event.subject + " is not a " + std::string(shape.name) + ": " +
                problems.front().path + " " + sentence_of(problems.front()));
}

} // namespace haat::events
