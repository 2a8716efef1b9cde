// One attempt: a delivery as a signed request, and what came back. Not for other modules.
#pragma once

#include <mutex>
#include <unordered_map>

#include <modules/webhooks/deliveries.hpp>
#include <modules/webhooks/vault.hpp>

namespace haat {
class Loop;
}

namespace haat::webhooks {

/// An endpoint as its job sees it.
struct Target {
    EndpointId id;
    std::optional<OrgId> org_id;
    std::string url;
    std::vector<std::string> subjects;
    std::string secret;
    std::optional<std::string> previous_secret; // while it still signs as well
    std::int32_t failures_in_row = 0;
};
HAAT_DESCRIBE(Target, id, org_id, url, subjects, secret, previous_secret, failures_in_row)

/// A delivery whose time has come.
struct Due {
    DeliveryId id;
    std::int32_t number = 1; // of the attempt, for the log
    std::int32_t tries = 0;  // before it, since it was last asked for
    Uuid event_id;
    std::string subject;
    std::string body;
};
HAAT_DESCRIBE(Due, id, number, tries, event_id, subject, body)

/// What the log keeps of an attempt, and what follows from it.
struct Attempt : AttemptRow {
    DeliveryId delivery_id;
    bool delivered = false;
    std::int64_t retry_ms = 0;
};
HAAT_DESCRIBE(Attempt, delivery_id, number, at, duration_ms, status, error, request_headers,
              response_headers, response_body, delivered, retry_ms)

enum class Verdict : std::uint8_t {
    delivered,
    refused, // it answers, but not well: only this delivery is tried again later
    trouble, // it does not answer, or says that it cannot: it is left alone for a while
    gone,    // it says that it wants nothing more
    not_sent // our own doing: the process stops
};

struct Outcome {
    Attempt attempt;
    Verdict verdict = Verdict::not_sent;
    std::optional<std::chrono::seconds> retry_after;
};

struct Sender::Inside {
    explicit Inside(Options o) : options(std::move(o)), vault(options.server_secret) {}

    Options const options;
    Vault const vault;
    std::mutex mutex; // of the map
    std::unordered_map<Loop*, std::unique_ptr<outbound::Client>> clients;

    /// That of the calling loop.
    outbound::Client& client();

    Task<Outcome> attempt(Target const& target, Due const& due);
    /// How long a delivery waits after so many tries; with jitter.
    std::int64_t retry_ms(std::int32_t tries) const;
    /// How long an endpoint is left alone after so many failures in a row.
    std::int64_t pause_ms(std::int32_t failures, Outcome const& worst) const;
};

} // namespace haat::webhooks
