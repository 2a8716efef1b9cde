// Jobs: what is done later, by a worker, exactly as often as its transaction says.
//
//     Job<Mail> send_mail{"notify.send", {.attempts = 3, .backoff_first = 5s}, &send};
//     enqueue(tx, send_mail, mail, {.delay = 1s, .unique_key = key});      // goes with the commit
//
//     Task<void> send(JobRun<Mail>& run) {
//         …                                                                // the world
//         Tx tx = run.begin();
//         tx.later(sql::mark_sent, run.payload().id);
//         co_await run.commit(tx);               // effect and completion in one transaction
//     }
//
// A job runs at least once: what a worker had done without a commit when it was killed is done
// again. It never runs twice at the same time, as far as transactions that end in run.commit() can
// tell. docs/decisions/0013-jobs.md says how.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <describe/codec.hpp>
#include <jobs/run.hpp>
#include <pg/pg.hpp>

namespace haat {

using namespace std::chrono_literals;

struct JobNoun {
    static constexpr std::string_view noun = "job";
};
using JobId = Id<JobNoun>;

/// Of two that wait in one queue, the higher one goes first, whoever waits.
enum class JobPriority : std::uint8_t { low, medium, high, critical };
HAAT_DESCRIBE_ENUM(JobPriority, low, medium, high, critical)

struct QueueOptions {
    int concurrency = 16;    // jobs that one loop of one process runs at the same time
    int concurrency_max = 0; // over all processes; 0: no limit
};

/// A queue is a value: `inline Queue mails{"mail", {.concurrency = 4}}`. Operators may pause it.
class Queue {
public:
    Queue(char const* name, QueueOptions options);
    explicit Queue(char const* name) : Queue(name, QueueOptions{}) {}
    Queue(Queue const&) = delete;

    char const* name() const { return name_; }
    QueueOptions const& options() const { return options_; }

    Queue const* next() const { return next_; }
    static Queue const* first();

private:
    char const* name_;
    QueueOptions options_;
    Queue const* next_;
};

/// For whatever needs no queue of its own.
extern Queue const ordinary;

struct JobOptions {
    Queue const* queue = &ordinary;
    JobPriority priority = JobPriority::medium;
    int attempts = 5;
    std::chrono::milliseconds backoff_first = 5s; // doubled after each attempt, with jitter
    std::chrono::milliseconds backoff_max = 1h;
    std::chrono::milliseconds timeout = 60s; // then it is asked to stop, and fails
    std::chrono::seconds keep = 7 * 24h;     // with its result, after it went well; 0: not at all
};

/// A job of any payload; links itself into the list of all.
class JobKind {
public:
    /// Runs the handler; gives the result's JSON, or nothing.
    using Start = Task<std::string> (*)(JobKind const&, jobs::Run&);

    JobKind(char const* name, JobOptions const& options, describe::Shape const& payload,
            void (*handler)(), Start start);
    JobKind(JobKind const&) = delete;

    char const* name() const { return name_; }
    JobOptions const& options() const { return options_; }
    describe::Shape const& payload() const { return *payload_; }
    void (*handler() const)() { return handler_; }
    Start start() const { return start_; }
    /// Dense, for metrics.
    int number() const { return number_; }

