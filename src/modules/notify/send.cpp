// A message begins as a row and a job of the transaction that causes it.
#include <algorithm>

#include <base/clock.hpp>
#include <modules/notify/inside.hpp>

namespace haat::notify {

namespace sql {
namespace {
// Without naming the column: whoever causes a message need not be one who may see it.
Exec<NewMessage> const insert_message{"notify.insert_message", R"(
    insert into notify.messages ({1}) values ({$1}) on conflict do nothing)"};
} // namespace
} // namespace sql

Recipient to_user(UserId user, std::string name) {
    Recipient to;
    to.id = user.uuid;
    to.name = std::move(name);
    return to;
}

std::string_view name_of(Channel channel) {
    constexpr std::string_view names[] = {"EMAIL", "SMS", "WHATSAPP", "PUSH", "IN_APP"};
    return names[static_cast<std::size_t>(channel)];
}

std::string cut(std::string_view text, std::size_t characters) {
    std::size_t at = 0;
    for (std::size_t seen = 0; at < text.size(); ++at) {
        bool const begins = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
        if (begins && seen++ == characters) break;
    }
    return std::string(text.substr(0, at));
}

JobId enqueue_delivery(Tx& tx, NotificationId id, std::chrono::milliseconds delay,
                       Category category, bool urgent, std::optional<OrgId> org) {
    EnqueueOptions options;
    options.delay = std::max(delay, std::chrono::milliseconds(0));
    options.priority = urgent                            ? JobPriority::critical
                       : category == Category::marketing ? JobPriority::low
                                                         : JobPriority::medium;
    if (org) options.org = org->uuid;
    DeliverMessage const payload{id};
    return enqueue(tx, deliver_job, payload, options);
}

NotificationId add_message(Tx& tx, NewMessage message, SendOptions const& options) {
    Timestamp const at = now();
    message.id = options.id ? *options.id : new_id<NotificationNoun>();
    message.channel = options.channel;
    message.language = options.language;
    message.is_urgent = options.urgent;
    message.send_after = std::max(at, options.not_before.value_or(at));
    message.links = options.links;
    message.attachments = options.attachments;
    message.created_at = at;
    Uuid found;
    if (options.org)
        message.org_id = options.org;
    else if (parse(tx.settings().org_id, found) && !found.is_nil())
        message.org_id = OrgId{found};
    if (parse(tx.settings().user_id, found) && !found.is_nil()) message.created_by = UserId{found};
    std::chrono::microseconds const delay(message.send_after.micros - at.micros);
    message.job_id = enqueue_delivery(tx, message.id,
                                      std::chrono::duration_cast<std::chrono::milliseconds>(delay),
                                      message.category, message.is_urgent, message.org_id)
                         .uuid;
    tx.later(sql::insert_message, message);
    return message.id;
}

NotificationId send_erased(Tx& tx, TemplateKind const& kind, std::string data, Recipient const& to,
                           SendOptions const& options) {
    NewMessage message;
    message.type = kind.options().type;
    message.category = category_of(message.type);
    // A code that somebody waits for is no alert that they might have switched off.
    if (kind.options().secret) message.category = Category::transactional;
    message.recipient_type = to.type;
    message.recipient_id = to.id;
    message.recipient_name = cut(to.name, 255);
    message.recipient_contact = to.contact;
    message.template_name = kind.name();
    message.template_data = Json{std::move(data)};
    message.is_secret = kind.options().secret;
    SendOptions with = options;
    with.urgent = options.urgent || kind.options().secret;
    return add_message(tx, std::move(message), with);
}

} // namespace haat::notify
