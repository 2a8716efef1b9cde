#include <pg/database.hpp>

#include <algorithm>

#include <pg/errors.hpp>
#include <pg/inside.hpp>

namespace haat::pg {

namespace {
constexpr milliseconds watch_every{50};

std::string text_of(milliseconds time) { return std::to_string(time.count()); }

void add(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) {
    counter.fetch_add(n, std::memory_order_relaxed);
}
} // namespace

Database::Inside::Inside(Database& owner, Loop& home_loop, DatabaseOptions given)
    : database(owner), loop(home_loop), options(std::move(given)),
      read_timeout_text(text_of(options.read_timeout)),
      write_timeout_text(text_of(options.write_timeout)),
      slow_timeout_text(text_of(options.slow_timeout)), mailbox(std::make_shared<Mailbox>(loop)),
      query_tallies(new Tally[static_cast<std::size_t>(Query::count()) + 1]),
      list_tallies(new Tally[static_cast<std::size_t>(ListQuery::count()) + 1]),
      writes(static_cast<std::size_t>(options.write_queue_max), options.acquire_timeout),
      slows(static_cast<std::size_t>(options.slow_queue_max), options.acquire_timeout),
      tick(loop.context()) {
    for (int i = 0; i < options.read_connections; ++i) readers.push_back(make(Use::read));
    for (int i = 0; i < options.write_connections; ++i) writes.add(make(Use::write));
    for (int i = 0; i < options.slow_connections; ++i) slows.add(make(Use::slow));
    counters.connections_wanted =
        options.read_connections + options.write_connections + options.slow_connections;
}

Database::Inside::~Inside() {
    mailbox->close();
    stopping = true;
    tick.cancel();
}

std::shared_ptr<Connection> Database::Inside::make(Use use) {
    return std::make_shared<Connection>(loop, options, mailbox, *this, use);
}

void Database::Inside::open_all() {
    for (auto const& connection : readers) connection->open();
    for (auto const& connection : writes.all()) connection->open();
    for (auto const& connection : slows.all()) connection->open();
}

void Database::Inside::start_listening() {
    if (listening.connection()) return;
    listening.attach(make(Use::listen));
    counters.connections_wanted.fetch_add(1, std::memory_order_relaxed);
    listening.connection()->open();
}

void Database::Inside::close_all() {
    if (Connection* const listener = listening.connection()) listener->close();
    for (auto const& connection : readers) connection->close();
    for (auto const& connection : writes.all()) connection->close();
    for (auto const& connection : slows.all()) connection->close();
    std::exception_ptr const closed = away("closed");
    writes.refuse_all(closed);
    slows.refuse_all(closed);
}

void Database::Inside::drop_all() {
    if (Connection* const listener = listening.connection()) listener->drop();
    for (auto const& connection : readers) connection->drop();
    for (auto const& connection : writes.all()) connection->drop();
    for (auto const& connection : slows.all()) connection->drop();
}

bool Database::Inside::up() const {
    bool const reading = std::any_of(readers.begin(), readers.end(),
                                     [](auto const& connection) { return connection->up(); });
    return reading && writes.up() > 0;
}

bool Database::Inside::connecting() const {
    auto const opening = [](auto const& connection) { return connection->connecting(); };
    return std::any_of(readers.begin(), readers.end(), opening) ||
           std::any_of(writes.all().begin(), writes.all().end(), opening) ||
           std::any_of(slows.all().begin(), slows.all().end(), opening);
}

bool Database::Inside::working() const {
    auto const busy = [](auto const& connection) { return connection->working(); };
    return std::any_of(readers.begin(), readers.end(), busy) || !writes.idle() || !slows.idle();
}

void Database::Inside::refuse_when_stopping() const {
    if (stopping) throw DatabaseAway("the database layer is stopping");
}

Connection* Database::Inside::least_loaded() {
    Connection* best = nullptr;
    for (auto const& connection : readers)
        if (connection->up() && (!best || connection->load() < best->load()))
            best = connection.get();
    return best;
}

namespace {
template <class What>
void start_read(Database::Inside& inside, What& what, Settings const& settings) {
    inside.refuse_when_stopping();
    if (inside.counters.reads_in_flight >= inside.options.read_queue_max)
        throw DatabaseAway("too many reads are in flight", true);
    if (inside.spare_reads.empty())
        inside.spare_reads.push_back(
            inside.reads.emplace_back(std::make_unique<Read>(inside)).get());
    Read* const read = inside.spare_reads.back();
    inside.spare_reads.pop_back();
    inside.counters.reads_in_flight.fetch_add(1, std::memory_order_relaxed);
    try {
        read->start(what, settings); // it comes back by itself
    } catch (...) {
        inside.counters.reads_in_flight.fetch_sub(1, std::memory_order_relaxed);
        read->give_up();
        inside.spare_reads.push_back(read);
        throw;
    }
}
} // namespace

void Database::Inside::read(Pending& pending, Settings const& settings) {
    start_read(*this, pending, settings);
}
void Database::Inside::read(ListAsk& ask, Settings const& settings) {
    start_read(*this, ask, settings);
}

describe::RowPlan const* Database::Inside::plan_of(Statement& statement, Rows const& rows) {
    if (!statement.row) return nullptr;
    if (!statement.plan) {
        auto plan =
            std::make_unique<describe::RowPlan>(describe::plan_rows(*statement.row, rows.get()));
        if (!plan->mismatches.empty())
            throw Fault(std::string(statement.label) + ": " + plan->mismatches.front());
        statement.plan = std::move(plan);
    }
    return statement.plan.get();
}

void Database::Inside::finished(Tally& tally, char const* name, Clock::time_point since,
                                bool well) {
    auto const took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - since);
    add(tally.count);
    add(tally.micros, static_cast<std::uint64_t>(took.count()));
    add(counters.statements);
    if (!well) {
        add(tally.errors);
        add(counters.errors);
    }
    if (took > options.slow_log_from && options.on_slow) options.on_slow(name, took);
}

