// Notifications to browsers, through whichever push service the browser has chosen.
#pragma once

#include <string>

#include <outbound/client.hpp>
#include <outbound/delivery.hpp>
#include <outbound/push_crypto.hpp>

namespace haat::outbound {

/// As a browser gives it. The endpoint comes from a stranger: it is asked as such.
struct PushSubscription {
    Url endpoint;
    Text<80, 100> p256dh;
    Text<16, 32> auth;
};
HAAT_DESCRIBE(PushSubscription, endpoint, p256dh, auth)

enum class PushUrgency : std::uint8_t { very_low, low, normal, high };
HAAT_DESCRIBE_ENUM(PushUrgency, very_low, low, normal, high)

struct PushMessage {
    PushSubscription subscription;
    std::string payload;                    // at most push_bytes_max; the page's worker reads it
    std::int32_t lifetime_seconds = 86'400; // the service forgets it afterwards
    PushUrgency urgency = PushUrgency::normal;
    std::string topic; // a later one of the same topic replaces one not yet shown; hashed
};
HAAT_DESCRIBE(PushMessage, subscription, payload, lifetime_seconds, urgency, topic)

struct WebPushOptions {
    VapidKeys keys;      // empty: not set up
    std::string subject; // "mailto:…" or a URL: whom the service may complain to

    bool ready() const { return !keys.public_key.empty() && !subject.empty(); }
};

class WebPush : public Transport<PushMessage> {
public:
    WebPush(Client& client, WebPushOptions options)
        : client_(client), options_(std::move(options)) {}
    std::string_view name() const override { return "web_push"; }
    Task<Delivery> deliver(PushMessage const& message) override;

private:
    Client& client_;
    WebPushOptions options_;
};

} // namespace haat::outbound
