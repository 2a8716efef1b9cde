#include <algorithm>
#include <utility>

#include <pg/errors.hpp>
#include <pg/inside.hpp>

namespace haat::pg {

namespace {
/// How much longer than its statements' time-outs a batch may take before the wire is given up.
constexpr milliseconds grace{1'000};
} // namespace

struct Tx::Inside final : Runner, Batch, PoolWaiter, Flight {
    /// Takes the statement that ends the transaction.
    struct Ending final : Runner {
        explicit Ending(Inside& its_transaction) : transaction(its_transaction) {}
        void submit(Pending& asked) override {
            transaction.ending = true;
            transaction.submit(asked);
        }
        Inside& transaction;
    };
    /// fresh: BEGIN has not been sent. over: it failed, and has been or is being rolled back.
    enum class State : std::uint8_t { fresh, open, over, committed };
    struct Later {
        Statement* statement;
        Tally* tally; // nullptr: not a query, but one of our own
        describe::Parameters parameters;
    };

    Inside(Database& its_database, Settings its_settings)
        : database(&its_database), home(its_database.inside()), settings(std::move(its_settings)) {}
    ~Inside();

    void submit(Pending& asked) override;
    void commit(std::coroutine_handle<> waiter);
    void got(Connection& own_connection) override;
    void refused(std::exception_ptr why) override;
    void answered() override;
    void lost(std::exception_ptr away) override;
    void abandoned() noexcept override { pending = nullptr; }

    void check_usable();
    void tell_others();
    void go();
    void send();
    int send_preparations();
    void finish(std::exception_ptr why);

