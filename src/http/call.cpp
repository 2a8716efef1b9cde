#include <http/call.hpp>

#include <unistd.h>

#include <base/hash.hpp>
#include <http/envelope.hpp>
#include <http/headers.hpp>
#include <http/routes.hpp>
#include <privacy/keyring.hpp>

namespace haat {

namespace {

struct AuditRow {
    std::optional<Uuid> user_id;
    std::optional<Uuid> org_id;
    std::string action;
    std::string operation;
    std::string entity;
    std::optional<Uuid> entity_id;
    Json changes;
    std::string address;
    std::string user_agent;
    std::string request_id;
};
HAAT_DESCRIBE(AuditRow, user_id, org_id, action, operation, entity, entity_id, changes, address,
              user_agent, request_id)

namespace sql {
Exec<AuditRow> insert_audit{"audit.insert_entry", R"(
    insert into audit.entries (user_id, org_id, action, operation, entity, entity_id, changes,
                               address, user_agent, request_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10))"};
}

std::optional<Uuid> given(Uuid const& uuid) {
    return uuid.is_nil() ? std::nullopt : std::optional(uuid);
}
std::string text_of(Uuid const& uuid) { return uuid.is_nil() ? std::string() : to_string(uuid); }

std::string_view action_of(http::RouteSpec const& route, RawReply const& answer) {
    if (!route.action.empty()) return route.action;
    switch (route.method) {
    case http::Method::put:
    case http::Method::patch: return "UPDATE";
    case http::Method::del: return "DELETE";
    case http::Method::post: return answer.status == 201 ? "CREATE" : "EXECUTE";
    default: return "READ";
    }
}

pg::Settings settings_of(Actor const& actor, std::string_view request_id) {
    std::string_view role = actor.anonymous() ? "anonymous" : "customer";
    if (actor.is_admin()) role = "admin";
    return {.user_id = text_of(actor.user.uuid),
            .org_id = text_of(actor.org.uuid),
            .role = std::string(role),
            .correlation_id = std::string(request_id)};
}

} // namespace

RawCall::RawCall(http::Request& request, http::RouteSpec const& route, pg::Database& database,
                 Actor actor, std::string_view request_id)
    : read(database, settings_), request_(request), route_(route), database_(database),
      actor_(actor), request_id_(request_id), settings_(settings_of(actor, request_id)),
      key_(http::idempotency_key(request, route, settings_)) {}
RawCall::~RawCall() = default;

http::Payload::~Payload() {
    if (file.descriptor >= 0) ::close(file.descriptor);
}

Tx RawCall::begin() {
    Tx tx(database_, settings_);
    if (key_) http::claim(tx, *key_);
    return tx;
}

/// Of whom personal data tells where it names nobody.
Uuid RawCall::on_behalf_of() const {
    return actor_.org.uuid.is_nil() ? actor_.user.uuid : actor_.org.uuid;
}

void RawCall::keep_audit(Tx& tx, RawReply const& answer) {
    Uuid user; // whom the transaction is for: who signs in was nobody when the call came
    parse(tx.settings().user_id, user);
    AuditRow row{.user_id = given(user),
                 .org_id = given(actor_.org.uuid),
                 .action = std::string(action_of(route_, answer)),
                 .operation = route_.operation,
                 .entity = route_.tag,
                 .entity_id = given(answer.entity),
                 .changes = {},
                 .address = std::string(request_.address),
                 .user_agent = std::string(request_.header("user-agent").substr(0, 255)),
                 .request_id = std::string(request_id_)};
    if (!changes_.empty()) row.changes.text = changes_;
    privacy::veil(tx, row.changes.text, personal_, on_behalf_of());
    if (!user.is_nil()) {
        row.address = privacy::veil_text(tx, row.address, user);
        row.user_agent = privacy::veil_text(tx, row.user_agent, user);
    }
    tx.later(sql::insert_audit, row);
}

void RawCall::keep_for_repeats(Tx& tx, RawReply& answer) {
    std::size_t const begin =
        http::write_success(answer.rendered, answer, route_.message_for(answer), request_id_);
    std::string kept = answer.rendered;
    for (describe::PersonalPart& part : answer.personal) part.at += begin;
    privacy::veil(tx, kept, answer.personal, on_behalf_of());
    http::keep_answer(tx, *key_, answer, std::move(kept));
}

Task<RawReply> RawCall::commit_raw(Tx& tx, RawReply answer) {
    if (route_.audited) keep_audit(tx, answer);
    if (key_) keep_for_repeats(tx, answer);
    co_await tx.commit();
    co_return std::move(answer);
}

// {"after":{…}}: a change has "from" and "to" of each field instead. Secrets are masked.
void RawCall::lone_change(std::string_view side, describe::Shape const& shape, void const* row) {
    personal_.clear();
    changes_ = R"({")" + std::string(side) + R"(":)";
    describe::encode_masked(changes_, shape, row, personal_);
    changes_ += '}';
}

bool RawCall::has_if_match() const { return !request_.header("if-match").empty(); }

void RawCall::expect_json(std::string const& data) const {
    std::string_view const wanted = request_.header("if-match");
    if (!http::names_etag(wanted, etag_of(data))) throw Refusal(precondition_failed);
}

std::string_view RawCall::cookie(std::string_view name) const {
    return http::cookie_in(request_.header("cookie"), name);
}

} // namespace haat
