// A message on its way, and the statements of its way; with the worker's rights.
#pragma once

#include <modules/notify/inside.hpp>
#include <modules/notify/post.hpp>
#include <modules/notify/preferences.hpp>

namespace haat::notify {

struct LetterRow : MessageHead {
    std::optional<UserId> user_id;
    std::int32_t retry_count = 0;
    std::int32_t max_retries = 3;
};
HAAT_DESCRIBE(LetterRow, id, org_id, channel, type, category, recipient_type, recipient_id,
              recipient_name, recipient_contact, user_id, title, message, html, template_name,
              template_data, language, attachments, is_urgent, retry_count, max_retries)

struct UserToReach {
    std::optional<std::string> email;
    std::optional<std::string> phone;
    std::string full_name;
};
HAAT_DESCRIBE(UserToReach, email, phone, full_name)

struct Browser {
    Uuid id;
    std::string endpoint;
    std::string p256dh;
    std::string auth;
    outbound::PushSubscription subscription() const { return {{endpoint}, {p256dh}, {auth}}; }
};
HAAT_DESCRIBE(Browser, id, endpoint, p256dh, auth)

struct KeptWords {
    NotificationId id;
    std::string title;
    std::string message;
    std::optional<std::string> html;
    std::string language;
};
HAAT_DESCRIBE(KeptWords, id, title, message, html, language)

struct LastAttempt {
    std::int32_t number = 0;
    std::string provider;
    bool ended = false;
    bool perhaps_sent = false;
};
HAAT_DESCRIBE(LastAttempt, number, provider, ended, perhaps_sent)

struct NewAttempt {
    NotificationId message_id;
    std::optional<OrgId> org_id;
    std::int32_t number = 1;
    std::string provider;
    Timestamp started_at;
};
HAAT_DESCRIBE(NewAttempt, message_id, org_id, number, provider, started_at)

struct EndedAttempt {
    NotificationId message_id;
    std::int32_t number = 1;
    Timestamp ended_at;
    std::string outcome;
    std::string code;
    std::string reason;
    bool perhaps_sent = false;
};
HAAT_DESCRIBE(EndedAttempt, message_id, number, ended_at, outcome, code, reason, perhaps_sent)

struct Ending {
    NotificationId id;
    NotificationStatus status = NotificationStatus::SENT;
    Timestamp at;
    std::optional<std::string> provider;
    std::optional<std::string> external_id;
    std::optional<std::string> reason;
};
HAAT_DESCRIBE(Ending, id, status, at, provider, external_id, reason)

struct Waiting {
    NotificationId id;
    Uuid job_id;
    Timestamp send_after;
    std::int32_t retry_count = 0;
    std::optional<std::string> reason;
    Timestamp at;
};
HAAT_DESCRIBE(Waiting, id, job_id, send_after, retry_count, reason, at)

struct NewOutboxRow {
    NotificationId message_id;
    std::string channel;
    std::string recipient;
    std::string subject;
    std::string body;
    std::optional<std::string> html;
    Timestamp at;
};
HAAT_DESCRIBE(NewOutboxRow, message_id, channel, recipient, subject, body, html, at)

/// All that is known of a message while it is brought.
struct Letter {
    LetterRow row;
    Preferences preferences;
    Parcel parcel;
    std::vector<Browser> browsers;
    std::vector<Uuid> gone;
    enum class Files : std::uint8_t { not_fetched, fetched, away, gone };
    Files files = Files::not_fetched;
    std::string provider; // that was asked last
    std::int32_t attempt = 0;
};

/// Reads the files that go with it into its parcel, outside of any transaction.
Task<void> fetch_attachments(JobRun<DeliverMessage>& run, Letter& letter);

NewOutboxRow shown_parcel(Letter const& letter, Timestamp at);
Post::Inside& post_of(AnyJobRun const& run);

namespace sql {
extern Maybe<LetterRow, NotificationId, Uuid> const claim_message;
extern Maybe<UserToReach, UserId> const user_to_reach;
extern Many<Browser, UserId> const browsers_of;
extern Exec<Uuid> const forget_browser;
extern Maybe<LastAttempt, NotificationId> const last_attempt;
extern Exec<NotificationId, std::int32_t, Timestamp> const attempt_unknown;
extern Exec<NewAttempt> const begin_attempt;
extern Exec<EndedAttempt> const end_attempt;
extern Exec<NotificationId, Timestamp> const being_sent;
extern Exec<KeptWords> const keep_words;
extern Maybe<MessageFacts, Ending> const end_message;
extern Exec<Waiting> const let_wait;
extern Exec<NewOutboxRow> const keep_for_developers;
extern Exec<> const drop_old_receipts;
extern Exec<> const drop_old_messages;
extern Exec<> const drop_old_outbox;
} // namespace sql

} // namespace haat::notify
