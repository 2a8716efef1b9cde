#include <pg/read.hpp>

#include <utility>

#include <pg/errors.hpp>
#include <pg/inside.hpp>

namespace haat::pg {

namespace {
/// How much longer than its statements' time-outs a batch may take before the wire is given up.
constexpr milliseconds grace{1'000};
} // namespace

Reader::Reader(Database& database, Settings const& settings)
    : database_(&database), settings_(&settings) {
    shared_.database = &database;
    shared_.settings = &settings;
}

void Reader::Shared::submit(Pending& pending) { database->inside().read(pending, *settings); }

Read::~Read() { give_up(); }

void Read::give_up() {
    if (pending_) pending_->flies(nullptr);
    if (list_) list_->flight = nullptr;
    pending_ = nullptr;
    list_ = nullptr;
    queued_ = false;
}

void Read::start(Pending& pending, Settings const& settings) {
    pending_ = &pending;
    Query const& query = pending.query();
    start(settings, query.name(), home_.query_tallies[static_cast<std::size_t>(query.number())],
          query.slow());
    pending.flies(this);
}

void Read::start(ListAsk& list, Settings const& settings) {
    list_ = &list;
    start(settings, list.page->label, home_.list_tallies[static_cast<std::size_t>(list.number)],
          false);
    list.flight = this;
}

void Read::start(Settings const& settings, char const* name, Tally& tally, bool slow) {
    settings_ = &settings;
    name_ = name;
    tally_ = &tally;
    since_ = Clock::now();
    again_ = queued_ = false;
    own_ = last_ = nullptr;
    if (slow) {
        queued_ = true;
        home_.slows.take(*this);
    } else {
        submit();
    }
}

void Read::submit() {
    Connection* const connection = home_.least_loaded();
    if (!connection) throw DatabaseAway("the database is away: " + home_.last_error);
    int const statements = list_ ? 2 : 1;
    send(*connection, home_.read_timeout_text, home_.options.read_timeout * statements + grace);
}

void Read::send(Connection& connection, std::string const& timeout_text, milliseconds limit) {
    begin_anew();
    last_ = &connection;
    home_.scratch.clear(); // first, since a value that cannot be encoded throws
    if (pending_) pending_->encode(home_.scratch);
    Statement* const first = list_ ? list_->page.get() : &home_.statements.of(pending_->query());
    Statement* const second = list_ ? list_->total.get() : nullptr;
    connection.prepare(this, home_.statements.settings);
    connection.prepare(this, *first);
    if (second) connection.prepare(this, *second);
    char const* const values[] = {settings_->user_id.c_str(), settings_->org_id.c_str(),
                                  settings_->role.c_str(), timeout_text.c_str()};
    connection.execute(this, home_.statements.settings, {4, values, nullptr, nullptr});
    if (list_) {
        connection.execute(this, *first, list_->page_arguments, true);
        if (second) connection.execute(this, *second, list_->total_arguments, true);
    } else {
        connection.execute(this, *first, arguments_of(home_.scratch), true);
    }
    connection.sync(this, limit);
    home_.watch();
}

void Read::got(Connection& connection) {
    queued_ = false;
    own_ = &connection;
    int const statements = list_ ? 2 : 1;
    send(connection, home_.slow_timeout_text, home_.options.slow_timeout * statements + grace);
}

void Read::answered() {
    if (Connection* const own = std::exchange(own_, nullptr)) {
        home_.slows.became_free(*own);
        if (!error) return succeed();
        return fail(refusal_of(*error));
    }
    if (!error) return succeed();
    if (try_again()) return;
    fail(refusal_of(*error));
}

bool Read::try_again() {
    std::string const& sqlstate = error->sqlstate();
    try {
        if (sqlstate == "57014") { // it is slow: there it holds up nobody
            home_.counters.reruns_slow.fetch_add(1, std::memory_order_relaxed);
            tally_->reruns_slow.fetch_add(1, std::memory_order_relaxed);
            queued_ = true;
            home_.slows.take(*this);
            home_.watch();
            return true;
        }
        if (std::exchange(again_, true)) return false;
        if (sqlstate == "26000") { // its PREPARE went down with another read's batch
            submit();
            return true;
        }
        if (sqlstate == "0A000") { // the table has changed under the prepared statement
            Statement& first = list_ ? *list_->page : home_.statements.of(pending_->query());
            last_->make_stale(first);
            first.plan.reset();
            submit();
            return true;
        }
    } catch (DatabaseAway const&) {
        queued_ = false;
        fail(std::current_exception());
        return true;
    }
    return false;
}

void Read::lost(std::exception_ptr away) {
    if (!std::exchange(own_, nullptr) && !std::exchange(again_, true) && !home_.stopping &&
        home_.least_loaded())
        return submit();
    fail(std::move(away));
}

void Read::abandoned() noexcept {
    if (connection) connection->forget(*this);
    if (queued_) home_.slows.leave(*this);
    if (own_) own_->clean();
    recycle(false);
}

void Read::succeed() {
    if (list_) {
        ListAsk& list = *list_;
        list.page_rows = std::move(kept[0]);
        list.total_rows = std::move(kept[1]);
        try {
            home_.plan_of(*list.page, list.page_rows);
        } catch (Fault const&) {
            list.error = std::current_exception();
        }
        list.flight = nullptr;
        recycle(!list.error);
        return list.waiter.resume();
    }
    Pending& pending = *pending_;
    Rows rows = std::move(kept[0]);
    try {
        auto const* const plan = home_.plan_of(home_.statements.of(pending.query()), rows);
        recycle(true);
        pending.done(std::move(rows), plan);
    } catch (Fault const&) {
        fail(std::current_exception());
    }
}

void Read::fail(std::exception_ptr why) {
    Pending* const pending = pending_;
    ListAsk* const list = list_;
    recycle(false);
    if (list) {
        list->error = std::move(why);
        list->flight = nullptr;
        return list->waiter.resume();
    }
    pending->failed(std::move(why));
}

void Read::recycle(bool well) {
    home_.finished(*tally_, name_, since_, well);
    home_.counters.reads_in_flight.fetch_sub(1, std::memory_order_relaxed);
    pending_ = nullptr;
    list_ = nullptr;
    queued_ = false;
    kept[0] = Rows();
    kept[1] = Rows();
    home_.spare_reads.push_back(this);
}

} // namespace haat::pg
