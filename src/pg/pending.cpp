#include <cassert>
#include <cstdlib>

#include <libpq-fe.h>

#include <pg/pg.hpp>

namespace haat::pg {

int Rows::size() const { return result_ ? PQntuples(result_.get()) : 0; }
int Rows::touched() const { return result_ ? std::atoi(PQcmdTuples(result_.get())) : 0; }
void Rows::free(pg_result* result) { PQclear(result); }

Pending::Pending(Runner& runner, Query const& query, std::initializer_list<void const*> arguments)
    : runner_(&runner), query_(&query) {
    assert(arguments.size() == query.arguments().size());
    static_assert(arguments_max >= 16);
    for (void const* argument : arguments) {
        if (argument_count_ == arguments_max)
            throw Fault(std::string(query.name()) + ": too many arguments");
        arguments_[argument_count_++] = argument;
    }
}

void Pending::encode(describe::Parameters& into) const {
    for (int i = 0; i < argument_count_; ++i)
        into.add(*query_->arguments()[static_cast<std::size_t>(i)], arguments_[i]);
}

void Pending::done(Rows rows, describe::RowPlan const* plan) {
    rows_ = std::move(rows);
    plan_ = plan;
    flight_ = nullptr;
    waiter_.resume();
}

void Pending::failed(std::exception_ptr error) {
    error_ = std::move(error);
    flight_ = nullptr;
    waiter_.resume();
}

void Pending::check() {
    if (error_) std::rethrow_exception(error_);
    if (query_->cardinality() == Cardinality::one && rows_.size() == 0) {
        std::string_view const noun = query_->noun();
        throw Refusal::not_found(noun.empty() ? "resource" : noun);
    }
    bool const at_most_one =
        query_->cardinality() == Cardinality::one || query_->cardinality() == Cardinality::maybe;
    if (at_most_one && rows_.size() > 1)
        throw Fault(std::string(query_->name()) + ": more than one row");
}

void Pending::read(int row, void* into) const {
    describe::decode_row(*plan_, *query_->row(), rows_.get(), row, into);
}

} // namespace haat::pg
