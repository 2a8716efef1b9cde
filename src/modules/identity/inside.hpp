// What an Identity is made of; for the module's own files.
#pragma once

#include <modules/identity/desk.hpp>
#include <modules/identity/identity.hpp>
#include <modules/identity/token.hpp>

namespace haat::identity {

/// Asks the desk of the loop that runs.
class Desks final : public Authenticator {
public:
    Task<Actor> who(Credentials const&) override;
    Task<void> act_for_organization(Actor&, Credentials const&) override;

    void add(std::size_t loop, std::unique_ptr<Desk>);

private:
    Desk& here() const;
    std::vector<std::unique_ptr<Desk>> desks_;
};

struct Identity::Inside {
    IdentityOptions const options;
    Workers& workers;
    AccessTokens const access_tokens;
    RefreshTokens const refresh_tokens;
    std::string const decoy;
    News news;
    Desks desks;

    AttemptLimits attempt_limits() const {
        return {options.failures_per_pair_max, options.failures_per_email_max,
                options.failures_per_address_max};
    }
};

} // namespace haat::identity
