#include <http/idempotency.hpp>

#include <algorithm>
#include <bit>

#include <base/hash.hpp>
#include <http/message.hpp>
#include <http/routes.hpp>
#include <jobs/cron.hpp>
#include <privacy/keyring.hpp>

namespace haat::http {

RefusalKind const idempotency_in_progress{
    409,
    "IDEMPOTENCY_IN_PROGRESS",
    "The same request is still running. Ask again in a moment.",
    {.constraint = "idempotency_pkey"}};
RefusalKind const idempotency_mismatch{422, "IDEMPOTENCY_MISMATCH",
                                       "This Idempotency-Key was used with another body."};
RefusalKind const idempotency_key_invalid{
    400, "IDEMPOTENCY_KEY_INVALID", "An Idempotency-Key has 1 to 255 printable ASCII characters."};

namespace {

struct Kept {
    std::string actor;
    std::string route;
    std::string key;
    std::int32_t status = 0;
    std::string head;
    std::string body;
};
HAAT_DESCRIBE(Kept, actor, route, key, status, head, body)

namespace sql {
// A rival in flight is waited for two seconds at most.
Exec<> wait_two_seconds{"platform.lock_timeout", "select set_config('lock_timeout', '2000', true)"};
Exec<IdempotencyKey> claim{"platform.claim_key", R"(
    insert into platform.idempotency (actor, route, key, body_hash) values ($1, $2, $3, $4))"};
Exec<Kept> keep{"platform.keep_answer", R"(
    update platform.idempotency set status = $4, head = $5, body = $6
    where actor = $1 and route = $2 and key = $3)"};
Maybe<KeptAnswer, std::string, std::string, std::string> find{"platform.find_answer", R"(
    select body_hash, status, head, body from platform.idempotency
    where actor = $1 and route = $2 and key = $3 and status is not null)"};
Exec<> remove_old{"platform.remove_old_answers", R"(
    delete from platform.idempotency where ctid = any (array(
        select ctid from platform.idempotency
         where created_at < now() - interval '24 hours' order by created_at limit 5000)))"};
} // namespace sql

Task<std::int64_t> remove_old_answers(JobRun<Nothing>& run) {
    std::int64_t removed = 0;
    for (int now = 1; now > 0; removed += now) {
        Tx tx = run.begin();
        now = co_await tx.last()(sql::remove_old);
    }
    co_return removed;
}

// Kept for a day, as domain.md promises.
Job<Nothing> const remove_old_answers_job{
    "platform.remove_old_answers", {.timeout = 10min}, &remove_old_answers};
Cron const nightly{"platform.remove_old_answers", "0 2 * * *", remove_old_answers_job};

} // namespace

std::optional<IdempotencyKey> idempotency_key(Request const& request, RouteSpec const& route,
                                              pg::Settings const& settings) {
    std::string_view const key = request.header("idempotency-key");
    if (!route.idempotent || key.empty()) return std::nullopt;
    auto const printable = [](unsigned char c) { return c >= ' ' && c <= '~'; };
    if (key.size() > 255 || !std::all_of(key.begin(), key.end(), printable))
        throw Refusal(idempotency_key_invalid);
    return IdempotencyKey{.actor = settings.user_id + "/" + settings.org_id,
                          .route = route.operation,
                          .key = std::string(key),
                          .body_hash = std::bit_cast<std::int64_t>(hash_of(request.body))};
}

void claim(Tx& tx, IdempotencyKey const& key) {
    tx.later(sql::wait_two_seconds);
    tx.later(sql::claim, key);
}

void keep_answer(Tx& tx, IdempotencyKey const& key, RawReply const& answer, std::string body) {
    Kept const row{key.actor, key.route, key.key, answer.status, answer.head, std::move(body)};
    tx.later(sql::keep, row);
}

Task<std::optional<KeptAnswer>> find_answer(pg::Database& database, pg::Reader& read,
                                            IdempotencyKey const& key) {
    std::optional<KeptAnswer> found = co_await read(sql::find, key.actor, key.route, key.key);
    if (found && privacy::is_veiled(found->body)) {
        std::vector<std::string*> const texts(1, &found->body);
        co_await privacy::unveil(database, texts);
    }
    co_return found;
}

} // namespace haat::http
