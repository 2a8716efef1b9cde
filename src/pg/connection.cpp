#include <pg/connection.hpp>

#include <algorithm>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

#include <pg/errors.hpp>

namespace haat::pg {

namespace asio = boost::asio;

namespace {
constexpr milliseconds backoff_first{50};
constexpr milliseconds rollback_limit{5'000};
constexpr int stray_ends_max = 2;

std::string session_of(Use use, DatabaseOptions const& options) {
    // A read may be run twice (elsewhere after a loss or a time-out): so it must not write. One
    // that is fast needs no plan for its own values; one that was not gets it where it is run
    // again.
    std::string const reading = "set default_transaction_read_only = on; ";
    std::string const planned_once = "set plan_cache_mode = force_generic_plan; ";
    std::string const always = "set client_min_messages = warning; "
                               "set idle_in_transaction_session_timeout = '60s'";
    if (use == Use::read) return reading + planned_once + always;
    if (use == Use::slow) return reading + always;
    if (use != Use::write) return always;
    // What a transaction that acts for nobody does not say.
    return always + "; set statement_timeout = " + std::to_string(options.write_timeout.count());
}

milliseconds with_jitter(milliseconds wait) {
    thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_real_distribution<double> factor(0.5, 1.0);
    return milliseconds(
        static_cast<std::int64_t>(static_cast<double>(wait.count()) * factor(random)));
}
} // namespace

Connection::Connection(Loop& loop, DatabaseOptions const& options, std::shared_ptr<Mailbox> mailbox,
                       ConnectionHome& home, Use use)
    : loop_(loop), options_(options), mailbox_(std::move(mailbox)), home_(home), use_(use),
      descriptor_(loop.context()), retry_(loop.context()) {}

Connection::~Connection() {
    // libpq owns the socket.
    if (descriptor_.is_open()) descriptor_.release();
}

// ---- connecting

void Connection::open() {
    state_ = State::connecting;
    ConnectOptions options{options_.url, session_of(use_, options_), options_.connect_timeout};
    auto attempt = [options = std::move(options), mailbox = mailbox_, self = weak_from_this()] {
        auto made = std::make_shared<Connected>(connect(options));
        mailbox->post([made, self] {
            if (auto connection = self.lock()) connection->connected(std::move(*made));
        });
    };
    try {
        std::thread(std::move(attempt)).detach();
    } catch (std::system_error const& error) {
        home_.could_not_connect(*this, error.what());
        open_later();
    }
}

void Connection::open_later() {
    state_ = State::down;
    backoff_ = std::min(options_.backoff_max, std::max(backoff_first, backoff_ * 2));
    retry_.expires_after(with_jitter(backoff_));
    retry_.async_wait([self = weak_from_this()](boost::system::error_code const& error) {
        auto const connection = self.lock();
        if (!error && connection && connection->state_ == State::down) connection->open();
    });
}

void Connection::connected(Connected made) {
    if (state_ != State::connecting) return;
    auto const keep = shared_from_this();
    if (made.wire && !PQenterPipelineMode(made.wire.get())) made.wire.reset();
    if (!made.wire) {
        open_later();
        home_.could_not_connect(*this, made.error);
        return;
    }
    wire_ = std::move(made.wire);
    state_ = State::up;
    backoff_ = milliseconds{0};
    in_pipeline_ = true;
    ++epoch_;
    descriptor_.assign(PQsocket(wire_.get()));
    wait_read();
    home_.came_up(*this);
}

void Connection::close() {
    auto const keep = shared_from_this();
    lose("closed");
    state_ = State::closed;
    retry_.cancel();
}

void Connection::drop() {
    steps_.clear();
    copying_ = nullptr;
    close();
}

void Connection::lose(std::string const& why) {
    if (state_ != State::up) return;
    auto const keep = shared_from_this();
    ++epoch_;
    descriptor_.release();
    wire_.reset();
    prepared_.clear();
    std::deque<Step> const steps = std::move(steps_);
    steps_.clear();
    batches_ = stray_ends_ = 0;
    reading_ = writing_ = broken_ = cleaning_ = cancelling_ = rollback_due_ = false;
    open_later();
    home_.went_down(*this, why);
    resume_copy();
    std::exception_ptr const reason = away(why);
    std::vector<Batch*> waiting;
    for (Step const& step : steps)
        if (step.kind == StepKind::sync && step.batch) waiting.push_back(step.batch);
    lost_ = &waiting; // a waiter that runs may abandon another one: forget() takes it from here
    for (Batch*& next : waiting) {
        Batch* const batch = std::exchange(next, nullptr);
        if (!batch) continue;
        batch->connection = nullptr;
        batch->lost(reason);
    }
    lost_ = nullptr;
}

void Connection::expire(Clock::time_point now) {
    if (state_ != State::up) return;
    if (copying_ && now > copy_deadline_) return lose("a COPY did not go on in time");
    if (batches_ == 0) return;
    auto const sync = std::find_if(steps_.begin(), steps_.end(),
                                   [](Step const& step) { return step.kind == StepKind::sync; });
    if (now > front_since_ + milliseconds(sync->number)) lose("no answer in time");
}

bool Connection::in_transaction() const {
    return state_ == State::up && PQtransactionStatus(wire_.get()) != PQTRANS_IDLE;
}

// ---- out

void Connection::prepare(Batch* batch, Statement const& statement) {
    auto const slot = static_cast<std::size_t>(statement.slot);
    if (prepared_.size() <= slot) prepared_.resize(slot + 64);
    if (prepared_[slot] == statement.version) return;
    if (prepared_[slot] != 0)
        execute(batch, std::string("deallocate ").append(statement.name).c_str());
    sent(PQsendPrepare(wire_.get(), statement.name, statement.sql.c_str(),
                       static_cast<int>(statement.types.size()), statement.types.data()));
    steps_.push_back({StepKind::prepare, false, statement.slot, batch, statement.label});
    prepared_[slot] = statement.version;
}

void Connection::make_stale(Statement const& statement) {
    auto const slot = static_cast<std::size_t>(statement.slot);
    if (prepared_.size() > slot && prepared_[slot] != 0) prepared_[slot] = UINT32_MAX;
}

void Connection::execute(Batch* batch, Statement const& statement, Arguments arguments, bool keep) {
    sent(PQsendQueryPrepared(wire_.get(), statement.name, arguments.count, arguments.values,
                             arguments.lengths, arguments.formats, 1));
    steps_.push_back({StepKind::statement, keep, 0, batch, statement.label});
}

void Connection::execute(Batch* batch, char const* sql) {
    sent(PQsendQueryParams(wire_.get(), sql, 0, nullptr, nullptr, nullptr, nullptr, 1));
    steps_.push_back({StepKind::statement, false, 0, batch, "haat"});
}

void Connection::sync(Batch* batch, milliseconds limit) {
    sent(PQpipelineSync(wire_.get()));
    steps_.push_back({StepKind::sync, false, static_cast<int>(limit.count()), batch, ""});
    if (batch) batch->connection = this;
    if (batches_++ == 0) front_since_ = Clock::now();
    flush();
    // Not here and now: the caller is still inside its await_suspend.
    if (broken_)
        loop_.post([self = shared_from_this(), epoch = epoch_] {
            if (self->epoch_ == epoch) self->lose("a statement could not be sent");
        });
}

void Connection::sent(bool well) { broken_ = broken_ || !well; }

void Connection::flush() {
    if (writing_ || broken_) return;
    int const left = PQflush(wire_.get());
    if (left < 0) broken_ = true;
    if (left != 1) return;
    // The socket is full. Reading goes on meanwhile, else both sides would wait for each other.
    writing_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                           [self = shared_from_this(), epoch = epoch_](auto const& error) {
                               if (error || self->epoch_ != epoch) return;
                               self->writing_ = false;
                               self->flush();
                               if (self->broken_) self->lose(PQerrorMessage(self->wire_.get()));
                           });
}

void Connection::forget(Batch& batch) {
    for (Step& step : steps_)
        if (step.batch == &batch) step.batch = nullptr;
    if (lost_) std::replace(lost_->begin(), lost_->end(), &batch, static_cast<Batch*>(nullptr));
    batch.connection = nullptr;
}

// ---- in

void Connection::wait_read() {
    if (reading_ || state_ != State::up) return;
    reading_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this(), epoch = epoch_](auto const& error) {
                               if (error || self->epoch_ != epoch) return;
                               self->reading_ = false;
                               if (self->in_pipeline_) {
                                   self->drain();
                                   self->wait_read();
                               } else {
                                   self->resume_copy();
                               }
                           });
}

