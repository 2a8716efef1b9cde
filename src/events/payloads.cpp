#include <events/catalogue.hpp>
#include <events/payloads_customers.hpp>
#include <events/payloads_orders.hpp>
#include <events/payloads_users.hpp>

namespace haat::events {

namespace {
template <class Payload> PromisedPayload promise(Subject const& subject) {
    return {subject, describe::shape_of<Payload>};
}
} // namespace

std::vector<PromisedPayload> const& promised_payloads() {
    static std::vector<PromisedPayload> const all{
        promise<payloads::CustomerCreated>(subjects::customer_created),
        promise<payloads::CustomerUpdated>(subjects::customer_updated),
        promise<payloads::CustomerDeleted>(subjects::customer_deleted),
        promise<payloads::CustomerActivated>(subjects::customer_activated),
        promise<payloads::CustomerDeactivated>(subjects::customer_deactivated),
        promise<payloads::CustomerContactUpdated>(subjects::customer_contact_updated),
        promise<payloads::CustomerCreditLimitUpdated>(subjects::customer_credit_limit_updated),
        promise<payloads::CustomerCreditLimitExceeded>(subjects::customer_credit_limit_exceeded),
        promise<payloads::CustomerCreditLimitWarning>(subjects::customer_credit_limit_warning),
        promise<payloads::CustomerFirstVisit>(subjects::customer_first_visit),
        promise<payloads::CustomerBecameVIP>(subjects::customer_became_vip),
        promise<payloads::CustomerReturnVisit>(subjects::customer_return_visit),
        promise<payloads::CustomerLongTimeNoVisit>(subjects::customer_long_time_no_visit),
        promise<payloads::CustomerLoyaltyPointsEarned>(subjects::customer_loyalty_points_earned),
        promise<payloads::CustomerLoyaltyPointsRedeemed>(
            subjects::customer_loyalty_points_redeemed),
        promise<payloads::CustomerReferralMade>(subjects::customer_referral_made),
        promise<payloads::CustomerPreferenceUpdated>(subjects::customer_preference_updated),
        promise<payloads::CustomerComplaintReceived>(subjects::customer_complaint_received),
        promise<payloads::CustomerFeedbackReceived>(subjects::customer_feedback_received),
        promise<payloads::OrderCreated>(subjects::order_created),
        promise<payloads::OrderUpdated>(subjects::order_updated),
        promise<payloads::OrderCancelled>(subjects::order_cancelled),
        promise<payloads::OnlinePaymentSucceeded>(subjects::online_payment_succeeded),
        promise<payloads::OnlinePaymentFailed>(subjects::online_payment_failed),
        promise<payloads::UserUpdated>(subjects::user_updated),
        promise<payloads::UserDeleted>(subjects::user_deleted),
    };
    return all;
}

} // namespace haat::events
