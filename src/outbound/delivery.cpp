#include <outbound/delivery.hpp>

#include <algorithm>

namespace haat::outbound {

std::string brief(std::string_view text) {
    constexpr std::size_t most = 300;
    std::size_t size = std::min(text.size(), most);
    while (size > 0 && size < text.size() &&
           (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80)
        --size; // not in the middle of a character
    std::string out(text.substr(0, size));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return out;
}

Delivery failed_delivery(Error const& error) {
    Delivery delivery;
    delivery.state = error.temporary() ? DeliveryState::temporary : DeliveryState::permanent;
    if (error.kind() == ErrorKind::tls) delivery.state = DeliveryState::misconfigured;
    delivery.code = name_of(error.kind());
    delivery.reason = brief(error.text());
    delivery.perhaps_sent = error.perhaps_done;
    return delivery;
}

Delivery refused_delivery(int status, std::optional<std::chrono::seconds> retry_after) {
    Delivery delivery;
    delivery.code = std::to_string(status);
    if (retry_after) delivery.retry_after_seconds = static_cast<std::int32_t>(retry_after->count());
    if (status == 429)
        delivery.state = DeliveryState::throttled;
    else if (status == 401 || status == 403 || status == 404 || status == 405)
        delivery.state = DeliveryState::misconfigured;
    else if (status == 408 || status == 425 || status >= 500)
        delivery.state = DeliveryState::temporary;
    else
        delivery.state = DeliveryState::permanent;
    // A gateway may answer for a server that has done it.
    delivery.perhaps_sent = status == 408 || status == 500 || status == 502 || status == 504;
    return delivery;
}

Delivery bad_message(std::string reason) {
    Delivery delivery;
    delivery.state = DeliveryState::permanent;
    delivery.code = "bad_message";
    delivery.reason = brief(reason);
    return delivery;
}

} // namespace haat::outbound
