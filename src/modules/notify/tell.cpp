// Which event says that a message was sent, arrived, was read, or was not.
#include <base/clock.hpp>
#include <modules/notify/inside.hpp>
#include <modules/notify/preferences.hpp>

namespace haat::notify {

namespace {

Event<MessageEvent> const email_sent{subjects::email_sent};
Event<MessageEvent> const email_delivered{subjects::email_delivered};
Event<MessageEvent> const email_opened{subjects::email_opened};
Event<MessageEvent> const email_failed{subjects::email_failed};
Event<MessageEvent> const sms_sent{subjects::sms_message_sent};
Event<MessageEvent> const sms_delivered{subjects::sms_message_delivered};
Event<MessageEvent> const sms_failed{subjects::sms_message_failed};
Event<MessageEvent> const whatsapp_sent{subjects::whatsapp_message_sent};
Event<MessageEvent> const whatsapp_delivered{subjects::whatsapp_message_delivered};
Event<MessageEvent> const whatsapp_read{subjects::whatsapp_message_read};
Event<MessageEvent> const whatsapp_failed{subjects::whatsapp_message_failed};
Event<MessageEvent> const payment_reminder_sent{subjects::payment_reminder_sent};
Event<MessageEvent> const overdue_sent{subjects::overdue_notification_sent};
Event<MessageEvent> const welcome_sent{subjects::welcome_notification_sent};
Event<MessageEvent> const birthday_sent{subjects::birthday_reminder_sent};

Event<MessageEvent> const* of_channel(Channel channel, NotificationStatus status) {
    struct Told {
        Event<MessageEvent> const* sent;
        Event<MessageEvent> const* delivered;
        Event<MessageEvent> const* read;
        Event<MessageEvent> const* failed;
    };
    Told told{};
    if (channel == Channel::EMAIL)
        told = {&email_sent, &email_delivered, &email_opened, &email_failed};
    else if (channel == Channel::SMS)
        told = {&sms_sent, &sms_delivered, nullptr, &sms_failed};
    else if (channel == Channel::WHATSAPP)
        told = {&whatsapp_sent, &whatsapp_delivered, &whatsapp_read, &whatsapp_failed};
    switch (status) {
    case NotificationStatus::SENT: return told.sent;
    case NotificationStatus::DELIVERED: return told.delivered;
    case NotificationStatus::READ: return told.read;
    case NotificationStatus::FAILED: return told.failed;
    default: return nullptr;
    }
}

Event<MessageEvent> const* of_type(NotificationType type, NotificationStatus status) {
    if (status != NotificationStatus::SENT) return nullptr;
    switch (type) {
    case NotificationType::PAYMENT_REMINDER: return &payment_reminder_sent;
    case NotificationType::INVOICE_OVERDUE: return &overdue_sent;
    case NotificationType::WELCOME: return &welcome_sent;
    case NotificationType::BIRTHDAY: return &birthday_sent;
    default: return nullptr;
    }
}

} // namespace

Event<PreferencesView> const preferences_updated{subjects::notification_preferences_updated};

void tell(Tx& tx, MessageFacts const& facts) {
    MessageEvent const event{.id = facts.id,
                             .channel = facts.channel,
                             .type = facts.type,
                             .status = facts.status,
                             .recipient_type = facts.recipient_type,
                             .recipient_id = facts.recipient_id,
                             .provider = facts.provider,
                             .reason = facts.failure_reason,
                             .at = now()};
    Cause cause;
    if (facts.created_by) cause.user_id = facts.created_by->uuid;
    if (facts.org_id) cause.org_id = facts.org_id->uuid;
    cause.correlation_id = tx.settings().correlation_id;
    for (auto const* const each :
         {of_channel(facts.channel, facts.status), of_type(facts.type, facts.status)})
        if (each != nullptr) emit(tx, cause, *each, facts.id, event);
}

} // namespace haat::notify
