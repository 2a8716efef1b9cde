// How words look as text, both ways. Reading is strict; nothing here passes through a double.
#pragma once

#include <base/words.hpp>

namespace haat {

// Each reads the whole of `text` (already trimmed) or answers false and leaves `out` alone.
bool parse(std::string_view text, Money& out);     // "199.5", at most two decimals
bool parse(std::string_view text, Quantity& out);  // "1.25", at most three decimals
bool parse(std::string_view text, Timestamp& out); // RFC 3339, any offset, years 1 to 9999
bool parse(std::string_view text, Date& out);      // "2026-03-31"
bool parse(std::string_view text, Email& out);     // kept as typed
bool parse(std::string_view text, Phone& out);     // made E.164
bool parse(std::string_view text, Url& out);
bool parse(std::string_view text, Slug& out);

/// No write() below needs more room than this. Each returns the end of what it wrote.
inline constexpr std::size_t text_form_max = 40;
char* write(char* at, Money);     // "199.50"
char* write(char* at, Quantity);  // "1.25", without zeros at the end
char* write(char* at, Timestamp); // "2026-03-31T18:30:00.000Z"
char* write_with_micros(char* at, Timestamp);
char* write(char* at, Date);
char* write(char* at, Uuid const&);

template <class Word>
    requires requires(char* at, Word word) { write(at, word); }
std::string to_string(Word const& word) {
    char buffer[text_form_max];
    return {buffer, write(buffer, word)};
}

/// Without white space (no-break spaces too) at both ends.
std::string_view trimmed(std::string_view text);
/// Well-formed UTF-8 without surrogates and overlong forms.
bool is_utf8(std::string_view text);

/// What is_utf8, a count and a search for control characters would say, in one walk.
struct TextFacts {
    bool utf8 = true;
    bool nul = false;
    bool control = false;         // any but tab and line feed; a CR before LF does not count
    bool carriage_return = false; // a CR before LF
    std::size_t characters = 0;   // code points, those CRs not counted
};
TextFacts facts_of(std::string_view text);

} // namespace haat
