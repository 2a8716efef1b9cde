// What jobs and queues there are, and putting jobs into the queue.
#include <jobs/jobs.hpp>

#include <algorithm>
#include <unordered_map>

#include <base/clock.hpp>
#include <base/uuid_or_none.hpp>
#include <describe/leaves.hpp>
#include <jobs/inside.hpp>

namespace haat {

namespace {

constinit Queue const* first_queue = nullptr;
constinit JobKind const* first_job = nullptr;
constinit int job_count = 0;

using jobs::delayed_payload;
using jobs::wake_channel;

/// What all jobs of one statement have in common.
struct NewJobs {
    Uuid share;
    std::optional<Uuid> user_id;
    std::optional<Uuid> batch_id;
    std::int32_t attempts_max = 1;
    std::int32_t keep_seconds = 0;
    std::int32_t priority = 0;
    std::string queue;
    std::string name;
    std::string correlation_id;
};
HAAT_DESCRIBE(NewJobs, share, user_id, batch_id, attempts_max, keep_seconds, priority, queue, name,
              correlation_id)

namespace sql {
// A delay of nothing is due at once; a negative one waits until somebody lets it go.
Exec<NewJobs, Uuid, Json, std::optional<std::string>, std::int64_t> insert{"jobs.insert", R"(
    insert into jobs.queue ({1}, id, payload, unique_key, due, run_at)
    values ({$1}, {$2}, {$3}, {$4}, {$5}::bigint = 0,
            case when {$5} < 0 then 'infinity' else now() + {$5} * interval '1 millisecond' end)
    on conflict do nothing)"};
Exec<NewJobs, std::vector<Uuid>, std::vector<Json>, std::int64_t> insert_many{"jobs.insert_many",
                                                                              R"(
    insert into jobs.queue ({1}, id, payload, due, run_at)
    select {$1}, j.id, j.payload, {$4}::bigint = 0, now() + {$4} * interval '1 millisecond'
      from unnest({$2}::uuid[], {$3}::jsonb[]) as j (id, payload))"};
Exec<Uuid, Uuid, std::int32_t> insert_batch{"jobs.insert_batch", R"(
    insert into jobs.batches (id, then_id, total, unfinished) values ($1, $2, $3::integer, $3))"};
} // namespace sql

NewJobs new_jobs(Tx const& tx, JobKind const& job, EnqueueOptions const& options) {
    JobOptions const& kind = job.options();
    NewJobs made;
    made.share =
        options.org.value_or(uuid_or_none(tx.settings().org_id).value_or(jobs::share_of_nobody));
    made.user_id = uuid_or_none(tx.settings().user_id);
    made.attempts_max = kind.attempts;
    made.keep_seconds = static_cast<std::int32_t>(kind.keep.count());
    made.priority = static_cast<std::int32_t>(options.priority.value_or(kind.priority));
    made.queue = kind.queue->name();
    made.name = job.name();
    made.correlation_id = tx.settings().correlation_id;
    return made;
}

void announce(Tx& tx, JobKind const& job, std::chrono::milliseconds delay) {
    std::string_view const queue = job.options().queue->name();
    tx.announce(wake_channel, delay.count() > 0 ? delayed_payload : queue);
}

} // namespace

Queue const ordinary{"ordinary"};

Queue::Queue(char const* name, QueueOptions options)
    : name_(name), options_(options), next_(first_queue) {
    first_queue = this;
}
Queue const* Queue::first() { return first_queue; }

JobKind::JobKind(char const* name, JobOptions const& options, describe::Shape const& payload,
                 void (*handler)(), Start start)
    : name_(name), options_(options), payload_(&payload), handler_(handler), start_(start),
      number_(job_count++), next_(first_job) {
    first_job = this;
}
JobKind const* JobKind::first() { return first_job; }
int JobKind::count() { return job_count; }

JobKind const* JobKind::find(std::string_view name) {
    static std::unordered_map<std::string_view, JobKind const*> const all = [] {
        std::unordered_map<std::string_view, JobKind const*> made;
        for (JobKind const* kind = first_job; kind; kind = kind->next()) made[kind->name()] = kind;
        return made;
    }();
    auto const found = all.find(name);
    return found == all.end() ? nullptr : found->second;
}

std::string stored_json(describe::Shape const& shape, void const* payload) {
    std::string text;
    describe::encode_stored(text, shape, payload);
    return text;
}

JobId enqueue_erased(Tx& tx, JobKind const& job, void const* payload,
                     EnqueueOptions const& options) {
    return jobs::enqueue_text(tx, job, stored_json(job.payload(), payload), options);
}

JobId jobs::enqueue_text(Tx& tx, JobKind const& job, std::string payload,
                         EnqueueOptions const& options) {
    JobId const id = new_id<JobNoun>();
    std::optional<std::string> key;
    if (!options.unique_key.empty()) key = options.unique_key;
    tx.later(sql::insert, new_jobs(tx, job, options), id.uuid, Json{std::move(payload)}, key,
             options.delay.count());
    announce(tx, job, options.delay);
    return id;
}

std::vector<JobId> enqueue_many_erased(Tx& tx, JobKind const& job, std::vector<Json> payloads,
                                       EnqueueOptions const& options, std::optional<Uuid> batch) {
    if (!options.unique_key.empty()) throw Fault("many jobs cannot have one unique key");
    std::vector<JobId> made;
    std::vector<Uuid> ids;
    made.reserve(payloads.size());
    ids.reserve(payloads.size());
    for (std::size_t i = 0; i < payloads.size(); ++i)
        ids.push_back(made.emplace_back(new_id<JobNoun>()).uuid);
    if (payloads.empty()) return made;
    NewJobs common = new_jobs(tx, job, options);
    common.batch_id = batch;
    tx.later(sql::insert_many, common, ids, payloads, options.delay.count());
    announce(tx, job, options.delay);
    return made;
}

// ---- batches

JobBatch::JobBatch(Tx& tx, EnqueueOptions options) : tx_(tx), options_(options), id_(new_uuid()) {}

void JobBatch::add_erased(JobKind const& job, std::string payload) {
    auto part = std::find_if(parts_.begin(), parts_.end(),
                             [&job](Part const& one) { return one.job == &job; });
    if (part == parts_.end()) part = parts_.insert(parts_.end(), Part{&job, {}});
    part->payloads.push_back({std::move(payload)});
}

JobId JobBatch::then_erased(JobKind const& job, void const* payload) {
    std::int32_t total = 0;
    for (Part& part : parts_) {
        total += static_cast<std::int32_t>(part.payloads.size());
        enqueue_many_erased(tx_, *part.job, std::move(part.payloads), options_, id_);
    }
    parts_.clear();
    JobId const then = new_id<JobNoun>();
    tx_.later(sql::insert, new_jobs(tx_, job, options_), then.uuid,
              Json{stored_json(job.payload(), payload)}, std::nullopt,
              total == 0 ? 0 : jobs::until_let_go);
    tx_.later(sql::insert_batch, id_, then.uuid, total);
    if (total == 0) announce(tx_, job, 0ms);
    return then;
}

} // namespace haat
