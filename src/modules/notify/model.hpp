// What comes in, what is kept, what goes out.
#pragma once

#include <files/library.hpp>
#include <modules/notify/notify.hpp>
#include <pg/list.hpp>

namespace haat::notify {

// ---- messages

struct NotificationView {
    NotificationId id;
    std::string title;
    std::string message;
    NotificationType type = NotificationType::CUSTOM;
    Channel channel = Channel::EMAIL;
    Category category = Category::general;
    NotificationStatus status = NotificationStatus::PENDING;
    RecipientType recipient_type = RecipientType::USER;
    std::optional<Uuid> recipient_id;
    std::string recipient_name;
    std::optional<std::string> recipient_contact;
    std::optional<std::string> template_name;
    std::optional<Json> template_data;
    std::string language;
    std::vector<Uuid> attachments;
    bool is_urgent = false;
    Timestamp send_after;
    std::optional<std::string> provider;
    std::optional<std::string> external_id;
    std::int32_t retry_count = 0;
    std::int32_t max_retries = 3;
    std::optional<std::string> failure_reason;
    std::optional<Timestamp> sent_at;
    std::optional<Timestamp> delivered_at;
    std::optional<Timestamp> read_at;
    std::optional<UserId> user_id;
    std::optional<UserId> created_by;
    std::optional<Uuid> party_id;
    std::optional<Uuid> customer_id;
    std::optional<Uuid> invoice_id;
    std::optional<Uuid> sale_id;
    std::optional<Uuid> invoice_payment_id;
    std::optional<Uuid> sale_receipt_id;
    std::optional<Uuid> order_id;
    Timestamp created_at;
    Timestamp updated_at;
};
HAAT_DESCRIBE(NotificationView, id, title, message, type, channel, category, status, recipient_type,
              recipient_id, recipient_name, recipient_contact, template_name, template_data,
              language, attachments, is_urgent, send_after, provider, external_id, retry_count,
              max_retries, failure_reason, sent_at, delivered_at, read_at, user_id, created_by,
              party_id, customer_id, invoice_id, sale_id, invoice_payment_id, sale_receipt_id,
              order_id, created_at, updated_at)
HAAT_PERSONAL(NotificationView, title, message, recipient_name, recipient_contact, template_data)
HAAT_PERSON(NotificationView, recipient_id)
HAAT_NOTES(NotificationView,
           {.field = "send_after",
            .text = "Not before: a later hour when it was to wait, or when it is tried again."},
           {.field = "user_id", .text = "The recipient, when that is a user."},
           {.field = "external_id", .text = "By which the provider speaks of it."},
           {.field = "retry_count", .text = "How often it was tried again."})

struct Attempt {
    std::int32_t number = 1;
    std::string provider;
    Timestamp started_at;
    std::optional<Timestamp> ended_at;
    std::optional<std::string> outcome;
    std::string code;
    std::string reason;
    bool perhaps_sent = false;
};
HAAT_DESCRIBE(Attempt, number, provider, started_at, ended_at, outcome, code, reason, perhaps_sent)
HAAT_NOTES(Attempt, {.field = "perhaps_sent", .text = "It may have arrived all the same."})

struct NotificationDetail {
    NotificationView notification;
    std::vector<Attempt> attempts;
};
HAAT_DESCRIBE(NotificationDetail, notification, attempts)

struct NotificationFilter {
    std::optional<NotificationStatus> status;
    std::optional<NotificationType> type;
    std::optional<Channel> channel;
    std::optional<RecipientType> recipient_type;
    std::optional<Uuid> recipient_id;
    std::optional<Timestamp> since;
    std::optional<Timestamp> until;
    Paging paging;
};
HAAT_DESCRIBE(NotificationFilter, status, type, channel, recipient_type, recipient_id, since, until,
              paging)

struct NewNotification {
    Text<1, 255> title;
    Text<1, 20'000> message;
    NotificationType type = NotificationType::CUSTOM;
    Channel channel = Channel::EMAIL;
    RecipientType recipient_type = RecipientType::CUSTOMER;
    Uuid recipient_id;
    Text<1, 255> recipient_name;
    std::optional<Text<1, 320>> recipient_contact;
    std::optional<Text<1, 63>> template_name;
    std::optional<Json> template_data;
    std::optional<Text<2, 20>> language;
    bool is_urgent = false;
    std::optional<Timestamp> scheduled_at;
    std::optional<Uuid> party_id;
    std::optional<Uuid> customer_id;
    std::optional<Uuid> invoice_id;
    std::optional<Uuid> sale_id;
    std::optional<Uuid> invoice_payment_id;
    std::optional<Uuid> sale_receipt_id;
    std::optional<Uuid> order_id;
};
HAAT_DESCRIBE(NewNotification, title, message, type, channel, recipient_type, recipient_id,
              recipient_name, recipient_contact, template_name, template_data, language, is_urgent,
              scheduled_at, party_id, customer_id, invoice_id, sale_id, invoice_payment_id,
              sale_receipt_id, order_id)
HAAT_DEFAULTS(NewNotification, is_urgent)
HAAT_NOTES(NewNotification, {.field = "title", .example = "Your order is on its way"},
           {.field = "message", .example = "It will be with you tomorrow."},
           {.field = "recipient_name", .example = "Asha Rao"},
           {.field = "recipient_contact",
            .text = "An e-mail address or a phone number; users' own when it is left out.",
            .example = "asha@haat.test"},
           {.field = "template_name", .text = "Its words are sent instead of title and message."},
           {.field = "template_data", .text = "Texts, numbers and booleans."},
           {.field = "is_urgent", .text = "Quiet hours do not hold it back."},
           {.field = "invoice_payment_id", .also = {"paymentId"}},
           {.field = "sale_receipt_id", .also = {"receiptId"}})

struct NewEmail {
    Email to;
    Text<1, 255> subject;
    Text<1, 100'000> body;
    bool html = false;
    std::optional<Text<1, 255>> recipient_name;
    std::optional<Uuid> customer_id;
    std::optional<Uuid> party_id;
    List<files::FileId, 0, attachments_max> attachments;
};
HAAT_DESCRIBE(NewEmail, to, subject, body, html, recipient_name, customer_id, party_id, attachments)
HAAT_DEFAULTS(NewEmail, html, attachments)
HAAT_NOTES(NewEmail, {.field = "to", .example = "asha@haat.test", .also = {"email"}},
           {.field = "html", .text = "The body is HTML; its text goes along."},
           {.field = "attachments",
            .text = "Files of the organization, together at most 10 MB; as they are when the mail "
                    "is sent."})

struct NewSms {
    Phone phone;
    Text<1, 1'600> message;
    std::optional<Text<1, 63>> template_name;
    std::optional<Json> template_data;
    std::optional<Text<1, 255>> recipient_name;
    std::optional<Uuid> customer_id;
    std::optional<Uuid> party_id;
};
HAAT_DESCRIBE(NewSms, phone, message, template_name, template_data, recipient_name, customer_id,
              party_id)
HAAT_NOTES(NewSms, {.field = "phone", .example = "+919876543210", .also = {"to"}},
           {.field = "template_name", .text = "Its words are sent instead of the message."})

// ---- mine

struct InboxItem {
    NotificationId id;
    std::string title;
    std::string message;
    NotificationType type = NotificationType::CUSTOM;
    NotificationStatus status = NotificationStatus::SENT;
    std::optional<OrgId> org_id;
    std::optional<Timestamp> read_at;
    Timestamp created_at;
};
HAAT_DESCRIBE(InboxItem, id, title, message, type, status, org_id, read_at, created_at)

struct InboxFilter {
    bool unread = false;
    Paging paging;
};
HAAT_DESCRIBE(InboxFilter, unread, paging)
HAAT_DEFAULTS(InboxFilter, unread)

struct UnreadCount {
    std::int64_t unread = 0;
};
HAAT_DESCRIBE(UnreadCount, unread)

struct MarkedCount {
    std::int64_t marked = 0;
};
HAAT_DESCRIBE(MarkedCount, marked)

struct PushNoun {
    static constexpr std::string_view noun = "push_subscription";
};
using PushId = Id<PushNoun>;

struct PushKeyPair {
    Text<80, 100> p256dh;
    Text<16, 32> auth;
};
HAAT_DESCRIBE(PushKeyPair, p256dh, auth)

/// As JSON.stringify(subscription) gives it.
struct NewPushSubscription {
    Url endpoint;
    PushKeyPair keys;
};
HAAT_DESCRIBE(NewPushSubscription, endpoint, keys)

struct PushSubscriptionView {
    PushId id;
    std::string endpoint;
    std::string user_agent;
    Timestamp created_at;
};
HAAT_DESCRIBE(PushSubscriptionView, id, endpoint, user_agent, created_at)

struct PushKeyView {
    std::string public_key;
};
HAAT_DESCRIBE(PushKeyView, public_key)

// ---- templates

struct TemplateInput {
    Text<0, 255> subject;
    Text<1, 20'000> body;
    std::optional<Text<1, 200'000>> html;
    List<Text<1, 60>, 0, 50> variables;
    std::optional<Text<1, 100>> provider_template;
};
HAAT_DESCRIBE(TemplateInput, subject, body, html, variables, provider_template)
HAAT_DEFAULTS(TemplateInput, subject, variables)
HAAT_NOTES(TemplateInput, {.field = "subject", .example = "Welcome, {{name}}"},
           {.field = "body", .example = "Good to have you with us, {{name}}."},
           {.field = "html", .text = "Of mails; values in it are escaped."},
           {.field = "variables",
            .text = "Of templates that are not built in: what it will be given."},
           {.field = "provider_template",
            .text = "The name or id under which the provider has approved these words (DLT, "
                    "MSG91's flow, WhatsApp)."})

enum class TemplateSource : std::uint8_t { built_in, platform, organization };
HAAT_DESCRIBE_ENUM(TemplateSource, built_in, platform, organization)

struct TemplateView {
    std::string name;
    Channel channel = Channel::EMAIL;
    std::string language;
    std::string subject;
    std::string body;
    std::optional<std::string> html;
    std::vector<std::string> variables;
    std::optional<std::string> provider_template;
    TemplateSource source = TemplateSource::built_in;
    std::optional<Timestamp> updated_at;
};
HAAT_DESCRIBE(TemplateView, name, channel, language, subject, body, html, variables,
              provider_template, source, updated_at)
HAAT_NOTES(TemplateView, {.field = "source", .text = "Whose words these are."})

struct PreviewInput {
    Text<1, 63> name;
    Channel channel = Channel::EMAIL;
    Text<2, 20> language{"en"};
    Json data;
    std::optional<TemplateInput> draft;
};
HAAT_DESCRIBE(PreviewInput, name, channel, language, data, draft)
HAAT_DEFAULTS(PreviewInput, language, data)
HAAT_NOTES(PreviewInput, {.field = "name", .example = "welcome"},
           {.field = "draft", .text = "Instead of the words that are kept."})

struct Preview {
    std::string subject;
    std::string body;
    std::optional<std::string> html;
    std::string language;
    TemplateSource source = TemplateSource::built_in;
};
HAAT_DESCRIBE(Preview, subject, body, html, language, source)

// ---- the developers' outbox

struct OutboxRow {
    std::int64_t id = 0;
    Uuid message_id;
    std::string channel;
    std::string recipient;
    std::string subject;
    std::string body;
    std::optional<std::string> html;
    Timestamp at;
};
HAAT_DESCRIBE(OutboxRow, id, message_id, channel, recipient, subject, body, html, at)

} // namespace haat::notify
