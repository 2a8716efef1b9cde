// A fast hash of bytes, for tables and ETags; not a defence against someone who knows the seed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace haat {

/// The same bytes and seed give the same number on every machine and in every version.
/// Tables whose keys come from strangers pass a random seed.
std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed = 0);

/// `"9ae16a3b2f90404f"`, with its quotes: a strong ETag of these bytes.
std::string etag_of(std::string_view bytes);

} // namespace haat
