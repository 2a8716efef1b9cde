#include <test/harness/table.hpp>

#include <algorithm>
#include <stdexcept>

namespace haat::test {

namespace {

struct Cell {
    std::string text;
    bool quoted = false;
};

std::vector<Cell> cells_of(std::string_view line) {
    std::vector<Cell> cells;
    std::size_t at = 0;
    while (at < line.size()) {
        char const c = line[at];
        if (c == ' ' || c == '\t' || c == '|') {
            ++at;
        } else if (c == '#') {
            break;
        } else if (c == '"') {
            auto const end = line.find('"', at + 1);
            if (end == std::string_view::npos)
                throw std::runtime_error("a quote is not closed: " + std::string(line));
            cells.push_back({std::string(line.substr(at + 1, end - at - 1)), true});
            at = end + 1;
        } else {
            auto const end = std::min(line.size(), line.find_first_of(" \t|", at));
            cells.push_back({std::string(line.substr(at, end - at)), false});
            at = end;
        }
    }
    return cells;
}

std::string_view trimmed(std::string_view line) {
    auto const from = line.find_first_not_of(" \t");
    if (from == std::string_view::npos) return {};
    return line.substr(from, line.find_last_not_of(" \t\r") - from + 1);
}

} // namespace

// A quoted "-" stays a hyphen: the mark of the absent is a zero byte from here on.
Table parse_table(std::string_view text) {
    Table table;
    while (!text.empty()) {
        auto const end = std::min(text.size(), text.find('\n'));
        std::string_view const line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
        auto const cells = cells_of(line);
        if (cells.empty()) continue;
        TableRow row{std::string(line), {}};
        for (Cell const& cell : cells)
            row.cells.push_back(!cell.quoted && cell.text == "-" ? std::string(1, '\0')
                                                                 : cell.text);
        if (table.members.empty()) {
            table.members = row.cells;
            continue;
        }
        if (row.cells.size() != table.members.size())
            throw std::runtime_error("not as many cells as the header has: " + row.line);
        table.rows.push_back(std::move(row));
    }
    return table;
}

void read_row(Table const& table, TableRow const& row, describe::Shape const& shape, void* into) {
    for (std::size_t i = 0; i < table.members.size(); ++i) {
        describe::Field const* const end = shape.fields + shape.count;
        auto const* const field = std::find_if(shape.fields, end, [&](describe::Field const& each) {
            return std::string_view(each.name.member, each.name.member_size) == table.members[i];
        });
        if (field == end) throw std::runtime_error("no member is called " + table.members[i]);
        void* at = static_cast<char*>(into) + field->offset;
        describe::Shape const* leaf = field->shape;
        bool const absent = row.cells[i] == std::string(1, '\0');
        if (leaf->kind == describe::Kind::optional || leaf->kind == describe::Kind::patch) {
            if (absent) continue;
            at = leaf->append(at);
            leaf = leaf->element;
        }
        std::string const& text = row.cells[i];
        auto const problem = describe::decode_text(absent ? "" : text, *leaf, at);
        if (!problem.empty())
            throw std::runtime_error(table.members[i] + " cannot be \"" + text + "\" (" +
                                     std::string(problem) + "): " + row.line);
    }
}

} // namespace haat::test
