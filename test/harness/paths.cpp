#include <test/harness/paths.hpp>

namespace haat::test {

std::filesystem::path source_directory() { return HAAT_SOURCE_DIR; }
std::filesystem::path build_directory() { return HAAT_BINARY_DIR; }

} // namespace haat::test
