// Deliveries: one event for one endpoint, as rows, and how jobs learn of them. Not for other
// modules.
#pragma once

#include <jobs/jobs.hpp>
#include <modules/webhooks/webhooks.hpp>

namespace haat::webhooks {

struct DeliveryNoun {
    static constexpr std::string_view noun = "webhook_delivery";
};
using DeliveryId = Id<DeliveryNoun>;

enum class DeliveryState : std::uint8_t { waiting, delivered, failed };
HAAT_DESCRIBE_ENUM(DeliveryState, waiting, delivered, failed)

/// What an endpoint shall get; the same event is written once.
struct NewDelivery {
    DeliveryId id;
    EndpointId endpoint_id;
    std::optional<OrgId> org_id; // the endpoint's
    Uuid event_id;
    std::string subject;
    std::string body;
    DeliveryState state = DeliveryState::waiting; // failed: it cannot be sent at all
    std::optional<std::string> last_error;
};
HAAT_DESCRIBE(NewDelivery, id, endpoint_id, org_id, event_id, subject, body, state, last_error)

/// An attempt as the log shows it.
struct AttemptRow {
    std::int32_t number = 1;
    Timestamp at;
    std::int32_t duration_ms = 0;
    std::optional<std::int32_t> status;
    std::optional<std::string> error;
    std::string request_headers;
    std::string response_headers;
    std::string response_body;
};
HAAT_DESCRIBE(AttemptRow, number, at, duration_ms, status, error, request_headers, response_headers,
              response_body)
HAAT_NOTES(AttemptRow, {.field = "request_headers", .text = "Without the signature."},
           {.field = "response_headers", .text = "Content-Type, Date, Retry-After and Server."},
           {.field = "response_body",
            .text = "Its first bytes; HAAT_WEBHOOK_ANSWER_BYTES says how many."})

/// Of the module's jobs.
struct OfEndpoint {
    EndpointId endpoint_id;
};
HAAT_DESCRIBE(OfEndpoint, endpoint_id)

/// Something is due at this endpoint. Its row must be locked in this transaction (for share is
/// enough): the job that ends locks it as well, so that nothing is left between the two.
void wake(Tx& tx, EndpointId endpoint, std::optional<OrgId> const& org);

/// The bytes that are sent; throws nothing, says in last_error when there are too many.
NewDelivery delivery_of(events::StoredEvent const& event, EndpointId endpoint,
                        std::optional<OrgId> const& org, std::size_t bytes_max);

/// "*", "order:*" or the subject itself.
bool wanted(std::vector<std::string> const& patterns, std::string_view subject);
/// "hooks.example" of "https://hooks.example:8443/x"; IPv6 in brackets. Empty when it names a user.
std::string host_of(std::string_view url);

} // namespace haat::webhooks
