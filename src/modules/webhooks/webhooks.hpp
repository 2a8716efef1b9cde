// Where the events of an organization are sent to: the face of the module.
//
//     add_webhook_routes(routes, webhooks);      // endpoints, the log of deliveries, delivering
//     again dispatcher.add(sink);                      // EventSink: events become deliveries
//     services.add(sender);                      // Sender: deliveries become requests, in jobs
//
// An event reaches each endpoint at least once and, after a failure, perhaps out of order; its id
// is in Haat-Event-Id. README.md and docs/decisions/0019 say how.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <access/access.hpp>
#include <events/events.hpp>
#include <events/sink.hpp>
#include <outbound/client.hpp>

namespace haat {
class Routes;
namespace pg {
class Database;
}
} // namespace haat

namespace haat::webhooks {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct Options {
    std::string server_secret; // endpoints' secrets are sealed with a key made from it
    outbound::Options client; // which private networks are allowed, whose certificates are believed
    bool https_only = false;  // in production
    int endpoints_max = 20;   // of one organization
    int at_once_max = 8;      // requests to one endpoint, when it answers well
    int attempts_max = 0;     // of one delivery; 0: as many as fit into `patience`
    milliseconds timeout = 15s;       // of one attempt, from the name to the last byte
    milliseconds retry_first = 30s;   // of one delivery; doubled after each attempt, with jitter
    milliseconds retry_max = 6h;      //
    milliseconds pause_first = 5s;    // of an endpoint that does not answer; doubled likewise
    milliseconds pause_max = 5min;    //
    milliseconds patience = 72h;      // with a delivery
    milliseconds disable_after = 72h; // of an endpoint that only fails
    milliseconds keep = 30 * 24h;     // the log
    milliseconds turn = 10s;          // that one job works for one endpoint
    std::size_t body_bytes_max = 256 * 1024; // of what is sent and kept
    std::size_t answer_bytes_kept = 4 * 1024;
};

inline constexpr std::size_t answer_bytes_max = 256 * 1024; // then the attempt has failed

/// What the routes need beside the database; one for the process.
class Webhooks {
public:
    explicit Webhooks(Options options);
    ~Webhooks();
    Webhooks(Webhooks const&) = delete;

    struct Inside;
    Inside& inside() { return *inside_; }

private:
    std::unique_ptr<Inside> inside_;
};

void add_webhook_routes(Routes& routes, Webhooks& webhooks);

/// Writes a delivery for each endpoint that wants an event, and a job for each endpoint.
class EventSink final : public events::Sink {
public:
    EventSink(pg::Database& worker, Options const& options);

    Task<std::vector<events::Refused>> deliver(events::Batch const& batch) override;
    Task<void> retry(std::string const& consumer, events::StoredEvent const& event) override;
    int batch_max() const override { return 500; }

private:
    pg::Database& worker_;
    std::int64_t patience_ms_;
    std::size_t body_bytes_max_;
};

/// Sends; the service that the module's jobs ask for. Has a client for each loop that runs them.
class Sender {
public:
    explicit Sender(Options options);
    /// When its loops have stopped, and before they go.
    ~Sender();
    Sender(Sender const&) = delete;

    struct Inside;
    Inside& inside() { return *inside_; }

private:
    std::unique_ptr<Inside> inside_;
};

// ---- events

struct EndpointNoun {
    static constexpr std::string_view noun = "webhook_endpoint";
};
using EndpointId = Id<EndpointNoun>;

/// Without the path of the URL, which may be a password of a kind.
struct EndpointEvent {
    EndpointId id;
    std::string host;
    std::vector<std::string> subjects;
    bool is_enabled = true;
    std::optional<std::string> reason; // why it was disabled
};
HAAT_DESCRIBE(EndpointEvent, id, host, subjects, is_enabled, reason)

extern Event<EndpointEvent> const endpoint_disabled;

} // namespace haat::webhooks
