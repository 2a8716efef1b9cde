#include <modules/notify/letter.hpp>

namespace haat::notify {

NewOutboxRow shown_parcel(Letter const& letter, Timestamp at) {
    NewOutboxRow row;
    row.message_id = letter.row.id;
    row.channel = name_of(letter.row.channel);
    row.recipient = letter.parcel.contact.empty() ? letter.parcel.name : letter.parcel.contact;
    row.subject = letter.parcel.subject;
    row.body = letter.parcel.body;
    row.html = letter.parcel.html;
    row.at = at;
    return row;
}

Post::Inside& post_of(AnyJobRun const& run) { return run.get<Post>().inside(); }

namespace sql {

// Whichever job the message names may send it; any other comes too late.
Maybe<LetterRow, NotificationId, Uuid> const claim_message{"notify.claim_message", R"(
    select {row} from notify.messages where id = $1 and job_id = $2 and status = 'PENDING'
       for update)"};

Maybe<UserToReach, UserId> const user_to_reach{"notify.user_to_reach", R"(
    select email, phone, full_name from identity.users where id = $1 and is_active)"};

// A browser that somebody else signed in with afterwards is theirs.
Many<Browser, UserId> const browsers_of{"notify.browsers_of", R"(
    select s.id, s.endpoint, s.p256dh, s.auth from notify.push_subscriptions s
     where s.user_id = $1
       and not exists (select from notify.push_subscriptions o
                        where o.endpoint = s.endpoint and o.auth = s.auth
                          and o.user_id <> s.user_id
                          and (o.created_at, o.id) > (s.created_at, s.id))
     order by s.created_at desc limit 20)"};
Exec<Uuid> const forget_browser{"notify.forget_browser",
                                "delete from notify.push_subscriptions where id = $1"};

Maybe<LastAttempt, NotificationId> const last_attempt{"notify.last_attempt", R"(
    select number, provider, ended_at is not null as ended, perhaps_sent
      from notify.attempts where message_id = $1 order by number desc limit 1)"};
Exec<NotificationId, std::int32_t, Timestamp> const attempt_unknown{"notify.attempt_unknown", R"(
    update notify.attempts set ended_at = $3, outcome = 'unknown', perhaps_sent = true,
           reason = 'the worker died while it asked'
     where message_id = $1 and number = $2)"};
Exec<NewAttempt> const begin_attempt{"notify.begin_attempt", R"(
    insert into notify.attempts ({1}) values ({$1}))"};
Exec<EndedAttempt> const end_attempt{"notify.end_attempt", R"(
    update notify.attempts set ended_at = $3, outcome = $4, code = $5, reason = $6,
           perhaps_sent = $7
     where message_id = $1 and number = $2)"};

Exec<NotificationId, Timestamp> const being_sent{"notify.being_sent", R"(
    update notify.messages set sending_since = $2, updated_at = $2 where id = $1)"};
Exec<KeptWords> const keep_words{"notify.keep_words", R"(
    update notify.messages set title = $2, message = $3, html = $4, language = $5 where id = $1)"};

Maybe<MessageFacts, Ending> const end_message{"notify.end_message", R"(
    update notify.messages
       set status = $2, sending_since = null, updated_at = $3,
           sent_at = case when $2 = 'SENT' then $3 end, provider = coalesce($4, provider),
           external_id = $5, failure_reason = $6,
           title = case when is_secret then '' else title end,
           message = case when is_secret then '' else message end,
           html = case when is_secret then null else html end,
           template_data = case when is_secret then null else template_data end
     where id = $1
    returning {row})"};

Exec<Waiting> const let_wait{"notify.let_wait", R"(
    update notify.messages
       set job_id = $2, send_after = $3, retry_count = $4,
           failure_reason = coalesce($5, failure_reason), updated_at = $6, sending_since = null
     where id = $1)"};

Exec<NewOutboxRow> const keep_for_developers{"notify.keep_for_developers", R"(
    insert into notify.dev_outbox ({1}) values ({$1}))"};

Exec<> const drop_old_receipts{"notify.drop_old_receipts", R"(
    delete from notify.receipts where ctid = any (array(
        select ctid from notify.receipts
         where received_at < now() - interval '30 days' limit 5000)))"};
Exec<> const drop_old_messages{"notify.drop_old_messages", R"(
    delete from notify.messages where id = any (array(
        select id from notify.messages
         where created_at < now() - interval '400 days' and status <> 'PENDING' limit 2000)))"};
Exec<> const drop_old_outbox{"notify.drop_old_outbox", R"(
    delete from notify.dev_outbox where id = any (array(
        select id from notify.dev_outbox order by id desc offset 500 limit 5000)))"};

} // namespace sql

} // namespace haat::notify
