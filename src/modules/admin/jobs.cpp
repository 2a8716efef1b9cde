// Jobs, their queues and the crons, for administrators.
#include <http/routes.hpp>
#include <jobs/operators.hpp>
#include <modules/admin/admin.hpp>

namespace haat::admin {

namespace {

using jobs::CronFacts;
using jobs::JobFilter;
using jobs::JobRow;
using jobs::JobSummary;
using jobs::QueueFacts;

struct QueueState {
    std::string name;
    bool is_paused = false;
};
HAAT_DESCRIBE(QueueState, name, is_paused)

using QueueName = Text<1, 60>;

Task<Reply<Page<JobSummary>>> list_jobs(Ask<JobFilter>& ask) {
    Page<JobSummary> const page = co_await ask.read.list(jobs::list, ask.query());
    co_return listed(page);
}

Task<Reply<JobRow>> find_job(Call<>& call, JobId id) {
    JobRow row = co_await call.read(jobs::find, id);
    row.payload = jobs::shown_payload(row);
    co_return ok(row);
}

Task<Reply<JobRow>> changed_job(Call<>& call, Tx& tx, JobId id) {
    JobRow row = co_await tx(jobs::find, id);
    row.payload = jobs::shown_payload(row);
    Reply<JobRow> answer = ok(row);
    co_return co_await call.commit(tx, std::move(answer));
}

Task<Reply<JobRow>> retry_job(Call<>& call, JobId id) {
    Tx tx = call.begin();
    co_await jobs::retry(tx, id);
    co_return co_await changed_job(call, tx, id);
}

Task<Reply<JobRow>> cancel_job(Call<>& call, JobId id) {
    Tx tx = call.begin();
    co_await jobs::cancel(tx, id);
    co_return co_await changed_job(call, tx, id);
}

Task<Reply<std::vector<QueueFacts>>> list_queues(Call<>& call) {
    std::vector<QueueFacts> const all = co_await call.read(jobs::queues);
    co_return ok(all);
}

Task<Reply<QueueState>> set_paused(Call<>& call, QueueName const& queue, bool paused) {
    Tx tx = call.begin();
    co_await jobs::set_paused(tx, queue.value, paused);
    QueueState const state{queue.value, paused};
    co_return co_await call.commit(tx, ok(state));
}
Task<Reply<QueueState>> pause_queue(Call<>& call, QueueName queue) {
    co_return co_await set_paused(call, queue, true);
}
Task<Reply<QueueState>> resume_queue(Call<>& call, QueueName queue) {
    co_return co_await set_paused(call, queue, false);
}

Task<Reply<std::vector<CronFacts>>> list_crons(Call<>& call) {
    std::vector<CronFacts> const all = co_await call.read(jobs::crons);
    co_return ok(all);
}

} // namespace

void add_job_routes(Routes& r) {
    Routes all = r.group("/jobs", "Jobs");
    all.get("", &list_jobs, "Jobs that wait, run or have ended").needs(Permit::platform_admin);
    all.get("/queues", &list_queues, "The queues and what is in them")
        .needs(Permit::platform_admin);
    all.post("/queues/{queue}/pause", &pause_queue, "Nothing of this queue is begun any more")
        .needs(Permit::platform_admin)
        .answers(200)
        .refuses(jobs::queue_not_found);
    all.post("/queues/{queue}/resume", &resume_queue, "The queue goes on")
        .needs(Permit::platform_admin)
        .answers(200)
        .refuses(jobs::queue_not_found);
    all.get("/crons", &list_crons, "What is done at certain times").needs(Permit::platform_admin);
    all.get("/{id}", &find_job, "One job with its payload and result")
        .needs(Permit::platform_admin);
    all.post("/{id}/retry", &retry_job, "A dead or cancelled job waits again")
        .needs(Permit::platform_admin)
        .answers(200)
        .refuses(jobs::job_running, jobs::job_ended, jobs::job_duplicate);
    all.post("/{id}/cancel", &cancel_job, "It will not run, or is told to stop")
        .needs(Permit::platform_admin)
        .answers(200)
        .refuses(jobs::job_ended);
}

} // namespace haat::admin
