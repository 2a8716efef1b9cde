// Text messages through Twilio's Messages resource.
#pragma once

#include <outbound/client.hpp>
#include <outbound/sms.hpp>

namespace haat::outbound {

struct TwilioOptions {
    std::string account_sid;           // AC…; empty: not set up
    Secret<0, 255> auth_token;         // of the account, or of the API key
    std::string api_key_sid;           // SK…; empty: the account signs in itself
    std::string from;                  // a number or sender id of ours, or
    std::string messaging_service_sid; // MG…, which has numbers of its own
    std::string status_callback;       // a URL of ours that hears what became of it; or empty
    std::string url = "https://api.twilio.com";
    Reach reach = Reach::house; // the operator wrote the URL

    bool ready() const {
        return !account_sid.empty() && !auth_token.value.empty() &&
               (!from.empty() || !messaging_service_sid.empty());
    }
};

class Twilio : public Transport<Sms> {
public:
    Twilio(Client& client, TwilioOptions options) : client_(client), options_(std::move(options)) {}
    std::string_view name() const override { return "twilio"; }
    Task<Delivery> deliver(Sms const& message) override;

private:
    Client& client_;
    TwilioOptions options_;
};

/// X-Twilio-Signature of a status callback: the URL as Twilio knows it and the form's fields.
bool signed_by_twilio(std::string_view auth_token, std::string_view url, std::vector<Header> fields,
                      std::string_view header);

} // namespace haat::outbound