void Connection::drain() {
    unsigned const epoch = epoch_;
    if (!PQconsumeInput(wire_.get())) return lose(PQerrorMessage(wire_.get()));
    flush();
    while (!steps_.empty() && !PQisBusy(wire_.get())) {
        // A broken wire is never busy, and answers NULL for ever.
        if (broken_ || PQstatus(wire_.get()) == CONNECTION_BAD)
            return lose(PQerrorMessage(wire_.get()));
        take(PQgetResult(wire_.get()));
        if (epoch != epoch_) return;
    }
    if (broken_) return lose(PQerrorMessage(wire_.get()));
    take_notifications();
}

void Connection::take(PGresult* result) {
    Step const step = steps_.front();
    if (!result) { // ends what one statement answered
        if (step.kind == StepKind::sync) {
            // A Sync is not followed by NULL, and more than one before it leads nowhere.
            if (++stray_ends_ > stray_ends_max) lose("answers out of step");
            return;
        }
        steps_.pop_front();
        return;
    }
    stray_ends_ = 0;
    Rows rows(result);
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        if (step.kind != StepKind::sync) return lose("answers out of step");
        return take_sync();
    case PGRES_FATAL_ERROR: return take_error(step, result);
    case PGRES_PIPELINE_ABORTED:
        if (step.kind == StepKind::prepare) prepared_[static_cast<std::size_t>(step.number)] = 0;
        return;
    default:
        if (step.keep && step.batch && step.batch->kept_count < Batch::kept_max)
            step.batch->kept[step.batch->kept_count++] = std::move(rows);
    }
}

