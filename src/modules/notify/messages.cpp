// Messages as an organization's leaders see them: what was sent and how it went; sending by hand,
// trying again, cancelling.
#include <algorithm>

#include <base/clock.hpp>
#include <describe/codec.hpp>
#include <http/routes.hpp>
#include <modules/notify/errors.hpp>
#include <modules/notify/inside.hpp>
#include <modules/notify/words.hpp>

namespace haat::notify {

namespace {

/// What must be known of a message before something is done with it.
struct Standing {
    NotificationId id;
    std::optional<OrgId> org_id;
    NotificationStatus status = NotificationStatus::PENDING;
    Category category = Category::general;
    bool is_urgent = false;
    bool is_secret = false;
    bool is_being_sent = false;
    std::int32_t retry_count = 0;
    std::int32_t max_retries = 3;
};
HAAT_DESCRIBE(Standing, id, org_id, status, category, is_urgent, is_secret, is_being_sent,
              retry_count, max_retries)

#define SHOWN                                                                                      \
    "select id, case when is_secret then '***' else title end as title, "                          \
    "case when is_secret then '***' else message end as message, type, channel, category, "        \
    "status, recipient_type, recipient_id, recipient_name, recipient_contact, template_name, "     \
    "case when is_secret then null else template_data end as template_data, language, "            \
    "attachments, "                                                                                \
    "is_urgent, send_after, provider, external_id, retry_count, max_retries, failure_reason, "     \
    "sent_at, delivered_at, read_at, user_id, created_by, party_id, customer_id, invoice_id, "     \
    "sale_id, invoice_payment_id, sale_receipt_id, order_id, created_at, updated_at "              \
    "from notify.messages"

namespace sql {
// The acting owner's alone: what the same person received elsewhere is not theirs to see.
One<NotificationView, NotificationId> const find{
    "notify.find", SHOWN " where id = $1 and owner_id = notify.acting_owner()"};
Many<Attempt, NotificationId> const attempts{"notify.attempts", R"(
    select {row} from notify.attempts where message_id = $1 order by number)"};
One<Standing, NotificationId> const lock{"notify.lock", R"(
    select id, org_id, status, category, is_urgent, is_secret,
           sending_since is not null as is_being_sent, retry_count, max_retries
      from notify.messages where id = $1 and owner_id = notify.acting_owner() for update)"};
Exec<NotificationId, Uuid, Timestamp> const retry{"notify.retry", R"(
    update notify.messages set status = 'PENDING', retry_count = retry_count + 1, job_id = $2,
           send_after = $3, failure_reason = null, updated_at = $3
     where id = $1)"};
Exec<NotificationId, Timestamp> const cancel{"notify.cancel", R"(
    update notify.messages set status = 'CANCELLED', updated_at = $2,
           message = case when is_secret then '' else message end,
           html = case when is_secret then null else html end,
           template_data = case when is_secret then null else template_data end
     where id = $1)"};
Exec<NotificationId> const remove{"notify.remove", "delete from notify.messages where id = $1"};

ListOf<NotificationView, NotificationFilter> const list{
    "notify.list",
    {.select = SHOWN,
     .always = "owner_id = notify.acting_owner()",
     .filters = {{"status", "status = $"},
                 {"type", "type = $"},
                 {"channel", "channel = $"},
                 {"recipient_type", "recipient_type = $"},
                 {"recipient_id", "recipient_id = $"},
                 {"since", "created_at >= $"},
                 {"until", "created_at < $"}},
     .sorts = {{"createdAt", "created_at", Order::desc}}}};
} // namespace sql
#undef SHOWN

Task<Reply<Page<NotificationView>>> list_all(Ask<NotificationFilter>& ask) {
    Page<NotificationView> const page = co_await ask.read.list(sql::list, ask.query());
    co_return listed(page);
}

Task<Reply<NotificationDetail>> find_one(Call<>& call, NotificationId id) {
    NotificationDetail detail;
    detail.notification = co_await call.read(sql::find, id);
    detail.attempts = co_await call.read(sql::attempts, id);
    co_return ok(detail);
}

// ---- sending by hand

[[noreturn]] void refuse(std::string path, std::string_view code, std::string params = {}) {
    Problems problems;
    problems.push_back({std::move(path), code, std::move(params)});
    throw Refusal(validation_error).about(std::move(problems));
}

/// The contact in the form that the channel wants.
std::optional<std::string> contact_for(Channel channel, RecipientType type,
                                       std::optional<Text<1, 320>> const& given) {
    bool const named = channel == Channel::PUSH || channel == Channel::IN_APP;
    if (named && type != RecipientType::USER)
        refuse("recipientType", "not_one_of", R"({"allowed":["USER"]})");
    if (named) return std::nullopt;
    if (!given && type != RecipientType::USER) refuse("recipientContact", "required");
    if (!given) return std::nullopt;
    Email email;
    Phone phone;
    if (channel == Channel::EMAIL) {
        if (!describe::decode_text(given->value, describe::shape_of<Email>, &email).empty())
            refuse("recipientContact", "format", R"({"expected":"email"})");
        return email.value;
    }
    if (!describe::decode_text(given->value, describe::shape_of<Phone>, &phone).empty())
        refuse("recipientContact", "format", R"({"expected":"phone"})");
    return phone.value;
}

/// A template must be there, with a value for each of its variables.
Task<void> use_template(Tx& tx, NewMessage& message, Channel channel, std::string name,
                        std::optional<Json> const& data, std::string_view language) {
    std::optional<OrgId> org;
    Uuid acting;
    if (parse(tx.settings().org_id, acting) && !acting.is_nil()) org = OrgId{acting};
    TemplateKind const* const kind = TemplateKind::find(name);
    std::vector<TemplateRow> const rows = co_await tx(notify::sql::templates_named, name, org);
    auto const words = choose(kind, rows, channel, language);
    if (!words) throw Refusal(template_not_found);
    Json const given = data.value_or(Json{});
    Values const values = values_of(given.text);
    check_values(kind != nullptr ? kind->variables() : words->variables, values);
    message.template_name = std::move(name);
    message.template_data = given;
    message.is_secret = kind != nullptr && kind->options().secret;
}

Task<Reply<NotificationView>> added(RawCall& call, Tx& tx, NewMessage const& message,
                                    SendOptions const& options) {
    NotificationId const id = add_message(tx, message, options);
    NotificationView const view = co_await tx(sql::find, id);
    call.made(view);
    Reply<NotificationView> answer = created(view);
    co_return co_await call.commit(tx, std::move(answer));
}

Task<Reply<NotificationView>> create(Call<NewNotification>& call) {
    NewNotification const& body = call.body();
    NewMessage message;
    message.type = body.type;
    message.category = category_of(body.type);
    message.recipient_type = body.recipient_type;
    message.recipient_id = body.recipient_id;
    message.recipient_name = body.recipient_name.value;
    message.recipient_contact =
        contact_for(body.channel, body.recipient_type, body.recipient_contact);
    message.title = body.title.value;
    message.message = body.message.value;
    SendOptions options;
    options.channel = body.channel;
    if (body.language) options.language = body.language->value;
    options.urgent = body.is_urgent;
    options.not_before = body.scheduled_at;
    describe::apply(options.links, body);
    Tx tx = call.begin();
    if (body.template_name)
        co_await use_template(tx, message, body.channel, body.template_name->value,
                              body.template_data, options.language);
    co_return co_await added(call, tx, message, options);
}

template <class Body> void address_to(NewMessage& message, SendOptions& options, Body const& body) {
    message.recipient_type = body.party_id ? RecipientType::PARTY : RecipientType::CUSTOMER;
    message.recipient_id = body.party_id ? body.party_id : body.customer_id;
    if (body.recipient_name) message.recipient_name = body.recipient_name->value;
    options.links.party_id = body.party_id;
    options.links.customer_id = body.customer_id;
}

/// Those of other organizations are not there.
Task<void> attach(Tx& tx, SendOptions& options, std::vector<files::FileId> const& ids) {
    std::vector<Uuid>& attached = options.attachments;
    for (files::FileId const id : ids)
        if (std::ranges::find(attached, id.uuid) == attached.end()) attached.push_back(id.uuid);
    if (attached.empty()) co_return;
    auto const files = co_await tx(files::sql::place_files, attached);
    if (files.size() < attached.size()) throw not_found<files::FileNoun>();
    std::int64_t bytes = 0;
    for (files::Placed const& file : files) bytes += file.size;
    if (bytes > attachment_bytes_max)
        throw Refusal(attachments_too_large).with("max", std::to_string(attachment_bytes_max));
}

Task<Reply<NotificationView>> create_email(Call<NewEmail>& call) {
    NewEmail const& body = call.body();
    NewMessage message;
    SendOptions options;
    address_to(message, options, body);
    message.recipient_contact = body.to.value;
    message.title = body.subject.value;
    message.message = body.html ? text_of_html(body.body.value) : body.body.value;
    if (body.html) message.html = body.body.value;
    Tx tx = call.begin();
    co_await attach(tx, options, body.attachments);
    co_return co_await added(call, tx, message, options);
}

Task<Reply<NotificationView>> create_for_phone(Call<NewSms>& call, Channel channel) {
    NewSms const& body = call.body();
    NewMessage message;
    SendOptions options;
    options.channel = channel;
    address_to(message, options, body);
    message.recipient_contact = body.phone.value;
    message.message = body.message.value;
    Tx tx = call.begin();
    if (body.template_name)
        co_await use_template(tx, message, channel, body.template_name->value, body.template_data,
                              "");
    co_return co_await added(call, tx, message, options);
}
Task<Reply<NotificationView>> create_sms(Call<NewSms>& call) {
    co_return co_await create_for_phone(call, Channel::SMS);
}
Task<Reply<NotificationView>> create_whatsapp(Call<NewSms>& call) {
    co_return co_await create_for_phone(call, Channel::WHATSAPP);
}

// ---- what becomes of it

Task<Reply<NotificationView>> shown(Call<>& call, Tx& tx, NotificationId id) {
    NotificationView const view = co_await tx(sql::find, id);
    call.made(view);
    Reply<NotificationView> answer = ok(view);
    co_return co_await call.commit(tx, std::move(answer));
}

Task<Reply<NotificationView>> retry(Call<>& call, NotificationId id) {
    Tx tx = call.begin();
    Standing const it = co_await tx(sql::lock, id);
    if (it.status != NotificationStatus::FAILED) throw Refusal(move_not_allowed);
    if (it.retry_count >= it.max_retries) throw Refusal(retries_exhausted);
    if (it.is_secret) throw Refusal(wiped);
    JobId const job = enqueue_delivery(tx, id, std::chrono::milliseconds(0), it.category,
                                       it.is_urgent, it.org_id);
    tx.later(sql::retry, id, job.uuid, now());
    co_return co_await shown(call, tx, id);
}

Task<Reply<NotificationView>> cancel(Call<>& call, NotificationId id) {
    Tx tx = call.begin();
    Standing const it = co_await tx(sql::lock, id);
    if (it.status != NotificationStatus::PENDING) throw Refusal(move_not_allowed);
    if (it.is_being_sent) throw Refusal(being_sent);
    tx.later(sql::cancel, id, now());
    co_return co_await shown(call, tx, id);
}

Task<Reply<Deleted>> remove(Call<>& call, NotificationId id) {
    Tx tx = call.begin();
    Standing const it = co_await tx(sql::lock, id);
    if (it.status == NotificationStatus::PENDING) throw Refusal(still_pending);
    co_await tx(sql::remove, id);
    co_return co_await call.commit(tx, deleted(id));
}

} // namespace

void add_notification_routes(Routes& r) {
    Routes all = r.group("/notifications", "Notifications");
    all.get("", &list_all, "Messages, newest first").needs(Permit::events_read);
    all.post("", &create, "Send a message on any channel")
        .needs(Permit::settings_write)
        .idempotent()
        .refuses(template_not_found, template_variable_missing, template_data_invalid);
    all.post("/email", &create_email, "Send a mail")
        .needs(Permit::settings_write)
        .idempotent()
        .refuses(attachments_too_large)
        .describes("A file that is removed before the mail is sent makes it fail.");
    all.post("/sms", &create_sms, "Send a text message")
        .needs(Permit::settings_write)
        .idempotent()
        .refuses(template_not_found, template_variable_missing, template_data_invalid);
    all.post("/whatsapp", &create_whatsapp, "Send a WhatsApp message")
        .needs(Permit::settings_write)
        .idempotent()
        .refuses(template_not_found, template_variable_missing, template_data_invalid)
        .describes("Without a template it arrives only within a day of the recipient's last "
                   "message.");
    all.get("/{id}", &find_one, "One message and every attempt to send it")
        .needs(Permit::events_read);
    all.post("/{id}/retry", &retry, "Try a failed message once more")
        .needs(Permit::settings_write)
        .answers(200)
        .refuses(move_not_allowed, retries_exhausted, wiped);
    all.post("/{id}/cancel", &cancel, "It will not be sent")
        .needs(Permit::settings_write)
        .answers(200)
        .refuses(move_not_allowed, being_sent);
    all.remove("/{id}", &remove, "Forget a message that was dealt with")
        .needs(Permit::settings_write)
        .refuses(still_pending);
}

} // namespace haat::notify
