// Text tables: one line a case, the header names the members of a described struct.
//
//     table<SlugCase>(R"(
//         text              | slug
//         "Cello Gripper"   | cello-gripper
//         ---               | -
//     )", [](SlugCase const& c) { EXPECT_EQ(Slug::of(c.text.value).value, c.slug.value); });
//
// Cells are words, or quoted when they hold blanks; '|' is for the eye; '-' is an absent optional
// and an empty text; '#' begins a comment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <describe/codec.hpp>

namespace haat::test {

struct TableRow {
    std::string line; // for messages
    std::vector<std::string> cells;
};
struct Table {
    std::vector<std::string> members;
    std::vector<TableRow> rows;
};

/// Throws std::runtime_error with the line when a row has more or fewer cells than the header.
Table parse_table(std::string_view text);
/// Throws std::runtime_error when a member is unknown or a cell is not one of its values.
void read_row(Table const& table, TableRow const& row, describe::Shape const& shape, void* into);

template <class Case, class Check> void table(std::string_view text, Check check) {
    Table const parsed = parse_table(text);
    ASSERT_FALSE(parsed.rows.empty()) << "a table without a case";
    for (TableRow const& row : parsed.rows) {
        SCOPED_TRACE(row.line);
        Case one{};
        read_row(parsed, row, describe::shape_of<Case>, &one);
        check(one);
    }
}

} // namespace haat::test
