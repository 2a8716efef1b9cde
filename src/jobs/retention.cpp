// What has ended is not kept for ever.
#include <jobs/cron.hpp>

namespace haat {

namespace {

struct Removed {
    std::int64_t jobs = 0;
    std::int64_t batches = 0;
};
HAAT_DESCRIBE(Removed, jobs, batches)

namespace sql {
// In pieces, so that no statement holds others up.
Exec<> remove_finished{"jobs.remove_finished", R"(
    delete from jobs.finished where id = any (array(
        select id from jobs.finished where keep_until < now() order by keep_until limit 5000)))"};
Exec<> remove_batches{"jobs.remove_batches", R"(
    delete from jobs.batches where id = any (array(
        select id from jobs.batches
         where created_at < now() - interval '30 days' and unfinished = 0 limit 5000)))"};
} // namespace sql

Task<Removed> remove_old(JobRun<Nothing>& run) {
    Removed removed;
    for (int now = 1; now > 0; removed.jobs += now) {
        Tx tx = run.begin();
        now = co_await tx.last()(sql::remove_finished);
    }
    for (int now = 1; now > 0; removed.batches += now) {
        Tx tx = run.begin();
        now = co_await tx.last()(sql::remove_batches);
    }
    co_return removed;
}

Job<Nothing> const remove_old_jobs{"jobs.remove_old", {.timeout = 10min}, &remove_old};
Cron const nightly{"jobs.remove_old", "0 2 * * *", remove_old_jobs};

} // namespace

} // namespace haat
