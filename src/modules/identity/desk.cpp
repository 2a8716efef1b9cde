#include <modules/identity/desk.hpp>

#include <cstring>

#include <sodium.h>

#include <base/clock.hpp>
#include <base/hash.hpp>
#include <describe/codec.hpp>
#include <modules/identity/errors.hpp>
#include <modules/identity/queries.hpp>
#include <pg/database.hpp>

namespace haat::identity {

namespace {

// News travels by notification; this only bounds how long a lost one could matter.
constexpr std::int64_t remember_micros = 60'000'000;

std::uint64_t random_number() {
    std::uint64_t number = 0;
    randombytes_buf(&number, sizeof number);
    return number;
}

bool same_bytes(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace

// ---- news

void News::add(Uuid const& user_or_session) {
    std::lock_guard const lock(mutex_);
    std::uint64_t const number = count_.load(std::memory_order_relaxed);
    if (latest_.size() < kept_max)
        latest_.push_back(user_or_session);
    else
        latest_[number % kept_max] = user_or_session;
    count_.store(number + 1, std::memory_order_release);
}

bool News::after(std::uint64_t seen, std::vector<Uuid>& into) const {
    std::lock_guard const lock(mutex_);
    std::uint64_t const count = count_.load(std::memory_order_relaxed);
    if (count - seen > kept_max) return false;
    for (; seen < count; ++seen) into.push_back(latest_[seen % kept_max]);
    return true;
}

std::size_t UuidHash::operator()(Uuid const& uuid) const noexcept {
    // The last eight bytes of a UUIDv7 are random, and only ids from verified tokens get here.
    std::size_t hash = 0;
    std::memcpy(&hash, uuid.bytes.data() + 8, sizeof hash);
    return hash;
}

// ---- what is remembered and for how long

Desk::Desk(pg::Database& database, AccessTokens const& tokens, News const& news)
    : database_(database), tokens_(tokens), news_(news), seed_(random_number()),
      seen_(news.count()) {
    database_.listen("haat_sessions", [this](std::string_view payload) { heard(payload); });
}

void Desk::heard(std::string_view payload) {
    Uuid changed;
    if (parse(payload, changed))
        drop(changed);
    else
        drop_all(); // reconnected: what was missed is unknown
}

void Desk::drop(Uuid const& user_or_session) {
    ++drops_;
    remembered_.erase_if([&](auto const& entry) {
        return entry.first == user_or_session || entry.second.user.uuid == user_or_session;
    });
}

void Desk::drop_all() {
    ++drops_;
    remembered_.clear();
}

void Desk::catch_up() {
    std::uint64_t const count = news_.count();
    if (count == seen_) return;
    std::vector<Uuid> changed;
    if (news_.after(seen_, changed))
        for (Uuid const& each : changed) drop(each);
    else
        drop_all();
    seen_ += changed.size();
    if (changed.empty()) seen_ = count;
}

Task<Desk::StandingRef> Desk::standing(UserId user, SessionId session) {
    catch_up();
    if (!database_.listening()) co_return co_await ask(user, session);
    if (Remembered const* const found = remembered_.find(session.uuid);
        found && found->user == user && now() < found->good_until)
        co_return found->standing;
    std::uint64_t const drops = drops_;
    StandingRef const fresh = co_await ask(user, session);
    catch_up();
    if (drops == drops_ && database_.listening()) {
        Remembered entry{user, fresh, {now().micros + remember_micros}};
        remembered_.put(session.uuid, std::move(entry));
    }
    co_return fresh;
}

Task<Desk::StandingRef> Desk::ask(UserId user, SessionId session) {
    pg::Reader read(database_, nobody_);
    Standing row = co_await read(sql::find_standing, user, session, now());
    co_return std::make_shared<Standing const>(std::move(row));
}

// ---- who calls

Claims Desk::check(std::string_view token) {
    if (token.size() > AccessTokens::bytes_max) throw Refusal(token_invalid);
    std::uint64_t const number = hash_of(token, seed_);
    Known const* const known = known_.find(number);
    if (known && same_bytes(known->token, token)) {
        if (now().micros / 1'000'000 >= known->claims.exp) throw Refusal(token_expired);
        return known->claims;
    }
    Claims claims;
    switch (tokens_.read(token, now(), claims)) {
    case Verdict::invalid: throw Refusal(token_invalid);
    case Verdict::expired: throw Refusal(token_expired);
    case Verdict::valid: break;
    }
    known_.put(number, {std::string(token), claims});
    return claims;
}

Task<Actor> Desk::who(std::string_view token) {
    Claims const claims = check(token);
    StandingRef const found = co_await standing(claims.sub, claims.sid);
    if (!found->is_live) throw Refusal(session_ended);
    Actor actor;
    actor.user = claims.sub;
    actor.session = claims.sid;
    actor.platform_role = found->platform_role;
    co_return actor;
}

Task<void> Desk::act_for_organization(Actor& actor, std::string_view organization) {
    StandingRef const found = co_await standing(actor.user, actor.session);
    std::vector<Membership> const& memberships = found->memberships;
    if (organization.empty()) {
        if (memberships.size() != 1) {
            Refusal refusal(organization_required);
            throw std::move(refusal).with("organizations", describe::to_json(memberships));
        }
        actor.org = memberships.front().id;
        actor.org_role = memberships.front().role;
        co_return;
    }
    OrgId wanted;
    if (!parse(organization, wanted.uuid)) throw not_found<Organization>();
    actor.org = wanted;
    for (Membership const& each : memberships)
        if (each.id == wanted) actor.org_role = each.role;
    if (actor.org_role) co_return;
    if (!actor.is_admin()) throw not_found<Organization>();
    pg::Reader read(database_, nobody_);
    bool const exists = co_await read(sql::organization_exists, wanted);
    if (!exists) throw not_found<Organization>();
}

} // namespace haat::identity
