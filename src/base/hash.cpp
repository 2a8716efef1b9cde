#include <base/hash.hpp>

#include <cstring>

namespace haat {

namespace {

// Odd numbers with as many ones as zeros and no pattern: the fractional digits of square roots.
constexpr std::uint64_t salt_a = 0x6a09e667f3bcc909; // of 2
constexpr std::uint64_t salt_b = 0xbb67ae8584caa73b; // of 3
constexpr std::uint64_t salt_c = 0x3c6ef372fe94f82b; // of 5
constexpr std::uint64_t salt_d = 0xa54ff53a5f1d36f1; // of 7

// The high half of a product depends on all bits of both factors, the low half on the low bits.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    Wide const product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t read8(char const* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, 8);
    return value;
}

std::uint64_t read4(char const* at) {
    std::uint32_t value = 0;
    std::memcpy(&value, at, 4);
    return value;
}

// One to three bytes without a branch on which: first, middle, last.
std::uint64_t read_few(char const* at, std::size_t size) {
    auto const byte = [at](std::size_t i) {
        return static_cast<std::uint64_t>(static_cast<unsigned char>(at[i]));
    };
    return byte(0) << 16 | byte(size / 2) << 8 | byte(size - 1);
}

} // namespace

std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed) {
    char const* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t state = mix(seed ^ salt_a, salt_b);
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    if (left > 16) {
        if (left > 48) { // three products at a time keep the multiplier busy
            std::uint64_t second = state;
            std::uint64_t third = state;
            for (; left > 48; at += 48, left -= 48) {
                state = mix(read8(at) ^ salt_b, read8(at + 8) ^ state);
                second = mix(read8(at + 16) ^ salt_c, read8(at + 24) ^ second);
                third = mix(read8(at + 32) ^ salt_d, read8(at + 40) ^ third);
            }
            state ^= second ^ third;
        }
        for (; left > 16; at += 16, left -= 16)
            state = mix(read8(at) ^ salt_b, read8(at + 8) ^ state);
        // The last 16 bytes, overlapping what was read: there are at least 17 in all.
        first = read8(at + left - 16);
        last = read8(at + left - 8);
    } else if (left >= 4) {
        // Four words that cover 4 to 16 bytes, overlapping where there are fewer.
        std::size_t const step = left >> 3 << 2;
        first = read4(at) << 32 | read4(at + step);
        last = read4(at + left - 4) << 32 | read4(at + left - 4 - step);
    } else if (left > 0) {
        first = read_few(at, left);
    }
    return mix(salt_c ^ bytes.size(), mix(first ^ salt_d, last ^ state));
}

std::string etag_of(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::uint64_t hash = hash_of(bytes);
    std::string text(18, '"');
    for (std::size_t i = 16; i > 0; --i, hash >>= 4) text[i] = digits[hash & 15];
    return text;
}

} // namespace haat
