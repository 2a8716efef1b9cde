#include <base/text_forms.hpp>

namespace haat {

namespace {

unsigned byte_at(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

/// The length of the well-formed sequence at `at`, or 0; `at` holds no ASCII character.
std::size_t sequence(std::string_view text, std::size_t at) {
    unsigned const first = byte_at(text, at);
    std::size_t const size = first < 0xC2   ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
    if (size == 0 || text.size() - at < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((byte_at(text, at + i) & 0xC0) != 0x80) return 0;
    unsigned const second = byte_at(text, at + 1);
    bool const overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    bool const surrogate = first == 0xED && second > 0x9F;
    bool const beyond = first == 0xF4 && second > 0x8F;
    return overlong || surrogate || beyond ? 0 : size;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr std::string_view no_break_space = "\u00A0";

} // namespace

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const size = byte_at(text, at) < 0x80 ? 1 : sequence(text, at);
        if (size == 0) return false;
        at += size;
    }
    return true;
}

TextFacts facts_of(std::string_view text) {
    TextFacts facts;
    for (std::size_t at = 0; at < text.size();) {
        unsigned const first = byte_at(text, at);
        std::size_t const size = first < 0x80 ? 1 : sequence(text, at);
        if (size == 0) {
            facts.utf8 = false;
            return facts;
        }
        if (first == '\r' && at + 1 < text.size() && text[at + 1] == '\n') {
            facts.carriage_return = true;
            ++at;
            continue;
        }
        if (first == 0) facts.nul = true;
        bool const upper_control = first == 0xC2 && byte_at(text, at + 1) < 0xA0;
        if ((first < 0x20 && first != '\t' && first != '\n') || first == 0x7F || upper_control)
            facts.control = true;
        ++facts.characters;
        at += size;
    }
    return facts;
}

std::string_view trimmed(std::string_view text) {
    for (;;) {
        if (!text.empty() && is_space(text.front()))
            text.remove_prefix(1);
        else if (text.starts_with(no_break_space))
            text.remove_prefix(no_break_space.size());
        else
            break;
    }
    for (;;) {
        if (!text.empty() && is_space(text.back()))
            text.remove_suffix(1);
        else if (text.ends_with(no_break_space))
            text.remove_suffix(no_break_space.size());
        else
            return text;
    }
}

} // namespace haat
