// Who people are, what they belong to, and who is signed in: the face of the module.
// One Identity serves the whole process; the composition root makes it before the loops start and
// it outlives them and their databases.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <access/authenticator.hpp>
#include <events/events.hpp>
#include <modules/identity/password.hpp>

namespace haat {
class Routes;
class Workers;
namespace pg {
class Database;
}
} // namespace haat

namespace haat::identity {

using namespace std::chrono_literals;

struct IdentityOptions {
    /// JWT_SECRET. The first signs, all verify; put a new one in front to replace the old.
    std::vector<std::string> token_secrets;
    std::chrono::seconds access_lifetime = 15min;
    std::chrono::seconds refresh_lifetime = std::chrono::hours(7 * 24);
    /// Within it, a refresh token that was just replaced gets the same successor again.
    std::chrono::seconds refresh_grace = 10s;
    bool secure_cookies = true; // false in development only
    PasswordPolicy password_policy = PasswordPolicy::mixed;
    HashCost hash_cost;
    /// Wrong passwords within the window: one e-mail from one address, one e-mail from anywhere,
    /// one address with any e-mail.
    int failures_per_pair_max = 5;
    int failures_per_email_max = 50;
    int failures_per_address_max = 20;
    std::chrono::seconds failure_window = 15min;
    int organizations_owned_max = 20;
};

class Identity {
public:
    Identity(IdentityOptions, Workers&);
    ~Identity();
    Identity(Identity const&) = delete;

    /// Once for each loop, before it runs: makes the caches that this loop's requests use.
    void serve(pg::Database&);

    Authenticator& authenticator();

    /// Every loop of this process asks the database anew about this user or session, at once. Other
    /// nodes hear it from tell_standing_changed().
    void forget(Uuid const& user_or_session);

    struct Inside;
    Inside& inside() { return *inside_; }

private:
    std::unique_ptr<Inside> inside_;
};

/// For whoever changes a role, a membership, a block or a session: when the transaction commits,
/// every node asks the database anew within a second. Call Identity::forget() after the commit.
void tell_standing_changed(Tx&, Uuid const& user_or_session);

void add_identity_routes(Routes&, Identity&);
void add_organization_address_routes(Routes&);

/// An administrator, the owner of "Sunrise School Supplies" and a customer; may be run again. Needs
/// a database opened as the owner role: nobody becomes an administrator through a request.
Task<void> seed_identity_demo(pg::Database&);

// ---- events

struct UserCreated {
    UserId id;
    Email email;
    std::string name;
    std::optional<Phone> phone;
    PlatformRole role = PlatformRole::customer;
    bool is_active = true;
    Timestamp created_at;
};
HAAT_DESCRIBE(UserCreated, id, email, name, phone, role, is_active, created_at)
HAAT_PERSONAL(UserCreated, name)
HAAT_PERSON(UserCreated, id)

struct UserLoggedIn {
    UserId user_id;
    std::optional<Email> email;
    SessionId session_id;
    std::string ip_address;
    std::string user_agent;
    Timestamp login_at;
};
HAAT_DESCRIBE(UserLoggedIn, user_id, email, session_id, ip_address, user_agent, login_at)
HAAT_PERSONAL(UserLoggedIn, ip_address, user_agent)
HAAT_PERSON(UserLoggedIn, user_id)

/// Signed out, refreshed, ended, or misused: what happened to a session.
struct SessionEvent {
    UserId user_id;
    SessionId session_id;
    std::string ip_address;
    std::string reason;
    Timestamp at;
};
HAAT_DESCRIBE(SessionEvent, user_id, session_id, ip_address, reason, at)
HAAT_PERSONAL(SessionEvent, ip_address)
HAAT_PERSON(SessionEvent, user_id)

struct UserLoginFailed {
    std::optional<UserId> user_id;
    std::string email;
    std::string ip_address;
    std::string user_agent;
    std::int32_t attempts = 0;
    Timestamp failed_at;
};
HAAT_DESCRIBE(UserLoginFailed, user_id, email, ip_address, user_agent, attempts, failed_at)
HAAT_PERSONAL(UserLoginFailed, email, ip_address, user_agent)
HAAT_PERSON(UserLoginFailed, user_id)

struct UserAccountLocked {
    std::optional<UserId> user_id;
    std::string email;
    std::string ip_address;
    std::int32_t attempts = 0;
    Timestamp locked_until;
};
HAAT_DESCRIBE(UserAccountLocked, user_id, email, ip_address, attempts, locked_until)
HAAT_PERSONAL(UserAccountLocked, email, ip_address)
HAAT_PERSON(UserAccountLocked, user_id)

struct UserRoleChanged {
    UserId user_id;
    OrgId org_id;
    std::optional<OrgRole> role; // nothing: no longer a member
    Timestamp at;
};
HAAT_DESCRIBE(UserRoleChanged, user_id, org_id, role, at)

inline Event<UserCreated> user_created{subjects::user_created};
inline Event<UserLoggedIn> user_logged_in{subjects::user_logged_in};
inline Event<SessionEvent> user_logged_out{subjects::user_logged_out};
inline Event<UserLoginFailed> user_login_failed{subjects::user_login_failed};
inline Event<SessionEvent> user_token_refreshed{subjects::user_token_refreshed};
inline Event<UserAccountLocked> user_account_locked{subjects::user_account_locked};
inline Event<UserRoleChanged> user_role_changed{subjects::user_role_changed};
inline Event<SessionEvent> session_created{subjects::session_created};
inline Event<SessionEvent> session_terminated{subjects::session_terminated};
inline Event<SessionEvent> suspicious_activity{subjects::suspicious_activity_detected};

} // namespace haat::identity
