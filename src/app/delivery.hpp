// Brings what is in the outbox to where it goes: to handlers, and to Kafka when it has brokers; and
// takes in what brokers bring. Works on one loop of the backstage.
#pragma once

#include <memory>
#include <string>

#include <app/config.hpp>

namespace haat::app {

class Delivery {
public:
    /// `worker`: the worker role's connections on the loop that shall dispatch.
    Delivery(Config const& config, pg::Database& worker);
    ~Delivery(); // after stop(), or after the loop has stopped
    Delivery(Delivery const&) = delete;

    /// From any thread but the loop's. What is missing is tried again by itself.
    void start();
    void stop();

    // Families of /metrics.
    void render(std::string& out) const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::app
