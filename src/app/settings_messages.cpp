// The settings of what haat sends into the world: mail, text messages, WhatsApp, push.
#include <app/settings_messages.hpp>

#include <charconv>

#include <fmt/format.h>

namespace haat::app {

namespace {

using outbound::Mailbox;
using outbound::Network;
using outbound::SmtpSecurity;

struct Names {
    std::string_view key;
    std::string_view variables;
    std::string_view text;
    bool secret = false;
};

void read(std::string& into, std::string_view text) { into = text; }
std::string show(std::string const& value) { return value; }
std::string_view form_of(std::string const&) { return "text"; }

template <int Min, int Max> void read(Secret<Min, Max>& into, std::string_view text) {
    if (text.size() > static_cast<std::size_t>(Max))
        throw BadValue{fmt::format("must have at most {} characters", Max)};
    into.value = text;
}
template <int Min, int Max> std::string show(Secret<Min, Max> const& value) {
    return value.value.empty() ? "" : "***";
}
template <int Min, int Max> std::string_view form_of(Secret<Min, Max> const&) { return "text"; }

template <class Number>
void read_number(Number& into, std::string_view text, int most, std::string_view what) {
    int number = 0;
    auto const end = text.data() + text.size();
    auto const [at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || at != end || number < 1 || number > most)
        throw BadValue{fmt::format("must be {} from 1 to {}", what, most)};
    into = static_cast<Number>(number);
}
void read(std::uint16_t& into, std::string_view text) { read_number(into, text, 65'535, "a port"); }
std::string show(std::uint16_t value) { return std::to_string(value); }
std::string_view form_of(std::uint16_t) { return "port"; }
void read(int& into, std::string_view text) { read_number(into, text, 10'000, "a number"); }
std::string show(int value) { return std::to_string(value); }
std::string_view form_of(int) { return "number"; }
void read(bool& into, std::string_view text) {
    if (text != "true" && text != "false") throw BadValue{"must be true or false"};
    into = text == "true";
}
std::string show(bool value) { return value ? "true" : "false"; }
std::string_view form_of(bool) { return "true, false"; }

void read(Mailbox& into, std::string_view text) {
    if (text.empty())
        into = {};
    else if (!outbound::parse(text, into))
        throw BadValue{"must be an e-mail address, or a name and one: Shop <shop@example.org>"};
}
std::string show(Mailbox const& value) {
    return value.name.empty() ? value.address.value
                              : fmt::format("{} <{}>", value.name, value.address.value);
}
std::string_view form_of(Mailbox const&) { return "address"; }

constexpr std::string_view securities[] = {"automatic", "starttls", "tls", "none"};
void read(SmtpSecurity& into, std::string_view text) {
    for (std::size_t i = 0; i < std::size(securities); ++i)
        if (securities[i] == text) {
            into = static_cast<SmtpSecurity>(i);
            return;
        }
    throw BadValue{"must be one of automatic, starttls, tls, none"};
}
std::string show(SmtpSecurity value) {
    return std::string(securities[static_cast<std::size_t>(value)]);
}
std::string_view form_of(SmtpSecurity) { return "automatic, starttls, tls, none"; }

void read(std::vector<Network>& into, std::string_view text) {
    into.clear();
    for (std::size_t at = 0; at <= text.size();) {
        auto const comma = std::min(text.find(',', at), text.size());
        std::string_view word = text.substr(at, comma - at);
        while (word.starts_with(' ')) word.remove_prefix(1);
        while (word.ends_with(' ')) word.remove_suffix(1);
        Network network;
        if (!word.empty() && !outbound::parse(word, network))
            throw BadValue{"must be addresses or CIDR blocks, such as 10.1.0.0/16,192.0.2.7"};
        if (!word.empty()) into.push_back(network);
        at = comma + 1;
    }
}
std::string show(std::vector<Network> const& value) {
    std::string all;
    for (Network const& network : value) {
        int const bits = network.base.is_v4() ? network.bits - 96 : network.bits;
        all += fmt::format("{}{}/{}", all.empty() ? "" : ",", to_string(network.base), bits);
    }
    return all;
}
std::string_view form_of(std::vector<Network> const&) { return "list, comma-separated"; }

// `where` is a lambda without captures that finds the member.
template <class Where> Setting make(Names names, Where) {
    Config const standard;
    return {names.key,
            names.variables,
            names.text,
            names.secret,
            form_of(Where{}(standard)),
            [](Config& config, std::string_view text, bool) { read(Where{}(config), text); },
            [](Config const& config) { return show(Where{}(config)); }};
}

#define AT(member) [](auto& config) -> auto& { return config.messages.member; }

void add_mail(std::vector<Setting>& all) {
    auto const add = [&](Names names, auto where) { all.push_back(make(names, where)); };
    add({"smtp.host", "SMTP_HOST", "The mail server; without one, no mail leaves haat."},
        AT(smtp.host));
    add({"smtp.port", "SMTP_PORT", "465 means TLS from the first byte, any other STARTTLS."},
        AT(smtp.port));
    add({"smtp.user", "SMTP_USER", "For the sign-in; empty: none."}, AT(smtp.user));
    add({"smtp.password", "SMTP_PASS", "For the sign-in.", true}, AT(smtp.password));
    add({"smtp.security", "HAAT_SMTP_SECURITY",
         "`automatic`: as the port says; `none`: for a relay on this machine or in this rack."},
        AT(smtp.security));
    add({"smtp.from", "FROM_EMAIL",
         "Whom mails come from: an address, or a name and one. Empty: SMTP_USER, if that is one."},
        AT(smtp.from));
    add({"smtp.connections", "HAAT_SMTP_CONNECTIONS", "To the mail server at once; they are kept."},
        AT(smtp.connections_max));
    add({"smtp.ca_file", "HAAT_SMTP_CA",
         "A PEM file of the authorities that are believed instead of the system's."},
        AT(smtp.ca_file));
}

void add_mail_fallback(std::vector<Setting>& all) {
    auto const add = [&](Names names, auto where) { all.push_back(make(names, where)); };
    add({"smtp_fallback.host", "HAAT_SMTP_FALLBACK_HOST",
         "A second mail server, asked when the first one is away or refuses haat; empty: none."},
        AT(smtp_fallback.host));
    add({"smtp_fallback.port", "HAAT_SMTP_FALLBACK_PORT", "As SMTP_PORT."}, AT(smtp_fallback.port));
    add({"smtp_fallback.user", "HAAT_SMTP_FALLBACK_USER", "For the sign-in; empty: none."},
        AT(smtp_fallback.user));
    add({"smtp_fallback.password", "HAAT_SMTP_FALLBACK_PASS", "For the sign-in.", true},
        AT(smtp_fallback.password));
    add({"smtp_fallback.security", "HAAT_SMTP_FALLBACK_SECURITY", "As HAAT_SMTP_SECURITY."},
        AT(smtp_fallback.security));
}

void add_messages(std::vector<Setting>& all) {
    auto const add = [&](Names names, auto where) { all.push_back(make(names, where)); };
    add({"twilio.account_sid", "TWILIO_ACCOUNT_SID", "AC…; empty: Twilio is not used."},
        AT(twilio.account_sid));
    add({"twilio.auth_token", "TWILIO_AUTH_TOKEN",
         "Of the account, or the secret of the API key when there is one.", true},
        AT(twilio.auth_token));
    add({"twilio.api_key_sid", "TWILIO_API_KEY_SID", "SK…; empty: the account signs in itself."},
        AT(twilio.api_key_sid));
    add({"twilio.from", "TWILIO_FROM TWILIO_PHONE_NUMBER", "The number or sender id of ours."},
        AT(twilio.from));
    add({"twilio.messaging_service_sid", "TWILIO_MESSAGING_SERVICE_SID",
         "MG…, instead of a number."},
        AT(twilio.messaging_service_sid));
    add({"msg91.auth_key", "MSG91_AUTH_KEY", "Empty: MSG91 is not used.", true},
        AT(msg91.auth_key));
    add({"msg91.sender", "MSG91_SENDER_ID", "Six letters; empty: the template's."},
        AT(msg91.sender));
    add({"msg91.first", "HAAT_MSG91_FIRST",
         "Text messages go through MSG91, and through Twilio when that fails; else the other way "
         "round."},
        AT(msg91_first));
    add({"msg91.callback_key", "MSG91_CALLBACK_KEY",
         "What MSG91 is set up to send as X-MSG91-Key with its reports; empty: they are refused.",
         true},
        AT(msg91_callback_key));
    add({"messages.public_url", "HAAT_PUBLIC_URL",
         "How the world reaches this server, such as https://shop.example; needed for Twilio's "
         "reports."},
        AT(public_url));
    add({"whatsapp.phone_number_id", "WHATSAPP_PHONE_NUMBER_ID",
         "Of the number that messages come from; empty: WhatsApp is not used."},
        AT(whatsapp.phone_number_id));
    add({"whatsapp.access_token", "WHATSAPP_ACCESS_TOKEN", "Of a system user of the business.",
         true},
        AT(whatsapp.access_token));
    add({"whatsapp.version", "WHATSAPP_API_VERSION", "Of Meta's Graph API."}, AT(whatsapp.version));
    add({"whatsapp.app_secret", "WHATSAPP_APP_SECRET",
         "With which Meta signs its reports; empty: they are refused.", true},
        AT(whatsapp_app_secret));
    add({"whatsapp.verify_token", "WHATSAPP_VERIFY_TOKEN",
         "What Meta sends when the webhook is set up.", true},
        AT(whatsapp_verify_token));
    add({"push.public_key", "VAPID_PUBLIC_KEY",
         "What browsers subscribe with; empty: web push is not used."},
        AT(push.keys.public_key));
    add({"push.private_key", "VAPID_PRIVATE_KEY", "The other half.", true},
        AT(push.keys.private_key));
    add({"push.subject", "VAPID_SUBJECT",
         "Whom push services may complain to: mailto:… or a URL. Empty: FROM_EMAIL."},
        AT(push.subject));
}

void add_client(std::vector<Setting>& all) {
    auto const add = [&](Names names, auto where) { all.push_back(make(names, where)); };
    add({"outbound.allowed_networks", "HAAT_OUTBOUND_ALLOWED_NETWORKS",
         "Private addresses that customers' URLs (webhooks, push endpoints) may lead to, though "
         "they are not public."},
        AT(client.allowed_networks));
    add({"outbound.ca_file", "HAAT_OUTBOUND_CA",
         "A PEM file of the authorities that are believed instead of the system's."},
        AT(client.ca_file));
    add({"outbound.running_max", "HAAT_OUTBOUND_RUNNING_MAX",
         "Requests to other servers at once, of each loop; the others wait."},
        AT(client.running_max));
    add({"outbound.running_per_host_max", "HAAT_OUTBOUND_RUNNING_PER_HOST_MAX",
         "The same for one host."},
        AT(client.running_per_host_max));
}

#undef AT

void check_mail(MessagesConfig& messages, std::vector<std::string>& problems) {
    outbound::SmtpOptions& smtp = messages.smtp;
    if (smtp.host.empty()) return;
    if (smtp.from.address.value.empty()) outbound::parse(smtp.user, smtp.from);
    if (smtp.from.address.value.empty())
        problems.push_back("SMTP_HOST is set and FROM_EMAIL is not: mails need a sender");
    if (smtp.user.empty() != smtp.password.value.empty())
        problems.push_back("SMTP_USER and SMTP_PASS belong together: give both or none");
}

void check_mail_fallback(MessagesConfig& messages, std::vector<std::string>& problems) {
    outbound::SmtpOptions& fallback = messages.smtp_fallback;
    if (fallback.host.empty()) return;
    if (messages.smtp.host.empty())
        problems.push_back("HAAT_SMTP_FALLBACK_HOST is set and SMTP_HOST is not");
    if (fallback.user.empty() != fallback.password.value.empty())
        problems.push_back("HAAT_SMTP_FALLBACK_USER and HAAT_SMTP_FALLBACK_PASS belong together: "
                           "give both or none");
    fallback.from = messages.smtp.from; // the same sender, whoever carries it
    fallback.ca_file = messages.smtp.ca_file;
    fallback.connections_max = messages.smtp.connections_max;
}

void check_callbacks(MessagesConfig& messages, std::vector<std::string>& problems) {
    std::string& url = messages.public_url;
    while (url.ends_with('/')) url.pop_back();
    if (url.empty()) return;
    if (!url.starts_with("https://") && !url.starts_with("http://"))
        problems.push_back("HAAT_PUBLIC_URL must begin with https:// or http://");
    if (messages.twilio.status_callback.empty())
        messages.twilio.status_callback = url + "/api/v1/notifications/callbacks/sms";
}

void check_push(MessagesConfig& messages, std::vector<std::string>& problems) {
    outbound::WebPushOptions& push = messages.push;
    if (push.keys.public_key.empty() && push.keys.private_key.value.empty()) return;
    if (!valid(push.keys))
        problems.push_back("VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY are no pair of keys");
    std::string const& from = messages.smtp.from.address.value;
    if (push.subject.empty() && !from.empty()) push.subject = "mailto:" + from;
    if (!push.subject.starts_with("mailto:") && !push.subject.starts_with("https://"))
        problems.push_back("VAPID_SUBJECT must be mailto:… or an https URL");
}

} // namespace

void add_message_settings(std::vector<Setting>& all) {
    add_mail(all);
    add_mail_fallback(all);
    add_messages(all);
    add_client(all);
}

void check_messages(MessagesConfig& messages, std::vector<std::string>& problems) {
    check_mail(messages, problems);
    check_mail_fallback(messages, problems);
    check_callbacks(messages, problems);
    check_push(messages, problems);
    outbound::TwilioOptions const& twilio = messages.twilio;
    if (!twilio.account_sid.empty() && !twilio.ready())
        problems.push_back("TWILIO_ACCOUNT_SID needs TWILIO_AUTH_TOKEN, and TWILIO_FROM or "
                           "TWILIO_MESSAGING_SERVICE_SID");
    outbound::WhatsAppOptions const& whatsapp = messages.whatsapp;
    if (whatsapp.phone_number_id.empty() != whatsapp.access_token.value.empty())
        problems.push_back("WHATSAPP_PHONE_NUMBER_ID and WHATSAPP_ACCESS_TOKEN belong together: "
                           "give both or none");
}

} // namespace haat::app
