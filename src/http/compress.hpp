// Content codings: which one a client wants, and making them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace haat::http {

enum class Coding : std::uint8_t { identity, gzip, brotli, zstd };
std::string_view name_of(Coding);

/// The coding of the highest q; among equals zstd, then br, then gzip, by what a byte costs us.
Coding choose_coding(std::string_view accept_encoding);

/// Text, JSON, XML, SVG, scripts: what gets smaller.
bool worth_compressing(std::string_view content_type);

/// Empty for identity, and when the library fails (no memory).
std::string compress(Coding, std::string_view plain);

} // namespace haat::http
