#include <modules/notify/post.hpp>

#include <algorithm>

#include <loop/loop.hpp>
#include <modules/notify/inside.hpp>

namespace haat::notify {

namespace {

using outbound::Delivery;

class MailCourier final : public Courier {
public:
    MailCourier(outbound::Smtp& smtp, std::string_view name) : smtp_(smtp), name_(name) {}
    std::string_view name() const override { return name_; }
    Task<Delivery> deliver(Parcel const& parcel) override {
        outbound::Mail mail;
        mail.to.push_back({parcel.name, Email{parcel.contact}});
        mail.subject = parcel.subject;
        mail.text = parcel.body;
        if (parcel.html) mail.html = *parcel.html;
        mail.attachments = parcel.attachments;
        mail.id = to_string(parcel.id.uuid); // the same Message-ID each time
        co_return co_await smtp_.deliver(mail);
    }

private:
    outbound::Smtp& smtp_;
    std::string_view name_;
};

template <class Provider> class SmsCourier final : public Courier {
public:
    template <class Options>
    SmsCourier(outbound::Client& client, Options const& options) : provider_(client, options) {}
    std::string_view name() const override { return provider_.name(); }
    Task<Delivery> deliver(Parcel const& parcel) override {
        outbound::Sms sms;
        sms.to.value = parcel.contact;
        sms.text = parcel.body;
        sms.template_id = parcel.provider_template;
        for (auto const& [name, value] : parcel.variables) sms.variables.push_back({name, value});
        co_return co_await provider_.deliver(sms);
    }

private:
    Provider provider_;
};

class WhatsAppCourier final : public Courier {
public:
    WhatsAppCourier(outbound::Client& client, outbound::WhatsAppOptions const& options)
        : provider_(client, options) {}
    std::string_view name() const override { return provider_.name(); }
    Task<Delivery> deliver(Parcel const& parcel) override {
        outbound::WhatsAppMessage message;
        message.to.value = parcel.contact;
        if (parcel.provider_template.empty()) {
            message.text = parcel.body;
        } else {
            outbound::WhatsAppTemplate& approved = message.template_.emplace();
            approved.name = parcel.provider_template;
            approved.language = parcel.language.empty() ? "en" : parcel.language;
            for (auto const& [name, value] : parcel.variables)
                approved.body.push_back({name, value});
        }
        co_return co_await provider_.deliver(message);
    }

private:
    outbound::WhatsAppCloud provider_;
};

struct PushWords {
    NotificationId id;
    NotificationType type = NotificationType::CUSTOM;
    std::string title;
    std::string body;
};
HAAT_DESCRIBE(PushWords, id, type, title, body)

class PushCourier final : public Courier {
public:
    PushCourier(outbound::Client& client, outbound::WebPushOptions const& options)
        : provider_(client, options) {}
    std::string_view name() const override { return provider_.name(); }
    Task<Delivery> deliver(Parcel const& parcel) override {
        outbound::PushMessage message;
        message.subscription = *parcel.subscription;
        // What is cut is read in the application.
        PushWords const words{parcel.id, parcel.type, cut(parcel.subject, 120),
                              cut(parcel.body, 400)};
        message.payload = describe::to_json(words);
        message.urgency =
            parcel.urgent ? outbound::PushUrgency::high : outbound::PushUrgency::normal;
        message.topic = to_string(parcel.id.uuid); // a second copy replaces the first
        co_return co_await provider_.deliver(message);
    }

private:
    outbound::WebPush provider_;
};

} // namespace

Post::Inside::Inside(PostOptions its_options) : options(std::move(its_options)) {
    for (outbound::SmtpOptions* const each : {&options.smtp, &options.smtp_fallback}) {
        if (!each->ready()) continue;
        each->meter = &meter;
        smtp.push_back(std::make_unique<outbound::Smtp>(*each));
    }
}

void Post::Inside::add(Loop& loop) {
    OfLoop& mine = *loops.emplace_back(std::make_unique<OfLoop>());
    outbound::Options client = options.client;
    client.meter = &meter;
    mine.loop = &loop;
    mine.client = std::make_unique<outbound::Client>(loop, client);
    auto const of = [&mine](Channel channel) -> auto& {
        return mine.couriers[static_cast<std::size_t>(channel)];
    };
    constexpr std::string_view names[] = {"smtp", "smtp_fallback"};
    for (std::size_t i = 0; i < smtp.size(); ++i)
        of(Channel::EMAIL).push_back(std::make_unique<MailCourier>(*smtp[i], names[i]));
    auto& sms = of(Channel::SMS);
    if (options.twilio.ready())
        sms.push_back(std::make_unique<SmsCourier<outbound::Twilio>>(*mine.client, options.twilio));
    if (options.msg91.ready())
        sms.push_back(std::make_unique<SmsCourier<outbound::Msg91>>(*mine.client, options.msg91));
    if (options.msg91_first) std::reverse(sms.begin(), sms.end());
    if (options.whatsapp.ready())
        of(Channel::WHATSAPP)
            .push_back(std::make_unique<WhatsAppCourier>(*mine.client, options.whatsapp));
    if (options.push.ready())
        of(Channel::PUSH).push_back(std::make_unique<PushCourier>(*mine.client, options.push));
}

std::vector<Courier*> Post::Inside::couriers(Channel channel) {
    std::vector<Courier*> all;
    for (auto const& each : loops)
        if (each->loop == &Loop::current())
            for (auto const& courier : each->couriers[static_cast<std::size_t>(channel)])
                all.push_back(courier.get());
    return all;
}

Post::Post(PostOptions options) : inside_(std::make_unique<Inside>(std::move(options))) {}
Post::~Post() = default;
void Post::add(Loop& loop) { inside_->add(loop); }
void Post::forget_loops() { inside_->loops.clear(); }
void Post::render(std::string& out) const { inside_->meter.render(out); }

} // namespace haat::notify
