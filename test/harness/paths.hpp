// Where this checkout and its build are. The only place that knows, so that every other test
// compiles to the same bytes wherever the tree lies.
#pragma once

#include <filesystem>

namespace haat::test {

std::filesystem::path source_directory();
std::filesystem::path build_directory();

} // namespace haat::test
