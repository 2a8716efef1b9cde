#include <jobs/runner.hpp>

#include <algorithm>

#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <jobs/runner_inside.hpp>
#include <pg/plain.hpp>
#include <telemetry/log.hpp>

namespace haat::jobs {

namespace {

constexpr auto after_failure = milliseconds(500);
constexpr auto unknown_kind_delay = milliseconds(60'000);
constexpr double claimed_ahead_seconds = 0.05;
constexpr auto window_min = milliseconds(50);
constexpr auto from_start_every = milliseconds(100);
constexpr std::size_t error_max = 2'000;

namespace sql {
Many<Claimed, Exchange> exchange{"jobs.exchange", R"(
    select {row} from jobs.exchange({$1}))"};
Exec<Uuid> leave{"jobs.leave", "select jobs.leave($1)"};
} // namespace sql

/// What operators read. The text of a Fault is for the log alone.
std::string text_for_operators(std::exception_ptr const& error) {
    try {
        std::rethrow_exception(error);
    } catch (JobFailed const& failed) {
        return failed.what();
    } catch (Refusal const& refusal) {
        return std::string(refusal.code()) + ": " + std::string(refusal.sentence());
    } catch (pg::DatabaseAway const&) {
        return "the database was away";
    } catch (pg::DatabaseError const& wrong) {
        return "database error " + wrong.sqlstate() +
               (wrong.constraint().empty() ? "" : " (" + wrong.constraint() + ")");
    } catch (...) {
        return "internal error; the log has it under the job's id";
    }
}

std::string text_for_log(std::exception_ptr const& error) {
    try {
        std::rethrow_exception(error);
    } catch (std::exception const& known) {
        return known.what();
    } catch (...) {
        return "an exception of no known type";
    }
}

bool is_final(std::exception_ptr const& error) {
    try {
        std::rethrow_exception(error);
    } catch (JobFailed const& failed) {
        return failed.final();
    } catch (...) {
        return false;
    }
}

pg::Settings settings_of(Claimed const& job) {
    pg::Settings settings;
    if (job.user_id) settings.user_id = to_string(*job.user_id);
    if (job.share != share_of_nobody) settings.org_id = to_string(job.share);
    settings.role = "system";
    settings.correlation_id = job.correlation_id;
    return settings;
}

pg::DatabaseOptions control_options(RunnerOptions const& options) {
    pg::DatabaseOptions made = options.database;
    made.url = options.url;
    made.read_connections = 1;
    made.write_connections = options.lanes + 1; // a heartbeat never waits for an exchange
    made.slow_connections = 1;
    made.write_timeout = milliseconds(10'000);
    return made;
}
pg::DatabaseOptions handler_options(RunnerOptions const& options) {
    pg::DatabaseOptions made = options.database;
    made.url = options.url;
    return made;
}

} // namespace

Runner::Inside::Inside(Loop& its_loop, RunnerOptions given, Services const& all_services,
                       JobMetrics& all_metrics)
    : loop(its_loop), options(std::move(given)), services(all_services), metrics(all_metrics),
      control(loop, control_options(options)), handlers(loop, handler_options(options)),
      timer(loop.context()) {
    for (Queue const* queue = Queue::first(); queue; queue = queue->next()) {
        auto line = std::make_unique<Line>();
        line->queue = queue;
        lines.push_back(std::move(line));
    }
}

// ---- what others say

void Runner::Inside::heard(std::string_view payload) {
    if (payload.empty()) return wake_all(); // what was said meanwhile is not known
    if (payload == delayed_payload) {
        poll_at = {};
        return tick_later();
    }
    if (payload.starts_with(cancel_payload)) {
        Uuid which;
        if (!parse(payload.substr(cancel_payload.size()), which)) return;
        for (Live& one : live)
            if (one.run.job.id == which) one.run.stop_for(StopReason::cancelled);
        for (auto const& line : lines)
            for (Line::Waiting& one : line->waiting)
                if (one.job.id == which) one.job.cancelled = true;
        return;
    }
    for (auto const& line : lines)
        if (line->queue->name() == payload) wake(*line);
}

void Runner::Inside::wake(Line& line) {
    line.hungry = true;
    ++line.wakes;
    pump(line);
}
void Runner::Inside::wake_all() {
    for (auto const& line : lines) wake(*line);
}

// ---- claiming

void Runner::Inside::pump(Line& line) {
    if (line.pumping) {
        line.again = true;
        return;
    }
    line.pumping = true;
    do {
        line.again = false;
        begin_waiting(line);
        exchange_more(line);
    } while (line.again);
    line.pumping = false;
}

void Runner::Inside::begin_waiting(Line& line) {
    while (!line.waiting.empty() && line.running < line.queue->options().concurrency && !draining) {
        Claimed job = std::move(line.waiting.front().job);
        line.waiting.pop_front();
        begin(line, std::move(job));
    }
}

int Runner::Inside::room_in(Line& line) {
    auto const now = steady_clock::now();
    auto const window = now - line.window;
    if (window > window_min) {
        line.per_second = line.finished /
                          std::chrono::duration_cast<std::chrono::duration<double>>(window).count();
        line.finished = 0;
        line.window = now;
    }
    auto const ahead = std::min(static_cast<int>(line.per_second * claimed_ahead_seconds),
                                options.claim_max * options.lanes);
    int const claimed = line.running + line.claiming + static_cast<int>(line.waiting.size());
    // Claims of one at a time are for those who measure; then nothing is claimed ahead.
    int const more = options.claim_max > 1 ? ahead : options.lanes;
    return std::clamp(line.queue->options().concurrency + more - claimed, 0, options.claim_max);
}

void Runner::Inside::exchange_more(Line& line) {
    while (line.lanes < options.lanes && !over && has_lease() && !unsure &&
           steady_clock::now() >= line.blocked_until) {
        bool const settles = !line.settled();
        int const wanted = line.hungry && !draining ? room_in(line) : 0;
        if (!settles && wanted == 0) return;
        detach(exchange(line, wanted));
    }
}

Task<void> Runner::Inside::exchange(Line& line, int claim_max) {
    Exchange said;
    said.runner = id;
    said.queue = line.queue->name();
    said.claim_max = claim_max;
    said.after = line.after;
    if (auto const now = steady_clock::now(); now - line.from_start > from_start_every) {
        line.from_start = now; // for those that were given back, or committed late
    } else {
        said.level = line.level;
        said.behind = line.behind;
    }
    auto const most = static_cast<std::size_t>(options.claim_max);
    auto const take = [most](auto& from, auto& into) {
        auto const count = static_cast<std::ptrdiff_t>(std::min(most, from.size()));
        into.assign(std::make_move_iterator(from.begin()),
                    std::make_move_iterator(from.begin() + count));
        from.erase(from.begin(), from.begin() + count);
    };
    take(line.plain, said.plain);
    take(line.plain_attempts, said.plain_attempts);
    take(line.done, said.done);
    take(line.attempts, said.attempts);
    if (!line.ended.empty()) take(line.ended, said.ended.emplace());
    std::uint64_t const wakes = line.wakes;
    ++line.lanes;
    line.claiming += claim_max;
    bool well = false;
    std::vector<Claimed> claimed;
    try {
        Tx tx(control, nobody);
        claimed = co_await tx.last()(sql::exchange, said);
        well = true;
    } catch (std::exception const& error) {
        if (!over) log::warn("jobs were not exchanged").field("why", error.what());
        // It may have been done all the same: then others' rows are not touched by saying it twice.
        auto const* const known = dynamic_cast<pg::DatabaseError const*>(&error);
        unsure = unsure || known == nullptr;
    }
    --line.lanes;
    line.claiming -= claim_max;
    if (!well) {
        line.blocked_until = steady_clock::now() + after_failure;
        if (said.runner == id) put_back(line, said);
        co_return;
    }
    bool const settled_batch = said.ended.has_value() || !said.done.empty() || !said.plain.empty();
    if (said.runner == id) took_in(line, std::move(claimed), claim_max, wakes);
    // What was settled may have made room in a queue with a limit.
    if (settled_batch && line.queue->options().concurrency_max > 0) line.hungry = true;
    pump(line);
}

void Runner::Inside::put_back(Line& line, Exchange& failed) {
    auto const put = [](auto& from, auto& into) {
        std::move(from.begin(), from.end(), std::back_inserter(into));
    };
    put(failed.plain, line.plain);
    put(failed.plain_attempts, line.plain_attempts);
    put(failed.done, line.done);
    put(failed.attempts, line.attempts);
    if (failed.ended) put(*failed.ended, line.ended);
}

void Runner::Inside::took_in(Line& line, std::vector<Claimed> claimed, int asked,
                             std::uint64_t wakes) {
    bool const fewer = static_cast<int>(claimed.size()) < asked;
    if (asked > 0 && fewer) line.hungry = line.wakes != wakes;
    if (!claimed.empty()) {
        Claimed const& last = claimed.back();
        line.after = last.share;
        line.level = last.priority;
        line.behind = last.id;
    }
    auto const now = steady_clock::now();
    for (Claimed& job : claimed) line.waiting.push_back({std::move(job), now});
    if (!draining) return;
    for (Line::Waiting const& one : line.waiting) give_back(line, one.job, milliseconds(0));
    line.waiting.clear();
}

void Runner::Inside::give_back(Line& line, Claimed const& job, milliseconds delay) {
    line.ended.push_back({job.id, job.attempt, "given_back", delay.count(), {}, {}});
}

// ---- running

void Runner::Inside::begin(Line& line, Claimed job) {
    JobKind const* const kind = JobKind::find(job.name);
    if (!kind) { // a newer program put it there, and its workers will come
        log::warn("a job that this program does not know").field("job", job.name);
        return give_back(line, job, unknown_kind_delay);
    }
    if (job.cancelled) {
        line.ended.push_back({job.id, job.attempt, "cancelled", 0, {}, "cancelled before it ran"});
        metrics.ended(*kind, Became::cancelled, std::chrono::nanoseconds(0));
        return;
    }
    auto const waited = std::chrono::microseconds(job.started_at.micros - job.run_at.micros);
    metrics.started(*kind, waited);
    metrics.running(+1);
    Live& one = live.emplace_back();
    one.self = std::prev(live.end());
    one.line = &line;
    one.run.settings = settings_of(job);
    one.run.job = std::move(job);
    one.run.kind = kind;
    one.run.runner = id;
    one.run.database = &handlers;
    one.run.services = &services;
    one.run.started = steady_clock::now();
    ++line.running;
    detach(run(one));
}

Task<void> Runner::Inside::run(Live& one) {
    std::string result;
    std::exception_ptr error;
    loop.doing(one.run.kind->name());
    try {
        result = co_await one.run.kind->start()(*one.run.kind, one.run);
    } catch (...) {
        error = std::current_exception();
    }
    loop.doing("");
    Line& line = *one.line;
    conclude(one, std::move(result), error);
    live.erase(one.self);
    --line.running;
    ++line.finished;
    metrics.running(-1);
    pump(line);
}

std::int64_t Runner::Inside::backoff_of(JobKind const& kind, int attempt) {
    auto const most = kind.options().backoff_max.count();
    auto delay = std::max<std::int64_t>(1, kind.options().backoff_first.count());
    for (int i = 1; i < attempt && delay < most; ++i) delay *= 2;
    delay = std::min(delay, most);
    // A quarter to both sides, so that what failed together is not tried together.
    std::uniform_real_distribution<double> jitter(0.75, 1.25);
    return std::max<std::int64_t>(
        1, static_cast<std::int64_t>(static_cast<double>(delay) * jitter(random)));
}

void Runner::Inside::conclude(Live& one, std::string result, std::exception_ptr error) {
    Run const& run = one.run;
    Line& line = *one.line;
    auto const took = steady_clock::now() - run.started;
    auto const became = [&](Became what) { metrics.ended(*run.kind, what, took); };
    // Somebody else's by now, or finished in its own transaction: there is nothing to say.
    if (run.finished) return became(Became::done);
    if (run.stop == StopReason::lost || run.runner != id) return became(Became::given_back);
    if (!error) {
        became(Became::done);
        if (run.job.keep_seconds == 0 && !run.job.batch_id) {
            line.plain.push_back(run.job.id);
            return line.plain_attempts.push_back(run.job.attempt);
        }
        if (result.empty()) {
            line.done.push_back(run.job.id);
            return line.attempts.push_back(run.job.attempt);
        }
        line.ended.push_back(
            {run.job.id, run.job.attempt, "done", 0, Json{std::move(result)}, std::nullopt});
        return;
    }
    Ended ended{run.job.id, run.job.attempt, "retry", 0, {}, {}};
    if (run.stop == StopReason::cancelled) {
        ended.outcome = "cancelled";
        ended.error = "cancelled while it ran";
        became(Became::cancelled);
    } else if (run.stop == StopReason::draining) {
        ended.outcome = "given_back";
        became(Became::given_back);
    } else {
        bool const late = run.stop == StopReason::timed_out;
        std::string const text = late ? "it took longer than its " +
                                            std::to_string(run.kind->options().timeout.count()) +
                                            " ms"
                                      : text_for_operators(error);
        bool const dead = run.job.attempt >= run.job.attempts_max || is_final(error);
        ended.outcome = dead ? "dead" : "retry";
        ended.delay_ms = dead ? 0 : backoff_of(*run.kind, run.job.attempt);
        ended.error = plain_text(text, error_max);
        became(dead ? Became::dead : Became::retried);
        (dead ? log::error("a job failed for the last time") : log::warn("a job failed"))
            .field("job", run.job.name)
            .field("id", run.job.id)
            .field("attempt", run.job.attempt)
            .field("why", late ? text : text_for_log(error));
    }
    line.ended.push_back(std::move(ended));
}

void Runner::Inside::stop_all(StopReason reason) {
    for (Live& one : live) one.run.stop_for(reason);
}

// ---- the face

Runner::Runner(Loop& loop, RunnerOptions options, Services const& services, JobMetrics& metrics)
    : inside_(std::make_unique<Inside>(loop, std::move(options), services, metrics)) {}
Runner::~Runner() { inside_->over = true; }

pg::Database& Runner::database() { return inside_->handlers; }
int Runner::running() const { return static_cast<int>(inside_->live.size()); }

Task<void> Runner::start() {
    Inside& in = *inside_;
    for (pg::Database* const database : {&in.control, &in.handlers}) {
        bool const up = co_await database->start();
        if (!up) throw Fault("the workers' database does not answer: " + database->last_error());
    }
    co_await in.beat();
    co_await in.declare_crons();
    in.control.listen(std::string(wake_channel),
                      [&in](std::string_view payload) { in.heard(payload); });
    in.poll_at = {};
    in.tick_later();
    in.wake_all();
}

Task<void> Runner::drain(milliseconds limit) {
    Inside& in = *inside_;
    in.draining = true;
    for (auto const& line : in.lines) {
        for (Line::Waiting const& one : line->waiting)
            in.give_back(*line, one.job, milliseconds(0));
        line->waiting.clear();
        in.pump(*line);
    }
    auto const settled = [&in] {
        return std::all_of(in.lines.begin(), in.lines.end(),
                           [](auto const& line) { return line->lanes == 0 && line->settled(); });
    };
    auto const deadline = steady_clock::now() + limit;
    while (!in.live.empty() && steady_clock::now() < deadline) co_await sleep_for(milliseconds(5));
    in.stop_all(StopReason::draining);
    auto const last = steady_clock::now() + milliseconds(2'000);
    while (!(in.live.empty() && settled()) && steady_clock::now() < last)
        co_await sleep_for(milliseconds(5));
    in.over = true;
    in.timer.cancel();
    while (in.ticking && steady_clock::now() < last) co_await sleep_for(milliseconds(5));
    if (in.live.empty() && !in.lost) {
        try {
            Tx tx(in.control, in.nobody);
            co_await tx.last()(sql::leave, in.id);
            in.lost = true;
        } catch (std::exception const& error) {
            log::warn("a runner did not leave").field("why", error.what());
        }
    }
    co_await in.handlers.stop(milliseconds(2'000));
    co_await in.control.stop(milliseconds(2'000));
}

void Runner::give_up() noexcept {
    Inside& in = *inside_;
    if (in.lost) return;
    try {
        pg::PlainConnection connection(in.options.url, std::chrono::seconds(2));
        connection.ask("select jobs.leave($1::uuid)", {to_string(in.id)});
        in.lost = true;
    } catch (std::exception const& error) { // its lease runs out instead
        log::warn("a runner did not leave").field("why", error.what());
    }
}

} // namespace haat::jobs
