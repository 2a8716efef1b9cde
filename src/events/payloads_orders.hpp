// What orders' and payments' events carry: what the earlier shop and marketplace sent, together.
#pragma once

#include <describe/describe.hpp>

namespace haat::payloads {

struct OrderCreated {
    Uuid order_id;
    std::optional<Uuid> user_id; // a guest has none
    Money total;
};
HAAT_DESCRIBE(OrderCreated, order_id, user_id, total)

/// One move of an order, or a note to it.
struct OrderUpdated {
    Uuid order_id;
    std::optional<Uuid> user_id;
    std::optional<std::string> previous_status;
    std::string status;
    std::optional<Uuid> changed_by;
    std::optional<std::string> note;
    Json metadata;
};
HAAT_DESCRIBE(OrderUpdated, order_id, user_id, previous_status, status, changed_by, note, metadata)
HAAT_DEFAULTS(OrderUpdated, metadata)

struct OrderCancelled {
    Uuid order_id;
    std::optional<Uuid> user_id;
    std::optional<std::string> reason;
};
HAAT_DESCRIBE(OrderCancelled, order_id, user_id, reason)

/// Confirmed by the shop, or told by the gateway: one payload for both.
struct OnlinePaymentSucceeded {
    std::optional<Uuid> payment_id;
    std::optional<Uuid> order_id;
    std::optional<std::string> payment_intent_id;
    Money amount;
};
HAAT_DESCRIBE(OnlinePaymentSucceeded, payment_id, order_id, payment_intent_id, amount)

struct OnlinePaymentFailed {
    std::optional<std::string> payment_intent_id;
    std::optional<Uuid> order_id;
    Money amount;
    Json last_payment_error;
};
HAAT_DESCRIBE(OnlinePaymentFailed, payment_intent_id, order_id, amount, last_payment_error)
HAAT_DEFAULTS(OnlinePaymentFailed, last_payment_error)

} // namespace haat::payloads
