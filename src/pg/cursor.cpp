#include <pg/cursor.hpp>

#include <array>

namespace haat::pg {

namespace {

// One byte of version and direction, eight of hash, two of the sort value's length; then both.
constexpr std::size_t head_size = 11;
constexpr unsigned char version = 1;
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<signed char, 256> digits = [] {
    std::array<signed char, 256> table{};
    table.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
    return table;
}();

std::string to_base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    int count = 0;
    for (char const byte : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(byte);
        for (count += 8; count >= 6; count -= 6) text += alphabet[bits >> (count - 6) & 63];
    }
    if (count > 0) text += alphabet[bits << (6 - count) & 63];
    return text;
}

bool from_base64(std::string_view text, std::string& bytes) {
    if (text.size() % 4 == 1) return false;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    int count = 0;
    for (char const letter : text) {
        signed char const digit = digits[static_cast<unsigned char>(letter)];
        if (digit < 0) return false;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count & 255);
    }
    return (bits & ((1u << count) - 1)) == 0; // one text for one value
}

} // namespace

std::optional<std::string> encode_cursor(Cursor const& cursor) {
    if (cursor.sort.size() + cursor.key.size() + head_size > cursor_size_max * 3 / 4)
        return std::nullopt;
    std::string bytes;
    bytes.reserve(head_size + cursor.sort.size() + cursor.key.size());
    bytes += static_cast<char>(version << 1 | (cursor.backward ? 1 : 0));
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes += static_cast<char>(cursor.question >> shift & 255);
    bytes += static_cast<char>(cursor.sort.size() >> 8);
    bytes += static_cast<char>(cursor.sort.size() & 255);
    bytes.append(cursor.sort).append(cursor.key);
    return to_base64(bytes);
}

std::optional<Cursor> decode_cursor(std::string_view text) {
    std::string bytes;
    if (text.empty() || text.size() > cursor_size_max || !from_base64(text, bytes))
        return std::nullopt;
    auto const at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    if (bytes.size() <= head_size || at(0) >> 1 != version) return std::nullopt;
    Cursor cursor;
    cursor.backward = (at(0) & 1) != 0;
    for (std::size_t i = 1; i <= 8; ++i) cursor.question = cursor.question << 8 | at(i);
    std::size_t const sort_size = static_cast<std::size_t>(at(9)) << 8 | at(10);
    if (head_size + sort_size > bytes.size()) return std::nullopt;
    cursor.sort = bytes.substr(head_size, sort_size);
    cursor.key = bytes.substr(head_size + sort_size);
    // They travel as C strings.
    if (bytes.find('\0', head_size) != bytes.npos) return std::nullopt;
    return cursor;
}

} // namespace haat::pg
