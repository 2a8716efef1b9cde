// A cursor comes from a stranger: whatever it is, it is decoded or refused; and what is decoded is
// exactly what would be encoded.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <pg/cursor.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const cursor = haat::pg::decode_cursor(text);
    if (!cursor) return 0;
    auto const again = haat::pg::encode_cursor(*cursor);
    if (again && *again != text) std::abort();
    return 0;
}
