// What customers' events carry, field by field as the earlier back office sent it. Ids, times and
// money are words of ours; in JSON they look as they did.
#pragma once

#include <describe/describe.hpp>

namespace haat::payloads {

struct TextChange {
    std::optional<std::string> old_value;
    std::optional<std::string> new_value;
};
HAAT_DESCRIBE(TextChange, old_value, new_value)

struct CustomerCreated {
    Uuid id;
    std::string name;
    std::optional<std::string> phone;
    std::optional<std::string> email;
    std::optional<std::string> address;
    std::optional<std::string> city;
    std::optional<std::string> state;
    std::optional<std::string> pincode;
    std::optional<std::string> gst_number;
    Money credit_limit;
    std::optional<Date> date_of_birth;
    std::optional<Date> anniversary;
    std::optional<std::string> preferred_contact;
    std::vector<std::string> tags;
    std::optional<std::string> notes;
    Uuid created_by;
    Timestamp created_at;
    Uuid user_id;
};
HAAT_DESCRIBE(CustomerCreated, id, name, phone, email, address, city, state, pincode, gst_number,
              credit_limit, date_of_birth, anniversary, preferred_contact, tags, notes, created_by,
              created_at, user_id)

struct CustomerUpdated {
    Uuid id;
    Timestamp updated_at;
    Json changes;
    Uuid updated_by;
    std::optional<bool> name_changed;
    std::optional<bool> contact_changed;
    std::optional<bool> credit_limit_changed;
    std::optional<bool> address_changed;
};
HAAT_DESCRIBE(CustomerUpdated, id, updated_at, changes, updated_by, name_changed, contact_changed,
              credit_limit_changed, address_changed)

struct CustomerDeleted {
    Uuid id;
    std::string name;
    std::optional<std::string> email;
    std::optional<std::string> phone;
    Timestamp deleted_at;
    Uuid deleted_by;
    std::optional<bool> has_outstanding_balance;
    std::optional<Money> final_balance;
    std::optional<std::string> reason;
};
HAAT_DESCRIBE(CustomerDeleted, id, name, email, phone, deleted_at, deleted_by,
              has_outstanding_balance, final_balance, reason)

struct CustomerActivated {
    Uuid id;
    std::string name;
    Uuid activated_by;
    Timestamp activated_at;
    std::optional<std::string> reason;
    std::optional<std::string> previous_status;
};
HAAT_DESCRIBE(CustomerActivated, id, name, activated_by, activated_at, reason, previous_status)

struct CustomerDeactivated {
    Uuid id;
    std::string name;
    Uuid deactivated_by;
    Timestamp deactivated_at;
    std::optional<std::string> reason;
    std::optional<bool> has_outstanding_balance;
    std::optional<Money> outstanding_amount;
};
HAAT_DESCRIBE(CustomerDeactivated, id, name, deactivated_by, deactivated_at, reason,
              has_outstanding_balance, outstanding_amount)

struct ContactChanges {
    std::optional<TextChange> phone;
    std::optional<TextChange> email;
    std::optional<TextChange> address;
};
HAAT_DESCRIBE(ContactChanges, phone, email, address)

struct CustomerContactUpdated {
    Uuid id;
    std::string name;
    ContactChanges contact_changes;
    Uuid updated_by;
    Timestamp updated_at;
    std::vector<std::string> notifications_sent;
};
HAAT_DESCRIBE(CustomerContactUpdated, id, name, contact_changes, updated_by, updated_at,
              notifications_sent)

struct CustomerCreditLimitUpdated {
    Uuid customer_id;
    std::string customer_name;
    Money old_limit;
    Money new_limit;
    Money change_amount;
    double change_percentage = 0;
    std::string reason;
    std::optional<Uuid> approved_by;
    Uuid updated_by;
    Timestamp updated_at;
    std::optional<Money> current_balance;
    std::optional<Money> available_credit;
};
HAAT_DESCRIBE(CustomerCreditLimitUpdated, customer_id, customer_name, old_limit, new_limit,
              change_amount, change_percentage, reason, approved_by, updated_by, updated_at,
              current_balance, available_credit)

enum class CreditLimitExceededTransactionType : std::uint8_t { SALE, INVOICE, ADJUSTMENT };
HAAT_DESCRIBE_ENUM(CreditLimitExceededTransactionType, SALE, INVOICE, ADJUSTMENT)

enum class CreditLimitExceededAlertLevel : std::uint8_t { WARNING, CRITICAL };
HAAT_DESCRIBE_ENUM(CreditLimitExceededAlertLevel, WARNING, CRITICAL)

enum class CreditLimitExceededActionTaken : std::uint8_t {
    BLOCKED,
    ALLOWED_WITH_APPROVAL,
    REQUIRES_REVIEW
};
HAAT_DESCRIBE_ENUM(CreditLimitExceededActionTaken, BLOCKED, ALLOWED_WITH_APPROVAL, REQUIRES_REVIEW)

struct CustomerCreditLimitExceeded {
    Uuid customer_id;
    std::string customer_name;
    Money credit_limit;
    Money current_balance;
    Money excess_amount;
    std::optional<Uuid> transaction_id;
    std::optional<CreditLimitExceededTransactionType> transaction_type;
    std::optional<Money> transaction_amount;
    Timestamp detected_at;
    CreditLimitExceededAlertLevel alert_level{};
    std::optional<CreditLimitExceededActionTaken> action_taken;
};
HAAT_DESCRIBE(CustomerCreditLimitExceeded, customer_id, customer_name, credit_limit,
              current_balance, excess_amount, transaction_id, transaction_type, transaction_amount,
              detected_at, alert_level, action_taken)

struct CustomerCreditLimitWarning {
    Uuid customer_id;
    std::string customer_name;
    Money credit_limit;
    Money current_balance;
    double utilization_percentage = 0;
    double warning_threshold = 0;
    Money remaining_credit;
    std::string warning_level;
    Timestamp detected_at;
    std::optional<std::string> recommended_action;
};
HAAT_DESCRIBE(CustomerCreditLimitWarning, customer_id, customer_name, credit_limit, current_balance,
              utilization_percentage, warning_threshold, remaining_credit, warning_level,
              detected_at, recommended_action)

enum class FirstVisitVisitType : std::uint8_t { PHYSICAL, ONLINE, PHONE };
HAAT_DESCRIBE_ENUM(FirstVisitVisitType, PHYSICAL, ONLINE, PHONE)

struct CustomerFirstVisit {
    Uuid customer_id;
    std::string customer_name;
    Date visit_date;
    FirstVisitVisitType visit_type{};
    std::optional<std::string> source;
    std::optional<std::string> referred_by;
    std::vector<std::string> initial_interest;
    std::optional<std::string> staff_assigned;
    std::optional<bool> welcome_message_sent;
};
HAAT_DESCRIBE(CustomerFirstVisit, customer_id, customer_name, visit_date, visit_type, source,
              referred_by, initial_interest, staff_assigned, welcome_message_sent)

struct VIPCriteria {
    std::optional<Money> total_spent;
    std::optional<std::int64_t> total_orders;
    std::optional<Money> average_order_value;
    std::optional<std::int64_t> loyalty_period;
};
HAAT_DESCRIBE(VIPCriteria, total_spent, total_orders, average_order_value, loyalty_period)

struct CustomerBecameVIP {
    Uuid customer_id;
    std::string customer_name;
    std::int64_t total_purchases = 0;
    Money total_amount;
    Money average_order_value;
    Timestamp member_since;
    Timestamp promoted_at;
    VIPCriteria promotion_criteria;
    std::vector<std::string> vip_benefits;
    std::optional<bool> notification_sent;
};
HAAT_DESCRIBE(CustomerBecameVIP, customer_id, customer_name, total_purchases, total_amount,
              average_order_value, member_since, promoted_at, promotion_criteria, vip_benefits,
              notification_sent)

enum class ReturnVisitVisitType : std::uint8_t { PHYSICAL, ONLINE, PHONE };
HAAT_DESCRIBE_ENUM(ReturnVisitVisitType, PHYSICAL, ONLINE, PHONE)

enum class ReturnVisitEngagementLevel : std::uint8_t { HIGH, MEDIUM, LOW };
HAAT_DESCRIBE_ENUM(ReturnVisitEngagementLevel, HIGH, MEDIUM, LOW)

struct CustomerReturnVisit {
    Uuid customer_id;
    std::string customer_name;
    Date visit_date;
    std::int64_t visit_number = 0;
    std::int64_t days_since_last_visit = 0;
    ReturnVisitVisitType visit_type{};
    std::optional<bool> purchase_made;
    std::optional<Money> purchase_amount;
    ReturnVisitEngagementLevel engagement_level{};
};
HAAT_DESCRIBE(CustomerReturnVisit, customer_id, customer_name, visit_date, visit_number,
              days_since_last_visit, visit_type, purchase_made, purchase_amount, engagement_level)

enum class LongTimeNoVisitRiskLevel : std::uint8_t { LOW, MEDIUM, HIGH };
HAAT_DESCRIBE_ENUM(LongTimeNoVisitRiskLevel, LOW, MEDIUM, HIGH)

enum class LongTimeNoVisitRecommendedAction : std::uint8_t {
    REMINDER,
    SPECIAL_OFFER,
    PERSONAL_CALL,
    WIN_BACK_CAMPAIGN
};
HAAT_DESCRIBE_ENUM(LongTimeNoVisitRecommendedAction, REMINDER, SPECIAL_OFFER, PERSONAL_CALL,
                   WIN_BACK_CAMPAIGN)

struct CustomerLongTimeNoVisit {
    Uuid customer_id;
    std::string customer_name;
    Date last_visit_date;
    std::int64_t days_since_last_visit = 0;
    std::optional<Date> last_purchase_date;
    std::optional<std::int64_t> days_since_last_purchase;
    Money total_lifetime_value;
    LongTimeNoVisitRiskLevel risk_level{};
    LongTimeNoVisitRecommendedAction recommended_action{};
    Timestamp detected_at;
};
HAAT_DESCRIBE(CustomerLongTimeNoVisit, customer_id, customer_name, last_visit_date,
              days_since_last_visit, last_purchase_date, days_since_last_purchase,
              total_lifetime_value, risk_level, recommended_action, detected_at)

enum class LoyaltyPointsEarnedEarnedFrom : std::uint8_t {
    PURCHASE,
    REFERRAL,
    BONUS,
    BIRTHDAY,
    ANNIVERSARY,
    REVIEW
};
HAAT_DESCRIBE_ENUM(LoyaltyPointsEarnedEarnedFrom, PURCHASE, REFERRAL, BONUS, BIRTHDAY, ANNIVERSARY,
                   REVIEW)

enum class LoyaltyPointsEarnedReferenceType : std::uint8_t { SALE, INVOICE, REFERRAL };
HAAT_DESCRIBE_ENUM(LoyaltyPointsEarnedReferenceType, SALE, INVOICE, REFERRAL)

struct CustomerLoyaltyPointsEarned {
    Uuid customer_id;
    std::string customer_name;
    std::int64_t points_earned = 0;
    std::int64_t total_points = 0;
    LoyaltyPointsEarnedEarnedFrom earned_from{};
    std::optional<Uuid> reference_id;
    std::optional<LoyaltyPointsEarnedReferenceType> reference_type;
    std::optional<double> multiplier;
    std::optional<Uuid> campaign_id;
    Timestamp earned_at;
    std::optional<Date> expiry_date;
};
HAAT_DESCRIBE(CustomerLoyaltyPointsEarned, customer_id, customer_name, points_earned, total_points,
              earned_from, reference_id, reference_type, multiplier, campaign_id, earned_at,
              expiry_date)

enum class LoyaltyPointsRedeemedRedemptionType : std::uint8_t { DISCOUNT, CASHBACK, GIFT, SERVICE };
HAAT_DESCRIBE_ENUM(LoyaltyPointsRedeemedRedemptionType, DISCOUNT, CASHBACK, GIFT, SERVICE)

struct CustomerLoyaltyPointsRedeemed {
    Uuid customer_id;
    std::string customer_name;
    std::int64_t points_redeemed = 0;
    std::int64_t remaining_points = 0;
    Money redeem_value;
    LoyaltyPointsRedeemedRedemptionType redemption_type{};
    std::optional<Uuid> sale_id;
    std::optional<Money> discount_amount;
    Timestamp redeemed_at;
    std::optional<std::string> staff_processed;
};
HAAT_DESCRIBE(CustomerLoyaltyPointsRedeemed, customer_id, customer_name, points_redeemed,
              remaining_points, redeem_value, redemption_type, sale_id, discount_amount,
              redeemed_at, staff_processed)

enum class ReferralMadeReferralChannel : std::uint8_t {
    WORD_OF_MOUTH,
    SOCIAL_MEDIA,
    EMAIL,
    WHATSAPP,
    OTHER
};
HAAT_DESCRIBE_ENUM(ReferralMadeReferralChannel, WORD_OF_MOUTH, SOCIAL_MEDIA, EMAIL, WHATSAPP, OTHER)

enum class ReferralMadeReferralStatus : std::uint8_t { PENDING, QUALIFIED, REWARDED };
HAAT_DESCRIBE_ENUM(ReferralMadeReferralStatus, PENDING, QUALIFIED, REWARDED)

struct CustomerReferralMade {
    Uuid referrer_customer_id;
    std::string referrer_name;
    Uuid referred_customer_id;
    std::string referred_name;
    std::optional<std::string> referral_code;
    ReferralMadeReferralChannel referral_channel{};
    Date referral_date;
    std::optional<bool> referred_customer_first_purchase;
    std::optional<Money> referral_reward_earned;
    ReferralMadeReferralStatus referral_status{};
};
HAAT_DESCRIBE(CustomerReferralMade, referrer_customer_id, referrer_name, referred_customer_id,
              referred_name, referral_code, referral_channel, referral_date,
              referred_customer_first_purchase, referral_reward_earned, referral_status)

enum class PreferenceUpdatedPreferenceType : std::uint8_t {
    FABRIC,
    COLOR,
    STYLE,
    PRICE_RANGE,
    BRAND,
    COMMUNICATION
};
HAAT_DESCRIBE_ENUM(PreferenceUpdatedPreferenceType, FABRIC, COLOR, STYLE, PRICE_RANGE, BRAND,
                   COMMUNICATION)

struct PriceRange {
    Money min;
    Money max;
};
HAAT_DESCRIBE(PriceRange, min, max)

enum class PreferencesCommunicationChannel : std::uint8_t { EMAIL, WHATSAPP, SMS, PHONE };
HAAT_DESCRIBE_ENUM(PreferencesCommunicationChannel, EMAIL, WHATSAPP, SMS, PHONE)

enum class PreferencesFrequency : std::uint8_t { DAILY, WEEKLY, MONTHLY, SPECIAL_EVENTS };
HAAT_DESCRIBE_ENUM(PreferencesFrequency, DAILY, WEEKLY, MONTHLY, SPECIAL_EVENTS)

struct Preferences {
    std::vector<std::string> fabrics;
    std::vector<std::string> colors;
    std::vector<std::string> styles;
    std::optional<PriceRange> price_range;
    std::vector<std::string> brands;
    std::optional<PreferencesCommunicationChannel> communication_channel;
    std::optional<PreferencesFrequency> frequency;
};
HAAT_DESCRIBE(Preferences, fabrics, colors, styles, price_range, brands, communication_channel,
              frequency)

enum class PreferenceUpdatedSource : std::uint8_t {
    CUSTOMER_REQUEST,
    PURCHASE_BEHAVIOR,
    SURVEY,
    STAFF_OBSERVATION
};
HAAT_DESCRIBE_ENUM(PreferenceUpdatedSource, CUSTOMER_REQUEST, PURCHASE_BEHAVIOR, SURVEY,
                   STAFF_OBSERVATION)

struct CustomerPreferenceUpdated {
    Uuid customer_id;
    std::string customer_name;
    PreferenceUpdatedPreferenceType preference_type{};
    Preferences preferences;
    std::optional<Uuid> updated_by;
    Timestamp updated_at;
    PreferenceUpdatedSource source{};
};
HAAT_DESCRIBE(CustomerPreferenceUpdated, customer_id, customer_name, preference_type, preferences,
              updated_by, updated_at, source)

enum class ComplaintReceivedComplaintType : std::uint8_t {
    PRODUCT_QUALITY,
    SERVICE,
    BILLING,
    DELIVERY,
    STAFF_BEHAVIOR,
    OTHER
};
HAAT_DESCRIBE_ENUM(ComplaintReceivedComplaintType, PRODUCT_QUALITY, SERVICE, BILLING, DELIVERY,
                   STAFF_BEHAVIOR, OTHER)

enum class ComplaintReceivedSeverity : std::uint8_t { LOW, MEDIUM, HIGH, CRITICAL };
HAAT_DESCRIBE_ENUM(ComplaintReceivedSeverity, LOW, MEDIUM, HIGH, CRITICAL)

enum class ComplaintTransactionType : std::uint8_t { SALE, INVOICE };
HAAT_DESCRIBE_ENUM(ComplaintTransactionType, SALE, INVOICE)

struct ComplaintTransaction {
    ComplaintTransactionType type{};
    Uuid id;
    std::string number;
    Date date;
};
HAAT_DESCRIBE(ComplaintTransaction, type, id, number, date)

enum class ComplaintReceivedChannel : std::uint8_t {
    PHONE,
    EMAIL,
    WHATSAPP,
    IN_PERSON,
    SOCIAL_MEDIA
};
HAAT_DESCRIBE_ENUM(ComplaintReceivedChannel, PHONE, EMAIL, WHATSAPP, IN_PERSON, SOCIAL_MEDIA)

enum class ComplaintReceivedStatus : std::uint8_t {
    NEW,
    ACKNOWLEDGED,
    INVESTIGATING,
    RESOLVED,
    CLOSED
};
HAAT_DESCRIBE_ENUM(ComplaintReceivedStatus, NEW, ACKNOWLEDGED, INVESTIGATING, RESOLVED, CLOSED)

enum class ComplaintReceivedPriority : std::uint8_t { LOW, MEDIUM, HIGH, URGENT };
HAAT_DESCRIBE_ENUM(ComplaintReceivedPriority, LOW, MEDIUM, HIGH, URGENT)

struct CustomerComplaintReceived {
    Uuid customer_id;
    std::string customer_name;
    Uuid complaint_id;
    ComplaintReceivedComplaintType complaint_type{};
    ComplaintReceivedSeverity severity{};
    std::string description;
    std::optional<ComplaintTransaction> related_transaction;
    ComplaintReceivedChannel channel{};
    std::string received_by;
    Timestamp received_at;
    ComplaintReceivedStatus status{};
    ComplaintReceivedPriority priority{};
};
HAAT_DESCRIBE(CustomerComplaintReceived, customer_id, customer_name, complaint_id, complaint_type,
              severity, description, related_transaction, channel, received_by, received_at, status,
              priority)

enum class FeedbackReceivedFeedbackType : std::uint8_t {
    PRODUCT_REVIEW,
    SERVICE_RATING,
    SUGGESTION,
    TESTIMONIAL,
    GENERAL
};
HAAT_DESCRIBE_ENUM(FeedbackReceivedFeedbackType, PRODUCT_REVIEW, SERVICE_RATING, SUGGESTION,
                   TESTIMONIAL, GENERAL)

enum class FeedbackTransactionType : std::uint8_t { SALE, INVOICE };
HAAT_DESCRIBE_ENUM(FeedbackTransactionType, SALE, INVOICE)

struct FeedbackTransaction {
    FeedbackTransactionType type{};
    Uuid id;
    std::string number;
};
HAAT_DESCRIBE(FeedbackTransaction, type, id, number)

enum class FeedbackReceivedChannel : std::uint8_t {
    EMAIL,
    WHATSAPP,
    PHONE,
    IN_PERSON,
    ONLINE_FORM
};
HAAT_DESCRIBE_ENUM(FeedbackReceivedChannel, EMAIL, WHATSAPP, PHONE, IN_PERSON, ONLINE_FORM)

struct CustomerFeedbackReceived {
    Uuid customer_id;
    std::string customer_name;
    Uuid feedback_id;
    FeedbackReceivedFeedbackType feedback_type{};
    std::optional<double> rating;
    std::string feedback;
    std::optional<FeedbackTransaction> related_transaction;
    FeedbackReceivedChannel channel{};
    bool is_positive = false;
    std::vector<std::string> tags;
    Timestamp received_at;
    std::optional<bool> requires_response;
    std::optional<bool> public_review;
};
HAAT_DESCRIBE(CustomerFeedbackReceived, customer_id, customer_name, feedback_id, feedback_type,
              rating, feedback, related_transaction, channel, is_positive, tags, received_at,
              requires_response, public_review)

} // namespace haat::payloads
