// Kafka over TCP: librdkafka's mock cluster is the brokers, kcat reads what haat wrote.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <unistd.h>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <events/kafka.hpp>
#include <events/test/node.hpp>
#include <test/harness/process.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

using events::KafkaOptions;
using events::KafkaSink;
using events::KafkaSource;
using events::StoredEvent;

/// Brokers in this process, reached by everybody over TCP.
class Brokers {
public:
    explicit Brokers(int count = 1) {
        char why[256];
        rd_kafka_conf_t* const conf = rd_kafka_conf_new();
        rd_kafka_conf_set(conf, "log_level", "2", why, sizeof why);
        client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
        cluster_ = rd_kafka_mock_cluster_new(client_, count);
    }
    ~Brokers() {
        rd_kafka_mock_cluster_destroy(cluster_);
        rd_kafka_destroy(client_);
    }
    Brokers(Brokers const&) = delete;
    std::string address() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
    void down() { rd_kafka_mock_broker_set_down(cluster_, -1); }
    void up() { rd_kafka_mock_broker_set_up(cluster_, -1); }
    void topic(char const* name, int partitions) {
        rd_kafka_mock_topic_create(cluster_, name, partitions, 1);
    }
    KafkaOptions options() const {
        KafkaOptions options;
        options.brokers = address();
        options.message_timeout = 2s;
        if (std::getenv("HAAT_TEST_TROUBLE"))
            options.on_trouble = [](std::string_view what, std::string_view why) {
                std::fprintf(stderr, "%s: %s\n", std::string(what).c_str(),
                             std::string(why).c_str());
            };
        return options;
    }

private:
    rd_kafka_t* client_;
    rd_kafka_mock_cluster_t* cluster_;
};

/// What kcat reads of a topic until its end: one JSON a message.
std::vector<boost::json::value> read_with_kcat(Brokers const& brokers, std::string const& topic) {
    ProcessOptions kcat;
    kcat.program = "/usr/bin/kcat";
    kcat.words = {"-C", "-b", brokers.address(), "-t", topic, "-e", "-q", "-J", "-o", "beginning"};
    Finished const finished = run_process(kcat);
    EXPECT_EQ(finished.code, 0) << finished.errors;
    std::vector<boost::json::value> all;
    for (std::size_t at = 0; at < finished.output.size();) {
        auto const end = finished.output.find('\n', at);
        all.push_back(boost::json::parse(finished.output.substr(at, end - at)));
        at = end + 1;
    }
    return all;
}

void write_with_kcat(Brokers const& brokers, std::string const& topic, std::string const& key,
                     std::vector<std::string> const& values) {
    auto const file = std::filesystem::temp_directory_path() /
                      ("haat_kcat_" + std::to_string(::getpid()) + ".txt");
    {
        std::ofstream out(file);
        for (std::string const& value : values) out << value << "\n";
    }
    ProcessOptions kcat;
    kcat.program = "/usr/bin/kcat";
    kcat.words = {"-P", "-b", brokers.address(), "-t", topic, "-k", key, "-l", file.string()};
    Finished const finished = run_process(kcat);
    EXPECT_EQ(finished.code, 0) << finished.errors;
    std::filesystem::remove(file);
}

std::string text_at(boost::json::value const& value, char const* pointer) {
    boost::json::error_code error;
    auto const* const found = value.find_pointer(pointer, error);
    return found && found->is_string() ? std::string(found->get_string()) : "(absent)";
}

TEST(KafkaTest, KcatReadsWhatHaatWrote) {
    Brokers brokers;
    brokers.topic("textile-event", 2);
    World world;
    world.steps(20);
    KafkaSink sink(brokers.options());
    Node node(world.worker_url(), {&sink});
    auto const cursor_end = [&] {
        return world.db.word("select count(*) from events.cursors where sink = 'kafka'") == "8" &&
               world.db.word("select count(*) from events.outbox o join events.cursors c on c.sink "
                             "= 'kafka' and c.shard = o.shard and (o.ordinal, o.id) > (c.ordinal, "
                             "c.id)") == "0";
    };
    ASSERT_TRUE(soon(cursor_end));
    auto const messages = read_with_kcat(brokers, "textile-event");
    ASSERT_EQ(messages.size(), 20u);
    std::map<std::string, int> last;
    for (auto const& message : messages) {
        std::string const key = text_at(message, "/key");
        boost::json::value const envelope = boost::json::parse(text_at(message, "/payload"));
        EXPECT_EQ(text_at(envelope, "/subject"), "textile:displayed");
        EXPECT_EQ(text_at(envelope, "/version"), "1");
        EXPECT_EQ(text_at(envelope, "/eventId").size(), 36u);
        EXPECT_TRUE(text_at(envelope, "/timestamp").ends_with("Z"));
        int const n = static_cast<int>(envelope.at("data").at("n").as_int64());
        EXPECT_EQ(n, ++last[key]) << "in the order of the key";
        auto const& headers = message.at("headers").as_array();
        EXPECT_EQ(headers.at(0).as_string(), "eventId");
        EXPECT_EQ(headers.at(1).as_string(), text_at(envelope, "/eventId"));
    }
    EXPECT_EQ(last.size(), 10u);
    node.stop();
}

