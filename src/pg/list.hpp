// The typed builder of lists: optional filters, sorting, keyset and skip paging, a capped total.
// No text from a request ever enters the SQL; each combination becomes a prepared statement.
//
//     inline ListOf<Brand, BrandFilter> list_brands{"catalog.list_brands", {
//         .select = "select {row} from catalog.brands",
//         .always = "is_active",
//         .filters = {{"search", "name_lower like $ || '%'"}, {"country", "country = $"}},
//         .sorts = {{"name", "name_lower"}, {"createdAt", "created_at"}},
//         .key = "id"}};
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include <base/words.hpp>
#include <describe/describe.hpp>

namespace haat {

enum class Order : std::uint8_t { asc, desc };
HAAT_DESCRIBE_ENUM(Order, asc, desc)

/// Every list's query struct has a member `Paging paging`.
struct Paging {
    std::int32_t limit = 20;
    std::optional<std::string> cursor;
    std::optional<std::int32_t> page; // from 1
    std::optional<std::int32_t> skip;
    std::optional<std::string> sort_by;
    std::optional<Order> order;
};
HAAT_DESCRIBE(Paging, limit, cursor, page, skip, sort_by, order)
HAAT_DEFAULTS(Paging, limit)
HAAT_NOTES(Paging, {.field = "limit", .text = "How many at most.", .min = 1, .max = 100},
           {.field = "cursor", .text = "meta.pagination.nextCursor or prevCursor of another page."},
           {.field = "page", .text = "From 1; at most 10,000 rows deep.", .min = 1},
           {.field = "skip", .text = "Instead of page; at most 10,000.", .min = 0, .max = 10'000},
           {.field = "sort_by", .text = "The field to sort by."})

namespace pg {

using describe::Shape;

/// `sql` has one `$` where the value goes (it may stand several times).
struct ListFilter {
    std::string_view member; // of the filter struct
    std::string_view sql;
};
struct ListSort {
    std::string_view name;    // what the client says: "createdAt"
    std::string_view column;  // an expression over the select's tables, never null, indexed
    Order order = Order::asc; // when the client says none
};
struct ListText {
    std::string_view select; // "select … from …": without where, order by, limit
    std::string_view always = {};
    std::vector<ListFilter> filters = {};
    std::vector<ListSort> sorts = {}; // the first is the default
    std::string_view key = "id";      // unique; breaks ties
    std::int64_t total_max = 10'000;  // totals are counted up to here
};

/// Links itself into a list of its own, so that a test can prepare every combination.
class ListQuery {
public:
    ListQuery(char const* name, Shape const* row, Shape const* filter, std::size_t paging_offset,
              ListText text);
    ListQuery(ListQuery const&) = delete;

    char const* name() const { return name_; }
    Shape const* row() const { return row_; }
    Shape const* filter() const { return filter_; }
    ListText const& text() const { return text_; }
    std::size_t paging_offset() const { return paging_offset_; }
    int number() const { return number_; }
    ListQuery const* next() const { return next_; }
    static ListQuery const* first();
    static int count();

private:
    char const* name_;
    Shape const* row_;
    Shape const* filter_;
    std::size_t paging_offset_;
    ListText text_;
    std::string select_; // column lists written out
    int number_;
    ListQuery const* next_;
};

template <class Row, class Filter> struct ListOf : ListQuery {
    using Item = Row;
    using Query = Filter;
    ListOf(char const* name, ListText text)
        : ListQuery(name, &describe::shape_of<Row>, &describe::shape_of<Filter>,
                    offsetof(Filter, paging), std::move(text)) {}
};

} // namespace pg
using pg::ListOf;
} // namespace haat