    Database* database;
    Database::Inside& home;
    Settings settings;
    State state = State::fresh;
    std::vector<Later> later;
    Connection* own = nullptr;
    unsigned epoch = 0;    // of its connection, when it was taken
    bool waiting = false;  // for a connection or an answer
    bool ending = false;   // the pending statement is the last one
    bool implicit = false; // it was sent without BEGIN: its Sync commits
    Ending last{*this};
    std::vector<Announcement> announcements;
    std::unique_ptr<Companion> companion;
    bool silent = false; // it says no settings: they are the session's
    bool queued = false; // for a connection
    Clock::time_point since;
    Pending* pending = nullptr;         // either a statement is awaited
    Tally* pending_tally = nullptr;     // its query's
    char const* pending_name = "";      // its query's
    std::coroutine_handle<> committing; // or the commit
    std::exception_ptr commit_error;
};

Tx::Inside::~Inside() {
    if (queued) {
        home.writes.leave(*this);
        home.counters.writes_waiting.fetch_sub(1, std::memory_order_relaxed);
    }
    if (Batch::connection) Batch::connection->forget(*this);
    if (own && own->epoch() == epoch) own->clean();
}

void Tx::Inside::check_usable() {
    if (waiting) throw Fault("a transaction runs one statement at a time");
    if (own && own->epoch() != epoch) {
        own = nullptr;
        state = State::over;
        throw DatabaseAway("the transaction's connection was lost");
    }
    if (state == State::over) throw Fault("the transaction has failed before");
    if (state == State::committed) throw Fault("the transaction has been committed before");
}

void Tx::Inside::submit(Pending& asked) {
    check_usable();
    pending = &asked;
    pending_name = asked.query().name();
    pending_tally = &home.query_tallies[static_cast<std::size_t>(asked.query().number())];
    asked.flies(this);
    try {
        go();
    } catch (...) {
        asked.flies(nullptr);
        pending = nullptr;
        throw;
    }
}

void Tx::Inside::commit(std::coroutine_handle<> waiter) {
    check_usable();
    committing = waiter;
    try {
        go();
    } catch (...) {
        committing = nullptr;
        throw;
    }
}

void Tx::Inside::go() {
    since = Clock::now();
    if (own) return send();
    home.refuse_when_stopping();
    waiting = queued = true;
    home.counters.writes_waiting.fetch_add(1, std::memory_order_relaxed);
    try {
        home.writes.take(*this);
        home.watch();
    } catch (...) {
        home.counters.writes_waiting.fetch_sub(1, std::memory_order_relaxed);
        waiting = queued = false;
        state = State::over;
        throw;
    }
}

void Tx::Inside::got(Connection& own_connection) {
    home.counters.writes_waiting.fetch_sub(1, std::memory_order_relaxed);
    queued = false;
    own = &own_connection;
    epoch = own->epoch();
    send();
}

void Tx::Inside::refused(std::exception_ptr why) {
    home.counters.writes_waiting.fetch_sub(1, std::memory_order_relaxed);
    queued = false;
    state = State::over;
    finish(std::move(why));
}

/// How many statements the batch will have.
int Tx::Inside::send_preparations() {
    int statements = static_cast<int>(later.size()) + 1;
    if (state == State::fresh) {
        if (!implicit) own->prepare(this, home.statements.begin);
        if (!silent) own->prepare(this, home.statements.settings);
    }
    for (Later const& one : later) own->prepare(this, *one.statement);
    if (pending) own->prepare(this, home.statements.of(pending->query()));
    if ((committing || ending) && !implicit) own->prepare(this, home.statements.commit);
    return statements;
}

void Tx::Inside::send() {
    waiting = true;
    begin_anew();
    home.scratch.clear(); // first, since a value that cannot be encoded throws
    if (pending) pending->encode(home.scratch);
    // One batch is a transaction by itself.
    implicit = ending && state == State::fresh;
    silent =
        implicit && settings.user_id.empty() && settings.org_id.empty() && settings.role.empty();
    int const statements = send_preparations();
    if (state == State::fresh) {
        if (!implicit) own->execute(this, home.statements.begin, {});
        char const* const values[] = {settings.user_id.c_str(), settings.org_id.c_str(),
                                      settings.role.c_str(), home.write_timeout_text.c_str()};
        if (!silent) own->execute(this, home.statements.settings, {4, values, nullptr, nullptr});
        state = State::open;
    }
    for (Later& one : later) {
        own->execute(this, *one.statement, arguments_of(one.parameters));
        if (one.tally) one.tally->count.fetch_add(1, std::memory_order_relaxed);
    }
    later.clear();
    if (pending) {
        own->execute(this, home.statements.of(pending->query()), arguments_of(home.scratch), true);
    }
    if ((committing || ending) && !implicit) own->execute(this, home.statements.commit, {});
    own->sync(this, home.options.write_timeout * statements + grace);
    home.watch();
}

void Tx::Inside::tell_others() {
    if (companion) companion->committed();
    for (Announcement const& one : announcements) database->announce(one.channel, one.payload);
}

void Tx::Inside::answered() {
    waiting = false;
    std::exception_ptr failure;
    if (error) {
        failure = refusal_of(*error);
        state = State::over;
        std::exchange(own, nullptr)->clean(); // rolls back at once, so that its locks go
    } else if (committing || ending) {
        state = State::committed;
        tell_others();
        home.writes.became_free(*std::exchange(own, nullptr));
    }
    finish(std::move(failure));
}

void Tx::Inside::lost(std::exception_ptr away) {
    own = nullptr;
    state = State::over;
    finish(std::move(away));
}

void Tx::Inside::finish(std::exception_ptr why) {
    waiting = false;
    if (auto const waiter = std::exchange(committing, nullptr)) {
        commit_error = std::move(why);
        return waiter.resume();
    }
    if (!pending) {
        kept[0] = Rows();
        return; // nobody waits for it any more
    }
    Pending& asked = *std::exchange(pending, nullptr);
    describe::RowPlan const* plan = nullptr;
    Rows rows = std::move(kept[0]);
    if (!why) {
        try {
            plan = home.plan_of(home.statements.of(asked.query()), rows);
        } catch (Fault const&) {
            why = std::current_exception();
        }
    }
    home.finished(*pending_tally, pending_name, since, !why);
    // The transaction may be gone once its coroutine has run on.
    if (why) return asked.failed(std::move(why));
    asked.done(std::move(rows), plan);
}

// ---- the face

Tx::Tx(Database& database, Settings settings)
    : inside_(std::make_unique<Inside>(database, std::move(settings))) {}
Tx::Tx(Tx&&) noexcept = default;
Tx::~Tx() = default;

Runner& Tx::runner_of() { return *inside_; }
bool Tx::committed() const { return inside_->state == Inside::State::committed; }
Settings const& Tx::settings() const { return inside_->settings; }
Database& Tx::database() const { return *inside_->database; }
std::unique_ptr<Companion>& Tx::companion() { return inside_->companion; }

void Tx::queue(Query const& query, std::initializer_list<void const*> arguments) {
    inside_->check_usable();
    auto& queued = inside_->later.emplace_back();
    queued.statement = &inside_->home.statements.of(query);
    queued.tally = &inside_->home.query_tallies[static_cast<std::size_t>(query.number())];
    std::size_t number = 0;
    for (void const* argument : arguments)
        queued.parameters.add(*query.arguments()[number++], argument);
}

void Tx::notify(std::string_view channel, std::string_view payload) {
    inside_->check_usable();
    auto& queued = inside_->later.emplace_back();
    queued.statement = &inside_->home.statements.notify;
    queued.tally = nullptr;
    queued.parameters.add_text(channel);
    queued.parameters.add_text(payload);
}

void Tx::announce(std::string_view channel, std::string_view payload) {
    inside_->check_usable();
    Announcement one{std::string(channel), std::string(payload)};
    auto& all = inside_->announcements;
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
}

Last Tx::last() {
    inside_->check_usable();
    return Last(inside_->last);
}

Task<void> Tx::commit() {
    struct Committing {
        Inside& inside;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiter) { inside.commit(waiter); }
        void await_resume() const {
            if (inside.commit_error) std::rethrow_exception(inside.commit_error);
        }
    };
    inside_->check_usable();
    if (inside_->state == Inside::State::fresh && inside_->later.empty()) {
        inside_->state = Inside::State::committed;
        inside_->tell_others();
        co_return;
    }
    Committing committing{*inside_};
    co_await committing;
}

} // namespace haat::pg
