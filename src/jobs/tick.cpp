// What time brings to a runner: its heartbeat, jobs that become due, runners that fell silent,
// time limits, and crons.
#include <algorithm>

#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <jobs/runner_inside.hpp>
#include <telemetry/log.hpp>

namespace haat::jobs {

namespace {

constexpr auto watch_every = milliseconds(100); // while anything runs
constexpr auto waits_max = std::chrono::seconds(1);
constexpr auto late_after = std::chrono::seconds(30); // behind its time limit
constexpr std::int64_t skip_when_late = 5 * 60;
constexpr int caught_up_max = 100;
constexpr std::int64_t second_micros = 1'000'000;
constexpr std::int64_t far_away = INT64_MAX / 4;

struct Tick {
    std::vector<std::string> queues; // in which something came due
    std::optional<Timestamp> next_at;
    std::int32_t given_back = 0;
    Timestamp now;
};
HAAT_DESCRIBE(Tick, queues, next_at, given_back, now)

struct NewCron {
    std::string name;
    std::string expression;
    std::string zone;
    Timestamp next_at;
};
HAAT_DESCRIBE(NewCron, name, expression, zone, next_at)

namespace sql {
Exec<Uuid, std::string, std::int64_t> enter{"jobs.enter", R"(
    insert into jobs.runners (id, process, lease_until)
    values ($1, $2, now() + $3 * interval '1 millisecond'))"};
Exec<Uuid, std::int64_t> beat{"jobs.beat", R"(
    update jobs.runners set lease_until = now() + $2 * interval '1 millisecond' where id = $1)"};
One<std::int32_t, Uuid, std::vector<Uuid>> give_back_unknown{
    "jobs.give_back_unknown", "select jobs.give_back($1, $2, false)"};
One<Tick> tick{"jobs.tick", "select {row} from (select t.queues, t.next_at, t.given_back, now()"
                            " as now from jobs.tick() t) as ticked"};
Many<Uuid> cancelled{"jobs.cancelled", "select id from jobs.queue where cancelled"};
Many<QueueDepth> depths{"jobs.depths",
                        R"(
    select s.name as queue, count(q.id) filter (where q.due and q.runner is null) as waiting,
           count(q.id) filter (where not q.due) as later, count(q.runner) as running,
           coalesce(extract(epoch from now() - min(q.run_at)
                            filter (where q.due and q.runner is null)), 0)::float8
               as oldest_seconds
      from jobs.queues s left join jobs.queue q on q.queue = s.name group by s.name)",
                        {.slow = true}};
// Claimed in the name of a runner that was struck off before: it did not know yet.
Many<Uuid> strays{"jobs.strays",
                  R"(
    select distinct q.runner from jobs.queue q
     where q.runner is not null
       and not exists (select from jobs.runners r where r.id = q.runner))",
                  {.slow = true}};
One<std::int32_t, Uuid> give_back_all{"jobs.give_back_all",
                                      "select jobs.give_back($1, '{}', true)"};
Exec<std::string, std::optional<std::int32_t>> declare_queue{"jobs.declare_queue",
                                                             "select jobs.declare_queue($1, $2)"};
One<Timestamp> clock{"jobs.clock", "select now()"};
// A cron that is new, or is meant otherwise now, begins anew.
Exec<NewCron> declare_cron{"jobs.declare_cron", R"(
    insert into jobs.crons as c ({1}) values ({$1})
    on conflict (name) do update
       set expression = excluded.expression, zone = excluded.zone, next_at = excluded.next_at,
           updated_at = now()
     where c.expression <> excluded.expression or c.zone <> excluded.zone)"};
Many<CronRow, std::vector<std::string>> due_crons{"jobs.due_crons", R"(
    select name, next_at, now() as now from jobs.crons
     where next_at <= now() and name = any($1) order by name for update skip locked)"};
Exec<std::string, Timestamp, Timestamp> advance_cron{"jobs.advance_cron", R"(
    update jobs.crons set next_at = $2, last_at = $3, updated_at = now() where name = $1)"};
Maybe<Timestamp, std::vector<std::string>> next_cron{"jobs.next_cron", R"(
    select next_at from jobs.crons where name = any($1) order by next_at limit 1)"};
} // namespace sql

std::vector<std::string> cron_names() {
    std::vector<std::string> names;
    for (Cron const* cron = Cron::first(); cron; cron = cron->next())
        names.emplace_back(cron->name());
    return names;
}

