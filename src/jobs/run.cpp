// What a handler may ask of its run.
#include <jobs/run.hpp>

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <base/text_forms.hpp>
#include <describe/leaves.hpp>
#include <jobs/inside.hpp>
#include <loop/loop.hpp>

namespace haat {

namespace {

using std::chrono::steady_clock;
constexpr auto progress_every = std::chrono::milliseconds(200);
constexpr std::size_t note_max = 500;
constexpr char const* lease_lost = "HJ001";

namespace sql {
Exec<Uuid, Uuid, std::int32_t> hold{"jobs.hold", "select jobs.hold($1, $2, $3)"};
Exec<Uuid, Uuid, std::int32_t, std::optional<Json>> finish{"jobs.finish",
                                                           "select jobs.finish($1, $2, $3, $4)"};
Exec<Uuid, Uuid, std::int32_t, std::string> progress{"jobs.progress", R"(
    update jobs.queue set progress = $3, note = $4 where id = $2 and runner = $1)"};
Maybe<BatchFacts, Uuid> batch{"jobs.batch_facts",
                              "select {row} from jobs.batches where then_id = $1"};
} // namespace sql

/// Until the time is over, or the run is told to stop.
struct Nap {
    boost::asio::steady_timer timer;
    explicit Nap(std::chrono::milliseconds how_long) : timer(Loop::current().context(), how_long) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        timer.async_wait([waiter](boost::system::error_code const&) { waiter.resume(); });
    }
    void await_resume() const noexcept {}
};

} // namespace

void Services::missing(char const* name) {
    throw Fault(std::string("no handler can have the service ") + name + ": nobody added it");
}

std::string jobs::plain_text(std::string_view text, std::size_t bytes_max) {
    std::string plain(text.substr(0, bytes_max));
    for (std::size_t cut = 0; cut < 4 && !plain.empty() && !is_utf8(plain); ++cut) plain.pop_back();
    if (!is_utf8(plain) || plain.find('\0') != std::string::npos) return "(not a text)";
    return plain;
}

void jobs::Run::stop_for(StopReason reason) {
    if (stop != StopReason::none && reason != StopReason::lost) return;
    stop = reason;
    if (wake_up) wake_up();
}

void jobs::read_payload(Run const& run, describe::Shape const& shape, void* into) {
    Problems problems;
    describe::decode_stored(run.job.payload.text, shape, into, problems);
    if (problems.empty()) return;
    throw JobFailed("the payload does not fit: " + problems.front().path + " " +
                        sentence_of(problems.front()),
                    JobFailed::Again::no);
}

Uuid AnyJobRun::id() const { return run_->job.id; }
int AnyJobRun::attempt() const { return run_->job.attempt; }
std::optional<Uuid> AnyJobRun::org() const {
    if (run_->job.share == jobs::share_of_nobody) return std::nullopt;
    return run_->job.share;
}
pg::Database& AnyJobRun::database() { return *run_->database; }
pg::Settings const& AnyJobRun::settings() const { return run_->settings; }
Services const& AnyJobRun::services() const { return *run_->services; }
StopReason AnyJobRun::stopping() const { return run_->stop; }

void AnyJobRun::check() const {
    if (run_->stop != StopReason::none) throw JobStopped(run_->stop);
}

pg::Reader AnyJobRun::read() {
    check();
    return {*run_->database, run_->settings};
}

Tx AnyJobRun::begin() {
    check();
    return {*run_->database, run_->settings};
}

Task<void> AnyJobRun::commit(Tx& tx) {
    check();
    tx.later(sql::hold, run_->runner, run_->job.id, run_->job.attempt);
    return end(tx);
}

Task<void> AnyJobRun::finish_with(Tx& tx, std::string result) {
    check();
    std::optional<Json> kept;
    if (!result.empty()) kept = Json{std::move(result)};
    tx.later(sql::finish, run_->runner, run_->job.id, run_->job.attempt, kept);
    co_await end(tx);
    run_->finished = true;
}

Task<void> AnyJobRun::end(Tx& tx) {
    try {
        co_await tx.commit();
    } catch (pg::DatabaseError const& error) {
        if (error.sqlstate() != lease_lost) throw;
        run_->stop_for(StopReason::lost);
    }
    if (run_->stop == StopReason::lost) throw JobStopped(StopReason::lost);
}

Task<void> AnyJobRun::progress(int percent, std::string note) {
    check();
    auto const now = steady_clock::now();
    bool const last = percent >= 100;
    if (!last && now - run_->said < progress_every) co_return;
    run_->said = now;
    std::int32_t const bounded = std::clamp(percent, 0, 100);
    note = jobs::plain_text(note, note_max);
    Tx tx = begin();
    int const touched =
        co_await tx.last()(sql::progress, run_->runner, run_->job.id, bounded, note);
    if (touched == 0) run_->stop_for(StopReason::lost);
    check();
}

Task<void> AnyJobRun::rest(std::chrono::milliseconds how_long) {
    check();
    Nap nap(how_long);
    run_->wake_up = [&nap] { nap.timer.cancel(); };
    co_await nap;
    run_->wake_up = nullptr;
    check();
}

Task<BatchFacts> AnyJobRun::batch() {
    auto const found = co_await read()(sql::batch, run_->job.id);
    co_return found.value_or(BatchFacts());
}

} // namespace haat
