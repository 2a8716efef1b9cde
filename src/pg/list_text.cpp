#include <pg/list_text.hpp>

#include <algorithm>

#include <base/refusal.hpp>
#include <describe/rows.hpp>

namespace haat::pg {

namespace {

constexpr int row_counts[] = {10, 20, 50, 100};

bool starts_word(std::string_view text, std::size_t at, std::string_view word) {
    auto const blank = [](char c) { return c == ' ' || c == '\n' || c == '\t'; };
    if (at == 0 || !blank(text[at - 1]) || at + word.size() >= text.size()) return false;
    if (!blank(text[at + word.size()])) return false;
    return std::equal(word.begin(), word.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
}

/// Where the outermost FROM stands.
std::size_t find_from(std::string_view select) {
    int depth = 0;
    char quote = 0;
    for (std::size_t i = 0; i < select.size(); ++i) {
        char const c = select[i];
        if (quote) {
            if (c == quote) quote = 0;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '(') {
            ++depth;
        } else if (c == ')') {
            --depth;
        } else if (depth == 0 && starts_word(select, i, "from")) {
            return i;
        }
    }
    throw Fault("a list's select has no from: " + std::string(select));
}

class Writer {
public:
    Writer(ListQuery const& list, std::vector<describe::Field const*> const& fields,
           ListChoice const& choice)
        : text_(list.text()), fields_(fields), choice_(choice), from_(find_from(text_.select)) {
        bool const sorted = !text_.sorts.empty();
        sort_ = sorted ? text_.sorts[choice.sort].column : text_.key;
    }

    ListSql total() {
        made_.sql.append("select count(*) from (select 1 ").append(text_.select.substr(from_));
        conditions();
        made_.sql.append(" limit ").append(std::to_string(text_.total_max + 1));
        made_.sql.append(") as counted");
        return std::move(made_);
    }

    ListSql page() {
        made_.sql.append(text_.select.substr(0, from_)).append(", (").append(sort_);
        made_.sql.append(")::text as ").append(sort_column).append(", (").append(text_.key);
        made_.sql.append(")::text as ").append(key_column).append(" ");
        made_.sql.append(text_.select.substr(from_));
        conditions();
        // Backwards is the other direction from the row; the page is then turned round.
        bool const falling = (choice_.order == Order::desc) != (choice_.from == ListFrom::before);
        if (choice_.from == ListFrom::after || choice_.from == ListFrom::before) {
            next_condition();
            made_.sql.append("(").append(sort_).append(", ").append(text_.key).append(") ");
            made_.sql.append(falling ? "< (" : "> (").append(next_parameter(0)).append(", ");
            made_.sql.append(next_parameter(0)).append(")");
        }
        std::string_view const direction = falling ? " desc" : " asc";
        made_.sql.append(" order by ").append(sort_).append(direction).append(", ");
        made_.sql.append(text_.key).append(direction);
        made_.sql.append(" limit ").append(std::to_string(choice_.rows_max));
        constexpr std::uint32_t int8_type = 20;
        if (choice_.from == ListFrom::skip)
            made_.sql.append(" offset ").append(next_parameter(int8_type));
        return std::move(made_);
    }

private:
    std::string next_parameter(std::uint32_t type) {
        made_.types.push_back(type);
        return "$" + std::to_string(made_.types.size());
    }
    void next_condition() {
        made_.sql.append(first_ ? " where " : " and ");
        first_ = false;
    }
    void conditions() {
        first_ = true;
        if (!text_.always.empty()) {
            next_condition();
            made_.sql.append("(").append(text_.always).append(")");
        }
        for (std::size_t i = 0; i < text_.filters.size(); ++i)
            if (choice_.present >> i & 1) condition(text_.filters[i], *fields_[i]->shape);
    }
    void condition(ListFilter const& filter, Shape const& shape) {
        next_condition();
        made_.sql += '(';
        if (takes_value(filter)) describe::parameter_types(shape, made_.types);
        for (char const c : filter.sql) {
            if (c == '$')
                made_.sql.append("$").append(std::to_string(made_.types.size()));
            else
                made_.sql += c;
        }
        made_.sql += ')';
    }

    ListText const& text_;
    std::vector<describe::Field const*> const& fields_;
    ListChoice const& choice_;
    std::size_t from_;
    std::string_view sort_;
    bool first_ = true;
    ListSql made_;
};

} // namespace

std::uint64_t ListChoice::key() const {
    std::uint64_t key = present;
    key = key << 8 | sort;
    key = key << 7 | static_cast<std::uint64_t>(rows_max);
    key = key << 2 | static_cast<std::uint64_t>(from);
    key = key << 1 | static_cast<std::uint64_t>(order);
    return key << 1 | (total ? 1 : 0);
}

int rows_for(int limit) {
    for (int const rows : row_counts)
        if (limit <= rows) return rows + 1;
    return row_counts[3] + 1;
}

bool takes_value(ListFilter const& filter) { return filter.sql.find('$') != filter.sql.npos; }

std::vector<describe::Field const*> filter_fields(ListQuery const& list) {
    ListText const& text = list.text();
    std::string const name = list.name();
    if (text.filters.size() > ListChoice::filters_max || text.sorts.size() > ListChoice::sorts_max)
        throw Fault(name + ": too many filters or sorts");
    std::vector<describe::Field const*> fields;
    Shape const& shape = *list.filter();
    for (ListFilter const& filter : text.filters) {
        auto const* const end = shape.fields + shape.count;
        auto const* const found = std::find_if(shape.fields, end, [&](auto const& field) {
            return std::string_view(field.name.member, field.name.member_size) == filter.member;
        });
        if (found == end)
            throw Fault(name + ": there is no member for the filter " + std::string(filter.member));
        fields.push_back(found);
    }
    return fields;
}

ListSql list_sql(ListQuery const& list, std::vector<describe::Field const*> const& fields,
                 ListChoice const& choice) {
    Writer writer(list, fields, choice);
    return choice.total ? writer.total() : writer.page();
}

} // namespace haat::pg
