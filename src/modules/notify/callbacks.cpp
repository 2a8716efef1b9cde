#include <modules/notify/callbacks.hpp>

#include <charconv>

#include <boost/json.hpp>

#include <base/clock.hpp>
#include <http/routes.hpp>
#include <modules/notify/errors.hpp>
#include <outbound/crypto.hpp>
#include <outbound/delivery.hpp>
#include <outbound/sms_twilio.hpp>

namespace haat::notify {

namespace json = boost::json;

namespace {

constexpr std::string_view callback_path = "/api/v1/notifications/callbacks/";

/// Of a form or a query, in their order.
std::vector<outbound::Header> fields_of(std::string_view text) {
    std::vector<outbound::Header> fields;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const end = std::min(text.find('&', at), text.size());
        std::string_view const pair = text.substr(at, end - at);
        std::size_t const equals = std::min(pair.find('='), pair.size());
        outbound::Header field;
        std::string_view const value = pair.substr(std::min(equals + 1, pair.size()));
        if (!describe::percent_decode(pair.substr(0, equals), field.name, true) ||
            !describe::percent_decode(value, field.value, true))
            throw Refusal(callback_unreadable);
        fields.push_back(std::move(field));
        if (fields.size() > 200) throw Refusal(callback_unreadable);
        at = end + 1;
    }
    return fields;
}

std::string value_of(std::vector<outbound::Header> const& fields, std::string_view name) {
    for (outbound::Header const& each : fields)
        if (each.name == name) return each.value;
    return {};
}

json::value parsed(std::string_view text) {
    boost::system::error_code bad;
    json::parse_options options;
    options.max_depth = 16;
    json::value value = json::parse({text.data(), text.size()}, bad, {}, options);
    if (bad) throw Refusal(callback_unreadable);
    return value;
}

/// What is not there, or of another kind, is empty.
std::string text_at(json::value const& value, char const* pointer) {
    boost::system::error_code bad;
    json::value const* const found = value.find_pointer(pointer, bad);
    if (found == nullptr) return {};
    if (found->is_string()) return std::string(found->as_string());
    return found->is_int64() ? std::to_string(found->as_int64()) : std::string();
}
json::array const& list_at(json::value const& value, char const* pointer) {
    static json::array const none;
    boost::system::error_code bad;
    json::value const* const found = value.find_pointer(pointer, bad);
    return found != nullptr && found->is_array() ? found->as_array() : none;
}

void add(TakeReceipts& news, std::string id, NotificationStatus status, Timestamp at,
         std::string_view reason) {
    if (id.empty() || id.size() > 255) throw Refusal(callback_unreadable);
    if (news.receipts.size() >= receipts_max) throw Refusal(callback_unreadable);
    news.receipts.push_back({std::move(id), status, at, cut(outbound::brief(reason), 300)});
}

} // namespace

TakeReceipts read_twilio(NotifyFacts const& facts, std::string_view url, std::string_view body,
                         std::string_view signature) {
    std::vector<outbound::Header> const fields = fields_of(body);
    if (!outbound::signed_by_twilio(facts.twilio_auth_token.value, url, fields, signature))
        throw Refusal(callback_signature);
    TakeReceipts news{"twilio", {}};
    std::string const status = value_of(fields, "MessageStatus");
    std::string const id = value_of(fields, "MessageSid");
    std::string const code = value_of(fields, "ErrorCode");
    if (status == "sent")
        add(news, id, NotificationStatus::SENT, now(), "");
    else if (status == "delivered")
        add(news, id, NotificationStatus::DELIVERED, now(), "");
    else if (status == "read")
        add(news, id, NotificationStatus::READ, now(), "");
    else if (status == "failed" || status == "undelivered")
        add(news, id, NotificationStatus::FAILED, now(),
            code.empty() ? status : status + ", error " + code);
    return news;
}

