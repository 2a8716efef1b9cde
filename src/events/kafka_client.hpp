// librdkafka's handles with owners, and what producer and consumer have in common. Private to this
// room.
#pragma once

#include <memory>
#include <string>

#include <librdkafka/rdkafka.h>

#include <events/kafka.hpp>

namespace haat::events {

class KafkaConfig {
public:
    explicit KafkaConfig(KafkaOptions const& options);
    ~KafkaConfig() {
        if (config_) rd_kafka_conf_destroy(config_);
    }
    KafkaConfig(KafkaConfig const&) = delete;

    /// Throws Fault; never says the value.
    KafkaConfig& set(char const* name, std::string const& value);
    rd_kafka_conf_t* get() { return config_; }

    struct Destroy {
        void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
    };
    using Client = std::unique_ptr<rd_kafka_t, Destroy>;
    /// Once. Throws Fault.
    Client make(rd_kafka_type_t type);

private:
    rd_kafka_conf_t* config_;
};

} // namespace haat::events
