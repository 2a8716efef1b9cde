#include <base/text_forms.hpp>

#include <algorithm>

namespace haat {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_slug_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

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
    if (text.size() != 36) return false;
    Uuid uuid;
    std::size_t at = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            if (text[at++] != '-') return false;
        int const high = hex_digit(text[at]);
        int const low = hex_digit(text[at + 1]);
        if (high < 0 || low < 0) return false;
        uuid.bytes[i] = static_cast<unsigned char>(high << 4 | low);
        at += 2;
    }
    out = uuid;
    return true;
}

char* write(char* at, Uuid const& uuid) {
    constexpr char digits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = digits[uuid.bytes[i] >> 4];
        *at++ = digits[uuid.bytes[i] & 15];
    }
    return at;
}

std::string to_string(Uuid const& uuid) {
    char buffer[text_form_max];
    return {buffer, write(buffer, uuid)};
}

} // namespace haat
