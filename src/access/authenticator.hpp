// The port through which the edge learns who calls. Implemented by the identity module.
#pragma once

#include <optional>
#include <string_view>

#include <access/access.hpp>
#include <base/task.hpp>

namespace haat {

struct Credentials {
    std::string_view bearer;       // the access token, from the header or the cookie; may be empty
    std::string_view organization; // X-Org-Id; may be empty
};

class Authenticator {
public:
    virtual ~Authenticator() = default;

    /// Throws token_invalid, token_expired or session_ended. No token: the anonymous actor.
    virtual Task<Actor> who(Credentials const&) = 0;

    /// Fills org and org_role: the named organization, or the caller's only one. Throws
    /// organization_required (400, lists them) or organization_not_found (404).
    virtual Task<void> act_for_organization(Actor&, Credentials const&) = 0;
};

} // namespace haat
