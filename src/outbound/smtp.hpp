// Mail by SMTP: STARTTLS or TLS, sign-in, connections that are kept. One for the program, used
// from every loop: it has a thread of its own, because libcurl takes leave of a mail server with a
// QUIT whose answer it waits for.
#pragma once

#include <memory>
#include <string>

#include <outbound/client.hpp>
#include <outbound/delivery.hpp>
#include <outbound/mail.hpp>

namespace haat::outbound {

enum class SmtpSecurity : std::uint8_t {
    automatic, // TLS on port 465, else STARTTLS, which the server must offer
    starttls,
    tls,
    none // for a relay on this machine or in this rack
};

struct SmtpOptions {
    std::string host; // empty: not set up
    std::uint16_t port = 587;
    std::string user; // empty: no sign-in
    Secret<0, 255> password;
    SmtpSecurity security = SmtpSecurity::automatic;
    Mailbox from; // of mails that name no other
    int connections_max = 4;
    Times times = {.connect = 10s, .silence = 60s, .whole = 120s};
    std::string ca_file = {}; // empty: the system's certificates
    Meter* meter = nullptr;   // outlives the transport

    bool ready() const { return !host.empty() && !from.address.value.empty(); }
};

class Smtp : public Transport<Mail> {
public:
    explicit Smtp(SmtpOptions options);
    ~Smtp() override; // what still runs ends as temporary
    std::string_view name() const override { return "smtp"; }
    /// All recipients or none: one that is refused refuses the mail.
    Task<Delivery> deliver(Mail const& mail) override;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// `Anna <anna@example.org>` or the address alone; false when it is neither.
bool parse(std::string_view text, Mailbox& out);

} // namespace haat::outbound
