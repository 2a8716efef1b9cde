// Column lists in the text of a query come from the described types, so that they stand once:
//
//     {row}      id, name, slug             the columns of the row
//     {2}        name, slug                 the columns of the second argument
//     {$2}       $2, $3                     its parameters; of a plain value: $2
//     {set 2}    name = $2, slug = $3       both
//
// Everything else in braces is left as it is. This happens once, before main().
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <describe/describe.hpp>

namespace haat::pg {

std::string expand(std::string_view sql, describe::Shape const* row,
                   std::span<describe::Shape const* const> arguments);

} // namespace haat::pg
