// Kafka, when brokers are configured: a sink that writes every event to the topic of its category,
// and a source that brings events of others to the Subscriptions. Neither blocks a loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <events/handlers.hpp>
#include <events/sink.hpp>

namespace haat::events {

struct KafkaOptions {
    std::string brokers; // "one:9092,two:9092"; empty: no Kafka
    std::string client_id = "haat";
    std::string group_id = "haat"; // of the source: nodes of one group share the partitions
    std::string topic_prefix;
    std::string security_protocol; // empty: plaintext; ssl, sasl_plaintext, sasl_ssl
    std::string sasl_mechanism;    // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
    std::string username;
    std::string password;
    std::string ca_file; // PEM; empty: the system's
    /// How long brokers may be silent before a batch is taken back into the outbox's hands.
    std::chrono::milliseconds message_timeout{30'000};
    std::function<void(std::string_view what, std::string_view why)> on_trouble; // any thread
};

/// The key that keeps order in Kafka: the aggregate's id, except where the earlier back office's
/// publishers chose another field (user:updated: updatedBy, user:deleted: deletedBy).
std::string kafka_key(StoredEvent const& event);
std::string kafka_topic(KafkaOptions const& options, StoredEvent const& event);

/// Idempotent producer, acks=all. While the brokers are away events wait in the outbox.
class KafkaSink final : public Sink {
public:
    /// Throws Fault when an option is wrong; brokers that are away are no error.
    explicit KafkaSink(KafkaOptions options);
    ~KafkaSink() override; // not on a loop: it waits for the client's threads

    Task<std::vector<Refused>> deliver(Batch const& batch) override;
    Task<void> retry(std::string const& consumer, StoredEvent const& event) override;
    void stop() override;
    int batch_max() const override { return 2'000; }
    int batches_at_once() const override { return shard_count; } // they only wait

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// Offsets are committed after the handlers' transaction; what comes twice has its effect once.
class KafkaSource {
public:
    /// `worker` and its loop run the handlers; `incoming` is their sink of origin `outside`, which
    /// a dispatcher has, too, so that what they refuse is tried again.
    KafkaSource(pg::Database& worker, HandlerSink& incoming, KafkaOptions options);
    ~KafkaSource(); // stop()

    /// Starts its thread, unless nothing is subscribed to.
    void start();
    /// From any thread but the loop's: waits for the batch under way.
    void stop();

    std::vector<std::string> topics() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::events
