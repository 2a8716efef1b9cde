#include <algorithm>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <events/kafka_client.hpp>
#include <events/statements.hpp>
#include <loop/loop.hpp>
#include <pg/database.hpp>

namespace haat::events {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t batch_max = 500;
constexpr int attempts_max = 8;
constexpr std::int64_t first_pause_ms = 1'000;
constexpr milliseconds pause_after_trouble{1'000};

namespace sql {
Many<HeldRow, std::vector<Uuid>> held_of_keys{"events.held_of_keys", R"(
    select distinct consumer, key from events.failures
     where sink = 'incoming' and state = 'waiting' and key = any ($1)
       and shard = any ('{0,1,2,3,4,5,6,7}'::smallint[]))"};
} // namespace sql

struct MessageGone {
    void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using Message = std::unique_ptr<rd_kafka_message_t, MessageGone>;

std::string_view text_of(void const* bytes, std::size_t size) {
    return {static_cast<char const*>(bytes), bytes ? size : 0};
}

/// What was taken from the brokers at once.
struct Taken {
    std::vector<StoredEvent> events;
    std::vector<NewFailure> unreadable;
    std::map<std::pair<std::string, std::int32_t>, std::int64_t> next_offsets;

    void add(rd_kafka_message_t const& message) {
        std::string const topic = rd_kafka_topic_name(message.rkt);
        next_offsets[{topic, message.partition}] = message.offset + 1;
        try {
            StoredEvent event = read_envelope(text_of(message.payload, message.len));
            if (message.key_len > 0) event.key = key_of(text_of(message.key, message.key_len));
            event.id = message.offset;
            events.push_back(std::move(event));
        } catch (Fault const& fault) {
            add_unreadable(topic, message, fault.what());
        }
    }

private:
    /// Seen by administrators, and not in the way of what follows.
    void add_unreadable(std::string const& topic, rd_kafka_message_t const& message,
                        std::string why) {
        std::string const place =
            topic + "/" + std::to_string(message.partition) + "/" + std::to_string(message.offset);
        StoredEvent event;
        event.id = message.offset;
        event.event_id = event.key = key_of(place);
        event.subject = "unreadable";
        event.data.text = R"({"place":")" + place + "\"}";
        NewFailure failure = failure_of("incoming", "incoming/" + topic, event);
        failure.attempts = failure.attempts_max = 1;
        failure.state = "parked";
        failure.last_error = std::move(why);
        unreadable.push_back(std::move(failure));
    }
};

/// The handlers' transactions, and then what they refused; returns when all of it is kept.
Task<void> take_in(pg::Database& worker, HandlerSink& incoming, Taken const& taken) {
    std::set<std::pair<std::string, Uuid>> held;
    std::set<Uuid> keys;
    for (StoredEvent const& event : taken.events) keys.insert(event.key);
    pg::Reader read(worker, pg::nobody);
    std::vector<Uuid> const all_keys(keys.begin(), keys.end());
    auto const rows = co_await read(sql::held_of_keys, all_keys);
    for (HeldRow const& row : rows) held.emplace(row.consumer, row.key);
    Batch batch;
    batch.events = taken.events;
    batch.held = [&held](std::string_view consumer, Uuid const& key) {
        return held.contains({std::string(consumer), key});
    };
    std::vector<Refused> const refused = co_await incoming.deliver(batch);
    if (refused.empty() && taken.unreadable.empty()) co_return;
    Tx tx(worker, pg::nobody);
    for (Refused const& one : refused) {
        NewFailure failure = failure_of(incoming.name(), one.consumer, taken.events.at(one.index));
        failure.attempts = one.only_waits ? 0 : 1;
        failure.attempts_max = attempts_max;
        failure.last_error = one.why;
        tx.later(haat::events::sql::insert_failure, first_pause_ms, failure);
    }
    for (NewFailure const& failure : taken.unreadable)
        tx.later(haat::events::sql::insert_failure, std::int64_t{0}, failure);
    co_await tx.commit();
}

std::vector<std::string> topics_of(HandlerSink const& incoming, KafkaOptions const& options) {
    std::set<std::string> topics;
    for (HandlerKind const* handler : incoming.handlers())
        topics.insert(options.topic_prefix +
                      std::string(topic_of(handler->event().subject().category)));
    return {topics.begin(), topics.end()};
}

/// Owned by both sides, since either may end first.
struct Handover {
    Taken taken;
    std::promise<bool> done;
    std::string why;
};

Task<void> take_in(pg::Database& worker, HandlerSink& incoming,
                   std::shared_ptr<Handover> handover) {
    bool well = true;
    try {
        co_await take_in(worker, incoming, handover->taken);
    } catch (std::exception const& error) {
        well = false;
        handover->why = error.what();
    }
    handover->done.set_value(well);
}

} // namespace

struct KafkaSource::Inside {
    Inside(pg::Database& its_worker, HandlerSink& its_incoming, KafkaOptions its_options)
        : worker(its_worker), incoming(its_incoming), options(std::move(its_options)) {}

