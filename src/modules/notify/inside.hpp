// What the files of this module share.
#pragma once

#include <events/events.hpp>
#include <jobs/jobs.hpp>
#include <modules/notify/model.hpp>

namespace haat::notify {

struct DeliverMessage {
    NotificationId id;
};
HAAT_DESCRIBE(DeliverMessage, id)
extern Job<DeliverMessage> const deliver_job;

/// What a message says to whom, on which way.
struct MessageHead {
    NotificationId id;
    std::optional<OrgId> org_id;
    Channel channel = Channel::EMAIL;
    NotificationType type = NotificationType::CUSTOM;
    Category category = Category::general;
    RecipientType recipient_type = RecipientType::USER;
    std::optional<Uuid> recipient_id;
    std::string recipient_name;
    std::optional<std::string> recipient_contact;
    std::string title;
    std::string message;
    std::optional<std::string> html;
    std::optional<std::string> template_name;
    std::optional<Json> template_data;
    std::string language;
    std::vector<Uuid> attachments;
    bool is_urgent = false;
};

/// As it is added.
struct NewMessage : MessageHead {
    bool is_secret = false;
    Timestamp send_after;
    Uuid job_id;
    std::optional<UserId> created_by;
    Timestamp created_at;
    Links links;
};
HAAT_DESCRIBE(NewMessage, id, org_id, channel, type, category, recipient_type, recipient_id,
              recipient_name, recipient_contact, title, message, html, template_name, template_data,
              language, attachments, is_urgent, is_secret, send_after, job_id, created_by,
              created_at, links)

/// The row and its job; ids, organization and times are filled in.
NotificationId add_message(Tx& tx, NewMessage message, SendOptions const& options);

JobId enqueue_delivery(Tx& tx, NotificationId id, std::chrono::milliseconds delay,
                       Category category, bool urgent, std::optional<OrgId> org);

/// What the events of a message say of it: nothing of its words, and not where it went.
struct MessageEvent {
    NotificationId id;
    Channel channel = Channel::EMAIL;
    NotificationType type = NotificationType::CUSTOM;
    NotificationStatus status = NotificationStatus::SENT;
    RecipientType recipient_type = RecipientType::USER;
    std::optional<Uuid> recipient_id;
    std::optional<std::string> provider;
    std::optional<std::string> reason;
    Timestamp at;
};
HAAT_DESCRIBE(MessageEvent, id, channel, type, status, recipient_type, recipient_id, provider,
              reason, at)

/// Who is told of it, and on whose behalf it happened.
struct MessageFacts {
    NotificationId id;
    std::optional<OrgId> org_id;
    std::optional<UserId> created_by;
    Channel channel = Channel::EMAIL;
    NotificationType type = NotificationType::CUSTOM;
    NotificationStatus status = NotificationStatus::SENT;
    RecipientType recipient_type = RecipientType::USER;
    std::optional<Uuid> recipient_id;
    std::optional<std::string> provider;
    std::optional<std::string> failure_reason;
};
HAAT_DESCRIBE(MessageFacts, id, org_id, created_by, channel, type, status, recipient_type,
              recipient_id, provider, failure_reason)
void tell(Tx& tx, MessageFacts const& facts);

// ---- receipts

struct Receipt {
    std::string external_id;
    NotificationStatus status = NotificationStatus::DELIVERED;
    Timestamp at;
    std::string reason;
};
HAAT_DESCRIBE(Receipt, external_id, status, at, reason)

struct TakeReceipts {
    std::string provider;
    std::vector<Receipt> receipts;
};
HAAT_DESCRIBE(TakeReceipts, provider, receipts)
extern Job<TakeReceipts> const receipts_job;

/// In the transaction that makes the provider's id known, before it does: whoever reports about it
/// at the same time waits.
Task<void> lock_external(Tx& tx, std::string const& provider, std::string const& external_id);
/// Moves the message on by whatever was reported so far.
Task<void> apply_receipts(Tx& tx, std::string const& provider, std::string const& external_id);

/// Cuts to so many characters, not in the middle of one.
std::string cut(std::string_view text, std::size_t characters);

} // namespace haat::notify