TEST(KafkaTest, KeysAreThoseOfTheFirstPublishers) {
    StoredEvent event;
    event.key = events::key_of("somebody");
    event.subject = "user:updated";
    event.data.text = R"({"id":"a","updatedBy":"boss"})";
    EXPECT_EQ(kafka_key(event), "boss");
    event.data.text = R"({"id":"a","updatedBy":null})";
    EXPECT_EQ(kafka_key(event), to_string(event.key));
    event.subject = "user:deleted";
    event.data.text = R"({"id":"a","deletedBy":"boss"})";
    EXPECT_EQ(kafka_key(event), "boss");
    event.subject = "user:created";
    EXPECT_EQ(kafka_key(event), to_string(event.key));
    KafkaOptions options;
    EXPECT_EQ(kafka_topic(options, event), "auth-event");
    options.topic_prefix = "shop.";
    event.subject = "brand:created";
    EXPECT_EQ(kafka_topic(options, event), "shop.catalog-event");
}

TEST(KafkaTest, WhileTheBrokersAreAwayEventsWaitAndHandlersDoNot) {
    Brokers brokers;
    brokers.topic("textile-event", 2);
    World world;
    KafkaOptions options = brokers.options();
    options.message_timeout = 500ms;
    KafkaSink sink(options);
    brokers.down();
    Node node(world.worker_url(), {&sink});
    world.steps(30);
    ASSERT_TRUE(soon([&] { return world.effects() == 30; }));
    auto const waiting = [&] {
        return world.db.number("select count(*) from events.outbox o join events.cursors c on "
                               "c.sink = 'kafka' and c.shard = o.shard and (o.ordinal, o.id) > "
                               "(c.ordinal, c.id)");
    };
    EXPECT_EQ(waiting(), 30);
    brokers.up();
    ASSERT_TRUE(soon([&] { return waiting() == 0; }, 60s));
    std::set<std::string> ids;
    std::map<std::string, int> last;
    for (auto const& message : read_with_kcat(brokers, "textile-event")) {
        boost::json::value const envelope = boost::json::parse(text_at(message, "/payload"));
        if (!ids.insert(text_at(envelope, "/eventId")).second) continue; // at least once
        int const n = static_cast<int>(envelope.at("data").at("n").as_int64());
        EXPECT_EQ(n, ++last[text_at(message, "/key")]);
    }
    EXPECT_EQ(ids.size(), 30u);
    node.stop();
}

// ---- taking in

Event<Step> from_outside{subjects::textile_reserved};
namespace sql {
Exec<Uuid, Uuid, std::int32_t> effect{"shop.outside_effect", R"(
    insert into world.effects (event_id, key, n) values ($1, $2, $3))"};
}
Task<void> take_in(Tx& tx, Received<Step> const& event) {
    if (event.data.mood == "bad" && bad_steps_fail) throw Fault("a bad step from outside");
    tx.later(sql::effect, event.event_id, event.key, event.data.n);
    co_return;
}
Subscription<Step> subscription{from_outside, "test.from_outside", &take_in};

std::string envelope(std::string const& id, int n, std::string const& mood = "") {
    return R"({"subject":"textile:reserved","data":{"n":)" + std::to_string(n) + R"(,"mood":")" +
           mood + R"("},"timestamp":"2026-01-01T00:00:00Z","eventId":")" + id +
           R"(","version":"1"})";
}

TEST(KafkaTest, WhatOthersSendHasItsEffectOnce) {
    bad_steps_fail = true;
    Brokers brokers;
    brokers.topic("textile-event", 2);
    World world;
    std::string const key = world.key(1);
    write_with_kcat(brokers, "textile-event", key,
                    {envelope("a", 1), envelope("b", 2), "no envelope", envelope("a", 1),
                     R"({"subject":"brand:created","data":{},"eventId":"x"})"});
    Node node(world.worker_url());
    KafkaOptions const options = brokers.options();
    {
        KafkaSource source(node.database(), node.incoming(), options);
        EXPECT_EQ(source.topics(), std::vector<std::string>{"textile-event"});
        source.start();
        ASSERT_TRUE(soon([&] { return world.effects() == 2; }, 30s))
            << world.effects() << " effects; " << world.refused();
        ASSERT_TRUE(soon([&] {
            return world.db.word("select subject || state from events.failures") ==
                   "unreadableparked";
        }));
        write_with_kcat(brokers, "textile-event", key, {envelope("c", 3)});
        ASSERT_TRUE(soon([&] { return world.effects() == 3; }, 60s));
    }
    // Another one of the group goes on behind what was committed; what comes again has no effect.
    write_with_kcat(brokers, "textile-event", key,
                    {envelope("c", 3), envelope("d", 4, "bad"), envelope("e", 5)});
    KafkaSource source(node.database(), node.incoming(), options);
    source.start();
    ASSERT_TRUE(soon(
        [&] {
            return world.db.word("select count(*) from events.failures where consumer = "
                                 "'incoming/test.from_outside' and state = 'parked'") == "1";
        },
        60s));
    ASSERT_TRUE(soon([&] { return world.effects() == 4; }, 60s)) << "the next of its key goes on";
    EXPECT_EQ(world.db.word("select string_agg(n::text, ' ' order by number) from world.effects"),
              "1 2 3 5");
    source.stop();
    node.stop();
}

} // namespace
} // namespace haat::test
