// The routes of identity.
#include <base/clock.hpp>
#include <http/routes.hpp>
#include <loop/loop.hpp>
#include <modules/identity/errors.hpp>
#include <modules/identity/queries.hpp>
#include <modules/identity/registration.hpp>
#include <modules/identity/sessions.hpp>

namespace haat::identity {

namespace {

Task<Reply<SignedIn>> register_user(Identity&, Call<Registration>&);
Task<Reply<SignedIn>> sign_in(Identity&, Call<Credential>&);
Task<Reply<SignedIn>> refresh(Identity&, Call<Refreshing>&);
Task<Reply<None>> sign_out(Identity&, Call<>&);
Task<Reply<UserView>> me(Call<>&);
Task<Reply<OrganizationView>> found_organization(Identity&, Call<NewOrganization>&);
Task<Reply<Page<OrganizationView>>> my_organizations(Ask<OrganizationFilter>&);

} // namespace

void add_identity_routes(Routes& routes, Identity& identity) {
    Routes auth = routes.group("/auth", "Authentication");
    auth.post("/register", &register_user, identity, "Sign up")
        .open()
        .limited(RateClass::auth)
        .says("User registered successfully")
        .refuses(email_exists)
        .alias("/api/v1/ecommerce/auth/register");
    auth.post("/login", &sign_in, identity, "Sign in")
        .open()
        .in_maintenance()
        .limited(RateClass::auth)
        .audited_as("LOGIN")
        .says("Login successful")
        .refuses(account_locked, too_many_sign_ins, invalid_credentials, account_inactive,
                 role_mismatch)
        .alias("/api/v1/ecommerce/auth/login");
    auth.post("/refresh-token", &refresh, identity, "Exchange a refresh token")
        .open()
        .in_maintenance()
        .says("Token refreshed")
        .describes("The refresh token comes in the body or in the cookie and is replaced each "
                   "time. Using an old one again ends the session; only within ten seconds does "
                   "it give the same successor, so that two tabs may refresh at once.")
        .refuses(invalid_refresh_token, refresh_token_reused, session_ended, account_inactive)
        .alias("/api/v1/auth/refresh")
        .alias("/api/v1/ecommerce/auth/refresh");
    auth.post("/logout", &sign_out, identity, "Sign out")
        .needs(Permit::signed_in)
        .in_maintenance()
        .audited_as("LOGOUT")
        .says("Logout successful")
        .refuses(session_ended)
        .alias("/api/v1/ecommerce/auth/logout");
    auth.get("/me", &me, "Who I am")
        .needs(Permit::signed_in)
        .refuses(session_ended)
        .alias("/api/v1/auth/getProfile")
        .alias("/api/v1/users/profile")
        .alias("/api/v1/ecommerce/auth/profile");

    Routes organizations = routes.group("/organizations", "Organizations");
    organizations.get("", &my_organizations, "The organizations I belong to")
        .needs(Permit::signed_in);
    organizations.post("", &found_organization, identity, "Found an organization")
        .needs(Permit::signed_in)
        .idempotent()
        .describes("The caller becomes its owner.")
        .refuses(too_many_organizations, gstin_invalid, pan_invalid, state_code_invalid,
                 currency_invalid, time_zone_invalid);
}

namespace {

// ---- signing up

Task<Reply<SignedIn>> register_user(Identity& identity, Call<Registration>& call) {
    Identity::Inside const& inside = identity.inside();
    Registration const& body = call.body();
    check_registration(inside.options.password_policy, body);
    auto const hash = [&] { return hash_password(body.password.value, inside.options.hash_cost); };
    std::string password_hash = co_await on(inside.workers, hash);

    UserId const id = new_id<User>();
    Tx tx = begin_as(call, id);
    tx.later(sql::register_user, new_user(body, std::move(password_hash)));
    Opened const opened = open_session(inside, call, tx, id);
    UserView const user = co_await tx(sql::find_user, id);
    emit(tx, user_created, id, created_event(user));
    co_return co_await call.commit(tx, signed_in(inside, 201, opened.refresh, user));
}

// ---- signing in

int seconds_until(Timestamp until) {
    return static_cast<int>((until.micros - now().micros) / 1'000'000) + 1;
}

void refuse_blocked(SignInFacts const& facts) {
    if (facts.locked_until)
        throw Refusal(account_locked)
            .with("lockedUntil", describe::to_json(*facts.locked_until))
            .retry_after(seconds_until(*facts.locked_until));
    if (facts.blocked_until)
        throw Refusal(too_many_sign_ins).retry_after(seconds_until(*facts.blocked_until));
}

void refuse_unfit(SignInFacts const& facts, std::optional<AccountKind> wanted) {
    if (!facts.is_active && facts.deactivation_reason)
        throw Refusal(account_inactive)
            .saying("This account has been deactivated: " + *facts.deactivation_reason);
    if (!facts.is_active) throw Refusal(account_inactive);
    if (wanted == AccountKind::admin && facts.platform_role != PlatformRole::admin)
        throw Refusal(role_mismatch);
    if (wanted == AccountKind::retailer && !facts.is_member) throw Refusal(role_mismatch);
}

/// Counts it where every node sees it, and refuses.
Task<void> wrong_password(Identity::Inside const& identity, RawCall& call, Attempt const& attempt,
                          SignInFacts const& facts) {
    AttemptLimits const limits = identity.attempt_limits();
    auto const window = static_cast<std::int32_t>(identity.options.failure_window.count());
    Tx tx = call.begin();
    FailureCount const count = co_await tx(sql::count_failure, attempt, limits, window);
    UserId const key = facts.user_id ? *facts.user_id : new_id<User>();
    emit(tx, user_login_failed, key,
         {.user_id = facts.user_id,
          .email = attempt.email_lower,
          .ip_address = std::string(call.request().address),
          .user_agent = user_agent_of(call),
          .attempts = count.failures,
          .failed_at = attempt.now});
    if (count.failures == limits.pair_max)
        emit(tx, user_account_locked, key,
             {.user_id = facts.user_id,
              .email = attempt.email_lower,
              .ip_address = std::string(call.request().address),
              .attempts = count.failures,
              .locked_until = *count.locked_until});
    co_await tx.commit();
    // Beyond the limit even a right password is refused, so a wrong one is told nothing else.
    if (count.failures > limits.pair_max)
        throw Refusal(account_locked).retry_after(seconds_until(*count.locked_until));
    throw Refusal(invalid_credentials)
        .with("attemptsRemaining", std::to_string(limits.pair_max - count.failures));
}

/// The stored hash, made anew when it is bcrypt or cheaper than what is made now.
Task<void> upgrade_hash(Identity::Inside const& identity, Tx& tx, std::string const& old_hash,
                        std::string const& password) {
    HashCost const& cost = identity.options.hash_cost;
    if (!needs_rehash(old_hash, cost)) co_return;
    auto const hash = [&] { return hash_password(password, cost); };
    std::string const new_hash = co_await on(identity.workers, hash);
    tx.later(sql::upgrade_password, old_hash, new_hash);
}

Task<Reply<SignedIn>> sign_in(Identity& identity, Call<Credential>& call) {
    Identity::Inside const& inside = identity.inside();
    Credential const& body = call.body();
    Attempt const attempt{
        .email_lower = body.email.lower(), .address = counted_address(call), .now = now()};
    AttemptLimits const limits = inside.attempt_limits();
    SignInFacts const facts = co_await call.read(sql::find_sign_in, attempt, limits);
    refuse_blocked(facts);
    bool const right = co_await is_right_password(inside, facts.password_hash, body.password.value);
    if (!right) co_await wrong_password(inside, call, attempt, facts);
    refuse_unfit(facts, body.login_as);

    UserId const id = *facts.user_id;
    Tx tx = begin_as(call, id);
    co_await upgrade_hash(inside, tx, *facts.password_hash, body.password.value);
    bool const cleared = co_await tx(sql::clear_failures, attempt, limits.pair_max);
    if (!cleared) throw Refusal(account_locked);
    Opened const opened = open_session(inside, call, tx, id);
    UserView const user = co_await tx(sql::find_user, id);
    emit(tx, user_logged_in, id,
         {.user_id = id,
          .email = user.email,
          .session_id = opened.refresh.session,
          .ip_address = std::string(call.request().address),
          .user_agent = user_agent_of(call),
          .login_at = opened.now});
    co_return co_await call.commit(tx, signed_in(inside, 200, opened.refresh, user));
}

// ---- going on and going away

SessionEvent session_event(RawCall& call, UserId user, SessionId session, std::string reason) {
    return {.user_id = user,
            .session_id = session,
            .ip_address = std::string(call.request().address),
            .reason = std::move(reason),
            .at = now()};
}

/// The session was ended by the rotation already; now everybody hears it.
Task<void> report_reuse(Identity& identity, RawCall& call, Tx& tx, RefreshToken const& token) {
    SessionEvent const event = session_event(call, token.user, token.session, "refresh_reuse");
    emit(tx, suspicious_activity, token.user, event);
    emit(tx, session_terminated, token.user, event);
    tell_standing_changed(tx, token.session.uuid);
    co_await tx.commit();
    identity.forget(token.session.uuid);
}

Task<Reply<SignedIn>> refresh(Identity& identity, Call<Refreshing>& call) {
    Identity::Inside const& inside = identity.inside();
    std::string_view text = call.cookie("refreshToken");
    if (call.body().refresh_token) text = call.body().refresh_token->value;
    std::optional<RefreshToken> const token = inside.refresh_tokens.read(text);
    if (!token) throw Refusal(invalid_refresh_token);

    RefreshToken const successor = inside.refresh_tokens.successor(*token);
    Timestamp const at = now();
    std::int64_t const life = std::chrono::microseconds(inside.options.refresh_lifetime).count();
    Rotation const rotation{.session = token->session,
                            .presented_hash = RefreshTokens::hash(*token),
                            .successor_hash = RefreshTokens::hash(successor),
                            .now = at,
                            .expires_at = {at.micros + life},
                            .grace_seconds =
                                static_cast<std::int32_t>(inside.options.refresh_grace.count())};
    Tx tx = begin_as(call, token->user);
    Rotated const rotated = co_await tx(sql::rotate_session, rotation);
    switch (rotated.outcome) {
    case RotationOutcome::unknown: throw Refusal(invalid_refresh_token);
    case RotationOutcome::ended: throw Refusal(session_ended);
    case RotationOutcome::inactive: throw Refusal(account_inactive);
    case RotationOutcome::reused:
        co_await report_reuse(identity, call, tx, *token);
        throw Refusal(refresh_token_reused);
    case RotationOutcome::rotated:
    case RotationOutcome::repeated: break;
    }
    UserView const user = co_await tx(sql::find_user, token->user);
    bool const first = rotated.outcome == RotationOutcome::rotated;
    std::string reason = first ? "rotated" : "repeated";
    emit(tx, user_token_refreshed, token->user,
         session_event(call, token->user, token->session, std::move(reason)));
    co_return co_await call.commit(tx, signed_in(inside, 200, successor, user));
}

Task<Reply<None>> sign_out(Identity& identity, Call<>& call) {
    Actor const& actor = call.actor();
    std::string const reason = "signed_out";
    Tx tx = call.begin();
    bool const ended = co_await tx(sql::revoke_session, actor.session, reason, now());
    if (ended)
        emit(tx, user_logged_out, actor.user,
             session_event(call, actor.user, actor.session, reason));
    tell_standing_changed(tx, actor.session.uuid);
    Reply<None> answer = nothing();
    answer.entity = actor.session.uuid;
    clear_cookies(identity.inside(), answer);
    RawReply kept = co_await call.commit(tx, std::move(answer));
    identity.forget(actor.session.uuid);
    co_return std::move(kept);
}

Task<Reply<UserView>> me(Call<>& call) {
    UserView const user = co_await call.read(sql::find_user, call.actor().user);
    co_return ok(user);
}

// ---- organizations

Task<Reply<OrganizationView>> found_organization(Identity& identity, Call<NewOrganization>& call) {
    UserId const founder = call.actor().user;
    OrganizationRow const row =
        new_organization(call.body(), identity.inside().options.organizations_owned_max);
    Tx tx = call.begin();
    tx.later(sql::found_organization, row);
    OrganizationView const organization = co_await tx(sql::my_organization, row.id);
    emit(tx, user_role_changed, founder,
         {.user_id = founder, .org_id = row.id, .role = OrgRole::OWNER, .at = row.now});
    tell_standing_changed(tx, founder.uuid);
    call.made(organization);
    RawReply kept = co_await call.commit(tx, created(organization));
    identity.forget(founder.uuid);
    co_return std::move(kept);
}

Task<Reply<Page<OrganizationView>>> my_organizations(Ask<OrganizationFilter>& call) {
    Page<OrganizationView> const page =
        co_await call.read.list(sql::my_organizations, call.query());
    co_return listed(page);
}

} // namespace

} // namespace haat::identity
