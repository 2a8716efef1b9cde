// Brings a message to its recipient: decides whether, when and how, asks the providers one after
// another, and keeps what came of it. docs/decisions/0025-messages.md.
#include <algorithm>

#include <base/clock.hpp>
#include <jobs/cron.hpp>
#include <modules/notify/inside.hpp>
#include <modules/notify/letter.hpp>
#include <modules/notify/post.hpp>
#include <modules/notify/words.hpp>

namespace haat::notify {

using outbound::Delivery;
using outbound::DeliveryState;

namespace {

constexpr std::chrono::milliseconds retry_first = 5s;
constexpr std::chrono::milliseconds retry_most = 1h;

std::string_view outcome_name(DeliveryState state) {
    constexpr std::string_view names[] = {"sent", "permanent", "temporary", "throttled",
                                          "misconfigured"};
    return names[static_cast<std::size_t>(state)];
}

// ---- what is kept of it

/// Sent, failed or not wanted: the end of the job's work with it.
Task<void> end(JobRun<DeliverMessage>& run, Tx& tx, Letter& letter, NotificationStatus status,
               std::string provider, Delivery const& delivery) {
    Ending ending;
    ending.id = letter.row.id;
    ending.status = status;
    ending.at = now();
    if (!provider.empty()) ending.provider = std::move(provider);
    if (!delivery.provider_id.empty()) ending.external_id = cut(delivery.provider_id, 255);
    if (status != NotificationStatus::SENT) ending.reason = cut(delivery.reason, 500);
    if (ending.external_id) co_await lock_external(tx, *ending.provider, *ending.external_id);
    std::optional<MessageFacts> const facts = co_await tx(sql::end_message, ending);
    if (facts) tell(tx, *facts);
    if (facts && ending.external_id)
        co_await apply_receipts(tx, *ending.provider, *ending.external_id);
    co_await run.finish(tx);
}

Task<void> give_up(JobRun<DeliverMessage>& run, Tx& tx, Letter& letter, NotificationStatus status,
                   std::string reason) {
    Delivery delivery;
    delivery.reason = std::move(reason);
    co_await end(run, tx, letter, status, "", delivery);
}

Task<void> wait_until(JobRun<DeliverMessage>& run, Tx& tx, Letter& letter, Timestamp until,
                      std::optional<std::string> reason, std::int32_t retries) {
    Timestamp const at = now();
    std::chrono::milliseconds const delay((until.micros - at.micros) / 1'000);
    LetterRow const& row = letter.row;
    Waiting waiting;
    waiting.id = row.id;
    waiting.job_id =
        enqueue_delivery(tx, row.id, delay, row.category, row.is_urgent, row.org_id).uuid;
    waiting.send_after = until;
    waiting.retry_count = retries;
    waiting.reason = std::move(reason);
    waiting.at = at;
    tx.later(sql::let_wait, waiting);
    co_await run.finish(tx);
}

// ---- before a provider is asked

Timestamp next_try(Letter const& letter, Delivery const& delivery) {
    std::chrono::milliseconds pause = retry_first * (1 << std::min(letter.row.retry_count, 10));
    pause = std::max(pause, std::chrono::milliseconds(delivery.retry_after_seconds * 1s));
    pause = std::min(pause, retry_most);
    return Timestamp{now().micros + pause.count() * 1'000};
}

/// Whose it is and how to reach them; a reason when that cannot be known.
Task<std::string> look_up(Tx& tx, Letter& letter) {
    LetterRow const& row = letter.row;
    if (row.recipient_id) {
        std::optional<OrgId> const keeper =
            row.recipient_type == RecipientType::USER ? std::nullopt : row.org_id;
        auto const found =
            co_await tx(sql::preferences_of, row.recipient_type, *row.recipient_id, keeper);
        if (found) letter.preferences = *found;
    }
    Parcel& parcel = letter.parcel;
    parcel.id = row.id;
    parcel.type = row.type;
    parcel.name = row.recipient_name;
    parcel.contact = row.recipient_contact.value_or("");
    parcel.urgent = row.is_urgent;
    if (row.user_id) {
        auto const user = co_await tx(sql::user_to_reach, *row.user_id);
        if (!user) co_return "the recipient is no user any more";
        if (parcel.name.empty()) parcel.name = user->full_name;
        if (parcel.contact.empty() && row.channel == Channel::EMAIL)
            parcel.contact = user->email.value_or("");
        else if (parcel.contact.empty())
            parcel.contact = user->phone.value_or("");
    }
    if (row.channel == Channel::PUSH && row.user_id)
        letter.browsers = co_await tx(sql::browsers_of, *row.user_id);
    bool const named = row.channel == Channel::PUSH || row.channel == Channel::IN_APP;
    if (named && !row.user_id) co_return "only users are reached on this channel";
    if (row.channel == Channel::PUSH && letter.browsers.empty())
        co_return "the recipient has subscribed with no browser";
    if (!named && parcel.contact.empty())
        co_return row.channel == Channel::EMAIL ? "the recipient has no e-mail address"
                                                : "the recipient has no phone number";
    co_return "";
}

/// The words in the recipient's language; a reason when there are none.
Task<std::string> put_into_words(Tx& tx, Letter& letter) {
    LetterRow& row = letter.row;
    Parcel& parcel = letter.parcel;
    parcel.language = row.language.empty() ? letter.preferences.language : row.language;
    std::string problem;
    if (row.template_name) {
        std::string const name = *row.template_name;
        std::vector<TemplateRow> const rows = co_await tx(sql::templates_named, name, row.org_id);
        auto const words = choose(TemplateKind::find(name), rows, row.channel, parcel.language);
        if (!words) co_return "there is no template " + name + " any more";
        try {
            Values const values = values_of(row.template_data ? row.template_data->text : "{}");
            Filled filled = fill(*words, values);
            row.title = std::move(filled.subject);
            row.message = std::move(filled.body);
            row.html = std::move(filled.html);
            parcel.variables.assign(values.begin(), values.end());
        } catch (MarkupError const& error) {
            problem = "the template cannot be read: " + error.what;
        } catch (Refusal const& refusal) {
            problem = refusal.sentence();
        }
        parcel.language = words->language;
        parcel.provider_template = words->provider_template.value_or("");
    }
    parcel.subject = row.title;
    parcel.body = row.message;
    parcel.html = row.html;
    co_return problem;
}

/// Nothing happens to it before: not wanted, not now, or no way to send it. True: it was dealt
/// with, and the job is done.
Task<bool> settled_early(JobRun<DeliverMessage>& run, Tx& tx, Letter& letter,
                         std::vector<Courier*> const& couriers) {
    LetterRow const& row = letter.row;
    std::string problem = co_await look_up(tx, letter);
    if (!wanted(letter.preferences, row.channel, row.category)) {
        co_await give_up(run, tx, letter, NotificationStatus::CANCELLED,
                         "the recipient does not want such messages on this channel");
        co_return true;
    }
    bool const rings = row.channel != Channel::IN_APP && !row.is_urgent;
    std::optional<Timestamp> quiet;
    if (rings) quiet = quiet_until(letter.preferences, now());
    if (quiet && problem.empty()) {
        co_await wait_until(run, tx, letter, *quiet, std::nullopt, row.retry_count);
        co_return true;
    }
    if (problem.empty()) problem = co_await put_into_words(tx, letter);
    bool const kept_here = row.channel == Channel::IN_APP || !post_of(run).options.production;
    if (problem.empty() && couriers.empty() && !kept_here)
        problem = "no provider is set up for " + std::string(name_of(row.channel));
    if (!problem.empty()) {
        co_await give_up(run, tx, letter, NotificationStatus::FAILED, std::move(problem));
        co_return true;
    }
    tx.later(sql::keep_words, KeptWords{row.id, cut(row.title, 500), cut(row.message, 100'000),
                                        row.html, letter.parcel.language});
    if (!couriers.empty()) co_return false;
    Delivery const delivery{.state = DeliveryState::sent};
    bool const in_app = row.channel == Channel::IN_APP;
    if (!in_app) tx.later(sql::keep_for_developers, shown_parcel(letter, now()));
    std::string const provider = in_app ? "in_app" : "log";
    co_await end(run, tx, letter, NotificationStatus::SENT, provider, delivery);
    co_return true;
}

/// Without its files a mail is not sent: it waits for a store that is away, and has failed when a
/// file is gone. True: it was dealt with, and the job is done.
Task<bool> settled_without_files(JobRun<DeliverMessage>& run, Tx& tx, Letter& letter) {
    LetterRow const& row = letter.row;
    if (letter.files == Letter::Files::gone) {
        co_await give_up(run, tx, letter, NotificationStatus::FAILED,
                         "a file that was attached is gone, or too large");
        co_return true;
    }
    if (letter.files != Letter::Files::away) co_return false;
    std::string const reason = "the store of the attached files is away";
    Delivery const none{};
    if (row.retry_count >= row.max_retries)
        co_await give_up(run, tx, letter, NotificationStatus::FAILED, reason);
    else
        co_await wait_until(run, tx, letter, next_try(letter, none), reason, row.retry_count + 1);
    co_return true;
}

/// After a worker that died while it asked a provider nobody knows whether the message is gone.
/// True: it may not be repeated, and the job is done.
Task<bool> settled_after_death(JobRun<DeliverMessage>& run, Tx& tx, Letter& letter,
                               std::vector<Courier*>& couriers) {
    std::optional<LastAttempt> last = co_await tx(sql::last_attempt, letter.row.id);
    if (!last) co_return false;
    letter.attempt = last->number;
    if (!last->ended) {
        last->perhaps_sent = true;
        tx.later(sql::attempt_unknown, letter.row.id, last->number, now());
        if (letter.row.category == Category::marketing) {
            co_await give_up(run, tx, letter, NotificationStatus::FAILED,
                             "it may have been sent when a worker died, and is not repeated");
            co_return true;
        }
    }
    // Another provider could not know that it is the same message.
    if (last->perhaps_sent)
        std::erase_if(couriers, [&](Courier* each) { return each->name() != last->provider; });
    co_return false;
}

void begin_attempt(Tx& tx, Letter& letter, Courier const& courier) {
    NewAttempt attempt;
    attempt.message_id = letter.row.id;
    attempt.org_id = letter.row.org_id;
    attempt.number = ++letter.attempt;
    attempt.provider = courier.name();
    attempt.started_at = now();
    tx.later(sql::begin_attempt, attempt);
    tx.later(sql::being_sent, letter.row.id, attempt.started_at);
}

void end_attempt(Tx& tx, Letter const& letter, Delivery const& delivery) {
    EndedAttempt attempt;
    attempt.message_id = letter.row.id;
    attempt.number = letter.attempt;
    attempt.ended_at = now();
    attempt.outcome = outcome_name(delivery.state);
    attempt.code = cut(delivery.code, 100);
    attempt.reason = cut(delivery.reason, 1'000);
    attempt.perhaps_sent = delivery.perhaps_sent;
    tx.later(sql::end_attempt, attempt);
}

// ---- asking

/// To every browser of the recipient; those that are gone are forgotten afterwards.
Task<Delivery> push_to_all(Courier& courier, Letter& letter) {
    Delivery result;
    result.state = DeliveryState::permanent;
    result.reason = "no browser is subscribed any more";
    for (Browser const& browser : letter.browsers) {
        letter.parcel.subscription = browser.subscription();
        Delivery const one = co_await courier.deliver(letter.parcel);
        if (one.recipient_gone)
            letter.gone.push_back(browser.id);
        else if (!result.sent())
            result = one;
    }
    result.provider_id.clear(); // each browser has its own
    co_return result;
}

bool another_may_do(Delivery const& delivery) {
    return !delivery.sent() && delivery.state != DeliveryState::permanent && !delivery.perhaps_sent;
}

/// Until one takes it, or says that nobody could deliver it.
Task<Delivery> ask(JobRun<DeliverMessage>& run, Letter& letter,
                   std::vector<Courier*> const& couriers) {
    Delivery delivery;
    std::int32_t retry_after = 0;
    for (std::size_t i = 0; i < couriers.size(); ++i) {
        Courier& courier = *couriers[i];
        letter.provider = courier.name();
        if (letter.row.channel == Channel::PUSH)
            delivery = co_await push_to_all(courier, letter);
        else
            delivery = co_await courier.deliver(letter.parcel);
        retry_after = std::max(retry_after, delivery.retry_after_seconds);
        if (!another_may_do(delivery) || i + 1 == couriers.size()) break;
        Tx tx = run.begin();
        end_attempt(tx, letter, delivery);
        begin_attempt(tx, letter, *couriers[i + 1]);
        co_await run.commit(tx);
    }
    delivery.retry_after_seconds = retry_after;
    co_return delivery;
}

Task<void> settle(JobRun<DeliverMessage>& run, Letter& letter, Delivery const& delivery) {
    Tx tx = run.begin();
    LetterRow const& row = letter.row;
    end_attempt(tx, letter, delivery);
    for (Uuid const& each : letter.gone) tx.later(sql::forget_browser, each);
    bool const never = delivery.state == DeliveryState::permanent ||
                       (delivery.perhaps_sent && row.category == Category::marketing);
    if (delivery.sent())
        co_await end(run, tx, letter, NotificationStatus::SENT, letter.provider, delivery);
    else if (never || row.retry_count >= row.max_retries)
        co_await end(run, tx, letter, NotificationStatus::FAILED, letter.provider, delivery);
    else
        co_await wait_until(run, tx, letter, next_try(letter, delivery), delivery.reason,
                            row.retry_count + 1);
}

enum class Step : std::uint8_t { done, fetch_files, ask };

/// Up to the moment before a provider is asked; the attempt is committed by then.
Task<Step> prepare(JobRun<DeliverMessage>& run, Letter& letter, std::vector<Courier*>& couriers) {
    Tx tx = run.begin();
    std::optional<LetterRow> row = co_await tx(sql::claim_message, run.payload().id, run.id());
    if (!row) { // sent, cancelled, or another job's
        co_await run.finish(tx);
        co_return Step::done;
    }
    letter.row = std::move(*row);
    couriers = post_of(run).couriers(letter.row.channel);
    bool const has_files = !letter.row.attachments.empty() && !couriers.empty();
    if (has_files && letter.files == Letter::Files::not_fetched) co_return Step::fetch_files;
    bool settled = co_await settled_after_death(run, tx, letter, couriers);
    if (!settled) settled = co_await settled_early(run, tx, letter, couriers);
    if (!settled) settled = co_await settled_without_files(run, tx, letter);
    if (settled) co_return Step::done;
    begin_attempt(tx, letter, *couriers.front());
    co_await run.commit(tx);
    co_return Step::ask;
}

Task<void> deliver(JobRun<DeliverMessage>& run) {
    Letter letter;
    std::vector<Courier*> couriers;
    Step step = co_await prepare(run, letter, couriers);
    if (step == Step::fetch_files) {
        co_await fetch_attachments(run, letter);
        step = co_await prepare(run, letter, couriers);
    }
    if (step != Step::ask) co_return;
    Delivery const delivery = co_await ask(run, letter, couriers);
    co_await settle(run, letter, delivery);
}

// ---- at night

Task<void> clean_up(JobRun<Nothing>& run) {
    for (auto const* const each :
         {&sql::drop_old_receipts, &sql::drop_old_messages, &sql::drop_old_outbox})
        for (int dropped = 1; dropped > 0;) {
            Tx tx = run.begin();
            dropped = co_await tx.last()(*each);
        }
}

Queue const messages{"messages", {.concurrency = 16}};
Job<Nothing> const clean_up_job{"notify.clean_up", {.timeout = 10min}, &clean_up};
Cron const nightly{"notify.clean_up", "0 2 * * *", clean_up_job};

} // namespace

// What fails by itself waits in the message; the job's own attempts are for a database that is
// away.
Job<DeliverMessage> const deliver_job{
    "notify.deliver", {.queue = &messages, .attempts = 20, .timeout = 5min, .keep = 0s}, &deliver};

} // namespace haat::notify
