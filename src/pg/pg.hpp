// The database as modules see it: readers, transactions, and awaiting a query. No libpq, no Asio.
//
//     Brand brand = co_await call.read(sql::find_brand, id);
//     Tx tx = call.begin();
//     Brand made = co_await tx(sql::insert_brand, call.body());
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <base/refusal.hpp>
#include <base/task.hpp>
#include <base/words.hpp>
#include <describe/rows.hpp>
#include <pg/list.hpp>
#include <pg/query.hpp>

namespace haat::pg {

/// Who asks, for row-level security; set in front of every batch, empty ones included.
struct Settings {
    std::string user_id;
    std::string org_id;
    std::string role;
    std::string correlation_id; // for outbox rows; not a setting of the database
};
/// This process itself: no policy gives it anything, but those of its role.
inline Settings const nobody{};

/// A result; frees itself.
class Rows {
public:
    Rows() = default;
    explicit Rows(pg_result* result) : result_(result, &free) {}
    int size() const;
    int touched() const; // rows inserted, updated or deleted
    pg_result* get() const { return result_.get(); }

private:
    static void free(pg_result*);
    std::unique_ptr<pg_result, void (*)(pg_result*)> result_{nullptr, &free};
};

/// SQLSTATE and the constraint; becomes a Refusal when a RefusalKind names the constraint.
class DatabaseError : public Fault {
public:
    DatabaseError(std::string sqlstate, std::string constraint, std::string const& text,
                  std::string column = {})
        : Fault(text), sqlstate_(std::move(sqlstate)), constraint_(std::move(constraint)),
          column_(std::move(column)) {}
    std::string const& sqlstate() const { return sqlstate_; }
    std::string const& constraint() const { return constraint_; }
    std::string const& column() const { return column_; } // of a violated key, when it is known
    bool may_repeat() const { return sqlstate_ == "40001" || sqlstate_ == "40P01"; }
    bool is_unique_violation() const { return sqlstate_ == "23505"; }

private:
    std::string sqlstate_;
    std::string constraint_;
    std::string column_;
};
/// The database is away, or every queue to it is full; the edge answers 503 with Retry-After.
class DatabaseAway : public Fault {
public:
    explicit DatabaseAway(std::string const& text, bool overloaded = false)
        : Fault(text), overloaded_(overloaded) {}
    bool overloaded() const { return overloaded_; } // it is there, but a queue is full

private:
    bool overloaded_;
};

/// What the client is told of a violated constraint: the RefusalKind that names it, else the
/// general one of its SQLSTATE; the error itself when it is our own bug (500) or may be repeated.
std::exception_ptr refusal_of(DatabaseError const&);

class Pending;

/// Where a query runs: a shared pipelined connection, or a transaction's own.
class Runner {
public:
    /// Takes the query with its arguments; resumes `pending` on this loop when the answer is in.
    virtual void submit(Pending& pending) = 0;

protected:
    ~Runner() = default;
};

/// Where a pending query is just now; told when the coroutine that waits for it is destroyed.
class Flight {
public:
    virtual void abandoned() noexcept = 0;

protected:
    ~Flight() = default;
};

/// One query in flight; the awaiter. Nothing here is a template but the reading of rows.
class Pending {
public:
    static constexpr int arguments_max = 16;

    Pending(Runner& runner, Query const& query, std::initializer_list<void const*> arguments);
    Pending(Pending const&) = delete;
    ~Pending() {
        if (flight_) flight_->abandoned();
    }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        runner_->submit(*this);
    }

    Query const& query() const { return *query_; }
    void encode(describe::Parameters& into) const;

    /// By the runner: who is to be told when this is destroyed before its answer is in.
    void flies(Flight* flight) { flight_ = flight; }
    /// By the connection: the answer is in; resumes the waiter. `plan` outlives the resumption.
    void done(Rows rows, describe::RowPlan const* plan);
    void failed(std::exception_ptr error);

protected:
    /// Throws what failed; else checks the cardinality (One without a row: 404).
    void check();
    void read(int row, void* into) const;
    int size() const { return rows_.size(); }
    int touched() const { return rows_.touched(); }

private:
    Runner* runner_;
    Query const* query_;
    void const* arguments_[arguments_max];
    int argument_count_ = 0;
    std::coroutine_handle<> waiter_;
    Flight* flight_ = nullptr;
    Rows rows_;
    describe::RowPlan const* plan_ = nullptr;
    std::exception_ptr error_;
};

template <class Row> struct PendingOne : Pending {
    using Pending::Pending;
    Row await_resume() {
        check();
        Row row{};
        read(0, &row);
        return row;
    }
};
template <class Row> struct PendingMaybe : Pending {
    using Pending::Pending;
    std::optional<Row> await_resume() {
        check();
        std::optional<Row> row;
        if (size() > 0) read(0, &row.emplace());
        return row;
    }
};
template <class Row> struct PendingMany : Pending {
    using Pending::Pending;
    std::vector<Row> await_resume() {
        check();
        std::vector<Row> rows(static_cast<std::size_t>(size()));
        for (int i = 0; i < size(); ++i) read(i, &rows[static_cast<std::size_t>(i)]);
        return rows;
    }
};
struct PendingExec : Pending {
    using Pending::Pending;
    int await_resume() {
        check();
        return touched();
    }
};

