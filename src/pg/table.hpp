// The five statements that every simple table has, as queries with names:
//
//     Table<Brand, NewBrand, BrandId> brands{"catalog.brands"};
//     co_await tx(brands.insert, id, body);
//
// `Row` has the key and every column that is read; `Fields` are those that a client may write.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <pg/query.hpp>

namespace haat::pg {

namespace detail {
/// "prefix" + table + "suffix", kept for as long as the program runs.
char const* keep(std::string_view before, std::string_view table, std::string_view after);
} // namespace detail

template <class Row_, class Fields_, class Key_> struct Table {
    using Row = Row_;
    using Fields = Fields_;
    using Key = Key_;

    explicit Table(std::string_view t)
        : find{detail::keep("", t, ".find"),
               detail::keep("select {row} from ", t, " where id = $1")},
          lock{detail::keep("", t, ".lock"),
               detail::keep("select {row} from ", t, " where id = $1 for update")},
          insert{detail::keep("", t, ".insert"),
                 detail::keep("insert into ", t, " (id, {2}) values ($1, {$2}) returning {row}")},
          update{detail::keep("", t, ".update"),
                 detail::keep("update ", t, " set {set 1} where id = $1 returning {row}")},
          remove{detail::keep("", t, ".remove"),
                 detail::keep("delete from ", t, " where id = $1")} {}

    One<Row, Key> find;
    One<Row, Key> lock;
    One<Row, Key, Fields> insert;
    One<Row, Row> update;
    Exec<Key> remove;
};

} // namespace haat::pg

namespace haat {
using pg::Table;
}