// ---- time-outs

void Database::Inside::watch() {
    if (std::exchange(watching, true)) return;
    tick.expires_after(watch_every);
    tick.async_wait([this, living = std::weak_ptr(alive)](boost::system::error_code const& error) {
        if (!error && !living.expired()) ticked();
    });
}

void Database::Inside::ticked() {
    watching = false;
    auto const now = Clock::now();
    for (auto const& connection : readers) connection->expire(now);
    for (auto const& connection : writes.all()) connection->expire(now);
    for (auto const& connection : slows.all()) connection->expire(now);
    writes.expire(now);
    slows.expire(now);
    if (working()) watch();
}

// ---- what connections tell

void Database::Inside::set_counts() {
    auto const is_up = [](auto const& connection) { return connection->up(); };
    auto const reading = std::count_if(readers.begin(), readers.end(), is_up);
    Connection* const listener = listening.connection();
    counters.connections_up =
        static_cast<int>(reading) + writes.up() + slows.up() + (listener && listener->up() ? 1 : 0);
}

void Database::Inside::came_up(Connection& connection) {
    set_counts();
    if (connection.epoch() > 1) add(counters.reconnects);
    switch (connection.use()) {
    case Use::read: break;
    case Use::write: writes.became_free(connection); break;
    case Use::slow: slows.became_free(connection); break;
    case Use::listen: listening.came_up(); break;
    }
    if (starting && up()) std::exchange(starting, nullptr).resume();
}

void Database::Inside::trouble(Connection const& connection, std::string const& what) {
    last_error = what;
    constexpr char const* names[] = {"read", "write", "slow", "listen"};
    std::string text = address_of(options.url) + ", " +
                       names[static_cast<std::size_t>(connection.use())] + " connection: " + what;
    if (options.on_trouble && !stopping) options.on_trouble(text);
}

void Database::Inside::went_down(Connection& connection, std::string const& why) {
    set_counts();
    trouble(connection, without_password(why, options.url));
    switch (connection.use()) {
    case Use::read: break;
    case Use::write: writes.went_down(connection, why); break;
    case Use::slow: slows.went_down(connection, why); break;
    case Use::listen: listening.went_down(); break;
    }
}

void Database::Inside::could_not_connect(Connection& connection, std::string const& why) {
    trouble(connection, why);
    if (connection.use() == Use::write) writes.could_not_connect(why);
    if (connection.use() == Use::slow) slows.could_not_connect(why);
    bool const needed = connection.use() == Use::read || connection.use() == Use::write;
    if (needed && starting) std::exchange(starting, nullptr).resume();
}

void Database::Inside::became_free(Connection& connection) {
    (connection.use() == Use::write ? writes : slows).became_free(connection);
}

void Database::Inside::heard(std::string_view channel, std::string_view payload) {
    listening.heard(channel, payload);
}

// ---- the face

Database::Database(Loop& loop, DatabaseOptions options)
    : inside_(std::make_unique<Inside>(*this, loop, std::move(options))) {}

Database::~Database() {
    inside_->stopping = true;
    inside_->drop_all();
}

namespace {
/// Until the first connections are up, or one of them failed.
struct Starting {
    Database::Inside& inside;
    bool await_ready() const noexcept { return inside.up(); }
    void await_suspend(std::coroutine_handle<> waiter) {
        inside.open_all();
        inside.starting = waiter;
    }
    void await_resume() const noexcept {}
};
} // namespace

Task<bool> Database::start() {
    Starting starting{*inside_};
    co_await starting;
    co_return up();
}

Task<void> Database::stop(std::chrono::milliseconds timeout) {
    inside_->stopping = true;
    auto const deadline = Clock::now() + timeout;
    while (inside_->working() && Clock::now() < deadline) co_await sleep_for(milliseconds(2));
    for (Pool const* pool : {&inside_->writes, &inside_->slows})
        for (auto const& connection : pool->all())
            if (connection->working()) connection->cancel_running();
    // What connects just now would be closed by nobody once the loop has stopped as well.
    auto const last = Clock::now() + milliseconds(500);
    while ((inside_->working() || inside_->connecting()) && Clock::now() < last)
        co_await sleep_for(milliseconds(2));
    inside_->close_all();
    inside_->mailbox->close();
}

bool Database::up() const { return inside_->up(); }
std::string Database::last_error() const { return inside_->last_error; }
DatabaseCounters const& Database::counters() const { return inside_->counters; }
Loop& Database::loop() const { return inside_->loop; }
std::shared_ptr<privacy::Keyring> const& Database::keyring() const {
    return inside_->options.keyring;
}

std::vector<QueryFacts> Database::query_facts() const {
    std::vector<QueryFacts> facts;
    auto const take = [&facts](char const* name, Tally const& tally) {
        if (tally.count > 0)
            facts.push_back({name, tally.count, tally.errors, tally.micros, tally.reruns_slow});
    };
    for (Query const* query = Query::first(); query; query = query->next())
        take(query->name(), inside_->query_tallies[static_cast<std::size_t>(query->number())]);
    for (ListQuery const* list = ListQuery::first(); list; list = list->next())
        take(list->name(), inside_->list_tallies[static_cast<std::size_t>(list->number())]);
    return facts;
}

} // namespace haat::pg
