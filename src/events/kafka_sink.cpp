#include <atomic>
#include <mutex>
#include <thread>

#include <events/kafka_client.hpp>
#include <loop/loop.hpp>

namespace haat::events {

namespace {

std::string_view name_of(Priority priority) {
    return describe::enumerators_of<Priority>[static_cast<std::size_t>(priority)].name;
}

/// One batch on its way; counted down by the client's thread. Lives in the frame that waits.
struct Ticket {
    struct Slot {
        Ticket* ticket;
        std::size_t index;
    };
    Loop* loop = nullptr;
    std::coroutine_handle<> waiter;
    std::atomic<int> left{1}; // the one is for whoever waits
    std::mutex mutex;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR; // the first that is nobody's fault
    std::vector<Refused> refused;
    std::vector<Slot> slots;

    void answered(std::size_t index, rd_kafka_resp_err_t why) {
        if (why != RD_KAFKA_RESP_ERR_NO_ERROR) {
            std::lock_guard const lock(mutex);
            bool const own_fault = why == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
                                   why == RD_KAFKA_RESP_ERR_INVALID_RECORD;
            if (own_fault)
                refused.push_back({index, "kafka", rd_kafka_err2str(why)});
            else if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
                error = why;
        }
    }
    /// True for the last.
    bool one_less() { return left.fetch_sub(1, std::memory_order_acq_rel) == 1; }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) {
        waiter = waiting;
        return !one_less();
    }
    void await_resume() const noexcept {}
};

void delivered(rd_kafka_t*, rd_kafka_message_t const* message, void*) {
    auto const& slot = *static_cast<Ticket::Slot const*>(message->_private);
    Ticket& ticket = *slot.ticket;
    ticket.answered(slot.index, message->err);
    Loop& loop = *ticket.loop;
    std::coroutine_handle<> waiter;
    if (ticket.one_less()) waiter = ticket.waiter;
    if (waiter) loop.post([waiter] { waiter.resume(); });
}

/// A client with the thread that serves its callbacks.
class Producer {
public:
    explicit Producer(KafkaOptions const& options) {
        KafkaConfig config(options);
        config.set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "2")
            .set("queue.buffering.max.messages", "200000")
            .set("message.timeout.ms", std::to_string(options.message_timeout.count()));
        rd_kafka_conf_set_dr_msg_cb(config.get(), &delivered);
        client_ = config.make(RD_KAFKA_PRODUCER);
        thread_ = std::thread([this] {
            while (!over_) rd_kafka_poll(client_.get(), 100);
        });
    }
    ~Producer() {
        purge();
        over_ = true;
        thread_.join();
    }
    rd_kafka_t* get() { return client_.get(); }
    /// What is on its way is answered at once, as an error.
    void purge() {
        rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                          RD_KAFKA_PURGE_F_NON_BLOCKING);
    }
    bool broken() { return rd_kafka_fatal_error(client_.get(), nullptr, 0) != 0; }

private:
    KafkaConfig::Client client_;
    std::atomic<bool> over_{false};
    std::thread thread_;
};

} // namespace

struct KafkaSink::Inside {
    KafkaOptions const options;
    std::vector<std::unique_ptr<Producer>> producers; // the last is in use; others broke
    bool stopping = false;

    Producer& producer() {
        if (producers.empty() || producers.back()->broken())
            producers.push_back(std::make_unique<Producer>(options));
        return *producers.back();
    }
    rd_kafka_resp_err_t send(Producer& to, StoredEvent const& event, Ticket::Slot& slot) const;
};

rd_kafka_resp_err_t KafkaSink::Inside::send(Producer& to, StoredEvent const& event,
                                            Ticket::Slot& slot) const {
    std::string value;
    write_envelope(value, event);
    std::string const topic = kafka_topic(options, event);
    std::string const key = kafka_key(event);
    rd_kafka_headers_t* const headers = rd_kafka_headers_new(8);
    auto const add = [headers](char const* name, std::string_view text) {
        if (!text.empty())
            rd_kafka_header_add(headers, name, -1, text.data(), static_cast<ssize_t>(text.size()));
    };
    add("eventId", to_string(event.event_id));
    add("subject", event.subject);
    add("priority", name_of(event.priority));
    add("correlationId", event.correlation_id);
    if (event.org_id) add("orgId", to_string(*event.org_id));
    add("content-type", "application/json");
    rd_kafka_resp_err_t const error = rd_kafka_producev(
        to.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_KEY(key.data(), key.size()),
        RD_KAFKA_V_VALUE(value.data(), value.size()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_TIMESTAMP(event.created_at.micros / 1'000), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_OPAQUE(&slot), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);
    return error;
}

KafkaSink::KafkaSink(KafkaOptions options)
    : Sink("kafka"), inside_(std::make_unique<Inside>(Inside{std::move(options), {}})) {
    inside_->producer();
}
KafkaSink::~KafkaSink() = default;

Task<std::vector<Refused>> KafkaSink::deliver(Batch const& batch) {
    if (inside_->stopping) throw Fault("Kafka: stopping");
    Ticket ticket;
    ticket.loop = &Loop::current();
    ticket.slots.reserve(batch.events.size());
    Producer& producer = inside_->producer();
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
        StoredEvent const& event = batch.events[i];
        if (batch.held && batch.held(name(), event.key)) {
            std::lock_guard const lock(ticket.mutex);
            ticket.refused.push_back({i, name(), "an earlier event of its key waits", true});
            continue;
        }
        Ticket::Slot& slot = ticket.slots.emplace_back(Ticket::Slot{&ticket, i});
        ticket.left.fetch_add(1, std::memory_order_relaxed);
        auto const error = inside_->send(producer, event, slot);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        ticket.answered(i, error);
        ticket.left.fetch_sub(1, std::memory_order_relaxed);
        std::lock_guard const lock(ticket.mutex);
        if (ticket.error != RD_KAFKA_RESP_ERR_NO_ERROR) break; // the whole batch comes again
    }
    co_await ticket;
    if (ticket.error != RD_KAFKA_RESP_ERR_NO_ERROR)
        throw Fault(std::string("Kafka: ") + rd_kafka_err2str(ticket.error));
    co_return std::move(ticket.refused);
}

Task<void> KafkaSink::retry(std::string const&, StoredEvent const& event) {
    Batch batch;
    batch.events = {&event, 1};
    std::vector<Refused> const refused = co_await deliver(batch);
    if (!refused.empty()) throw Fault(refused.front().why);
}

void KafkaSink::stop() {
    inside_->stopping = true;
    for (auto const& producer : inside_->producers) producer->purge();
}

} // namespace haat::events
