// WhatsApp through Meta's Cloud API: text, templates, media, and interactive messages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <outbound/client.hpp>
#include <outbound/delivery.hpp>

namespace haat::outbound {

struct WhatsAppParameter {
    std::string name; // of a template with named parameters; else empty
    std::string text;
};
HAAT_DESCRIBE(WhatsAppParameter, name, text)

struct WhatsAppButton {
    std::int32_t index = 0;
    bool quick_reply = false; // else the variable end of a URL
    std::string value;
};
HAAT_DESCRIBE(WhatsAppButton, index, quick_reply, value)

struct WhatsAppTemplate {
    std::string name;
    std::string language = "en";
    std::vector<WhatsAppParameter> header;
    std::vector<WhatsAppParameter> body;
    std::vector<WhatsAppButton> buttons;
};
HAAT_DESCRIBE(WhatsAppTemplate, name, language, header, body, buttons)

enum class WhatsAppMediaKind : std::uint8_t { image, video, audio, document, sticker };
HAAT_DESCRIBE_ENUM(WhatsAppMediaKind, image, video, audio, document, sticker)

struct WhatsAppMedia {
    WhatsAppMediaKind kind = WhatsAppMediaKind::image;
    std::string link; // a public URL, or
    std::string id;   // of what was uploaded before
    std::string caption;
    std::string filename; // of a document
};
HAAT_DESCRIBE(WhatsAppMedia, kind, link, id, caption, filename)

/// Exactly one of text, template_, media and interactive. Without a template it arrives only
/// within a day of the customer's last message.
struct WhatsAppMessage {
    Phone to;
    std::string text;
    bool preview_url = false;
    std::optional<WhatsAppTemplate> template_;
    std::optional<WhatsAppMedia> media;
    std::optional<Json> interactive; // as Meta's documentation has it: buttons, lists, products
    std::string reply_to;            // the id of a message that this one answers
};
HAAT_DESCRIBE(WhatsAppMessage, to, text, preview_url, template_, media, interactive, reply_to)

struct WhatsAppOptions {
    std::string phone_number_id;
    Secret<0, 1024> access_token; // empty: not set up
    std::string version = "v21.0";
    std::string url = "https://graph.facebook.com";
    Reach reach = Reach::house; // the operator wrote the URL

    bool ready() const { return !phone_number_id.empty() && !access_token.value.empty(); }
};

class WhatsAppCloud : public Transport<WhatsAppMessage> {
public:
    WhatsAppCloud(Client& client, WhatsAppOptions options)
        : client_(client), options_(std::move(options)) {}
    std::string_view name() const override { return "whatsapp"; }
    Task<Delivery> deliver(WhatsAppMessage const& message) override;

private:
    Client& client_;
    WhatsAppOptions options_;
};

/// What a refusal's code means; also of the errors in Meta's webhooks.
DeliveryState whatsapp_state(int code);

} // namespace haat::outbound
