// The providers, each behind the same face.
#pragma once

#include <modules/notify/notify.hpp>
#include <outbound/meter.hpp>
#include <outbound/sms_msg91.hpp>
#include <outbound/sms_twilio.hpp>
#include <outbound/smtp.hpp>
#include <outbound/web_push.hpp>
#include <outbound/whatsapp_cloud.hpp>

namespace haat::notify {

/// Who delivers what; each is used when it is set up.
struct PostOptions {
    bool production = true; // otherwise what no provider delivers is kept for developers
    outbound::SmtpOptions smtp;
    outbound::SmtpOptions smtp_fallback; // asked when the first is away or refuses
    outbound::TwilioOptions twilio;
    outbound::Msg91Options msg91;
    bool msg91_first = false;
    outbound::WhatsAppOptions whatsapp;
    outbound::WebPushOptions push;
    outbound::Options client; // of each loop
};

/// A message with everything that any provider wants to know of it.
struct Parcel {
    NotificationId id;
    NotificationType type = NotificationType::CUSTOM;
    std::string name;
    std::string contact; // an e-mail address, or a phone number
    std::string subject;
    std::string body;
    std::optional<std::string> html;
    std::string language;
    std::string provider_template; // empty: none
    std::vector<std::pair<std::string, std::string>> variables;
    bool urgent = false;
    std::vector<outbound::Attachment> attachments = {}; // of mails
    std::optional<outbound::PushSubscription> subscription = {};
};

class Courier {
public:
    virtual ~Courier() = default;
    virtual std::string_view name() const = 0;
    virtual Task<outbound::Delivery> deliver(Parcel const& parcel) = 0;
};

struct Post::Inside {
    explicit Inside(PostOptions its_options);

    /// In the order in which they are asked; of the current loop.
    std::vector<Courier*> couriers(Channel channel);

    struct OfLoop {
        Loop* loop = nullptr;
        std::unique_ptr<outbound::Client> client;
        std::array<std::vector<std::unique_ptr<Courier>>, channels> couriers;
    };
    void add(Loop& loop);

    PostOptions options;
    outbound::Meter meter;
    std::vector<std::unique_ptr<outbound::Smtp>> smtp; // for all loops
    std::vector<std::unique_ptr<OfLoop>> loops;
};

} // namespace haat::notify
