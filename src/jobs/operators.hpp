// Jobs as operators see them: what the admin module's routes and `haat jobs` show and do.
#pragma once

#include <jobs/jobs.hpp>

namespace haat::jobs {

enum class JobState : std::uint8_t { later, waiting, running, done, dead, cancelled };
HAAT_DESCRIBE_ENUM(JobState, later, waiting, running, done, dead, cancelled)

struct JobSummary {
    JobId id;
    std::string name;
    std::string queue;
    JobState state = JobState::waiting;
    JobPriority priority = JobPriority::medium;
    std::optional<Uuid> org_id;
    std::int32_t attempt = 0;
    std::int32_t attempts_max = 0;
    std::optional<std::int32_t> progress;
    std::optional<std::string> note;
    std::optional<std::string> error;
    bool is_cancelling = false;
    Timestamp created_at;
    std::optional<Timestamp> run_at;
    std::optional<Timestamp> started_at;
    std::optional<Timestamp> finished_at;
};
HAAT_DESCRIBE(JobSummary, id, name, queue, state, priority, org_id, attempt, attempts_max, progress,
              note, error, is_cancelling, created_at, run_at, started_at, finished_at)
HAAT_NOTES(JobSummary, {.field = "name", .text = "Its kind.", .example = "jobs.remove_old"},
           {.field = "attempt", .text = "How often it was begun."},
           {.field = "progress", .text = "Percent, where the job says it."},
           {.field = "note", .text = "What it is doing, where it says so."},
           {.field = "error", .text = "Why the last attempt failed."},
           {.field = "is_cancelling", .text = "It runs, and has been told to stop."},
           {.field = "run_at", .text = "When it is due; null: when its batch has ended."})

/// The rows of the database; payload and result as they are kept.
struct JobRow : JobSummary {
    std::optional<Uuid> user_id;
    std::optional<std::string> unique_key;
    std::string correlation_id;
    Json payload;
    std::optional<Json> result;
};
HAAT_DESCRIBE(JobRow, id, name, queue, state, priority, org_id, attempt, attempts_max, progress,
              note, error, is_cancelling, created_at, run_at, started_at, finished_at, user_id,
              unique_key, correlation_id, payload, result)
HAAT_NOTES(JobRow, {.field = "payload", .text = "What it was given; secrets are not shown."},
           {.field = "result", .text = "What it gave."})

struct JobFilter {
    std::optional<JobState> state;
    std::optional<Text<1, 60>> queue;
    std::optional<Text<1, 100>> name;
    std::optional<Uuid> org_id;
    Paging paging;
};
HAAT_DESCRIBE(JobFilter, state, queue, name, org_id, paging)

struct QueueFacts {
    std::string name;
    bool is_paused = false;
    std::optional<std::int32_t> concurrency_max;
    std::int64_t waiting = 0;
    std::int64_t later = 0;
    std::int64_t running = 0;
    std::int64_t dead = 0;
    std::optional<Timestamp> oldest_at;
};
HAAT_DESCRIBE(QueueFacts, name, is_paused, concurrency_max, waiting, later, running, dead,
              oldest_at)
HAAT_NOTES(QueueFacts, {.field = "concurrency_max", .text = "Over all processes; null: no limit."},
           {.field = "oldest_at", .text = "Since when the job that waits longest is due."})

struct CronFacts {
    std::string name;
    std::string expression;
    std::string zone;
    Timestamp next_at;
    std::optional<Timestamp> last_at;
};
HAAT_DESCRIBE(CronFacts, name, expression, zone, next_at, last_at)
HAAT_NOTES(CronFacts, {.field = "expression", .text = "Five fields.", .example = "0 2 * * *"},
           {.field = "zone", .text = "In which it is meant.", .example = "Asia/Kolkata"},
           {.field = "last_at", .text = "The tick that was last run."})

// Each needs the role of an administrator in the settings, or the owner's rights.
extern pg::ListOf<JobSummary, JobFilter> const list;
extern One<JobRow, JobId> const find;
extern Many<QueueFacts> const queues;
extern Many<CronFacts> const crons;

/// The payload without its secrets, as the API writes it; empty when this program does not know
/// the kind.
Json shown_payload(JobRow const& row);

extern RefusalKind const job_running;
extern RefusalKind const job_ended;
extern RefusalKind const job_duplicate;
extern RefusalKind const queue_not_found;

/// A dead or cancelled job waits again, one that waits for its time is due now.
Task<void> retry(Tx& tx, JobId id);
/// Will not run, or has been told to stop.
Task<void> cancel(Tx& tx, JobId id);
Task<void> set_paused(Tx& tx, std::string const& queue, bool paused);

} // namespace haat::jobs
