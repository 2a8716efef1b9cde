#include <outbound/sms_twilio.hpp>

#include <algorithm>

#include <describe/codec.hpp>
#include <outbound/crypto.hpp>

namespace haat::outbound {

struct TwilioReply {
    std::string sid;
};
HAAT_DESCRIBE(TwilioReply, sid)

struct TwilioProblem {
    std::int32_t code = 0;
    std::string message;
};
HAAT_DESCRIBE(TwilioProblem, code, message)
HAAT_DEFAULTS(TwilioProblem, code, message)

namespace {

Delivery refused(Reply const& reply) {
    Delivery delivery = refused_delivery(reply.status, reply.retry_after());
    TwilioProblem problem;
    if (!describe::from_json(reply.body, problem).empty() || problem.code == 0) {
        delivery.reason = "Twilio answered " + std::to_string(reply.status);
        return delivery;
    }
    delivery.code = std::to_string(problem.code);
    delivery.reason = brief(problem.message);
    switch (problem.code) {
    case 20429: // too many requests
    case 14107: // too many to one number
    case 30001: // queue overflow
    case 30022: // the carrier's limit
    case 63038: // the account's daily limit
        delivery.state = DeliveryState::throttled;
        break;
    case 21211: // no such number
    case 21214: // cannot be reached
    case 21217: // not a number
    case 21610: // they said stop
    case 21614: // a landline
        delivery.state = DeliveryState::permanent;
        delivery.recipient_gone = true;
        break;
    case 20003: // wrong token
    case 20005: // account suspended
    case 20404: // no such account
    case 21212: // the sender is not a number
    case 21408: // not allowed for that country
    case 21603: // no sender
    case 21606: // the sender is not ours
    case 21659: // the sender is not ours for that country
        delivery.state = DeliveryState::misconfigured;
        break;
    default: break;
    }
    return delivery;
}

} // namespace

Task<Delivery> Twilio::deliver(Sms const& message) {
    if (!options_.ready()) {
        Delivery missing = bad_message("Twilio is not set up");
        missing.state = DeliveryState::misconfigured;
        co_return missing;
    }
    if (message.text.empty()) co_return bad_message("the message has no text");
    std::vector<Header> fields = {{"To", message.to.value}, {"Body", message.text}};
    if (options_.messaging_service_sid.empty())
        fields.push_back({"From", options_.from});
    else
        fields.push_back({"MessagingServiceSid", options_.messaging_service_sid});
    if (!options_.status_callback.empty())
        fields.push_back({"StatusCallback", options_.status_callback});
    std::string const& user =
        options_.api_key_sid.empty() ? options_.account_sid : options_.api_key_sid;
    Request request;
    request.method = Method::post;
    request.url = options_.url + "/2010-04-01/Accounts/" + percent_encoded(options_.account_sid) +
                  "/Messages.json";
    request.headers = {
        {"Content-Type", "application/x-www-form-urlencoded"},
        {"Authorization", "Basic " + base64(user + ":" + options_.auth_token.value)}};
    request.body = form_encoded(fields);
    request.purpose = "sms";
    request.reach = options_.reach;
    Delivery delivery;
    try {
        Reply const reply = co_await client_.send(std::move(request));
        TwilioReply answer;
        if (!reply.ok()) {
            delivery = refused(reply);
        } else if (!describe::from_json(reply.body, answer).empty()) {
            delivery.reason = "Twilio's answer cannot be read";
            delivery.perhaps_sent = true;
        } else {
            delivery.state = DeliveryState::sent;
            delivery.provider_id = answer.sid;
        }
    } catch (Error const& error) {
        delivery = failed_delivery(error);
    }
    co_return delivery;
}

bool signed_by_twilio(std::string_view auth_token, std::string_view url, std::vector<Header> fields,
                      std::string_view header) {
    std::stable_sort(fields.begin(), fields.end(),
                     [](Header const& a, Header const& b) { return a.name < b.name; });
    std::string text(url);
    for (Header const& field : fields) text += field.name + field.value;
    std::string given;
    if (auth_token.empty() || !from_base64(header, given)) return false;
    return same_bytes(given, hmac_sha1(auth_token, text));
}

} // namespace haat::outbound