void Connection::take_error(Step const& step, PGresult* result) {
    if (step.kind == StepKind::prepare) prepared_[static_cast<std::size_t>(step.number)] = 0;
    if (ends_connection(result)) return lose(error_of(result, "haat").what());
    if (step.batch && !step.batch->error) step.batch->error.emplace(error_of(result, step.label));
}

void Connection::take_sync() {
    Batch* const batch = steps_.front().batch;
    steps_.pop_front();
    --batches_;
    front_since_ = Clock::now();
    unsigned const epoch = epoch_;
    if (batch) {
        batch->connection = nullptr;
        batch->answered();
    }
    if (epoch == epoch_ && cleaning_) go_on_cleaning();
}

void Connection::take_notifications() {
    unsigned const epoch = epoch_;
    while (PGnotify* const raw = PQnotifies(wire_.get())) {
        std::unique_ptr<PGnotify, void (*)(void*)> const notification(raw, &PQfreemem);
        home_.heard(notification->relname, notification->extra);
        if (epoch != epoch_) return;
    }
}

// ---- after exclusive use

void Connection::clean() {
    if (state_ != State::up) return;
    cleaning_ = true;
    rollback_due_ = batches_ > 0 || in_transaction();
    if (batches_ > 0) cancel_running();
    go_on_cleaning();
}

void Connection::go_on_cleaning() {
    // The cancel must have done its work before anything new is sent: it hits whatever runs.
    if (batches_ > 0 || cancelling_) return;
    if (std::exchange(rollback_due_, false)) {
        execute(nullptr, "rollback");
        return sync(nullptr, rollback_limit);
    }
    cleaning_ = false;
    home_.became_free(*this);
}

void Connection::cancel_running() {
    if (state_ != State::up || cancelling_) return;
    PGcancel* const raw = PQgetCancel(wire_.get());
    if (!raw) return lose("what runs could not be cancelled");
    std::shared_ptr<PGcancel> const cancel(raw, &PQfreeCancel);
    auto work = [cancel, mailbox = mailbox_, self = weak_from_this(), epoch = epoch_] {
        char text[256];
        PQcancel(cancel.get(), text, sizeof text); // blocks; libpq 15 knows no other way
        mailbox->post([self, epoch] {
            auto const connection = self.lock();
            if (!connection || connection->epoch_ != epoch) return;
            connection->cancelling_ = false;
            if (connection->cleaning_) connection->go_on_cleaning();
        });
    };
    cancelling_ = true;
    try {
        std::thread(std::move(work)).detach();
    } catch (std::system_error const&) {
        lose("what runs could not be cancelled");
    }
}

// ---- without the pipeline

void Connection::leave_pipeline() {
    if (up() && !PQexitPipelineMode(wire_.get())) return lose("the pipeline is not empty");
    in_pipeline_ = false;
}

void Connection::enter_pipeline() {
    if (!up()) return;
    if (!PQenterPipelineMode(wire_.get())) return lose("a COPY was not finished");
    in_pipeline_ = true;
    wait_read();
}

Connection::Readiness Connection::readable(milliseconds limit) {
    copy_deadline_ = Clock::now() + limit;
    return {*this, false};
}
Connection::Readiness Connection::writable(milliseconds limit) {
    copy_deadline_ = Clock::now() + limit;
    return {*this, true};
}

void Connection::wait(std::coroutine_handle<> waiter, bool write) {
    copying_ = waiter;
    wait_read(); // also while writing: an error must be heard, and NOTICEs taken
    if (!write) return;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                           [self = shared_from_this(), epoch = epoch_](auto const& error) {
                               if (!error && self->epoch_ == epoch) self->resume_copy();
                           });
}

void Connection::resume_copy() {
    if (auto const waiter = std::exchange(copying_, nullptr)) waiter.resume();
}

void Connection::Readiness::await_resume() const {
    if (!connection.up()) std::rethrow_exception(away("the connection was lost during a COPY"));
}

} // namespace haat::pg