/// Gives a runner the call syntax: `co_await run(query, arguments…)`.
template <class Self> class Asking {
public:
    template <class R, class... A>
    PendingOne<R> operator()(One<R, A...> const& q, std::type_identity_t<A> const&... a) {
        return {runner(), q, {&a...}};
    }
    template <class R, class... A>
    PendingMaybe<R> operator()(Maybe<R, A...> const& q, std::type_identity_t<A> const&... a) {
        return {runner(), q, {&a...}};
    }
    template <class R, class... A>
    PendingMany<R> operator()(Many<R, A...> const& q, std::type_identity_t<A> const&... a) {
        return {runner(), q, {&a...}};
    }
    template <class... A>
    PendingExec operator()(Exec<A...> const& q, std::type_identity_t<A> const&... a) {
        return {runner(), q, {&a...}};
    }

private:
    Runner& runner() { return static_cast<Self*>(this)->runner_of(); }
};

class Database;

/// A page of any list, erased: rows are read by the template below.
class PendingList {
public:
    PendingList(Database& database, Settings const& settings, ListQuery const& query,
                void const* filter);
    ~PendingList();
    PendingList(PendingList const&) = delete;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter);

protected:
    struct Inside;
    /// Throws what failed; fills everything but the items.
    void finish(Page<int>& page);
    int size() const;
    void read(int row, void* into) const;
    std::unique_ptr<Inside> inside_;
};
template <class Row> struct PendingPage : PendingList {
    using PendingList::PendingList;
    Page<Row> await_resume() {
        Page<int> facts;
        finish(facts);
        Page<Row> page{.items = std::vector<Row>(static_cast<std::size_t>(size())),
                       .total = facts.total,
                       .total_is_exact = facts.total_is_exact,
                       .limit = facts.limit,
                       .skip = facts.skip,
                       .next_cursor = std::move(facts.next_cursor),
                       .prev_cursor = std::move(facts.prev_cursor),
                       .has_more = facts.has_more};
        for (int i = 0; i < size(); ++i) read(i, &page.items[static_cast<std::size_t>(i)]);
        return page;
    }
};

/// Single statements with row-level security on the shared pipelined connections. Cheap to make.
class Reader : public Asking<Reader> {
public:
    Reader(Database& database, Settings const& settings);

    /// One page with its total, in one round trip.
    template <class Row, class Filter>
    PendingPage<Row> list(ListOf<Row, Filter> const& query, Filter const& filter) {
        return {*database_, *settings_, query, &filter};
    }

private:
    friend class Asking<Reader>;
    struct Shared final : Runner {
        Database* database;
        Settings const* settings;
        void submit(Pending& pending) override;
    };
    Runner& runner_of() { return shared_; }
    Database* database_;
    Settings const* settings_;
    Shared shared_;
};

/// What Tx::last() gives: asks the last statement of a transaction.
class Last : public Asking<Last> {
public:
    explicit Last(Runner& runner) : runner_(&runner) {}

private:
    friend class Asking<Last>;
    Runner& runner_of() { return *runner_; }
    Runner* runner_;
};

/// What a room above keeps with a transaction; it hears when that has committed.
struct Companion {
    Companion() = default;
    Companion(Companion const&) = delete;
    virtual ~Companion() = default;
    virtual void committed() = 0;
};

/// A transaction; passed on as a parameter. BEGIN and the settings travel with the first statement,
/// so that making one costs nothing. Rolled back unless committed.
class Tx : public Asking<Tx> {
public:
    Tx(Database& database, Settings settings);
    Tx(Tx&&) noexcept;
    Tx& operator=(Tx&&) = delete;
    ~Tx();

    /// Queues a statement without waiting for it: it goes out with the next one that is awaited
    /// or with the commit, and its error is thrown there. The arguments are encoded at once.
    template <class... A> void later(Exec<A...> const& query, std::type_identity_t<A> const&... a) {
        queue(query, {&a...});
    }
    /// Sends what was queued together with COMMIT; throws when anything failed.
    Task<void> commit();
    bool committed() const;
    /// The last statement and the commit in one round trip: `co_await tx.last()(query, …)`. It is
    /// committed even when the answer is not what the query promised, such as One without a row.
    Last last();

    /// A notification to every node, delivered when the transaction commits. PostgreSQL commits
    /// transactions that notify one at a time; what may get lost is better announced.
    void notify(std::string_view channel, std::string_view payload);
    /// The same after the commit and without holding up other commits; see Database::announce.
    void announce(std::string_view channel, std::string_view payload);

    Settings const& settings() const;
    Database& database() const;
    /// Nobody's until somebody puts one there.
    std::unique_ptr<Companion>& companion();

private:
    friend class Asking<Tx>;
    struct Inside;
    Runner& runner_of();
    void queue(Query const&, std::initializer_list<void const*>);
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::pg

namespace haat {
using pg::Tx;
}
