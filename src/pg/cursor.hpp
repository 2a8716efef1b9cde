// Where a page of a list begins or ends, as clients carry it: opaque, and checked when it returns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace haat::pg {

struct Cursor {
    std::uint64_t question = 0; // a hash of the filters, the sort and the direction it belongs to
    bool backward = false;      // the page that ends before this row, not the one that follows
    std::string sort;           // the row's sort value and key, as PostgreSQL writes them
    std::string key;
};

inline constexpr std::size_t cursor_size_max = 4'096;

/// Nothing when the values are too long to be carried.
std::optional<std::string> encode_cursor(Cursor const& cursor);
/// Nothing when the text is not a cursor. Whether its values have the right types only PostgreSQL
/// can tell.
std::optional<Cursor> decode_cursor(std::string_view text);

} // namespace haat::pg
