#include <modules/identity/sessions.hpp>

#include <base/clock.hpp>
#include <http/rate_limit.hpp>
#include <loop/loop.hpp>
#include <modules/identity/queries.hpp>

namespace haat::identity {

namespace {

constexpr std::size_t user_agent_max = 255;

Timestamp later(Timestamp from, std::chrono::seconds by) {
    return {from.micros + std::chrono::microseconds(by).count()};
}

std::string device_of(std::string const& user_agent) {
    std::string json = R"({"userAgent":)";
    describe::encode_string(json, user_agent);
    return json + "}";
}

// The refresh token goes to the API alone; both are out of reach for scripts and other sites.
std::string cookie(std::string_view name, std::string_view value, std::string_view path,
                   std::chrono::seconds life, bool secure) {
    std::string text;
    text.append(name).append("=").append(value).append("; Path=").append(path);
    text.append("; Max-Age=").append(std::to_string(life.count()));
    text.append("; HttpOnly; SameSite=Strict");
    if (secure) text.append("; Secure");
    return text;
}

void set_cookies(Identity::Inside const& identity, RawReply& reply, std::string_view access,
                 std::string_view refresh, bool keep) {
    IdentityOptions const& options = identity.options;
    std::chrono::seconds const none{0};
    reply.header("Set-Cookie",
                 cookie("accessToken", access, "/", keep ? options.access_lifetime : none,
                        options.secure_cookies));
    reply.header("Set-Cookie",
                 cookie("refreshToken", refresh, "/api", keep ? options.refresh_lifetime : none,
                        options.secure_cookies));
}

} // namespace

Tx begin_as(RawCall& call, UserId user) {
    pg::Settings settings{.user_id = to_string(user.uuid),
                          .org_id = {},
                          .role = "customer",
                          .correlation_id = std::string(call.request_id())};
    return {call.database(), std::move(settings)};
}

std::string counted_address(RawCall& call) { return http::address_key(call.request().address); }

std::string user_agent_of(RawCall& call) {
    std::string text(call.request().header("user-agent").substr(0, user_agent_max));
    for (char& c : text)
        if (c < ' ' || c > '~') c = '?';
    return text;
}

Opened open_session(Identity::Inside const& identity, RawCall& call, Tx& tx, UserId user) {
    Opened opened{.user = user,
                  .refresh = identity.refresh_tokens.first(user, new_id<Session>()),
                  .now = now()};
    std::string const user_agent = user_agent_of(call);
    NewSession const row{.id = opened.refresh.session,
                         .refresh_hash = RefreshTokens::hash(opened.refresh),
                         .ip = std::string(call.request().address),
                         .user_agent = user_agent,
                         .device_info = {device_of(user_agent)},
                         .now = opened.now,
                         .expires_at = later(opened.now, identity.options.refresh_lifetime)};
    tx.later(sql::open_session, row);
    emit(tx, session_created, user,
         {.user_id = user,
          .session_id = row.id,
          .ip_address = row.ip,
          .reason = "signed_in",
          .at = opened.now});
    return opened;
}

Reply<SignedIn> signed_in(Identity::Inside const& identity, int status, RefreshToken const& refresh,
                          UserView const& user) {
    std::chrono::seconds const lifetime = identity.options.access_lifetime;
    std::int64_t const seconds = now().micros / 1'000'000;
    Claims const claims{.sub = refresh.user,
                        .sid = refresh.session,
                        .jti = new_uuid(),
                        .iat = seconds,
                        .exp = seconds + lifetime.count(),
                        .role = user.role};
    SignedIn const view{.access_token = {identity.access_tokens.write(claims)},
                        .refresh_token = {identity.refresh_tokens.write(refresh)},
                        .expires_in = static_cast<std::int32_t>(lifetime.count()),
                        .expires_at = {claims.exp * 1'000'000},
                        .user = user};
    Reply<SignedIn> answer = reply(status, view);
    answer.entity = user.id.uuid;
    set_cookies(identity, answer, view.access_token.value, view.refresh_token.value, true);
    return answer;
}

void clear_cookies(Identity::Inside const& identity, RawReply& reply) {
    set_cookies(identity, reply, "", "", false);
}

Task<bool> is_right_password(Identity::Inside const& identity,
                             std::optional<std::string> const& hash, std::string const& password) {
    std::string const& against = hash ? *hash : identity.decoy;
    auto const verify = [&] { return verify_password(against, password); };
    bool const matches = co_await on(identity.workers, verify);
    co_return matches&& hash;
}

} // namespace haat::identity
