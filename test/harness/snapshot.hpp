// Snapshots for shapes: the expected text stands in the test, and HAAT_SNAP=1 writes it anew.
//
//     snap(masked(answer.body), R"(
//         {"success":true,"data":{"id":"<id>","name":"Cello"}}
//     )");
#pragma once

#include <source_location>
#include <string>
#include <string_view>

namespace haat::test {

/// Fails the test when the texts differ; the indentation of `expected` does not count. With
/// HAAT_SNAP=1 the raw string that begins at or after the call's line is rewritten instead.
void snap(std::string_view actual, std::string_view expected,
          std::source_location where = std::source_location::current());

/// What differs in every run is replaced: ids, times, cursors' signatures are `<id>`, `<time>`.
std::string masked(std::string_view text);

/// JSON on many lines, members in their order, for snapshots that are read by people.
std::string pretty(std::string_view json);

/// The rewriting itself, to be tested: `source` with the raw string at `line` replaced.
std::string with_snapshot(std::string_view source, int line, std::string_view actual);

} // namespace haat::test