Timestamp next_of(CronText const& when, Zone const& zone, Timestamp after) {
    auto const next = when.next(zone, after.micros / second_micros);
    return {next ? *next * second_micros : far_away};
}

} // namespace

Zone const& Runner::Inside::zone_of(Cron const& cron) {
    std::string const name(cron.options().zone.empty() ? std::string_view(options.time_zone)
                                                       : cron.options().zone);
    auto& zone = zones[name];
    if (!zone) zone = std::make_unique<Zone>(name);
    return *zone;
}

// ---- the timer

void Runner::Inside::tick_later() {
    if (over) return;
    auto const now = steady_clock::now();
    auto when = poll_at;
    if (!live.empty()) when = std::min(when, now + watch_every);
    timer.expires_at(std::max(when, now));
    timer.async_wait([this, living = std::weak_ptr(alive)](boost::system::error_code const& error) {
        if (!error && !living.expired()) ticked();
    });
}

void Runner::Inside::ticked() {
    auto const now = steady_clock::now();
    watch_deadlines(now);
    if (now >= poll_at && !ticking && !over) {
        poll_at = now + options.poll;
        ticking = true;
        detach(tick());
    }
    tick_later();
}

void Runner::Inside::watch_deadlines(steady_clock::time_point now) {
    if (!lost && now >= lease_until) lose_everything();
    for (Live& one : live) {
        auto const limit = one.run.kind->options().timeout;
        if (now - one.run.started < limit) continue;
        one.run.stop_for(StopReason::timed_out);
        if (one.told || now - one.run.started < limit + late_after) continue;
        one.told = true;
        log::error("a job does not stop")
            .field("job", one.run.job.name)
            .field("id", one.run.job.id);
    }
    for (auto const& line : lines) {
        bool const stuck = !line->waiting.empty() && now - line->waiting.front().since > waits_max;
        if (stuck) { // others may have hands free
            for (Line::Waiting const& one : line->waiting)
                give_back(*line, one.job, milliseconds(0));
            line->waiting.clear();
        }
        pump(*line);
    }
}

Task<void> Runner::Inside::tick() {
    try {
        co_await beat();
        if (unsure) co_await reconcile();
        co_await look_at_clock();
        co_await look_for_cancelled();
        co_await look_around();
    } catch (std::exception const& error) {
        if (!over) log::warn("workers cannot look for jobs").field("why", error.what());
    }
    ticking = false;
    if (!over && !draining) wake_all();
}

// ---- the lease

Task<void> Runner::Inside::beat() {
    auto const now = steady_clock::now();
    if (!lost && now < beat_at) co_return;
    std::int64_t const lease_ms = options.lease.count();
    Tx tx(control, nobody);
    if (lost) {
        Uuid const fresh = new_uuid();
        co_await tx.last()(sql::enter, fresh, options.process, lease_ms);
        id = fresh;
        lost = false;
        unsure = false;
    } else {
        int const touched = co_await tx.last()(sql::beat, id, lease_ms);
        if (touched == 0) co_return lose_everything();
    }
    lease_until = now + options.lease; // of before the question: the database's is not shorter
    beat_at = now + options.heartbeat;
}

void Runner::Inside::lose_everything() {
    log::warn("the lease was lost: others have this runner's jobs").field("runner", id);
    lost = true;
    stop_all(StopReason::lost);
    for (auto const& line : lines) {
        line->waiting.clear();
        line->plain.clear();
        line->plain_attempts.clear();
        line->done.clear();
        line->attempts.clear();
        line->ended.clear();
    }
}

/// After an exchange of which nobody knows how far it came: gives back what it may have claimed.
Task<void> Runner::Inside::reconcile() {
    bool const quiet =
        std::all_of(lines.begin(), lines.end(), [](auto const& line) { return line->lanes == 0; });
    if (!quiet || lost) co_return;
    std::vector<Uuid> known;
    for (Live const& one : live) known.push_back(one.run.job.id);
    for (auto const& line : lines) {
        for (Line::Waiting const& one : line->waiting) known.push_back(one.job.id);
        for (Ended const& one : line->ended) known.push_back(one.id);
        known.insert(known.end(), line->done.begin(), line->done.end());
    }
    Tx tx(control, nobody);
    std::int32_t const given = co_await tx.last()(sql::give_back_unknown, id, known);
    unsure = false;
    if (given > 0) log::info("jobs given back after a lost answer").field("count", given);
}

// ---- the clock

