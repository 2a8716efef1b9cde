// Deliveries are sent by one job for each endpoint, so that a slow one holds up only itself. It
// begins with one request at a time and does more the better it goes; whoever does not answer is
// left alone for a while. Nothing is claimed: while a job has its lease it is the only one of its
// endpoint, and what it had not noted when it was killed is sent again with the same event id.
#include <algorithm>

#include <base/clock.hpp>
#include <jobs/cron.hpp>
#include <loop/loop.hpp>
#include <modules/webhooks/sender.hpp>
#include <privacy/keyring.hpp>

namespace haat::webhooks {

namespace {

using std::chrono::steady_clock;

constexpr std::int32_t rows_of_lane = 4;       // at the most between two looks at the database
constexpr milliseconds quick_answer = 1'000ms; // of an endpoint that may get more at once

struct Next {
    std::int64_t wait_ms = 0; // until something is due; none or less: now
    std::int64_t second = 0;  // in which that will be
};
HAAT_DESCRIBE(Next, wait_ms, second)

struct Standing {
    std::optional<OrgId> org_id;
    bool is_enabled = false;
};
HAAT_DESCRIBE(Standing, org_id, is_enabled)

struct Forgotten {
    EndpointId endpoint_id;
    std::optional<OrgId> org_id;
};
HAAT_DESCRIBE(Forgotten, endpoint_id, org_id)

struct Removed {
    std::int64_t deliveries = 0;
    std::int64_t secrets = 0;
};
HAAT_DESCRIBE(Removed, deliveries, secrets)

namespace sql {
Maybe<Target, EndpointId> target{"webhooks.target", R"(
    select id, org_id, url, subjects, secret,
           case when previous_until > now() then previous_secret end as previous_secret,
           failures_in_row
      from webhooks.endpoints
     where id = $1 and is_enabled and coalesce(not_before, '-infinity') <= clock_timestamp())"};
Many<Due, EndpointId, std::int32_t> due{"webhooks.due", R"(
    select id, attempts + 1 as number, tries, event_id, subject, body from webhooks.deliveries
     where endpoint_id = $1 and state = 'waiting' and due_at <= clock_timestamp()
     order by due_at, id limit $2)"};
One<std::optional<Timestamp>, EndpointId, std::vector<Attempt>, std::int64_t,
    std::optional<std::string>>
    record{"webhooks.record", "select webhooks.record($1, $2, $3, $4)"};
One<bool, EndpointId, std::string, std::string> give_up{"webhooks.give_up",
                                                        "select webhooks.give_up($1, $2, $3)"};

Maybe<Standing, EndpointId> lock{"webhooks.lock", R"(
    select org_id, is_enabled from webhooks.endpoints where id = $1 for update)"};
Maybe<Standing, EndpointId> share{"webhooks.lock_shared", R"(
    select org_id, is_enabled from webhooks.endpoints where id = $1 for share)"};
Maybe<Next, EndpointId> next{"webhooks.next_due", R"(
    select ceil(extract(epoch from due.at - clock_timestamp()) * 1000)::bigint as wait_ms,
           extract(epoch from due.at)::bigint as second
      from (select greatest(min(d.due_at), min(e.not_before)) as at
              from webhooks.endpoints e join webhooks.deliveries d on d.endpoint_id = e.id
             where e.id = $1 and d.state = 'waiting') as due
     where due.at is not null)"};

// What no job takes care of, because one was cancelled or died too often.
Many<Forgotten> forgotten{"webhooks.forgotten", R"(
    select e.id as endpoint_id, e.org_id from webhooks.endpoints e
     where e.is_enabled and coalesce(e.not_before, '-infinity') <= clock_timestamp()
       and exists (select from webhooks.deliveries d
                    where d.endpoint_id = e.id and d.state = 'waiting'
                      and d.due_at < clock_timestamp() - interval '30 seconds')
     order by e.id limit 1000)"};
Exec<> expire{"webhooks.expire", R"(
    update webhooks.deliveries d
       set state = 'failed', settled_at = clock_timestamp(),
           last_error = coalesce(d.last_error, 'it could not be sent in time')
     where d.id = any (array(
        select o.id from webhooks.deliveries o
         where o.state = 'waiting'
           and (o.give_up_at < clock_timestamp()
                or not exists (select from webhooks.endpoints e
                                where e.id = o.endpoint_id and e.is_enabled))
         order by o.due_at limit 5000 for update skip locked)))"};
Exec<std::int64_t> remove_old{"webhooks.remove_old", R"(
    with old as (
        delete from webhooks.deliveries where id = any (array(
            select id from webhooks.deliveries
             where state <> 'waiting'
               and settled_at < now() - $1 * interval '1 millisecond'
             order by settled_at limit 2000))
        returning id),
    attempts as (
        delete from webhooks.attempts a using old where a.delivery_id = old.id)
    select id from old)"};
Exec<> forget_secrets{"webhooks.forget_secrets", R"(
    update webhooks.endpoints set previous_secret = null, previous_until = null
     where previous_until < now())"};
} // namespace sql

Task<void> drain(JobRun<OfEndpoint>& run);
Task<void> wake_later(JobRun<OfEndpoint>& run);
Task<void> sweep(JobRun<Nothing>& run);
Task<Removed> clean_up(JobRun<Nothing>& run);

// Many wait for others at the same time, and none needs much else.
Queue const endpoints{"webhooks", {.concurrency = 256}};

Job<OfEndpoint> const drain_job{"webhooks.drain",
                                {.queue = &endpoints,
                                 .attempts = 20,
                                 .backoff_first = 1s,
                                 .backoff_max = 1min,
                                 .timeout = 90s,
                                 .keep = 0s},
                                &drain};
// Its kind has a name of its own, so that it can wait while the other one runs.
Job<OfEndpoint> const later_job{"webhooks.later",
                                {.queue = &endpoints,
                                 .priority = JobPriority::high,
                                 .attempts = 20,
                                 .backoff_first = 1s,
                                 .backoff_max = 1min,
                                 .keep = 0s},
                                &wake_later};
Job<Nothing> const sweep_job{"webhooks.sweep", {.timeout = 5min, .keep = 1h}, &sweep};
Cron const sweeping{"webhooks.sweep", "*/2 * * * *", sweep_job, {.catch_up = CatchUp::skip}};
Job<Nothing> const clean_up_job{"webhooks.clean_up", {.timeout = 30min}, &clean_up};
Cron const nightly{"webhooks.clean_up", "20 2 * * *", clean_up_job};

// ---- many requests at once

/// Some deliveries on their way; lives in the frame that waits for them.
struct Volley {
    Sender::Inside& sender;
    Target const& target;
    std::vector<Due> const& due;
    steady_clock::time_point end; // nothing more is begun afterwards: the job has its time, too
    std::vector<Outcome> outcomes;
    std::size_t next = 0;
    int lanes = 0;
    bool halted = false; // nothing more is begun
    std::coroutine_handle<> waiter;
};

Task<void> lane(Volley& volley) {
    while (!volley.halted && volley.next < volley.due.size()) {
        if (volley.next > 0 && steady_clock::now() >= volley.end) break;
        Due const& due = volley.due[volley.next++];
        Outcome outcome = co_await volley.sender.attempt(volley.target, due);
        bool const well =
            outcome.verdict == Verdict::delivered || outcome.verdict == Verdict::refused;
        volley.halted = volley.halted || !well;
        volley.outcomes.push_back(std::move(outcome));
    }
    if (--volley.lanes > 0 || !volley.waiter) co_return;
    Loop::current().post([waiter = volley.waiter] { waiter.resume(); });
}

struct AllBack {
    Volley& volley;
    bool await_ready() const noexcept { return volley.lanes == 0; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept { volley.waiter = waiter; }
    void await_resume() const noexcept {}
};

Task<void> send_all(Volley& volley) {
    int const most = volley.sender.options.at_once_max;
    int const wanted = std::min(most, static_cast<int>(volley.due.size()));
    volley.lanes = wanted; // before the first, which may end at once
    for (int i = 0; i < wanted; ++i) detach(lane(volley));
    AllBack all_back{volley};
    co_await all_back;
}

// ---- what follows from the answers

struct Judgement {
    std::vector<Attempt> attempts;
    Outcome const* worst = nullptr; // trouble, or gone
    bool quick = true;
    bool stopped = false;
    std::optional<std::string> error;
};

Judgement judge(std::vector<Outcome> const& outcomes) {
    Judgement judged;
    for (Outcome const& one : outcomes) {
        if (one.verdict == Verdict::not_sent) {
            judged.stopped = true;
            continue;
        }
        bool const bad = one.verdict == Verdict::trouble || one.verdict == Verdict::gone;
        bool const worse = !judged.worst || one.verdict == Verdict::gone;
        if (bad && worse) judged.worst = &one;
        judged.quick = judged.quick && one.verdict == Verdict::delivered &&
                       one.attempt.duration_ms < quick_answer.count();
        if (one.attempt.error) judged.error = one.attempt.error;
        judged.attempts.push_back(one.attempt);
    }
    return judged;
}

Task<void> disable(JobRun<OfEndpoint>& run, Target const& target, std::string reason) {
    std::string const request = to_string(run.id());
    Tx tx = run.begin();
    bool const was_enabled = co_await tx(sql::give_up, target.id, reason, request);
    if (!was_enabled) co_return;
    Cause cause;
    if (target.org_id) cause.org_id = target.org_id->uuid;
    cause.correlation_id = request;
    EndpointEvent event;
    event.id = target.id;
    event.host = host_of(target.url);
    event.subjects = target.subjects;
    event.is_enabled = false;
    event.reason = std::move(reason);
    emit(tx, cause, endpoint_disabled, target.id, event);
    co_await run.commit(tx);
}

std::string hours_of(milliseconds time) {
    auto const hours = std::chrono::duration_cast<std::chrono::hours>(time).count();
    return std::to_string(hours) + " hours";
}

/// Notes what was sent. False: the endpoint gets nothing more just now.
Task<bool> note(JobRun<OfEndpoint>& run, Target const& target, Judgement const& judged) {
    Options const& options = run.get<Sender>().inside().options;
    if (judged.attempts.empty()) co_return false;
    std::int64_t const pause =
        judged.worst ? run.get<Sender>().inside().pause_ms(target.failures_in_row, *judged.worst)
                     : 0;
    Tx tx = run.begin();
    std::optional<Timestamp> const failing =
        co_await tx(sql::record, target.id, judged.attempts, pause, judged.error);
    co_await run.commit(tx);
    if (!judged.worst && !judged.error) co_return !judged.stopped;
    bool const gone = judged.worst && judged.worst->verdict == Verdict::gone;
    std::int64_t const for_micros = failing ? now().micros - failing->micros : 0;
    if (gone)
        co_await disable(run, target, "it answered 410: gone");
    else if (for_micros >= options.disable_after.count() * 1'000)
        co_await disable(run, target,
                         "nothing has gone well for " + hours_of(options.disable_after));
    co_return !judged.worst && !judged.stopped;
}

/// Ends the job unless something is due. The endpoint's row is locked, as by all who add to what is
/// due; so whoever comes now waits and finds this job gone. False: there is more.
Task<bool> finish(JobRun<OfEndpoint>& run, bool over) {
    EndpointId const id = run.payload().endpoint_id;
    Tx tx = run.begin();
    std::optional<Standing> const standing = co_await tx(sql::lock, id);
    if (standing && standing->is_enabled) {
        std::optional<Next> const next = co_await tx(sql::next, id);
        if (next && next->wait_ms <= 0 && !over) co_return false;
        if (next) {
            std::string const key = to_string(id.uuid) + "@" + std::to_string(next->second);
            EnqueueOptions options;
            options.delay = milliseconds(std::max<std::int64_t>(0, next->wait_ms));
            options.unique_key = key;
            if (standing->org_id) options.org = standing->org_id->uuid;
            enqueue(tx, later_job, run.payload(), options);
        }
    }
    co_await run.finish(tx);
    co_return true;
}

/// What is due, with its bodies as they are sent: they are kept veiled.
Task<std::vector<Due>> due_of(JobRun<OfEndpoint>& run, std::int32_t window) {
    std::vector<Due> due = co_await run.read()(sql::due, run.payload().endpoint_id, window);
    std::vector<std::string*> bodies;
    bodies.reserve(due.size());
    for (Due& one : due) bodies.push_back(&one.body);
    co_await privacy::unveil(run.database(), bodies);
    co_return due;
}

// ---- the jobs

Task<void> drain(JobRun<OfEndpoint>& run) {
    Sender::Inside& sender = run.get<Sender>().inside();
    EndpointId const id = run.payload().endpoint_id;
    auto const end = steady_clock::now() + sender.options.turn;
    std::int32_t const window_max = sender.options.at_once_max * rows_of_lane;
    std::int32_t window = 1;
    for (bool over = false;;) {
        over = over || steady_clock::now() >= end;
        std::vector<Due> due;
        std::optional<Target> target;
        if (!over) target = co_await run.read()(sql::target, id);
        if (target) due = co_await due_of(run, window);
        if (due.empty()) {
            bool const ended = co_await finish(run, over);
            if (ended) co_return;
            continue;
        }
        Volley volley{sender, *target, due, end, {}, 0, 0, false, {}};
        co_await send_all(volley);
        Judgement const judged = judge(volley.outcomes);
        bool const well = co_await note(run, *target, judged);
        over = over || judged.stopped;
        window = well && judged.quick ? std::min(window * 4, window_max) : 1;
    }
}

Task<void> wake_later(JobRun<OfEndpoint>& run) {
    EndpointId const id = run.payload().endpoint_id;
    Tx tx = run.begin();
    std::optional<Standing> const standing = co_await tx(sql::share, id);
    if (standing && standing->is_enabled) wake(tx, id, standing->org_id);
    co_await run.finish(tx);
}

Task<void> sweep(JobRun<Nothing>& run) {
    for (int expired = 1; expired > 0;) {
        Tx tx = run.begin();
        expired = co_await tx.last()(sql::expire);
    }
    std::vector<Forgotten> const all = co_await run.read()(sql::forgotten);
    for (Forgotten const& one : all) {
        Tx tx = run.begin();
        std::optional<Standing> const standing = co_await tx(sql::share, one.endpoint_id);
        if (standing && standing->is_enabled) wake(tx, one.endpoint_id, one.org_id);
        co_await run.commit(tx);
    }
}

Task<Removed> clean_up(JobRun<Nothing>& run) {
    std::int64_t const keep = run.get<Sender>().inside().options.keep.count();
    Removed removed;
    for (int now = 1; now > 0; removed.deliveries += now) {
        Tx tx = run.begin();
        now = co_await tx.last()(sql::remove_old, keep);
    }
    Tx tx = run.begin();
    removed.secrets = co_await tx.last()(sql::forget_secrets);
    co_return removed;
}

} // namespace

void wake(Tx& tx, EndpointId endpoint, std::optional<OrgId> const& org) {
    std::string const key = to_string(endpoint.uuid);
    EnqueueOptions options;
    options.unique_key = key;
    if (org) options.org = org->uuid;
    OfEndpoint const payload{endpoint};
    enqueue(tx, drain_job, payload, options);
}

} // namespace haat::webhooks