namespace {

[[noreturn]] void refuse_msg91(std::string_view why) {
    throw Refusal(callback_unreadable)
        .saying("The report is not what MSG91 sends: " + std::string(why) + ".");
}

/// What MSG91's numbers and words for a state mean; nothing: that is not the end of it.
std::optional<NotificationStatus> msg91_status(std::string status) {
    for (char& c : status)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (status == "1" || status == "delivered") return NotificationStatus::DELIVERED;
    for (std::string_view const failed :
         {"2", "9", "16", "17", "25", "26", "failed", "ndnc", "rejected", "blocked",
          "blocked number", "undelivered", "expired"})
        if (status == failed) return NotificationStatus::FAILED;
    return std::nullopt;
}

std::string first_of(json::value const& value, std::initializer_list<char const*> pointers) {
    for (char const* const each : pointers)
        if (std::string text = text_at(value, each); !text.empty()) return text;
    return {};
}

/// MSG91 puts some of its values into texts, as JSON within JSON.
json::value unwrapped(json::value const& value) {
    if (!value.is_string()) return value;
    return parsed(std::string_view(value.as_string()));
}

void read_msg91_report(TakeReceipts& news, std::string id, json::value const& report) {
    std::string const status = first_of(report, {"/status"});
    std::string const words =
        first_of(report, {"/failureReason", "/failedReason", "/desc", "/description"});
    if (status.empty()) refuse_msg91("a report has no status");
    auto known = msg91_status(status);
    if (!known) known = msg91_status(words);
    if (!known) return;
    bool const well = *known == NotificationStatus::DELIVERED;
    add(news, std::move(id), *known, now(),
        well            ? ""
        : words.empty() ? "MSG91 says " + status
                        : words);
}

/// One request with its reports (version 2), or with the one report that it is itself (version 3,
/// and "Webhook (New)").
void read_msg91_request(TakeReceipts& news, json::value const& request) {
    if (!request.is_object()) refuse_msg91("it holds something that is no object");
    std::string id = first_of(request, {"/requestId", "/request_id"});
    if (id.empty())
        refuse_msg91("it names no requestId; version 4 of its webhooks cannot be used here");
    auto const* const reports = request.as_object().if_contains("report");
    if (reports == nullptr) return read_msg91_report(news, std::move(id), request);
    json::value const list = unwrapped(*reports);
    if (!list.is_array()) refuse_msg91("its report is no list");
    for (json::value const& each : list.as_array()) read_msg91_report(news, id, each);
}

} // namespace

TakeReceipts read_msg91(NotifyFacts const& facts, std::string_view body, std::string_view key) {
    std::string const& expected = facts.msg91_callback_key.value;
    if (expected.empty() ||
        !outbound::same_bytes(outbound::sha256(key), outbound::sha256(expected)))
        throw Refusal(callback_signature);
    // As JSON, or as a form with the JSON in its field "data"; either may have it in a text.
    bool const is_form = !body.starts_with('[') && !body.starts_with('{');
    std::string const text = is_form ? value_of(fields_of(body), "data") : std::string(body);
    if (text.empty()) refuse_msg91("it is neither JSON nor a form with a field \"data\"");
    json::value value = unwrapped(parsed(text));
    if (value.is_object())
        if (auto const* const data = value.as_object().if_contains("data"))
            value = json::value(unwrapped(*data));
    TakeReceipts news{"msg91", {}};
    if (value.is_object())
        read_msg91_request(news, value);
    else
        for (json::value const& each : list_at(value, "")) read_msg91_request(news, each);
    return news;
}

