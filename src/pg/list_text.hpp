// The SQL of a list, for each combination of filters, sort, direction and beginning.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <pg/list.hpp>

namespace haat::pg {

enum class ListFrom : std::uint8_t { start, after, before, skip };

/// Which of a list's texts is meant. All of it is small numbers; the texts are made from the code.
struct ListChoice {
    static constexpr std::size_t filters_max = 40;
    static constexpr std::size_t sorts_max = 200;

    std::uint64_t present = 0; // a bit for each filter
    std::size_t sort = 0;
    Order order = Order::asc;
    ListFrom from = ListFrom::start;
    int rows_max = 0; // stands in the text, because the plan hangs on it; from rows_for()
    bool total = false;

    std::uint64_t key() const;
};

/// A few sizes only, so that there are a few texts only: the page's limit and one more, or larger.
int rows_for(int limit);

/// The members that the filters of this list speak of, in the filters' order. Throws Fault when
/// one does not exist, or when there are too many filters or sorts.
std::vector<describe::Field const*> filter_fields(ListQuery const& list);
/// Whether the filter's SQL takes a value.
bool takes_value(ListFilter const& filter);

struct ListSql {
    std::string sql;
    std::vector<std::uint32_t> types;
};
ListSql list_sql(ListQuery const& list, std::vector<describe::Field const*> const& fields,
                 ListChoice const& choice);

/// The columns that a page has behind the row's own: the sort value and the key, as text.
inline constexpr std::string_view sort_column = "haat_sort";
inline constexpr std::string_view key_column = "haat_key";

} // namespace haat::pg
