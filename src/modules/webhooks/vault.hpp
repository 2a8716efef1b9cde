// Endpoints' secrets: made here, shown once, kept sealed. No I/O.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <modules/webhooks/webhooks.hpp>

namespace haat::webhooks {

class Vault {
public:
    explicit Vault(std::string_view server_secret);

    /// "whsec_" and 32 random bytes.
    static std::string fresh();
    /// For the database; a sealed secret is good for its own endpoint only.
    std::string seal(std::string_view secret, EndpointId id) const;
    /// Nothing when it was sealed with another server's secret, or changed.
    std::optional<std::string> open(std::string_view sealed, EndpointId id) const;

private:
    std::array<unsigned char, 32> key_{};
};

/// "t=1700000000,v1=…": HMAC-SHA256 over "t.body", a v1 for each secret.
std::string signature_of(std::int64_t seconds, std::string_view body,
                         std::vector<std::string> const& secrets);

} // namespace haat::webhooks