Task<void> Runner::Inside::look_at_clock() {
    Tx tx(control, nobody);
    Tick const now = co_await tx.last()(sql::tick);
    if (now.given_back > 0)
        log::warn("a worker fell silent; its jobs wait again").field("count", now.given_back);
    std::optional<Timestamp> next = now.next_at;
    if (options.runs_crons && !draining) {
        if (now.now >= crons_at) {
            std::optional<Timestamp> const cron = co_await run_crons();
            auto const anew = std::chrono::microseconds(options.crons).count();
            Timestamp const again{now.now.micros + anew};
            crons_at = std::min(cron.value_or(again), again);
        }
        next = std::min(next.value_or(crons_at), crons_at);
    }
    if (!next) co_return;
    auto const ahead = std::chrono::microseconds(
        std::clamp<std::int64_t>(next->micros - now.now.micros, 1'000, 3'600 * second_micros));
    poll_at = std::min(poll_at, steady_clock::now() + ahead);
    tick_later();
}

Task<void> Runner::Inside::look_for_cancelled() {
    pg::Reader read(control, nobody);
    std::vector<Uuid> const cancelled = co_await read(sql::cancelled);
    for (Uuid const& one : cancelled) heard(std::string(cancel_payload) + to_string(one));
}

/// What a look at the whole queue tells, now and then.
Task<void> Runner::Inside::look_around() {
    auto const now = steady_clock::now();
    if (now < depths_at) co_return;
    depths_at = now + options.depths;
    pg::Reader read(control, nobody);
    std::vector<Uuid> const strays = co_await read(sql::strays);
    for (Uuid const& one : strays) {
        Tx tx(control, nobody);
        std::int32_t const given = co_await tx.last()(sql::give_back_all, one);
        if (given > 0)
            log::warn("jobs of a worker that is gone wait again")
                .field("runner", one)
                .field("count", given);
    }
    std::vector<QueueDepth> found = co_await read(sql::depths);
    metrics.depths(std::move(found));
}

Task<void> Runner::Inside::declare_crons() {
    Tx tx(control, nobody);
    Timestamp const now = co_await tx(sql::clock);
    for (auto const& line : lines) {
        std::int32_t const most = line->queue->options().concurrency_max;
        std::optional<std::int32_t> limit;
        if (most > 0) limit = most;
        tx.later(sql::declare_queue, line->queue->name(), limit);
    }
    for (Cron const* cron = Cron::first(); cron; cron = cron->next()) {
        Zone const& zone = zone_of(*cron);
        NewCron const row{cron->name(), std::string(cron->when().text()), zone.name(),
                          next_of(cron->when(), zone, now)};
        tx.later(sql::declare_cron, row);
    }
    co_await tx.commit();
}

/// The ticks of one cron that have come, and its next one.
void Runner::Inside::run_cron(Tx& tx, CronRow const& row) {
    Cron const& cron = *Cron::find(row.name);
    Zone const& zone = zone_of(cron);
    CatchUp const policy = cron.options().catch_up;
    std::vector<Timestamp> ticks{row.next_at};
    while (policy == CatchUp::all && ticks.size() < caught_up_max) {
        Timestamp const tick = next_of(cron.when(), zone, ticks.back());
        if (tick > row.now) break;
        ticks.push_back(tick);
    }
    Timestamp const in_time{row.now.micros - skip_when_late * second_micros};
    bool const late = next_of(cron.when(), zone, in_time) > row.now;
    if (policy == CatchUp::skip && late) ticks.clear();
    for (Timestamp const& tick : ticks) {
        // One run of a tick, whoever else thinks that it is his.
        std::string const key = row.name + "@" + to_string(tick);
        enqueue_text(tx, cron.job(), cron.payload(), {.unique_key = key});
    }
    Timestamp const last = ticks.empty() ? row.next_at : ticks.back();
    tx.later(sql::advance_cron, row.name, next_of(cron.when(), zone, row.now), last);
}

/// The rows are locked, so that of all nodes one runs a tick; it and the next time are one commit.
Task<std::optional<Timestamp>> Runner::Inside::run_crons() {
    std::vector<std::string> const names = cron_names();
    Tx tx(control, nobody);
    std::vector<CronRow> const due = co_await tx(sql::due_crons, names);
    for (CronRow const& row : due) run_cron(tx, row);
    std::optional<Timestamp> const next = co_await tx(sql::next_cron, names);
    co_await tx.commit();
    co_return next;
}

} // namespace haat::jobs
