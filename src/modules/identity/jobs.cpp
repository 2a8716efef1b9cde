// What the module does at night.
#include <jobs/cron.hpp>

namespace haat::identity {

namespace {

struct Removed {
    std::int64_t sessions = 0;
    std::int64_t failures = 0;
};
HAAT_DESCRIBE(Removed, sessions, failures)

namespace sql {
// A session that has ended is shown to its user for a month.
Exec<> remove_old_sessions{"identity.remove_old_sessions", R"(
    delete from identity.sessions where id = any (array(
        select id from identity.sessions
         where expires_at < now() - interval '30 days' order by expires_at limit 5000)))"};
Exec<> remove_old_failures{"identity.remove_old_failures", R"(
    delete from identity.sign_in_failures where ctid = any (array(
        select ctid from identity.sign_in_failures
         where until < now() order by until limit 5000)))"};
} // namespace sql

Task<Removed> clean_up(JobRun<Nothing>& run) {
    Removed removed;
    for (int now = 1; now > 0; removed.sessions += now) {
        Tx tx = run.begin();
        now = co_await tx.last()(sql::remove_old_sessions);
    }
    for (int now = 1; now > 0; removed.failures += now) {
        Tx tx = run.begin();
        now = co_await tx.last()(sql::remove_old_failures);
    }
    co_return removed;
}

Job<Nothing> const clean_up_job{"identity.clean_up", {.timeout = 10min}, &clean_up};
Cron const nightly{"identity.clean_up", "0 2 * * *", clean_up_job};

} // namespace

} // namespace haat::identity
