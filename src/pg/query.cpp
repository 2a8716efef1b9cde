#include <pg/query.hpp>

#include <pg/expand.hpp>
#include <pg/list.hpp>

namespace haat::pg {

namespace {
// Plain values with constant initialisation: queries in other files are made before main().
constinit Query const* first_query = nullptr;
constinit int query_count = 0;
constinit ListQuery const* first_list = nullptr;
constinit int list_count = 0;

std::string_view noun_in(Shape const& shape) {
    using describe::Kind;
    if (shape.kind == Kind::uuid) return shape.noun;
    if (shape.kind != Kind::object) return {};
    for (std::uint32_t i = 0; i < shape.count; ++i)
        if (std::string_view const noun = noun_in(*shape.fields[i].shape); !noun.empty())
            return noun;
    return {};
}
} // namespace

Query::Query(char const* name, char const* sql, Cardinality cardinality, Shape const* row,
             std::span<Shape const* const> arguments, QueryOptions options)
    : name_(name), sql_(expand(sql, row, arguments)), cardinality_(cardinality), row_(row),
      arguments_(arguments), options_(options), number_(query_count++), next_(first_query) {
    first_query = this;
}

std::string_view Query::noun() const {
    for (Shape const* argument : arguments_)
        if (std::string_view const noun = noun_in(*argument); !noun.empty()) return noun;
    return {};
}

Query const* Query::first() { return first_query; }
int Query::count() { return query_count; }

ListQuery::ListQuery(char const* name, Shape const* row, Shape const* filter,
                     std::size_t paging_offset, ListText text)
    : name_(name), row_(row), filter_(filter), paging_offset_(paging_offset),
      text_(std::move(text)), select_(expand(text_.select, row, {})), number_(list_count++),
      next_(first_list) {
    text_.select = select_;
    first_list = this;
}

ListQuery const* ListQuery::first() { return first_list; }
int ListQuery::count() { return list_count; }

} // namespace haat::pg
