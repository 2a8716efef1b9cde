#include <app/delivery.hpp>

#include <optional>

#include <app/backstage.hpp>
#include <app/run_on.hpp>
#include <app/webhook_options.hpp>
#include <events/dispatcher.hpp>
#include <events/handlers.hpp>
#include <events/kafka.hpp>
#include <loop/loop.hpp>
#include <modules/webhooks/webhooks.hpp>
#include <pg/database.hpp>
#include <telemetry/log.hpp>
#include <telemetry/metrics.hpp>

namespace haat::app {

namespace {

using Origin = events::HandlerSink::Origin;

void say(std::string_view what, std::string_view why) {
    log::warn("events").field("what", what).field("why", why);
}

events::DispatcherOptions dispatcher_options(Config const& config) {
    events::DispatcherOptions options;
    options.node_name = this_process();
    options.lease = config.events_lease;
    options.keep = std::chrono::duration_cast<std::chrono::hours>(config.events_keep);
    options.on_trouble = &say;
    return options;
}

events::KafkaOptions kafka_options(Config const& config) {
    events::KafkaOptions options = config.kafka;
    options.on_trouble = &say;
    return options;
}

} // namespace

struct Delivery::Inside {
    Inside(Config const& config, pg::Database& its_worker)
        : worker(its_worker), handlers(worker, Origin::outbox), incoming(worker, Origin::outside),
          webhooks(worker, webhook_options(config)),
          dispatcher(worker, dispatcher_options(config)) {
        dispatcher.add(handlers);
        dispatcher.add(incoming);
        dispatcher.add(webhooks);
        if (config.kafka.brokers.empty()) return;
        kafka.emplace(kafka_options(config));
        source.emplace(worker, incoming, kafka_options(config));
        dispatcher.add(*kafka);
    }

    pg::Database& worker;
    events::HandlerSink handlers;
    events::HandlerSink incoming;
    webhooks::EventSink webhooks;
    std::optional<events::KafkaSink> kafka;
    std::optional<events::KafkaSource> source;
    events::Dispatcher dispatcher;
};

Delivery::Delivery(Config const& config, pg::Database& worker)
    : inside_(std::make_unique<Inside>(config, worker)) {}
Delivery::~Delivery() = default;

void Delivery::start() {
    Inside& in = *inside_;
    run_on(in.worker.loop(), [&in] { return in.dispatcher.start(); });
    if (in.source) in.source->start();
}

void Delivery::stop() {
    Inside& in = *inside_;
    if (in.source) in.source->stop();
    run_on(in.worker.loop(), [&in] { return in.dispatcher.stop(); });
}

void Delivery::render(std::string& out) const {
    metrics::Renderer render(out);
    auto const facts = inside_->dispatcher.facts();
    auto const family = [&](std::string_view name, std::string_view help, std::string_view type,
                            auto const& value) {
        render.family(name, help, type);
        for (events::SinkFacts const& one : facts)
            render.sample(name, {{"sink", one.name}}, static_cast<double>(value(one)));
    };
    using Facts = events::SinkFacts;
    family("haat_events_delivered_total", "Events that a sink took, or let pass by.", "counter",
           [](Facts const& one) { return one.delivered; });
    family("haat_events_refused_total", "Deliveries that failed and are tried again.", "counter",
           [](Facts const& one) { return one.refused; });
    family("haat_events_parked_total", "Events that failed too often and wait for an operator.",
           "counter", [](Facts const& one) { return one.parked; });
    family("haat_events_shards", "Shards of a sink that this node delivers.", "gauge",
           [](Facts const& one) { return one.shards; });
}

} // namespace haat::app
