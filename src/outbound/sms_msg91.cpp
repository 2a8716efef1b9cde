#include <outbound/sms_msg91.hpp>

#include <algorithm>

#include <boost/json.hpp>

#include <describe/codec.hpp>

namespace haat::outbound {

struct Msg91Reply {
    std::string type;
    std::string message; // the id of the request, or what is wrong
};
HAAT_DESCRIBE(Msg91Reply, type, message)

namespace {

namespace json = boost::json;

std::string body_of(Sms const& message, Msg91Options const& options) {
    json::object recipient{{"mobiles", message.to.value.substr(1)}}; // without the plus
    for (SmsVariable const& variable : message.variables) recipient[variable.name] = variable.value;
    json::object body{{"template_id", message.template_id},
                      {"short_url", "0"},
                      {"recipients", json::array{recipient}}};
    if (!options.sender.empty()) body["sender"] = options.sender;
    return json::serialize(body);
}

/// MSG91 sends its code as a number, as a text, or not at all.
std::string code_in(std::string_view text) {
    boost::system::error_code bad;
    json::value const value = json::parse({text.data(), text.size()}, bad);
    if (bad || !value.is_object()) return {};
    json::value const* const code = value.as_object().if_contains("code");
    if (code == nullptr) return {};
    if (code->is_string()) return std::string(code->as_string());
    return code->is_int64() ? std::to_string(code->as_int64()) : std::string();
}

bool speaks_of(std::string_view text, std::string_view what) {
    return std::search(text.begin(), text.end(), what.begin(), what.end(), [](char a, char b) {
               return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b;
           }) != text.end();
}

/// It answers 200 to much that it refuses; what it means is in the code or in the words.
Delivery refused(Reply const& reply, Msg91Reply const& answer) {
    bool const says_error = answer.type == "error";
    Delivery delivery = refused_delivery(reply.ok() ? 400 : reply.status, reply.retry_after());
    if (!says_error) {
        delivery.reason = "MSG91 answered " + std::to_string(reply.status);
        return delivery;
    }
    delivery.reason = brief(answer.message);
    std::string const code = code_in(reply.body);
    if (!code.empty()) delivery.code = code;
    std::string_view const words = answer.message;
    if (code == "311" || speaks_of(words, "duplicate")) {
        // The same to the same number within ten seconds: the one before was taken.
        delivery.state = DeliveryState::sent;
    } else if (code == "202" || code == "101" || speaks_of(words, "invalid mobile")) {
        delivery.state = DeliveryState::permanent;
        delivery.recipient_gone = true;
    } else if (code == "207" || code == "201" || code == "106" || code == "208" || code == "418" ||
               code == "301" || code == "302" || code == "303" || code == "203" ||
               speaks_of(words, "auth") || speaks_of(words, "balance") ||
               speaks_of(words, "whitelist")) {
        delivery.state = DeliveryState::misconfigured;
    } else if (code == "306" || code == "506") {
        delivery.state = DeliveryState::temporary;
    }
    delivery.perhaps_sent = false;
    return delivery;
}

} // namespace

Task<Delivery> Msg91::deliver(Sms const& message) {
    if (!options_.ready()) {
        Delivery missing = bad_message("MSG91 is not set up");
        missing.state = DeliveryState::misconfigured;
        co_return missing;
    }
    if (message.template_id.empty())
        co_return bad_message("MSG91 sends approved templates only, and the message names none");
    for (SmsVariable const& variable : message.variables)
        if (variable.name.empty() || variable.name == "mobiles")
            co_return bad_message("a variable cannot be called \"" + variable.name + "\"");
    Request request = json_request(options_.url + "/api/v5/flow", body_of(message, options_));
    request.headers.push_back({"authkey", options_.auth_key.value});
    request.headers.push_back({"Accept", "application/json"});
    request.purpose = "sms";
    request.reach = options_.reach;
    Delivery delivery;
    try {
        Reply const reply = co_await client_.send(std::move(request));
        Msg91Reply answer;
        bool const read = describe::from_json(reply.body, answer).empty();
        if (read && reply.ok() && answer.type == "success") {
            delivery.state = DeliveryState::sent;
            delivery.provider_id = answer.message;
        } else if (reply.ok() && !read) {
            delivery.reason = "MSG91's answer cannot be read";
            delivery.perhaps_sent = true;
        } else {
            delivery = refused(reply, answer);
        }
    } catch (Error const& error) {
        delivery = failed_delivery(error);
    }
    co_return delivery;
}

} // namespace haat::outbound
