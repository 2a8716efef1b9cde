// Handlers: functions that take events, as values that link themselves into a list.
//
//     Task<void> index_brand(Tx& tx, Received<Brand> const& event);
//     Handler<Brand> on_brand{brand_created, "search.index_brand", &index_brand};
//
// A handler's effects and the note that it had them commit together, so each event has its effect
// once, however often it is delivered. A handler that throws is tried again, and parked at last;
// events of other keys do not wait for it.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <events/sink.hpp>

namespace haat {

template <class Payload> struct Received {
    Payload data{};
    Uuid event_id;
    std::string_view subject;
    Uuid key;
    Timestamp at;
    Cause cause; // for events that follow from this one
};

namespace events {

class HandlerKind {
public:
    using Function = void (*)();
    using Run = Task<void> (*)(Function, Tx&, StoredEvent const&);

    HandlerKind(EventKind const& event, std::string_view name, bool from_outside, Function function,
                Run run);
    HandlerKind(HandlerKind const&) = delete;

    /// As failures name it: "handlers/search.index_brand".
    std::string const& consumer() const { return consumer_; }
    EventKind const& event() const { return *event_; }
    bool from_outside() const { return from_outside_; }
    Task<void> run(Tx& tx, StoredEvent const& event) const { return run_(function_, tx, event); }

    HandlerKind const* next() const { return next_; }
    static HandlerKind const* first();

protected:
    template <class Payload>
    static Task<void> run_typed(Function function, Tx& tx, StoredEvent const& event) {
        Received<Payload> received;
        received.event_id = event.event_id;
        received.subject = event.subject;
        received.key = event.key;
        received.at = event.created_at;
        received.cause = cause_of(event);
        read_payload(event, describe::shape_of<Payload>, &received.data);
        auto const typed =
            reinterpret_cast<Task<void> (*)(Tx&, Received<Payload> const&)>(function);
        co_await typed(tx, received);
    }

private:
    EventKind const* event_;
    std::string consumer_;
    bool from_outside_;
    Function function_;
    Run run_;
    HandlerKind const* next_;
};

} // namespace events

/// Of an event of our own outbox.
template <class Payload> struct Handler : events::HandlerKind {
    Handler(Event<Payload> const& event, std::string_view name,
            Task<void> (*function)(Tx&, Received<Payload> const&))
        : HandlerKind(event, name, false, reinterpret_cast<Function>(function),
                      &run_typed<Payload>) {}
};

/// Of an event that comes from the brokers, whoever sent it.
template <class Payload> struct Subscription : events::HandlerKind {
    Subscription(Event<Payload> const& event, std::string_view name,
                 Task<void> (*function)(Tx&, Received<Payload> const&))
        : HandlerKind(event, name, true, reinterpret_cast<Function>(function),
                      &run_typed<Payload>) {}
};

namespace events {

/// All handlers of one origin, as a sink: "handlers" for our own outbox, "incoming" for brokers.
class HandlerSink final : public Sink {
public:
    enum class Origin : std::uint8_t { outbox, outside };
    HandlerSink(pg::Database& worker, Origin origin);

    bool wants(StoredEvent const& event) const override;
    Task<std::vector<Refused>> deliver(Batch const& batch) override;
    Task<void> retry(std::string const& consumer, StoredEvent const& event) override;
    bool reads_outbox() const override { return origin_ == Origin::outbox; }

    std::vector<HandlerKind const*> const& handlers() const { return all_; }

private:
    struct Part;
    Task<void> deliver_to(HandlerKind const& handler, Batch const& batch,
                          std::vector<Refused>& refused);
    Task<void> run_all(HandlerKind const& handler, Part const& part);
    Task<void> run_one_by_one(HandlerKind const& handler, Part const& part,
                              std::vector<Refused>& refused);
    std::vector<HandlerKind const*> const* of(std::string_view subject) const;

    pg::Database& worker_;
    Origin origin_;
    std::vector<HandlerKind const*> all_;
    std::unordered_map<std::string_view, std::vector<HandlerKind const*>> by_subject_;
};

} // namespace events
} // namespace haat
