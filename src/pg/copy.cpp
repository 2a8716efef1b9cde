// COPY on a connection of the slow pool, outside the pipeline: libpq cannot do both.
#include <utility>

#include <pg/errors.hpp>
#include <pg/inside.hpp>

namespace haat::pg {

namespace {

constexpr std::size_t piece_size = 64 * 1024;

class Copying final : PoolWaiter {
public:
    explicit Copying(Database::Inside& home)
        : home_(home), timeout_text_(std::to_string(home.options.copy_timeout.count())) {}
    Copying(Copying const&) = delete;
    ~Copying();

    Task<void> begin(char const* begin_text, Settings const& settings, std::string const& sql,
                     ExecStatusType expected);
    Task<void> put(std::string_view piece);
    /// Nothing is left in `into` at the end.
    Task<bool> get(std::string& into);
    Task<std::int64_t> finish(bool sending);

private:
    struct Acquiring {
        Copying& self;
        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> waiter);
        void await_resume() const {
            if (self.refusal_) std::rethrow_exception(self.refusal_);
        }
    };
    void got(Connection& connection) override;
    void refused(std::exception_ptr why) override;

    Task<void> flush();
    Task<Rows> result();
    Task<Rows> last_result();
    Task<void> run(char const* sql);
    PGconn* wire();
    void consume();
    void check(bool well);

    Database::Inside& home_;
    std::string timeout_text_;
    Connection* own_ = nullptr;
    unsigned epoch_ = 0;
    bool queued_ = false;
    bool idle_ = true; // no command is under way on the connection
    std::coroutine_handle<> waiter_;
    std::exception_ptr refusal_;
};

Copying::~Copying() {
    if (queued_) home_.slows.leave(*this);
    if (!own_ || own_->epoch() != epoch_) return;
    // In the midst of a COPY there is no way back but to hang up.
    if (!idle_) {
        own_->lose("a COPY was given up");
    } else {
        own_->enter_pipeline();
        own_->clean();
    }
}

bool Copying::Acquiring::await_suspend(std::coroutine_handle<> waiter) {
    self.home_.refuse_when_stopping();
    self.home_.slows.take(self);
    if (self.own_) return false; // there was one
    self.queued_ = true;
    self.waiter_ = waiter;
    self.home_.watch();
    return true;
}

void Copying::got(Connection& connection) {
    queued_ = false;
    own_ = &connection;
    epoch_ = connection.epoch();
    if (auto const waiter = std::exchange(waiter_, nullptr)) waiter.resume();
}

void Copying::refused(std::exception_ptr why) {
    queued_ = false;
    refusal_ = std::move(why);
    std::exchange(waiter_, nullptr).resume();
}

PGconn* Copying::wire() {
    if (!own_ || own_->epoch() != epoch_) throw DatabaseAway("the connection was lost");
    return own_->wire();
}

void Copying::check(bool well) {
    if (well) return;
    own_->lose(PQerrorMessage(wire()));
    throw DatabaseAway("the connection was lost during a COPY");
}

void Copying::consume() { check(PQconsumeInput(wire()) == 1); }

Task<void> Copying::flush() {
    for (;;) {
        int const left = PQflush(wire());
        check(left >= 0);
        if (left == 0) co_return;
        co_await own_->writable(home_.options.slow_timeout);
        consume();
    }
}

Task<Rows> Copying::result() {
    co_await flush();
    while (PQisBusy(wire())) {
        co_await own_->readable(home_.options.slow_timeout);
        consume();
    }
    Rows rows(PQgetResult(wire()));
    co_return rows;
}

/// To the end of the command; throws its error.
Task<Rows> Copying::last_result() {
    Rows last;
    for (;;) {
        Rows next = co_await result();
        if (!next.get()) break;
        bool const failed = PQresultStatus(last.get()) == PGRES_FATAL_ERROR;
        if (!failed || !last.get()) last = std::move(next);
    }
    idle_ = true;
    if (PQresultStatus(last.get()) == PGRES_FATAL_ERROR) {
        DatabaseError const error = error_of(last.get(), "copy");
        if (ends_connection(last.get())) own_->lose(error.what());
        std::rethrow_exception(refusal_of(error));
    }
    co_return last;
}

Task<void> Copying::run(char const* sql) {
    idle_ = false;
    check(PQsendQueryParams(wire(), sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1);
    co_await last_result();
}

Task<void> Copying::begin(char const* begin_text, Settings const& settings, std::string const& sql,
                          ExecStatusType expected) {
    Acquiring acquiring{*this};
    co_await acquiring;
    home_.watch();
    own_->leave_pipeline();
    co_await run(begin_text);
    char const* const values[] = {settings.user_id.c_str(), settings.org_id.c_str(),
                                  settings.role.c_str(), timeout_text_.c_str()};
    idle_ = false;
    check(PQsendQueryParams(wire(), home_.statements.settings.sql.c_str(), 4, nullptr, values,
                            nullptr, nullptr, 0) == 1);
    co_await last_result();
    idle_ = false;
    check(PQsendQueryParams(wire(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 1);
    Rows const first = co_await result();
    ExecStatusType const status = PQresultStatus(first.get());
    if (status == expected) co_return;
    if (status != PGRES_FATAL_ERROR) throw Fault("not a COPY in this direction: " + sql);
    DatabaseError const error = error_of(first.get(), "copy");
    co_await last_result();
    std::rethrow_exception(refusal_of(error));
}

Task<void> Copying::put(std::string_view piece) {
    for (;;) {
        int const taken = PQputCopyData(wire(), piece.data(), static_cast<int>(piece.size()));
        check(taken >= 0);
        if (taken == 1) break;
        co_await own_->writable(home_.options.slow_timeout);
        consume();
    }
    co_await flush();
}

Task<bool> Copying::get(std::string& into) {
    into.clear();
    for (;;) {
        char* row = nullptr;
        int const size = PQgetCopyData(wire(), &row, 1);
        if (size > 0) {
            into.append(row, static_cast<std::size_t>(size));
            PQfreemem(row);
            if (into.size() >= piece_size) co_return true;
        } else if (size == 0) {
            co_await own_->readable(home_.options.slow_timeout);
            consume();
        } else { // the end, or an error, which the result tells
            co_return !into.empty();
        }
    }
}

Task<std::int64_t> Copying::finish(bool sending) {
    while (sending) {
        int const taken = PQputCopyEnd(wire(), nullptr);
        check(taken >= 0);
        if (taken == 1) break;
        co_await own_->writable(home_.options.slow_timeout);
        consume();
    }
    Rows const copied = co_await last_result();
    co_await run("commit");
    co_return copied.touched();
}

} // namespace

Task<std::int64_t> Database::copy_in(std::string_view sql, Settings const& settings,
                                     std::function<Task<std::string_view>()> const& next) {
    std::string const text(sql);
    Copying copying(*inside_);
    co_await copying.begin("begin read write", settings, text, PGRES_COPY_IN);
    for (;;) {
        std::string_view const piece = co_await next();
        if (piece.empty()) break;
        co_await copying.put(piece);
    }
    co_return co_await copying.finish(true);
}

Task<std::int64_t> Database::copy_out(std::string_view sql, Settings const& settings,
                                      std::function<Task<void>(std::string_view)> const& take) {
    std::string const text(sql);
    Copying copying(*inside_);
    co_await copying.begin("begin read only", settings, text, PGRES_COPY_OUT);
    std::string piece;
    while (co_await copying.get(piece)) co_await take(piece);
    co_return co_await copying.finish(false);
}

} // namespace haat::pg
