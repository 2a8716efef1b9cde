#include <events/kafka_client.hpp>

#include <utility>

#include <describe/codec.hpp>

#include <boost/json/parse.hpp>

namespace haat::events {

namespace {

/// The client's own words: brokers that do not answer, a wrong password.
void log_line(rd_kafka_t const* client, int level, char const* facility, char const* text) {
    auto const* const options = static_cast<KafkaOptions const*>(rd_kafka_opaque(client));
    constexpr int warning = 4;
    if (level <= warning && options && options->on_trouble) {
        std::string const what = std::string("kafka ") + facility;
        options->on_trouble(what, text);
    }
}

/// The text of a string member of a JSON object; empty when there is none.
std::string member_of(std::string_view text, std::string_view member) {
    boost::json::error_code error;
    boost::json::value const value = boost::json::parse({text.data(), text.size()}, error);
    if (error || !value.is_object()) return {};
    auto const* const found = value.get_object().if_contains(member);
    if (!found || !found->is_string()) return {};
    return std::string(found->get_string());
}

} // namespace

KafkaConfig::KafkaConfig(KafkaOptions const& options) : config_(rd_kafka_conf_new()) {
    rd_kafka_conf_set_log_cb(config_, &log_line);
    // Callbacks find the options there; they live as long as the client.
    rd_kafka_conf_set_opaque(config_, const_cast<KafkaOptions*>(&options));
    set("bootstrap.servers", options.brokers);
    set("client.id", options.client_id);
    set("socket.keepalive.enable", "true");
    set("reconnect.backoff.max.ms", "5000");
    if (!options.security_protocol.empty()) set("security.protocol", options.security_protocol);
    if (!options.sasl_mechanism.empty()) set("sasl.mechanism", options.sasl_mechanism);
    if (!options.username.empty()) set("sasl.username", options.username);
    if (!options.password.empty()) set("sasl.password", options.password);
    if (!options.ca_file.empty()) set("ssl.ca.location", options.ca_file);
}

KafkaConfig& KafkaConfig::set(char const* name, std::string const& value) {
    char why[256];
    if (rd_kafka_conf_set(config_, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK)
        throw Fault(std::string("Kafka does not take the value of ") + name);
    return *this;
}

KafkaConfig::Client KafkaConfig::make(rd_kafka_type_t type) {
    char why[512];
    rd_kafka_t* const made = rd_kafka_new(type, config_, why, sizeof why);
    if (!made) throw Fault(std::string("no Kafka client: ") + why);
    config_ = nullptr; // the client has it
    return Client(made);
}

std::string kafka_key(StoredEvent const& event) {
    std::string_view const member = event.subject == subjects::user_updated.name   ? "updatedBy"
                                    : event.subject == subjects::user_deleted.name ? "deletedBy"
                                                                                   : "";
    if (!member.empty()) {
        std::string chosen = member_of(event.payload(), member);
        if (!chosen.empty()) return chosen;
    }
    return to_string(event.key);
}

std::string kafka_topic(KafkaOptions const& options, StoredEvent const& event) {
    Subject const* const subject = find_subject(event.subject);
    SubjectCategory const category = subject ? subject->category : SubjectCategory::system;
    return options.topic_prefix + std::string(topic_of(category));
}

} // namespace haat::events
