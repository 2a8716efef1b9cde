// Text messages through MSG91's flows: templates that were approved under India's rules (DLT).
#pragma once

#include <outbound/client.hpp>
#include <outbound/sms.hpp>

namespace haat::outbound {

struct Msg91Options {
    Secret<0, 255> auth_key; // empty: not set up
    std::string sender;      // six letters; empty: the template's
    std::string url = "https://control.msg91.com";
    Reach reach = Reach::house; // the operator wrote the URL

    bool ready() const { return !auth_key.value.empty(); }
};

class Msg91 : public Transport<Sms> {
public:
    Msg91(Client& client, Msg91Options options) : client_(client), options_(std::move(options)) {}
    std::string_view name() const override { return "msg91"; }
    Task<Delivery> deliver(Sms const& message) override;

private:
    Client& client_;
    Msg91Options options_;
};

} // namespace haat::outbound
