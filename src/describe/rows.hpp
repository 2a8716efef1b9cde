// Described types and PostgreSQL's binary format: rows in, parameters out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <describe/describe.hpp>

struct pg_result;

namespace haat::describe {

/// Field -> column by name, made once per prepared statement. A leaf row (Many<BrandId>) takes
/// the first column. Objects and lists of objects come from jsonb, lists of leaves from arrays.
struct RowPlan {
    std::vector<int> columns;
    std::vector<std::string> mismatches; // a missing column, a wrong type: a failed test
};
RowPlan plan_rows(Shape const&, pg_result const*);
/// Throws Fault on a null where the member cannot be null.
void decode_row(RowPlan const&, Shape const&, pg_result const*, int row, void* into);

/// Parameters of one statement in binary format. An object argument is flattened into its fields,
/// an optional or a patch without a value is null, a list of objects is one jsonb.
class Parameters {
public:
    void add(Shape const&, void const* value);
    void add_text(std::string_view value); // a parameter of type text
    void clear();

    int count() const { return static_cast<int>(lengths_.size()); }
    /// Arrays as PQsendQueryPrepared wants them; valid until the next add or clear.
    char const* const* values();
    int const* lengths() const { return lengths_.data(); }
    int const* formats() const { return formats_.data(); }

private:
    void put(void const* bytes, std::size_t size);
    void put_null();
    std::vector<char> bytes_;
    std::vector<std::int64_t> starts_; // -1: null
    std::vector<int> lengths_;
    std::vector<int> formats_;
    std::vector<char const*> values_;
};

/// The types that a statement's parameters must have, in the order of Parameters::add.
void parameter_types(Shape const&, std::vector<std::uint32_t>& oids);

} // namespace haat::describe