    void run();
    void subscribe();
    Taken take();
    bool hand_over(Taken taken);
    void commit(Taken const& taken);
    void pause();
    void trouble(std::string const& why) {
        if (options.on_trouble) options.on_trouble("kafka source", why);
    }

    pg::Database& worker;
    HandlerSink& incoming;
    KafkaOptions const options;
    KafkaConfig::Client client;
    std::atomic<bool> stopping{false};
    std::mutex mutex;
    std::condition_variable wake;
    std::thread thread;
};

void KafkaSource::Inside::subscribe() {
    std::vector<std::string> const topics = topics_of(incoming, options);
    auto* const list = rd_kafka_topic_partition_list_new(static_cast<int>(topics.size()));
    for (std::string const& topic : topics)
        rd_kafka_topic_partition_list_add(list, topic.c_str(), RD_KAFKA_PARTITION_UA);
    auto const error = rd_kafka_subscribe(client.get(), list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw Fault(rd_kafka_err2str(error));
}

Taken KafkaSource::Inside::take() {
    Taken taken;
    for (std::size_t i = 0; i < batch_max && !stopping; ++i) {
        Message const message(rd_kafka_consumer_poll(client.get(), i == 0 ? 200 : 0));
        if (!message) break;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            taken.add(*message);
        else if (message->err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            trouble(rd_kafka_message_errstr(message.get()));
    }
    return taken;
}

bool KafkaSource::Inside::hand_over(Taken taken) {
    auto const handover = std::make_shared<Handover>();
    handover->taken = std::move(taken);
    while (!stopping) {
        handover->done = {};
        auto answer = handover->done.get_future();
        worker.loop().post([this, handover] { detach(take_in(worker, incoming, handover)); });
        while (answer.wait_for(milliseconds(50)) != std::future_status::ready)
            if (stopping && answer.wait_for(milliseconds(5'000)) != std::future_status::ready)
                return false; // the loop has stopped; the brokers keep what was not committed
        if (answer.get()) {
            commit(handover->taken);
            return true;
        }
        trouble(handover->why);
        pause();
    }
    return false;
}

void KafkaSource::Inside::commit(Taken const& taken) {
    auto* const list =
        rd_kafka_topic_partition_list_new(static_cast<int>(taken.next_offsets.size()));
    for (auto const& [place, offset] : taken.next_offsets)
        rd_kafka_topic_partition_list_add(list, place.first.c_str(), place.second)->offset = offset;
    auto const error = rd_kafka_commit(client.get(), list, 0);
    rd_kafka_topic_partition_list_destroy(list);
    // Then they come once more, and have no effect once more.
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) trouble(rd_kafka_err2str(error));
}

void KafkaSource::Inside::pause() {
    std::unique_lock lock(mutex);
    wake.wait_for(lock, pause_after_trouble, [this] { return stopping.load(); });
}

void KafkaSource::Inside::run() {
    while (!stopping) {
        Taken taken = take();
        if (!taken.next_offsets.empty()) hand_over(std::move(taken));
    }
    rd_kafka_consumer_close(client.get());
}

KafkaSource::KafkaSource(pg::Database& worker, HandlerSink& incoming, KafkaOptions options)
    : inside_(std::make_unique<Inside>(worker, incoming, std::move(options))) {}
KafkaSource::~KafkaSource() { stop(); }

void KafkaSource::start() {
    Inside& in = *inside_;
    if (in.incoming.handlers().empty() || in.thread.joinable()) return;
    KafkaConfig config(in.options);
    config.set("group.id", in.options.group_id)
        .set("enable.auto.commit", "false")
        .set("session.timeout.ms", "10000") // a node that died is replaced after so long
        .set("auto.offset.reset", "earliest")
        .set("allow.auto.create.topics", "true")
        .set("topic.metadata.refresh.interval.ms", "5000");
    in.client = config.make(RD_KAFKA_CONSUMER);
    rd_kafka_poll_set_consumer(in.client.get());
    in.subscribe();
    in.thread = std::thread([&in] { in.run(); });
}

void KafkaSource::stop() {
    Inside& in = *inside_;
    {
        std::lock_guard const lock(in.mutex);
        in.stopping = true;
    }
    in.wake.notify_all();
    if (in.thread.joinable()) in.thread.join();
}

std::vector<std::string> KafkaSource::topics() const {
    return topics_of(inside_->incoming, inside_->options);
}

} // namespace haat::events
