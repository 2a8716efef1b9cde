// PostgreSQL's types by number, and which of them a shape travels as.
#pragma once

#include <cstdint>

#include <describe/describe.hpp>

namespace haat::describe {

namespace oid {
inline constexpr std::uint32_t boolean = 16, name = 19, int8 = 20, int2 = 21, int4 = 23, text = 25,
                               json = 114, float4 = 700, float8 = 701, character = 1042,
                               varchar = 1043, date = 1082, timestamptz = 1184, uuid = 2950,
                               jsonb = 3802;
inline constexpr std::uint32_t boolean_array = 1000, int4_array = 1007, text_array = 1009,
                               varchar_array = 1015, int8_array = 1016, float8_array = 1022,
                               date_array = 1182, timestamptz_array = 1185, uuid_array = 2951,
                               jsonb_array = 3807;
inline constexpr std::uint32_t first_of_users = 16'384;
} // namespace oid

// PostgreSQL counts from 2000-01-01.
inline constexpr std::int64_t epoch_days = 10'957;
inline constexpr std::int64_t epoch_micros = epoch_days * 86'400'000'000;

/// The type of a parameter for this shape; optionals and patches as what they hold.
std::uint32_t oid_of(Shape const&);
std::uint32_t array_of(std::uint32_t element);

} // namespace haat::describe
