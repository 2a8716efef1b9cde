#include <pg/expand.hpp>

#include <vector>

namespace haat::pg {

namespace {

using describe::Kind;
using describe::Shape;

enum class What : std::uint8_t { columns, parameters, assignments };

/// An object within an argument is flattened, as its parameters are.
void add_columns(Shape const& shape, bool flat, std::vector<std::string_view>& columns) {
    for (std::uint32_t i = 0; i < shape.count; ++i) {
        describe::Field const& field = shape.fields[i];
        if (flat && field.shape->kind == Kind::object)
            add_columns(*field.shape, flat, columns);
        else
            columns.push_back(field.name.column());
    }
}

std::size_t parameters_of(Shape const& shape) {
    if (shape.kind != Kind::object) return 1;
    std::vector<std::string_view> columns;
    add_columns(shape, true, columns);
    return columns.size();
}

void write(std::string& out, What what, std::vector<std::string_view> const& columns,
           std::size_t first_parameter) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i > 0) out += ", ";
        if (what != What::parameters) out += columns[i];
        if (what == What::assignments) out += " = ";
        if (what != What::columns) out += "$" + std::to_string(first_parameter + i);
    }
}

/// The part between the braces; false when it is not ours.
bool write_part(std::string& out, std::string_view part, Shape const* row,
                std::span<Shape const* const> arguments) {
    std::vector<std::string_view> columns;
    if (part == "row" && row) {
        add_columns(*row, false, columns);
        write(out, What::columns, columns, 0);
        return true;
    }
    What what = What::columns;
    if (part.starts_with("set ")) {
        what = What::assignments;
        part.remove_prefix(4);
    } else if (part.starts_with('$')) {
        what = What::parameters;
        part.remove_prefix(1);
    }
    if (part.size() != 1 || part[0] < '1' || part[0] > '9') return false;
    std::size_t const index = static_cast<std::size_t>(part[0] - '1');
    if (index >= arguments.size()) return false;
    std::size_t first = 1;
    for (std::size_t i = 0; i < index; ++i) first += parameters_of(*arguments[i]);
    if (arguments[index]->kind == Kind::object)
        add_columns(*arguments[index], true, columns);
    else if (what == What::parameters)
        columns.emplace_back();
    if (columns.empty()) return false;
    write(out, what, columns, first);
    return true;
}

} // namespace

std::string expand(std::string_view sql, Shape const* row,
                   std::span<Shape const* const> arguments) {
    std::string out;
    std::size_t at = 0;
    for (std::size_t open; (open = sql.find('{', at)) != std::string_view::npos;) {
        std::size_t const close = sql.find('}', open);
        out += sql.substr(at, open - at);
        if (close == std::string_view::npos ||
            !write_part(out, sql.substr(open + 1, close - open - 1), row, arguments)) {
            out += '{';
            at = open + 1;
            continue;
        }
        at = close + 1;
    }
    out += sql.substr(at);
    return out;
}

} // namespace haat::pg
