// A query is a value with a name and a type; it links itself into the list that the tests walk.
//
//     inline One<Brand, BrandId> find_brand{"catalog.find_brand",
//         "select {row} from catalog.brands where id = $1"};
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <describe/describe.hpp>

namespace haat::pg {

using describe::Shape;
using describe::shape_of;

enum class Cardinality : std::uint8_t {
    one,   // exactly one row; none is 404 of the noun of the first id argument
    maybe, // one row or none
    many,  // any number
    exec   // rows are not looked at; answers how many were touched
};

struct QueryOptions {
    bool slow = false; // runs on the slow pool: reports, exports, anything over 100 ms
};

class Query {
public:
    Query(char const* name, char const* sql, Cardinality cardinality, Shape const* row,
          std::span<Shape const* const> arguments, QueryOptions options);
    Query(Query const&) = delete;

    char const* name() const { return name_; }
    char const* sql() const { return sql_.c_str(); }
    Cardinality cardinality() const { return cardinality_; }
    Shape const* row() const { return row_; } // nullptr for exec
    std::span<Shape const* const> arguments() const { return arguments_; }
    bool slow() const { return options_.slow; }
    /// Dense, for tables of prepared statements and metrics.
    int number() const { return number_; }
    /// The noun of the first id among the arguments, for 404s; empty when there is none.
    std::string_view noun() const;

    Query const* next() const { return next_; }
    static Query const* first();
    static int count();

private:
    char const* name_;
    std::string sql_; // column lists written out, see expand.hpp
    Cardinality cardinality_;
    Shape const* row_;
    std::span<Shape const* const> arguments_;
    QueryOptions options_;
    int number_;
    Query const* next_;
};

template <class... Args>
inline constexpr std::array<Shape const*, sizeof...(Args)> argument_shapes{&shape_of<Args>...};

template <class Row, class... Args> struct One : Query {
    One(char const* n, char const* s, QueryOptions o = {})
        : Query(n, s, Cardinality::one, &shape_of<Row>, argument_shapes<Args...>, o) {}
};
template <class Row, class... Args> struct Maybe : Query {
    Maybe(char const* n, char const* s, QueryOptions o = {})
        : Query(n, s, Cardinality::maybe, &shape_of<Row>, argument_shapes<Args...>, o) {}
};
template <class Row, class... Args> struct Many : Query {
    Many(char const* n, char const* s, QueryOptions o = {})
        : Query(n, s, Cardinality::many, &shape_of<Row>, argument_shapes<Args...>, o) {}
};
template <class... Args> struct Exec : Query {
    Exec(char const* n, char const* s, QueryOptions o = {})
        : Query(n, s, Cardinality::exec, nullptr, argument_shapes<Args...>, o) {}
};

} // namespace haat::pg

namespace haat {
using pg::Exec;
using pg::Many;
using pg::Maybe;
using pg::One;
} // namespace haat
