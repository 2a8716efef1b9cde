#include <jobs/operators.hpp>

#include <base/text_forms.hpp>
#include <describe/leaves.hpp>
#include <jobs/inside.hpp>

namespace haat::jobs {

RefusalKind const job_running{409, "JOB_RUNNING", "The job is running. Cancel it first."};
RefusalKind const job_ended{409, "JOB_ENDED", "The job has ended."};
RefusalKind const job_duplicate{409, "JOB_DUPLICATE",
                                "Another job with the same unique key waits already."};
RefusalKind const queue_not_found{404, "QUEUE_NOT_FOUND", "There is no such queue."};

// The share of those who are no organization's is number one of all, see inside.hpp.
pg::ListOf<JobSummary, JobFilter> const list{
    "jobs.list",
    {.select = R"(
        select e.id, e.name, e.queue, e.state,
               (array['low', 'medium', 'high', 'critical'])[e.priority + 1] as priority,
               nullif(e.share, '00000000-0000-0000-0000-000000000001') as org_id, e.attempt,
               e.attempts_max, e.progress::integer as progress, e.note, e.error, e.is_cancelling,
               e.created_at, e.run_at, e.started_at, e.finished_at
          from jobs.everything e)",
     .filters = {{"state", "e.state = $"},
                 {"queue", "e.queue = $"},
                 {"name", "e.name = $"},
                 {"org_id", "e.share = $"}},
     // The ids are made in the order of time, and both tables have them in that order.
     .sorts = {{"createdAt", "e.id", Order::desc}},
     .key = "e.id"}};

One<JobRow, JobId> const find{"jobs.find", R"(
    select e.id, e.name, e.queue, e.state,
           (array['low', 'medium', 'high', 'critical'])[e.priority + 1] as priority,
           nullif(e.share, '00000000-0000-0000-0000-000000000001') as org_id, e.attempt,
           e.attempts_max, e.progress::integer as progress, e.note, e.error, e.is_cancelling,
           e.created_at, e.run_at, e.started_at, e.finished_at, e.user_id, e.unique_key,
           e.correlation_id, e.payload, e.result
      from jobs.everything e where e.id = $1)"};

Many<QueueFacts> const queues{"jobs.queues",
                              R"(
    select s.name, s.paused as is_paused, s.concurrency_max,
           count(q.id) filter (where q.due and q.runner is null) as waiting,
           count(q.id) filter (where not q.due) as later, count(q.runner) as running,
           (select count(*) from jobs.finished f where f.state = 'dead' and f.queue = s.name)
               as dead,
           min(q.run_at) filter (where q.due and q.runner is null) as oldest_at
      from jobs.queues s left join jobs.queue q on q.queue = s.name
     group by s.name order by s.name)",
                              {.slow = true}};

Many<CronFacts> const crons{"jobs.cron_facts", R"(
    select name, expression, zone, next_at, last_at from jobs.crons order by name)"};

namespace {

namespace sql {
One<std::string, JobId> retry{"jobs.retry", "select jobs.retry($1) as outcome"};
One<std::string, JobId> cancel{"jobs.cancel", "select jobs.cancel($1) as outcome"};
One<bool, std::string, bool> set_paused{"jobs.set_paused",
                                        "select jobs.set_paused($1, $2) as found"};
Maybe<std::string, JobId> queue_of{"jobs.queue_of",
                                   "select queue from jobs.everything where id = $1"};
} // namespace sql

} // namespace

Json shown_payload(JobRow const& row) {
    JobKind const* const kind = JobKind::find(row.name);
    Json shown;
    if (!kind) return shown;
    describe::Shape const& shape = kind->payload();
    std::unique_ptr<char[]> const memory(new char[shape.size + alignof(std::max_align_t)]);
    void* at = memory.get();
    std::size_t room = shape.size + alignof(std::max_align_t);
    std::align(alignof(std::max_align_t), shape.size, at, room);
    shape.make(at);
    std::unique_ptr<void, void (*)(void*)> const owned(at, shape.drop);
    Problems problems;
    if (!describe::decode_stored(row.payload.text, shape, at, problems)) return shown;
    shown.text.clear();
    describe::encode_masked(shown.text, shape, at);
    return shown;
}

Task<void> retry(Tx& tx, JobId id) {
    std::string const outcome = co_await tx(sql::retry, id);
    if (outcome == "unknown") throw not_found<JobNoun>();
    if (outcome == "duplicate") throw Refusal(job_duplicate);
    if (outcome == "running") throw Refusal(job_running);
    if (outcome == "done") throw Refusal(job_ended);
    if (outcome == "later") throw Refusal(job_running).saying("The job waits for its batch.");
    std::optional<std::string> const queue = co_await tx(sql::queue_of, id);
    if (queue) tx.announce(wake_channel, *queue);
}

Task<void> cancel(Tx& tx, JobId id) {
    std::string const outcome = co_await tx(sql::cancel, id);
    if (outcome == "unknown") throw not_found<JobNoun>();
    if (outcome == "done" || outcome == "dead") throw Refusal(job_ended);
    if (outcome != "cancelling") co_return;
    tx.announce(wake_channel, std::string(cancel_payload) + to_string(id.uuid));
}

Task<void> set_paused(Tx& tx, std::string const& queue, bool paused) {
    bool const found = co_await tx(sql::set_paused, queue, paused);
    if (!found) throw Refusal(queue_not_found);
    if (!paused) tx.announce(wake_channel, queue);
}

} // namespace haat::jobs
