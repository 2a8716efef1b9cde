// What providers say afterwards: taken in by a job, kept, and applied to the message it is about,
// whichever of the two is known first.
#include <base/clock.hpp>
#include <modules/notify/inside.hpp>

namespace haat::notify {

namespace {

struct KeptReceipt {
    std::string provider;
    std::string external_id;
    NotificationStatus status = NotificationStatus::DELIVERED;
    Timestamp at;
    std::string reason;
};
HAAT_DESCRIBE(KeptReceipt, provider, external_id, status, at, reason)

namespace sql {
Exec<std::string, std::string> const lock_external{"notify.lock_external", R"(
    select pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 25)))"};
Exec<KeptReceipt> const keep_receipt{"notify.keep_receipt", R"(
    insert into notify.receipts ({1}) values ({$1}) on conflict do nothing)"};
// In the order in which such things happen, however they came.
Many<KeptReceipt, std::string, std::string> const receipts_of{"notify.receipts_of", R"(
    select {row} from notify.receipts where provider = $1 and external_id = $2
     order by case status when 'SENT' then 1 when 'DELIVERED' then 2 when 'READ' then 3
                          else 4 end)"};
Many<MessageFacts, KeptReceipt> const apply_receipt{"notify.apply_receipt", R"(
    update notify.messages m
       set status = $3,
           delivered_at = case when $3 in ('DELIVERED', 'READ') then coalesce(delivered_at, $4)
                               else delivered_at end,
           read_at = case when $3 = 'READ' then $4 else read_at end,
           failure_reason = case when $3 = 'FAILED' then left($5, 500) else failure_reason end,
           updated_at = greatest(updated_at, $4)
     where provider = $1 and external_id = $2
       and (status, $3) in (('SENT', 'DELIVERED'), ('SENT', 'READ'), ('SENT', 'FAILED'),
                            ('DELIVERED', 'READ'))
    returning {row})"};
} // namespace sql

Task<void> take_receipts(JobRun<TakeReceipts>& run) {
    TakeReceipts const& news = run.payload();
    for (Receipt const& each : news.receipts) {
        Tx tx = run.begin();
        co_await lock_external(tx, news.provider, each.external_id);
        KeptReceipt const kept{news.provider, each.external_id, each.status, each.at, each.reason};
        tx.later(sql::keep_receipt, kept);
        co_await apply_receipts(tx, news.provider, each.external_id);
        co_await run.commit(tx);
    }
}

} // namespace

Task<void> lock_external(Tx& tx, std::string const& provider, std::string const& external_id) {
    co_await tx(sql::lock_external, provider, external_id);
}

Task<void> apply_receipts(Tx& tx, std::string const& provider, std::string const& external_id) {
    std::vector<KeptReceipt> const all = co_await tx(sql::receipts_of, provider, external_id);
    for (KeptReceipt const& each : all) {
        std::vector<MessageFacts> const moved = co_await tx(sql::apply_receipt, each);
        for (MessageFacts const& facts : moved) tell(tx, facts);
    }
}

Job<TakeReceipts> const receipts_job{
    "notify.receipts", {.attempts = 10, .keep = 0s}, &take_receipts};

} // namespace haat::notify
