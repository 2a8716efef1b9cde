#include <outbound/whatsapp_cloud.hpp>

#include <algorithm>

#include <boost/json.hpp>

#include <describe/codec.hpp>

namespace haat::outbound {

namespace {

namespace json = boost::json;

json::array parameters_of(std::vector<WhatsAppParameter> const& parameters) {
    json::array out;
    for (WhatsAppParameter const& parameter : parameters) {
        json::object one{{"type", "text"}, {"text", parameter.text}};
        if (!parameter.name.empty()) one["parameter_name"] = parameter.name;
        out.push_back(std::move(one));
    }
    return out;
}

json::object object_of(WhatsAppTemplate const& of) {
    json::array components;
    if (!of.header.empty())
        components.push_back({{"type", "header"}, {"parameters", parameters_of(of.header)}});
    if (!of.body.empty())
        components.push_back({{"type", "body"}, {"parameters", parameters_of(of.body)}});
    for (WhatsAppButton const& button : of.buttons) {
        json::object parameter{{"type", button.quick_reply ? "payload" : "text"},
                               {button.quick_reply ? "payload" : "text", button.value}};
        components.push_back({{"type", "button"},
                              {"sub_type", button.quick_reply ? "quick_reply" : "url"},
                              {"index", std::to_string(button.index)},
                              {"parameters", json::array{parameter}}});
    }
    json::object out{{"name", of.name}, {"language", json::object{{"code", of.language}}}};
    if (!components.empty()) out["components"] = std::move(components);
    return out;
}

std::string_view name_of(WhatsAppMediaKind kind) {
    static constexpr std::string_view names[] = {"image", "video", "audio", "document", "sticker"};
    return names[static_cast<std::size_t>(kind)];
}

json::object object_of(WhatsAppMedia const& media) {
    json::object out;
    if (media.id.empty())
        out["link"] = media.link;
    else
        out["id"] = media.id;
    bool const captioned =
        media.kind != WhatsAppMediaKind::audio && media.kind != WhatsAppMediaKind::sticker;
    if (captioned && !media.caption.empty()) out["caption"] = media.caption;
    if (media.kind == WhatsAppMediaKind::document && !media.filename.empty())
        out["filename"] = media.filename;
    return out;
}

/// Empty: it can be sent.
std::string problem_of(WhatsAppMessage const& message) {
    int const kinds = int(!message.text.empty()) + int(message.template_.has_value()) +
                      int(message.media.has_value()) + int(message.interactive.has_value());
    if (kinds != 1) return "the message must be one of text, template, media and interactive";
    if (message.text.size() > 4'096 * 4) return "the text is too long";
    if (message.template_ && message.template_->name.empty()) return "the template has no name";
    if (message.media && message.media->link.empty() == message.media->id.empty())
        return "media need a link or an id";
    return {};
}

std::string body_of(WhatsAppMessage const& message) {
    json::object body{{"messaging_product", "whatsapp"},
                      {"recipient_type", "individual"},
                      {"to", message.to.value.substr(1)}}; // without the plus
    if (!message.reply_to.empty()) body["context"] = json::object{{"message_id", message.reply_to}};
    std::string_view type = "text";
    if (message.template_) {
        type = "template";
        body[type] = object_of(*message.template_);
    } else if (message.media) {
        type = name_of(message.media->kind);
        body[type] = object_of(*message.media);
    } else if (message.interactive) {
        type = "interactive";
        body[type] = json::parse(message.interactive->text);
    } else {
        body[type] = json::object{{"body", message.text}, {"preview_url", message.preview_url}};
    }
    body["type"] = type;
    return json::serialize(body);
}

std::string id_in(std::string_view text) {
    boost::system::error_code bad;
    json::value const value = json::parse({text.data(), text.size()}, bad);
    if (bad) return {};
    json::value const* const id = value.find_pointer("/messages/0/id", bad);
    return id != nullptr && id->is_string() ? std::string(id->as_string()) : std::string();
}

Delivery refused(Reply const& reply) {
    Delivery delivery = refused_delivery(reply.status, reply.retry_after());
    delivery.reason = "WhatsApp answered " + std::to_string(reply.status);
    boost::system::error_code bad;
    json::value const value = json::parse({reply.body.data(), reply.body.size()}, bad);
    if (bad) return delivery;
    auto const text_at = [&](char const* pointer) -> std::string {
        json::value const* const found = value.find_pointer(pointer, bad);
        return found != nullptr && found->is_string() ? std::string(found->as_string())
                                                      : std::string();
    };
    json::value const* const code = value.find_pointer("/error/code", bad);
    if (code == nullptr || !code->is_int64()) return delivery;
    int const number = static_cast<int>(code->as_int64());
    delivery.code = std::to_string(number);
    delivery.state = whatsapp_state(number);
    delivery.recipient_gone = number == 131026 || number == 131030;
    std::string const details = text_at("/error/error_data/details");
    delivery.reason = brief(details.empty() ? text_at("/error/message") : details);
    delivery.perhaps_sent = false; // Meta has looked at it and said no
    return delivery;
}

} // namespace

DeliveryState whatsapp_state(int code) {
    switch (code) {
    case 4:      // too many calls of the app
    case 80007:  // of the account
    case 130429: // of the number
    case 131048: // too many were marked as spam
    case 131049: // kept back for the sake of the recipient
    case 131056: // too many to this recipient
    case 133016: return DeliveryState::throttled;
    case 1:      // unknown
    case 2:      // down or overloaded
    case 131000: // something went wrong
    case 131016: // overloaded
    case 131057: // in maintenance
    case 133004: // down
        return DeliveryState::temporary;
    case 0:      // the token is no good
    case 3:      // the app may not
    case 10:     // permission missing
    case 33:     // the number is gone
    case 190:    // the token is expired
    case 368:    // blocked for breaking policies
    case 130497: // restricted in that country
    case 131005: // access denied
    case 131031: // the account is locked
    case 131042: // payment
    case 131045: // the number is not registered
    case 133010: // the same
        return DeliveryState::misconfigured;
    default: break;
    }
    if (code >= 200 && code <= 299) return DeliveryState::misconfigured; // permissions
    return DeliveryState::permanent;
}

Task<Delivery> WhatsAppCloud::deliver(WhatsAppMessage const& message) {
    if (!options_.ready()) {
        Delivery missing = bad_message("WhatsApp is not set up");
        missing.state = DeliveryState::misconfigured;
        co_return missing;
    }
    if (std::string const problem = problem_of(message); !problem.empty())
        co_return bad_message(problem);
    Request request = json_request(options_.url + "/" + options_.version + "/" +
                                       percent_encoded(options_.phone_number_id) + "/messages",
                                   body_of(message));
    request.headers.push_back({"Authorization", "Bearer " + options_.access_token.value});
    request.purpose = "whatsapp";
    request.reach = options_.reach;
    Delivery delivery;
    try {
        Reply const reply = co_await client_.send(std::move(request));
        delivery = reply.ok() ? Delivery() : refused(reply);
        if (reply.ok()) delivery.provider_id = id_in(reply.body);
        if (!delivery.provider_id.empty()) {
            delivery.state = DeliveryState::sent;
        } else if (reply.ok()) {
            delivery.reason = "WhatsApp's answer cannot be read";
            delivery.perhaps_sent = true;
        }
    } catch (Error const& error) {
        delivery = failed_delivery(error);
    }
    co_return delivery;
}

} // namespace haat::outbound
