#include <http/idempotency.hpp>

#include <bit>

#include <jobs/cron.hpp>

namespace haat::http {

RefusalKind const idempotency_in_progress{
    409, "IDEMPOTENCY_IN_PROGRESS", "The same request is still running. Ask again in a moment.",
    {.constraint = "idempotency_pkey"}};
RefusalKind const idempotency_mismatch{
    422, "IDEMPOTENCY_MISMATCH", "This Idempotency-Key was used with another body."};

namespace {

struct Claim {
    std::string actor;
    std::string route;
    std::string key;
    std::int64_t body_hash = 0;
};
HAAT_DESCRIBE(Claim, actor, route, key, body_hash)

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
Exec<Claim> claim{"platform.claim_key", R"(
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

void claim_key(Tx& tx, std::string const& actor, std::string const& route, std::string const& key,
               std::uint64_t body_hash) {
    Claim const row{actor, route, key, std::bit_cast<std::int64_t>(body_hash)};
    tx.later(sql::wait_two_seconds);
    tx.later(sql::claim, row);
}

void keep_answer(Tx& tx, std::string const& actor, std::string const& route,
                 std::string const& key, RawReply const& answer) {
    Kept const row{actor, route, key, answer.status, answer.head, answer.rendered};
    tx.later(sql::keep, row);
}

Task<std::optional<KeptAnswer>> find_answer(pg::Reader& read, std::string actor, std::string route,
                                            std::string key) {
    co_return co_await read(sql::find, actor, route, key);
}

} // namespace haat::http
