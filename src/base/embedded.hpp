// The files that travel inside the binary: migrations/ and the built pages. tools/embed writes the
// table; a program that does not link it (a small tool) simply has none.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace haat {

struct EmbeddedFile {
    std::string_view path;  // relative to the repository, e.g. "migrations/0001_platform.sql"
    std::string_view bytes; // followed by a zero byte that is not counted
};

/// The bytes of one file, or nothing when there is no such file.
std::optional<std::string_view> embedded(std::string_view path);

/// Every file whose path begins with `prefix`, sorted by path.
std::vector<EmbeddedFile> embedded_under(std::string_view prefix);

} // namespace haat
