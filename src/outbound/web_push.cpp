#include <outbound/web_push.hpp>

#include <algorithm>

#include <base/clock.hpp>
#include <outbound/crypto.hpp>

namespace haat::outbound {

namespace {

constexpr std::int64_t token_seconds = 12 * 3'600; // a day is the most that services take

std::string origin_of(std::string_view url) {
    auto const host = url.find("://") + 3;
    return std::string(url.substr(0, std::min(url.find_first_of("/?#", host), url.size())));
}

std::string_view name_of(PushUrgency urgency) {
    static constexpr std::string_view names[] = {"very-low", "low", "normal", "high"};
    return names[static_cast<std::size_t>(urgency)];
}

Request request_for(PushMessage const& message, WebPushOptions const& options, std::string body) {
    std::string const& endpoint = message.subscription.endpoint.value;
    Timestamp expires = now();
    expires.micros += token_seconds * 1'000'000;
    Request request;
    request.method = Method::post;
    request.url = endpoint;
    request.headers = {{"Authorization", vapid_authorization(options.keys, origin_of(endpoint),
                                                             options.subject, expires)},
                       {"Content-Encoding", "aes128gcm"},
                       {"Content-Type", "application/octet-stream"},
                       {"TTL", std::to_string(std::max(0, message.lifetime_seconds))},
                       {"Urgency", std::string(name_of(message.urgency))}};
    // At most 32 letters of base64url, whatever ours is called.
    if (!message.topic.empty())
        request.headers.push_back({"Topic", base64_url(sha256(message.topic).substr(0, 24))});
    request.body = std::move(body);
    request.purpose = "push";
    request.path_secret = true; // whoever has the endpoint may disturb its owner
    request.body_bytes_max = 64 * 1024;
    return request;
}

Delivery outcome_of(Reply const& reply) {
    Delivery delivery;
    if (reply.ok()) {
        delivery.state = DeliveryState::sent;
        delivery.provider_id = reply.header("Location");
        return delivery;
    }
    delivery = refused_delivery(reply.status, reply.retry_after());
    delivery.reason = brief(reply.body);
    if (reply.status == 404 || reply.status == 410) { // the browser has unsubscribed
        delivery.state = DeliveryState::permanent;
        delivery.recipient_gone = true;
    }
    return delivery;
}

} // namespace

Task<Delivery> WebPush::deliver(PushMessage const& message) {
    if (!options_.ready() || !valid(options_.keys)) {
        Delivery missing = bad_message("web push is not set up");
        missing.state = DeliveryState::misconfigured;
        co_return missing;
    }
    if (message.payload.size() > push_bytes_max)
        co_return bad_message("the payload is larger than push services take");
    if (!message.subscription.endpoint.value.starts_with("https://"))
        co_return bad_message("push services are reached by https");
    PushKeys const keys{message.subscription.p256dh.value, message.subscription.auth.value};
    std::optional<std::string> body = encrypt_push(message.payload, keys);
    if (!body) {
        Delivery broken = bad_message("the browser's keys are none");
        broken.recipient_gone = true;
        co_return broken;
    }
    Delivery delivery;
    try {
        Reply const reply = co_await client_.send(request_for(message, options_, std::move(*body)));
        delivery = outcome_of(reply);
    } catch (Error const& error) {
        delivery = failed_delivery(error);
        // A stranger's certificate says nothing about our settings.
        if (error.kind() == ErrorKind::tls) delivery.state = DeliveryState::temporary;
    }
    co_return delivery;
}

} // namespace haat::outbound
