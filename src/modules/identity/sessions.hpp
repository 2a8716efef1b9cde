// Sessions as the handlers use them: opening, and what the client is given. Private to the module.
#pragma once

#include <string>
#include <string_view>

#include <http/call.hpp>
#include <modules/identity/inside.hpp>
#include <modules/identity/model.hpp>

namespace haat::identity {

/// A transaction of the caller's request in the name of somebody else: whoever is being signed in.
Tx begin_as(RawCall&, UserId);

/// The address that failures are counted under; a whole /64 of IPv6 is one.
std::string counted_address(RawCall&);
std::string user_agent_of(RawCall&);

struct Opened {
    UserId user;
    RefreshToken refresh;
    Timestamp now;
};

/// Queues the new session in a transaction of that user, with its event.
Opened open_session(Identity::Inside const&, RawCall&, Tx&, UserId);

/// The tokens and the user, with both cookies.
Reply<SignedIn> signed_in(Identity::Inside const&, int status, RefreshToken const&,
                          UserView const&);

/// Makes the client forget both cookies.
void clear_cookies(Identity::Inside const&, RawReply&);

/// A password, against a hash or, when nobody has this e-mail, against one that is always wrong
/// and takes as long.
Task<bool> is_right_password(Identity::Inside const&, std::optional<std::string> const& hash,
                             std::string const& password);

} // namespace haat::identity