TakeReceipts read_whatsapp(NotifyFacts const& facts, std::string_view body,
                           std::string_view signature) {
    if (!outbound::signed_by_meta(facts.whatsapp_app_secret.value, body, signature))
        throw Refusal(callback_signature);
    json::value const value = parsed(body);
    TakeReceipts news{"whatsapp", {}};
    for (json::value const& entry : list_at(value, "/entry"))
        for (json::value const& change : list_at(entry, "/changes"))
            for (json::value const& each : list_at(change, "/value/statuses")) {
                std::string const status = text_at(each, "/status");
                std::string const seconds = text_at(each, "/timestamp");
                std::int64_t at = 0;
                std::from_chars(seconds.data(), seconds.data() + seconds.size(), at);
                bool const sane = at > 1'000'000'000 && at < 10'000'000'000;
                Timestamp const when = sane ? Timestamp{at * 1'000'000} : now();
                std::string reason = text_at(each, "/errors/0/error_data/details");
                if (reason.empty()) reason = text_at(each, "/errors/0/title");
                std::string id = text_at(each, "/id");
                if (status == "sent")
                    add(news, std::move(id), NotificationStatus::SENT, when, "");
                else if (status == "delivered")
                    add(news, std::move(id), NotificationStatus::DELIVERED, when, "");
                else if (status == "read")
                    add(news, std::move(id), NotificationStatus::READ, when, "");
                else if (status == "failed")
                    add(news, std::move(id), NotificationStatus::FAILED, when, reason);
            }
    return news;
}

std::string whatsapp_challenge(NotifyFacts const& facts, std::string_view query) {
    std::vector<outbound::Header> const fields = fields_of(query);
    std::string const given = outbound::sha256(value_of(fields, "hub.verify_token"));
    std::string const& expected = facts.whatsapp_verify_token.value;
    if (expected.empty() || !outbound::same_bytes(given, outbound::sha256(expected)) ||
        value_of(fields, "hub.mode") != "subscribe")
        throw Refusal(callback_signature);
    std::string challenge = value_of(fields, "hub.challenge");
    for (char const c : challenge)
        if (c < '0' || c > '9') throw Refusal(callback_unreadable);
    return challenge.substr(0, 40);
}

namespace {

using ChannelWord = Text<1, 40>;

TakeReceipts read_report(NotifyFacts const& facts, http::Request const& request,
                         std::string const& channel) {
    if (channel == "whatsapp")
        return read_whatsapp(facts, request.body, request.header("x-hub-signature-256"));
    if (channel != "sms") throw Refusal(callback_unknown);
    std::string_view const twilio = request.header("x-twilio-signature");
    if (twilio.empty()) return read_msg91(facts, request.body, request.header("x-msg91-key"));
    std::string url = facts.public_url + std::string(callback_path) + channel;
    if (!request.query.empty()) url.append("?").append(request.query);
    return read_twilio(facts, url, request.body, twilio);
}

Task<Reply<None>> take_report(NotifyFacts& facts, Call<>& call, ChannelWord channel) {
    TakeReceipts const news = read_report(facts, call.request(), channel.value);
    if (!news.receipts.empty()) {
        Tx tx = call.begin();
        enqueue(tx, receipts_job, news);
        co_await tx.commit();
    }
    Reply<None> answer;
    answer.data = "{}";
    co_return answer;
}

Task<Reply<None>> answer_challenge(NotifyFacts& facts, Call<>& call, ChannelWord channel) {
    if (channel.value != "whatsapp") throw Refusal(callback_unknown);
    Reply<None> answer;
    answer.data = whatsapp_challenge(facts, call.request().query);
    answer.content_type = "text/plain";
    co_return answer;
}

} // namespace

void add_callback_routes(Routes& r, NotifyFacts& facts) {
    Routes all = r.group("/notifications/callbacks", "Notifications");
    all.post("/{channel}", &take_report, facts, "What a provider says became of messages")
        .open()
        .answers(200)
        .bare()
        .unaudited()
        .limited(RateClass::none)
        .refuses(callback_unknown, callback_signature, callback_unreadable)
        .describes("`sms`: Twilio, signed with X-Twilio-Signature, or MSG91, with "
                   "MSG91_CALLBACK_KEY in X-MSG91-Key. `whatsapp`: Meta, signed with "
                   "X-Hub-Signature-256.");
    all.get("/{channel}", &answer_challenge, facts, "Meta asks whether the webhook is ours")
        .open()
        .bare("text/plain")
        .refuses(callback_unknown, callback_signature, callback_unreadable);
}

} // namespace haat::notify
