// What became of a message that was handed to a provider: the same words for all of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <base/task.hpp>
#include <describe/describe.hpp>
#include <outbound/error.hpp>

namespace haat::outbound {

enum class DeliveryState : std::uint8_t {
    sent,         // the provider has it
    permanent,    // this message will never go this way
    temporary,    // the same may succeed later
    throttled,    // too many at once: later, and slower
    misconfigured // our credentials or settings are refused; another provider may do
};
HAAT_DESCRIBE_ENUM(DeliveryState, sent, permanent, temporary, throttled, misconfigured)

struct Delivery {
    DeliveryState state = DeliveryState::temporary;
    std::string provider_id; // by which the provider will speak of it
    std::string code;        // the provider's: "21610", "131047", "550"
    std::string reason;      // in its words, cut; holds no secret of ours
    std::int32_t retry_after_seconds = 0;
    bool perhaps_sent = false;   // it may have arrived: sending again may be sending twice
    bool recipient_gone = false; // the number, address or subscription is to be forgotten

    bool sent() const { return state == DeliveryState::sent; }
};
HAAT_DESCRIBE(Delivery, state, provider_id, code, reason, retry_after_seconds, perhaps_sent,
              recipient_gone)

/// One way to deliver one kind of message. What can go wrong is in the answer: deliver() throws
/// only when haat itself is broken.
template <class Message> class Transport {
public:
    virtual ~Transport() = default;
    virtual std::string_view name() const = 0; // "twilio"
    virtual Task<Delivery> deliver(Message const& message) = 0;
};

/// Of a request that got no answer.
Delivery failed_delivery(Error const& error);
/// Of an answer other than 2xx, as far as its status tells.
Delivery refused_delivery(int status, std::optional<std::chrono::seconds> retry_after);
/// A message that cannot be sent as it is.
Delivery bad_message(std::string reason);
/// At most 300 characters, in one line.
std::string brief(std::string_view text);

} // namespace haat::outbound
