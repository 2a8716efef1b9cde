#include <modules/identity/identity.hpp>

#include <cassert>

#include <loop/loop.hpp>
#include <modules/identity/inside.hpp>
#include <pg/database.hpp>

namespace haat::identity {

Identity::Identity(IdentityOptions options, Workers& workers)
    : inside_(new Inside{.options = options,
                         .workers = workers,
                         .access_tokens = AccessTokens(options.token_secrets),
                         .refresh_tokens = RefreshTokens(options.token_secrets),
                         .decoy = decoy_hash(options.hash_cost),
                         .news = {},
                         .desks = {}}) {}
Identity::~Identity() = default;

void Identity::serve(pg::Database& database) {
    auto desk = std::make_unique<Desk>(database, inside_->access_tokens, inside_->news);
    inside_->desks.add(static_cast<std::size_t>(database.loop().index()), std::move(desk));
}

Authenticator& Identity::authenticator() { return inside_->desks; }

void Identity::forget(Uuid const& user_or_session) { inside_->news.add(user_or_session); }

void tell_standing_changed(Tx& tx, Uuid const& user_or_session) {
    tx.notify("haat_sessions", to_string(user_or_session));
}

void Desks::add(std::size_t loop, std::unique_ptr<Desk> desk) {
    if (desks_.size() <= loop) desks_.resize(loop + 1);
    desks_[loop] = std::move(desk);
}

Desk& Desks::here() const {
    auto const loop = static_cast<std::size_t>(Loop::current().index());
    assert(loop < desks_.size() && desks_[loop] &&
           "Identity::serve() was not called for this loop");
    return *desks_[loop];
}

Task<Actor> Desks::who(Credentials const& credentials) {
    if (credentials.bearer.empty()) co_return Actor();
    co_return co_await here().who(credentials.bearer);
}
Task<void> Desks::act_for_organization(Actor& actor, Credentials const& credentials) {
    return here().act_for_organization(actor, credentials.organization);
}

} // namespace haat::identity
