// Endpoints as their managers see them. Not for other modules.
#pragma once

#include <http/resource.hpp>
#include <modules/webhooks/deliveries.hpp>
#include <modules/webhooks/vault.hpp>

namespace haat::webhooks {

struct Webhooks::Inside {
    explicit Inside(Options o) : options(std::move(o)), vault(options.server_secret) {}
    Options const options;
    Vault const vault;
};

struct NewEndpoint {
    Url url;
    Text<0, 500> description;
    List<Text<1, 100>, 1, 100> subjects{{"*"}};
};
HAAT_DESCRIBE(NewEndpoint, url, description, subjects)
HAAT_DEFAULTS(NewEndpoint, description, subjects)
HAAT_NOTES(
    NewEndpoint,
    {.field = "url",
     .text = "Where events are posted to; a public address, by https in production.",
     .example = "https://shop.example/haat-events"},
    {.field = "subjects",
     .text = "Subjects of GET /events/subjects, `order:*` for all that begin so, `*` for all.",
     .example = R"(["order:*","stock:low"])"})

struct Endpoint : NewEndpoint {
    EndpointId id;
    bool is_enabled = true;
    bool is_switched_off = false;
    std::optional<std::string> disabled_reason;
    std::optional<Timestamp> disabled_at;
    std::optional<Timestamp> failing_since;
    std::optional<Timestamp> last_success_at;
    std::optional<std::string> last_error;
    std::optional<Timestamp> previous_until;
    Timestamp created_at;
    Timestamp updated_at;
};
HAAT_DESCRIBE(Endpoint, id, url, description, subjects, is_enabled, is_switched_off,
              disabled_reason, disabled_at, failing_since, last_success_at, last_error,
              previous_until, created_at, updated_at)
HAAT_NOTES(Endpoint,
           {.field = "is_switched_off",
            .text = "By an administrator; only one can switch it on again."},
           {.field = "failing_since", .text = "Nothing has gone well since."},
           {.field = "previous_until",
            .text = "Until then requests are signed with the previous secret as well."})

/// The answer that shows a secret, once.
struct EndpointWithSecret : Endpoint {
    std::string secret;
};
HAAT_DESCRIBE(EndpointWithSecret, id, url, description, subjects, is_enabled, is_switched_off,
              disabled_reason, disabled_at, failing_since, last_success_at, last_error,
              previous_until, created_at, updated_at, secret)
HAAT_NOTES(EndpointWithSecret, {.field = "secret",
                                .text = "Signs the requests; it is shown now and never again.",
                                .example = "whsec_k3f0c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMhISE"})

extern RefusalKind const endpoint_is_disabled;

/// The endpoint, locked, and left alone no longer; refuses one that is disabled.
Task<Endpoint> ready_endpoint(Tx& tx, EndpointId id);
std::optional<OrgId> org_of(RawCall const& call);

void add_endpoint_routes(Routes& routes, Webhooks& webhooks);
void add_delivery_routes(Routes& routes, Webhooks& webhooks);

} // namespace haat::webhooks
