#include <base/text_forms.hpp>

#include <algorithm>
#include <cstring>
#include <emmintrin.h>

namespace haat {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_slug_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// The value of a hexadecimal digit; -1: it is none.
constexpr auto hex_values = [] {
    std::array<short, 256> table{};
    table.fill(-1);
    for (short i = 0; i < 10; ++i) table['0' + static_cast<std::size_t>(i)] = i;
    for (short i = 10; i < 16; ++i) {
        table['a' - 10 + static_cast<std::size_t>(i)] = i;
        table['A' - 10 + static_cast<std::size_t>(i)] = i;
    }
    return table;
}();

// U+00C0 to U+017F without their accents; a blank is no letter.
constexpr std::string_view latin_letters =
    "aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(latin_letters.size() == 192);

/// The slug letter that stands for the character at `at`; moves behind it. Blank: none.
/// '\0': a character that words keep inside, as the apostrophe of "Levi's".
char slug_letter(std::string_view text, std::size_t& at) {
    auto const byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    unsigned const first = byte(at);
    if (first < 0x80) {
        char const letter = lower(text[at++]);
        if (letter == '\'') return '\0';
        return is_slug_letter(letter) ? letter : ' ';
    }
    std::size_t const begin = at++;
    while (at < text.size() && (byte(at) & 0xC0) == 0x80) ++at;
    if (first >= 0xC3 && first <= 0xC5 && at == begin + 2)
        return latin_letters[((first & 0x1F) << 6 | (byte(begin + 1) & 0x3F)) - 0xC0];
    if (text.substr(begin, at - begin) == "\u2019") return '\0';
    return ' ';
}

} // namespace

std::string Email::lower() const {
    std::string text = value;
    std::transform(text.begin(), text.end(), text.begin(), haat::lower);
    return text;
}

Slug Slug::of(std::string_view text) {
    constexpr std::size_t size_max = 255;
    Slug slug;
    bool gap = false;
    for (std::size_t at = 0; at < text.size();) {
        char const letter = slug_letter(text, at);
        if (letter == '\0') continue;
        if (letter == ' ') {
            gap = true;
            continue;
        }
        bool const hyphen = gap && !slug.value.empty();
        if (slug.value.size() + (hyphen ? 2 : 1) > size_max) break;
        if (hyphen) slug.value += '-';
        slug.value += letter;
        gap = false;
    }
    return slug;
}

bool parse(std::string_view text, Slug& out) {
    if (text.empty() || text.size() > 255 || text.front() == '-' || text.back() == '-')
        return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '-' ? text[i - 1] == '-' : !is_slug_letter(text[i])) return false;
    out.value.assign(text);
    return true;
}

bool parse(std::string_view text, Uuid& out) {
    constexpr unsigned char places[16] = {0,  2,  4,  6,  9,  11, 14, 16,
                                          19, 21, 24, 26, 28, 30, 32, 34};
    if (text.size() != 36) return false;
    if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
    Uuid uuid;
    int wrong = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        int const high = hex_values[static_cast<unsigned char>(text[places[i]])];
        int const low = hex_values[static_cast<unsigned char>(text[places[i] + 1u])];
        wrong |= high | low;
        uuid.bytes[i] = static_cast<unsigned char>((high & 15) << 4 | (low & 15));
    }
    if (wrong < 0) return false;
    out = uuid;
    return true;
}

char* write(char* at, Uuid const& uuid) {
    // Sixteen bytes at once: split into halves, lay them side by side, make each a digit.
    __m128i const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(uuid.bytes.data()));
    __m128i const mask = _mm_set1_epi8(0x0F);
    __m128i const high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
    __m128i const low = _mm_and_si128(bytes, mask);
    auto const digits = [](__m128i halves) {
        __m128i const letters =
            _mm_and_si128(_mm_cmpgt_epi8(halves, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
        return _mm_add_epi8(_mm_add_epi8(halves, _mm_set1_epi8('0')), letters);
    };
    char hex[32];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(hex), digits(_mm_unpacklo_epi8(high, low)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(hex + 16), digits(_mm_unpackhi_epi8(high, low)));
    std::memcpy(at, hex, 8);
    std::memcpy(at + 9, hex + 8, 4);
    std::memcpy(at + 14, hex + 12, 4);
    std::memcpy(at + 19, hex + 16, 4);
    std::memcpy(at + 24, hex + 20, 12);
    at[8] = at[13] = at[18] = at[23] = '-';
    return at + 36;
}

std::string to_string(Uuid const& uuid) {
    char buffer[text_form_max];
    return {buffer, write(buffer, uuid)};
}

} // namespace haat