    JobKind const* next() const { return next_; }
    static JobKind const* first();
    static JobKind const* find(std::string_view name);
    static int count();

private:
    char const* name_;
    JobOptions options_;
    describe::Shape const* payload_;
    void (*handler_)();
    Start start_;
    int number_;
    JobKind const* next_;
};

/// The payload of jobs that need none.
struct Nothing {
    bool nothing = true;
};
HAAT_DESCRIBE(Nothing, nothing)
HAAT_DEFAULTS(Nothing, nothing)

/// One run of a job, as its handler sees it.
template <class Payload> class JobRun : public AnyJobRun {
public:
    JobRun(jobs::Run& run, Payload const& payload) : AnyJobRun(run), payload_(payload) {}
    Payload const& payload() const { return payload_; }

private:
    Payload const& payload_;
};

template <class Payload> class Job : public JobKind {
public:
    /// `handler` is a named coroutine; what it returns is kept as the job's result.
    Job(char const* name, JobOptions const& options, Task<void> (*handler)(JobRun<Payload>&))
        : JobKind(name, options, describe::shape_of<Payload>, reinterpret_cast<void (*)()>(handler),
                  &run<void>) {}
    template <class Result>
    Job(char const* name, JobOptions const& options, Task<Result> (*handler)(JobRun<Payload>&))
        : JobKind(name, options, describe::shape_of<Payload>, reinterpret_cast<void (*)()>(handler),
                  &run<Result>) {}

private:
    template <class Result> static Task<std::string> run(JobKind const& kind, jobs::Run& run) {
        auto const handler = reinterpret_cast<Task<Result> (*)(JobRun<Payload>&)>(kind.handler());
        Payload payload{};
        jobs::read_payload(run, kind.payload(), &payload);
        JobRun<Payload> face(run, payload);
        std::string result;
        if constexpr (std::is_void_v<Result>) {
            co_await handler(face);
        } else {
            Result const made = co_await handler(face);
            describe::to_json(result, made);
        }
        co_return result;
    }
};

struct EnqueueOptions {
    std::chrono::milliseconds delay{0};
    std::optional<JobPriority> priority = {}; // nothing: the kind's
    /// At most one job of this kind and key waits or runs; another one is not added, without error.
    std::string_view unique_key = {};
    /// Whose share of the workers it takes; nothing: the organization the transaction acts for.
    std::optional<Uuid> org = {};
};

// ---- all of these go out with the transaction's next round trip; workers hear of it after the
// commit. The id of a job that its unique key kept out names nothing.

JobId enqueue_erased(Tx&, JobKind const&, void const* payload, EnqueueOptions const&);
template <class Payload>
JobId enqueue(Tx& tx, Job<Payload> const& job, std::type_identity_t<Payload> const& payload,
              EnqueueOptions const& options = {}) {
    return enqueue_erased(tx, job, &payload, options);
}

/// Many of one kind in one statement; without a unique key.
std::vector<JobId> enqueue_many_erased(Tx&, JobKind const&, std::vector<Json> payloads,
                                       EnqueueOptions const&, std::optional<Uuid> batch);
std::string stored_json(describe::Shape const&, void const* payload);
template <class Payload>
std::vector<JobId> enqueue_all(Tx& tx, Job<Payload> const& job,
                               std::vector<Payload> const& payloads,
                               EnqueueOptions const& options = {}) {
    std::vector<Json> texts;
    texts.reserve(payloads.size());
    for (Payload const& payload : payloads) texts.push_back({stored_json(job.payload(), &payload)});
    return enqueue_many_erased(tx, job, std::move(texts), options, std::nullopt);
}

/// Many jobs, and one that runs when all of them have ended, well or not:
///
///     JobBatch batch(tx);
///     for (auto const& picture : pictures) batch.add(shrink, picture);
///     batch.then(tell_owner, owner);        // closes it
class JobBatch {
public:
    explicit JobBatch(Tx& tx, EnqueueOptions options = {});
    template <class Payload>
    void add(Job<Payload> const& job, std::type_identity_t<Payload> const& payload) {
        add_erased(job, stored_json(job.payload(), &payload));
    }
    template <class Payload>
    JobId then(Job<Payload> const& job, std::type_identity_t<Payload> const& payload) {
        return then_erased(job, &payload);
    }

private:
    void add_erased(JobKind const& job, std::string payload);
    JobId then_erased(JobKind const& job, void const* payload);
    struct Part {
        JobKind const* job;
        std::vector<Json> payloads;
    };
    Tx& tx_;
    EnqueueOptions options_;
    Uuid id_;
    std::vector<Part> parts_;
};

} // namespace haat
