#include <http/edge.hpp>

#include <algorithm>
#include <utility>

#include <base/clock.hpp>
#include <base/embedded.hpp>
#include <base/hash.hpp>
#include <http/body.hpp>
#include <http/envelope.hpp>
#include <http/headers.hpp>
#include <http/idempotency.hpp>
#include <http/security_headers.hpp>
#include <http/trouble.hpp>
#include <loop/loop.hpp>
#include <telemetry/log.hpp>

namespace haat {

using http::Allowance;
using http::Method;
using http::Request;
using http::Response;
using http::RouteSpec;

namespace {
namespace sql {
Exec<std::string> announce_drop{"platform.announce_drop", "select pg_notify('haat_cache', $1)"};
}

http::StaticFiles::Options page_options() {
    http::StaticFiles::Options options;
    options.embedded = [](std::string_view path) {
        return embedded("web/dist/" + std::string(path));
    };
    return options;
}

http::ResponseCacheOptions cache_options(EdgeOptions const& from) {
    http::ResponseCacheOptions options;
    options.bytes_max = from.cache_bytes_max;
    options.entry_bytes_max = std::min(options.entry_bytes_max, options.bytes_max);
    return options;
}

// What a public answer may depend on beside its target: for which shop front it is. A header's
// value holds no line break.
std::string_view vary_of(Request const& request, std::string& room) {
    std::string_view const store = request.header("x-store-id");
    if (store.empty()) return request.host;
    return room.append(store).append("\n").append(request.host);
}
} // namespace

/// One request on its way through.
struct Edge::Visit {
    Request& request;
    Response response;
    http::Match match;
    RouteSpec const* route = nullptr;
    Actor actor;
    http::Decision decision;
    bool limited = false;       // whether `decision` says anything
    bool failures_only = false; // the allowance is given back after a success
    bool confirm_due = false;   // the other nodes are asked as well
    bool filling = false;       // the answer goes into the cache
    std::string etag;           // of the data; the envelope differs each time
    std::string allowance_key;
    Allowance allowance = Allowance::public_read;
};

Edge::Edge(EdgeShared& shared, int loop, pg::Database& database)
    : shared_(shared), database_(database),
      cache_(shared.cache_tags, cache_options(shared.options)), pages_(page_options()),
      loop_(loop) {}
Edge::~Edge() = default;

http::Service::Plan Edge::plan(Request const& head) {
    http::Match const match = shared_.router.find(head.method, head.path);
    if (!match.route) return {.body_bytes_max = 64 * 1024, .stream = false};
    RouteSpec const& route = match.route->canonical();
    return {.body_bytes_max = route.body_bytes_max, .stream = route.streams_body};
}

Task<Response> Edge::answer(Request& request) {
    Visit visit{.request = request};
    std::string_view const given = request.header("x-request-id");
    visit.response.trace.request_id =
        http::is_sane_id(given) ? std::string(given) : to_string(new_uuid());
    try {
        co_await serve(visit);
    } catch (Refusal const& refusal) {
        render(visit, refusal);
    } catch (pg::DatabaseAway const& away) {
        log::warn("database away")
            .field("requestId", visit.response.trace.request_id)
            .field("why", away.what());
        render(visit, Refusal(away.overloaded() ? overloaded : unavailable).retry_after(1));
    } catch (WorkersBusy const&) {
        render(visit, Refusal(overloaded).retry_after(1));
    } catch (http::BodyError const& error) {
        visit.response = refuse(request, error.trouble);
        co_return std::move(visit.response);
    } catch (std::exception const& fault) {
        log::error("handler failed")
            .field("requestId", visit.response.trace.request_id)
            .field("route", visit.route ? visit.route->path : std::string(request.path))
            .field("why", fault.what());
        render(visit, Refusal(internal_error));
    }
    add_common_headers(visit);
    co_return std::move(visit.response);
}

Task<void> Edge::serve(Visit& visit) {
    Request const& request = visit.request;
    if (request.method == Method::options && serve_preflight(visit)) co_return;
    visit.match = shared_.router.find(request.method, request.path);
    if (!visit.match.route) {
        no_route(visit);
        co_return;
    }
    visit.route = &visit.match.route->canonical();
    visit.response.trace.route = visit.route->number;
    Loop::current().doing(visit.route->path.c_str());
    bool const closed = co_await turned_away(visit);
    if (closed) throw shared_.gate->refusal();
    if (visit.route->open && visit.route->cache_for.count() > 0) {
        limit(visit);
        if (visit.confirm_due) co_await confirm(visit);
        co_await cached(visit);
    } else {
        co_await admit(visit);
        co_await call(visit);
    }
}

// While the gate is closed nobody passes but administrators; who cannot be made out is none.
Task<bool> Edge::turned_away(Visit& visit) {
    if (!shared_.gate || !shared_.gate->closed()) co_return false;
    if (visit.route->in_maintenance || !visit.route->path.starts_with("/api/")) co_return false;
    try {
        co_await identify(visit);
    } catch (Refusal const&) {
    }
    bool const passes = visit.actor.is_admin();
    if (!passes) visit.actor = Actor{};
    if (!passes) limit(visit);
    co_return !passes;
}

// Who is turned away draws on the allowance of the address: tokens cannot be guessed for free.
Task<void> Edge::admit(Visit& visit) {
    std::exception_ptr turned_away;
    try {
        co_await identify(visit);
    } catch (Refusal const&) {
        visit.actor = Actor{};
        turned_away = std::current_exception();
    }
    limit(visit);
    if (visit.confirm_due) co_await confirm(visit);
    if (turned_away) std::rethrow_exception(turned_away);
}

// A cached public handler always runs as the anonymous actor, whoever asks. While this node does
// not hear of other nodes' writes, it asks the database.
Task<void> Edge::cached(Visit& visit) {
    if (!shared_.options.cache || !database_.listening()) {
        co_await call(visit);
        co_return;
    }
    std::string room;
    http::CacheKey const key{.route = visit.route->number,
                             .target = visit.request.target,
                             .vary = vary_of(visit.request, room)};
    if (http::CacheHit const hit = cache_.find(key)) {
        respond(visit, *hit);
        co_return;
    }
    std::string_view const tags[] = {visit.route->cache_tag};
    http::CacheFlight flight = co_await cache_.enter(key, tags);
    if (flight.hit()) {
        respond(visit, *flight.hit());
        co_return;
    }
    visit.filling = true;
    co_await call(visit);
    if (visit.response.status != 200) co_return;
    http::CachedResponse kept{.status = 200,
                              .head = visit.response.head,
                              .body = std::make_shared<http::SharedBody>(),
                              .etag = visit.etag,
                              .expires = {}};
    kept.body->plain = std::move(visit.response.body);
    http::CacheHit const stored = flight.store(std::move(kept), visit.route->cache_for);
    visit.response.head.clear();
    respond(visit, *stored);
}

void Edge::respond(Visit& visit, http::CachedResponse const& cached) {
    Response& response = visit.response;
    response.head += cached.head;
    response.status = cached.status;
    if (http::names_etag(visit.request.header("if-none-match"), cached.etag)) {
        response.status = 304;
        return;
    }
    response.shared = cached.body;
}

Task<void> Edge::identify(Visit& visit) {
    Request const& request = visit.request;
    RouteSpec const& route = *visit.route;
    std::string_view const cookie = http::cookie_in(request.header("cookie"), "accessToken");
    Credentials credentials{.bearer = http::bearer_in(request.header("authorization")),
                            .organization = request.header("x-org-id")};
    bool const by_cookie = credentials.bearer.empty() && !cookie.empty();
    if (by_cookie) credentials.bearer = cookie;
    if (route.open) {
        // A bad token on an open route is as good as none.
        if (credentials.bearer.empty()) co_return;
        try {
            visit.actor = co_await shared_.authenticator.who(credentials);
        } catch (Refusal const&) {
        }
        co_return;
    }
    if (credentials.bearer.empty()) throw Refusal(unauthenticated);
    visit.actor = co_await shared_.authenticator.who(credentials);
    visit.response.trace.user = visit.actor.user.uuid;
    std::string_view const origin = request.header("origin");
    bool const unsafe = request.method != Method::get && request.method != Method::head;
    if (by_cookie && unsafe && !origin.empty() && !origin_allowed(origin) &&
        !origin.ends_with(request.host))
        throw Refusal(forbidden);
    if (visit.actor.needs_organization(route.permit)) {
        co_await shared_.authenticator.act_for_organization(visit.actor, credentials);
        visit.response.trace.org = visit.actor.org.uuid;
    }
    if (!visit.actor.may(route.permit)) throw Refusal(forbidden);
}

Task<void> Edge::call(Visit& visit) {
    RouteSpec const& route = *visit.route;
    std::unique_ptr<http::CallHolder> const holder = route.signature.make(
        {visit.request, route, database_, visit.actor, visit.response.trace.request_id});
    decode(visit, *holder);
    for (int runs = 1;; ++runs) {
        bool again = false;
        bool rival = false;
        try {
            RawReply reply = co_await holder->run(route.handler, route.signature.self);
            if (!route.drops.empty()) co_await drop(route);
            render(visit, reply);
            co_return;
        } catch (pg::DatabaseError const& error) {
            bool const waited = error.sqlstate() == "55P03";
            bool const took_too_long = error.sqlstate() == "57014"; // for a lock, mostly
            rival = waited && holder->call().key_;
            // A streamed body was read by the first run and is gone.
            again = error.may_repeat() && runs < shared_.options.runs_max && !route.streams_body;
            if ((waited && !rival) || took_too_long) throw Refusal(overloaded).retry_after(1);
            if (!rival && !again) throw;
        } catch (Refusal const& refusal) {
            if (!refusal.is(http::idempotency_in_progress)) throw;
            rival = true;
        }
        if (!rival) continue;
        bool const replayed = co_await replay(visit, holder->call());
        if (replayed) co_return;
        throw Refusal(http::idempotency_in_progress).retry_after(1);
    }
}

// This node forgets at once, the others when they hear of it. Not in the write's own transaction:
// PostgreSQL lets transactions that notify commit one at a time, which would cost two thirds of all
// writes. Drops that come while one is on its way travel together.
Task<void> Edge::drop(RouteSpec const& route) {
    for (std::string_view const tag : route.drops) {
        shared_.cache_tags.drop(tag);
        announce(tag);
    }
    // Waited for: what this caller asks next is not answered from before its own write.
    for (std::string_view const tag : route.drops) co_await shared_.stores.here().drop_tag(tag);
}

void Edge::announce(std::string_view tag) {
    if (std::find(to_announce_.begin(), to_announce_.end(), tag) == to_announce_.end())
        to_announce_.push_back(tag);
    if (!std::exchange(announcing_, true)) detach(announce_all());
}

Task<void> Edge::announce_all() {
    pg::Reader reader(database_, pg::nobody);
    while (!to_announce_.empty()) {
        std::vector<std::string_view> const tags = std::exchange(to_announce_, {});
        for (std::string_view const tag : tags) {
            std::string const payload = shared_.options.node + " " + std::string(tag);
            try {
                co_await reader(sql::announce_drop, payload);
            } catch (std::exception const& error) {
                log::warn("other nodes were not told").field("tag", tag).field("why", error.what());
            }
        }
    }
    announcing_ = false;
}

Task<bool> Edge::replay(Visit& visit, RawCall& call) {
    http::IdempotencyKey const& key = *call.key_;
    std::optional<http::KeptAnswer> const kept =
        co_await http::find_answer(call.database(), call.read, key);
    if (!kept) co_return false;
    if (kept->body_hash != key.body_hash) throw Refusal(http::idempotency_mismatch);
    visit.response.status = kept->status;
    visit.response.head += kept->head;
    visit.response.header("Content-Type", "application/json");
    visit.response.header("Idempotency-Replayed", "true");
    visit.response.body = kept->body;
    co_return true;
}

void Edge::decode(Visit& visit, http::CallHolder& holder) {
    http::Signature const& signature = visit.route->signature;
    Request& request = visit.request;
    std::string text;
    for (std::size_t i = 0; i < signature.path_arguments.size(); ++i) {
        describe::Shape const& shape = *signature.path_arguments[i];
        bool const sound = describe::percent_decode(visit.match.arguments[i], text, false) &&
                           describe::decode_text(text, shape, holder.path_argument(i)).empty();
        if (!sound && !shape.noun.empty()) throw Refusal::not_found(shape.noun);
        if (!sound) throw Refusal(resource_not_found);
    }
    Problems problems;
    if (signature.query)
        describe::decode_query(request.query, *signature.query, holder.query(), problems);
    if (signature.body && !visit.route->streams_body) {
        describe::ReadOptions const options{.depth_max = shared_.options.json_depth_max,
                                            .unwrap_data = true};
        http::decode_body(request, *signature.body, holder.body(), problems, options);
    }
    if (problems.empty()) return;
    throw Refusal(validation_error).about(std::move(problems));
}

void Edge::take_allowance(Visit& visit, Allowance allowance, std::string_view key) {
    visit.decision = shared_.limits.limiter().take(allowance, key);
    visit.limited = true;
    visit.allowance = allowance;
    if (!visit.decision.allowed)
        throw Refusal(too_many_requests).retry_after(visit.decision.retry_after_seconds);
    visit.confirm_due = shared_.limits.confirms(allowance);
    if (visit.confirm_due && visit.allowance_key.empty()) visit.allowance_key = key;
}

Task<void> Edge::confirm(Visit& visit) {
    visit.decision =
        co_await shared_.limits.confirm(visit.allowance, visit.allowance_key, visit.decision);
    if (!visit.decision.allowed)
        throw Refusal(too_many_requests).retry_after(visit.decision.retry_after_seconds);
}

void Edge::limit(Visit& visit) {
    RouteSpec const& route = *visit.route;
    if (route.rate_class == RateClass::none) return;
    bool const reads = visit.request.method == Method::get || visit.request.method == Method::head;
    std::string const address = http::address_key(visit.request.address);
    std::string const who = visit.actor.anonymous() ? address : to_string(visit.actor.user.uuid);
    switch (route.rate_class) {
    case RateClass::auth:
    case RateClass::sensitive:
        visit.failures_only = true;
        visit.allowance_key = address + route.operation;
        return take_allowance(
            visit, route.rate_class == RateClass::auth ? Allowance::auth : Allowance::sensitive,
            visit.allowance_key);
    case RateClass::upload: return take_allowance(visit, Allowance::upload, who);
    case RateClass::order_create: return take_allowance(visit, Allowance::order_create, who);
    case RateClass::order_query: return take_allowance(visit, Allowance::order_query, who);
    case RateClass::by_method:
    case RateClass::none: break;
    }
    if (visit.actor.is_admin()) return take_allowance(visit, Allowance::administrator, who);
    if (!visit.actor.anonymous()) return take_allowance(visit, Allowance::signed_in, who);
    take_allowance(visit, reads ? Allowance::public_read : Allowance::anonymous_write, address);
}

bool Edge::serve_preflight(Visit& visit) {
    std::string const allowed = shared_.router.allowed(visit.request.path);
    if (allowed.empty()) return false;
    visit.response.status = 204;
    visit.response.header("Allow", allowed);
    if (visit.request.header("access-control-request-method").empty()) return true;
    if (!origin_allowed(visit.request.header("origin"))) return true;
    visit.response.header("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS");
    visit.response.header("Access-Control-Allow-Headers", http::cors_request_headers);
    visit.response.header("Access-Control-Max-Age", "600");
    return true;
}

// "/docs/errors" is the page docs/errors/index.html.
bool Edge::serve_page(Visit& visit) {
    Request const& request = visit.request;
    if (request.method != Method::get && request.method != Method::head) return false;
    std::string path(request.path.substr(1));
    std::optional<Response> found = pages_.answer(request, path);
    if (!found && !path.empty()) found = pages_.answer(request, path + "/");
    if (!found) return false;
    found->trace = std::move(visit.response.trace);
    visit.response = std::move(*found);
    return true;
}

void Edge::no_route(Visit& visit) {
    Request const& request = visit.request;
    if (serve_page(visit)) return;
    std::string const allowed = shared_.router.allowed(request.path);
    if (allowed.empty()) throw Refusal(route_not_found);
    visit.response.header("Allow", allowed);
    throw Refusal(method_not_allowed);
}

void Edge::render(Visit& visit, RawReply& reply) {
    RouteSpec const& route = *visit.route;
    Response& response = visit.response;
    response.status = reply.status;
    response.head += reply.head;
    response.header("Content-Type", reply.content_type);
    if (reply.payload) {
        response.file = std::exchange(reply.payload->file, {});
        response.source = std::move(reply.payload->source);
        response.compressible = false;
        return;
    }
    if (route.bare || reply.bare) {
        response.body = std::move(reply.data);
        return;
    }
    bool const reads = route.method == Method::get && reply.status == 200;
    if (reads) {
        visit.etag = etag_of(reply.data);
        response.header("ETag", visit.etag);
        bool const shared = route.open && route.cache_for.count() > 0;
        if (shared)
            response.header("Cache-Control", "public, max-age=0, s-maxage=" +
                                                 std::to_string(route.cache_for.count()));
        if (shared)
            response.head += "Vary: X-Store-Id\r\n";
        else
            response.header("Cache-Control", route.open ? "no-cache" : "private, no-cache");
        if (!visit.filling && http::names_etag(visit.request.header("if-none-match"), visit.etag)) {
            response.status = 304;
            return;
        }
    } else {
        response.header("Cache-Control", "no-store");
    }
    if (reply.status == 201 && !route.open && !reply.entity.is_nil())
        response.header("Location", route.path + "/" + to_string(reply.entity));
    if (!reply.rendered.empty()) {
        response.body = std::move(reply.rendered);
        return;
    }
    http::write_success(response.body, reply, route.message_for(reply), response.trace.request_id);
}

void Edge::render(Visit& visit, Refusal const& refusal) {
    Response& response = visit.response;
    response.status = refusal.status();
    response.body.clear();
    response.header("Content-Type", "application/json");
    response.header("Cache-Control", "no-store");
    if (refusal.status() == 401) response.header("WWW-Authenticate", "Bearer");
    if (refusal.retry_after() > 0 && !refusal.is(too_many_requests))
        response.header("Retry-After", std::to_string(refusal.retry_after()));
    http::write_failure(response.body, refusal, response.trace.request_id);
}

void Edge::add_common_headers(Visit& visit) {
    Response& response = visit.response;
    if (visit.failures_only && response.status < 400)
        shared_.limits.give_back(visit.allowance, visit.allowance_key);
    if (visit.limited) visit.decision.append_to(response.head);
    response.head.append("X-Request-ID: ").append(response.trace.request_id).append("\r\n");
    std::string_view const correlation = visit.request.header("x-correlation-id");
    if (http::is_sane_id(correlation)) response.header("X-Correlation-Id", correlation);
    if (visit.match.route && visit.match.route->deprecated)
        response.head += "Deprecation: true\r\n";
    add_cors(visit.request, response.head);
    response.head += http::security_headers(shared_.options.production);
}

bool Edge::origin_allowed(std::string_view origin) const {
    for (std::string const& allowed : shared_.options.allowed_origins)
        if (allowed == origin) return true;
    return shared_.options.allow_lan_origins && http::is_lan_origin(origin);
}

void Edge::add_cors(Request const& request, std::string& head) const {
    std::string_view const origin = request.header("origin");
    if (origin.empty()) return;
    head += "Vary: Origin\r\n";
    if (!origin_allowed(origin)) return;
    head.append("Access-Control-Allow-Origin: ").append(origin).append("\r\n");
    head += "Access-Control-Allow-Credentials: true\r\n";
    head.append("Access-Control-Expose-Headers: ")
        .append(http::cors_exposed_headers)
        .append("\r\n");
}

Response Edge::refuse(Request const& request, http::Trouble trouble) {
    Response response;
    std::string_view const given = request.header("x-request-id");
    response.trace.request_id =
        http::is_sane_id(given) ? std::string(given) : to_string(new_uuid());
    RefusalKind const& kind = http::refusal_of(trouble);
    response.status = kind.status();
    response.header("Content-Type", "application/json");
    response.header("Cache-Control", "no-store");
    if (kind.status() == 503 || kind.status() == 429) response.header("Retry-After", "1");
    response.head.append("X-Request-ID: ").append(response.trace.request_id).append("\r\n");
    response.head += http::security_headers(shared_.options.production);
    http::write_failure(response.body, Refusal(kind), response.trace.request_id);
    return response;
}

void Edge::finished(Request const& request, Response const& response,
                    http::Exchange const& exchange) {
    http::Trace const& trace = response.trace;
    shared_.metrics.count(loop_, trace.route, response.status, exchange.duration);
    RouteSpec const* const route =
        trace.route < 0 ? nullptr : shared_.router.by_number(trace.route);
    log::request({.request_id = trace.request_id,
                  .method = request.method_text,
                  .path = request.path,
                  .route = route ? std::string_view{route->path} : std::string_view{},
                  .status = response.status,
                  .duration = exchange.duration,
                  .bytes_in = exchange.bytes_in,
                  .bytes_out = exchange.bytes_out,
                  .address = request.address,
                  .user = trace.user,
                  .org = trace.org,
                  .user_agent = request.header("user-agent")});
}

void Edge::broke(Request const& request, std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (std::exception const& fault) {
        log::error("request failed").field("path", request.path).field("why", fault.what());
    } catch (...) {
        log::error("request failed").field("path", request.path).field("why", "unknown");
    }
}

} // namespace haat
