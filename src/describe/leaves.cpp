#include <describe/leaves.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <emmintrin.h>

#include <base/text_forms.hpp>
#include <describe/codec.hpp>

namespace haat::describe {

namespace {

using What = Token::What;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

/// Nothing but what can be seen in ASCII, and blanks.
bool is_plain(__m128i letters) {
    // As signed bytes everything beyond ASCII is below the blank as well.
    __m128i const odd = _mm_or_si128(_mm_cmplt_epi8(letters, _mm_set1_epi8(' ')),
                                     _mm_cmpeq_epi8(letters, _mm_set1_epi8(0x7F)));
    return _mm_movemask_epi8(odd) == 0;
}
bool is_plain(std::string_view text) {
    char const* from = text.data();
    char const* const end = from + text.size();
    for (; end - from >= 16; from += 16)
        if (!is_plain(_mm_loadu_si128(reinterpret_cast<__m128i const*>(from)))) return false;
    if (end - from >= 8) { // two halves that overlap
        __m128i const head = _mm_loadl_epi64(reinterpret_cast<__m128i const*>(from));
        __m128i const tail = _mm_loadl_epi64(reinterpret_cast<__m128i const*>(end - 8));
        return is_plain(_mm_unpacklo_epi64(head, tail));
    }
    for (; from != end; ++from)
        if (static_cast<unsigned char>(*from - ' ') > 0x7E - 0x20) return false;
    return true;
}

/// trimmed(), at once where there is nothing to trim.
std::string_view tidied(std::string_view text) {
    if (!text.empty() && text.front() > ' ' && text.back() > ' ') [[likely]]
        return text;
    return trimmed(text);
}

std::string_view check_length(Shape const& shape, std::size_t characters) {
    if (characters < static_cast<std::size_t>(shape.min)) return "too_short";
    if (characters > static_cast<std::size_t>(shape.max)) return "too_long";
    return {};
}

/// Text that is not plain: other scripts, several lines, or worse.
std::string_view read_rich_text(Shape const& shape, std::string& into, std::string_view text,
                                bool secret) {
    TextFacts const facts = facts_of(text);
    if (!facts.utf8 || facts.nul || (facts.control && !secret)) return "format";
    if (secret) {
        // The line ends of a secret are as its owner made them.
        auto const begins = [](char c) { return (c & 0xC0) != 0x80; };
        auto const count = std::count_if(text.begin(), text.end(), begins);
        if (auto code = check_length(shape, static_cast<std::size_t>(count)); !code.empty())
            return code;
        into.assign(text);
        return {};
    }
    if (auto code = check_length(shape, facts.characters); !code.empty()) return code;
    into.assign(text);
    if (facts.carriage_return) {
        std::size_t to = 0;
        for (std::size_t from = 0; from < into.size(); ++from)
            if (into[from] != '\r') into[to++] = into[from];
        into.resize(to);
    }
    return {};
}

std::string_view read_text(Shape const& shape, std::string& into, std::string_view text) {
    if (!is_plain(text)) return read_rich_text(shape, into, text, shape.kind == Kind::secret);
    if (auto code = check_length(shape, text.size()); !code.empty()) return code;
    into.assign(text);
    return {};
}

template <class Word> std::string_view read_word(void* into, std::string_view text) {
    return parse(text, as<Word>(into)) ? std::string_view{} : std::string_view{"format"};
}

std::string_view read_boolean(void* into, Token const& token) {
    if (token.what == What::boolean) {
        as<bool>(into) = token.boolean;
        return {};
    }
    if (token.what != What::string) return "type";
    std::string_view const text = tidied(token.text);
    bool const yes = text == "1" || same_ignoring_case(text, "true");
    if (!yes && text != "0" && !same_ignoring_case(text, "false")) return "type";
    as<bool>(into) = yes;
    return {};
}

std::string_view read_integer(Token const& token, Limits limits, std::int64_t& value) {
    if (token.what != What::number && token.what != What::string) return "type";
    if (token.is_int64) {
        value = token.int64;
    } else {
        std::string_view const text = tidied(token.text);
        char const* const end = text.data() + text.size();
        auto const read = std::from_chars(text.data(), end, value);
        if (read.ptr != end || read.ec == std::errc::invalid_argument) return "type";
        if (read.ec != std::errc{}) return text.starts_with('-') ? "too_small" : "too_large";
    }
    if (value < limits.min) return "too_small";
    if (value > limits.max) return "too_large";
    return {};
}

std::string_view read_float(Token const& token, Limits limits, double& into) {
    if (token.what != What::number && token.what != What::string) return "type";
    std::string_view const text = tidied(token.text);
    if (text.find_first_not_of("0123456789+-.eE") != text.npos) return "type";
    double value = 0;
    char const* const end = text.data() + text.size();
    auto const read = std::from_chars(text.data(), end, value);
    if (read.ptr != end || read.ec == std::errc::invalid_argument) return "type";
    if (read.ec != std::errc{} || !std::isfinite(value)) return "too_large";
    if (limits.min != INT64_MIN && value < static_cast<double>(limits.min)) return "too_small";
    if (limits.max != INT64_MAX && value > static_cast<double>(limits.max)) return "too_large";
    into = value;
    return {};
}

/// Money and quantities: `scale` of their smallest unit make one.
template <class Word>
std::string_view read_fixed(Token const& token, Note const* note, std::int64_t scale, Word& into,
                            Dialect dialect) {
    if (token.what != What::number && token.what != What::string) return "type";
    auto& count = as<std::int64_t>(&into);
    if (dialect == Dialect::stored) return read_integer(token, {INT64_MIN, INT64_MAX}, count);
    Word word;
    if (!parse(tidied(token.text), word)) return "format";
    __extension__ using Wide = __int128;
    Wide const wide = as<std::int64_t>(&word);
    if (note && wide < Wide{note->min} * scale) return "too_small";
    if (note && wide > Wide{note->max} * scale) return "too_large";
    into = word;
    return {};
}

bool is_separator(char c) { return c == '_' || c == '-' || c == ' '; }

bool same_enumerator(std::string_view name, std::string_view text) {
    return std::equal(name.begin(), name.end(), text.begin(), text.end(), [](char a, char b) {
        return lower(a) == lower(b) || (is_separator(a) && is_separator(b));
    });
}

std::string_view read_enumeration(Shape const& shape, void* into, std::string_view text) {
    for (std::uint32_t i = 0; i < shape.count; ++i) {
        Enumerator const& enumerator = shape.enumerators[i];
        if (!same_enumerator(name_of(enumerator), text)) continue;
        std::memcpy(into, &enumerator.value, shape.size); // little-endian, as all haat runs on
        return {};
    }
    return "not_one_of";
}

std::string_view read_string_leaf(Shape const& shape, void* into, std::string_view text) {
    switch (shape.kind) {
    case Kind::email: return read_word<Email>(into, text);
    case Kind::phone: return read_word<Phone>(into, text);
    case Kind::url: return read_word<Url>(into, text);
    case Kind::slug: return read_word<Slug>(into, text);
    case Kind::uuid: return read_word<Uuid>(into, text);
    case Kind::timestamp: return read_word<Timestamp>(into, text);
    case Kind::date: return read_word<Date>(into, text);
    case Kind::enumeration: return read_enumeration(shape, into, text);
    default: return read_text(shape, as<std::string>(into), text);
    }
}

std::string number_param(std::string_view name, std::int64_t value) {
    return std::string("{\"").append(name).append("\":").append(std::to_string(value)).append("}");
}

} // namespace

std::string_view read_leaf(Shape const& shape, Note const* note, void* into, Token const& token,
                           Dialect dialect) {
    if (shape.kind == Kind::text && token.what == What::string && dialect == Dialect::api)
        return read_text(shape, as<std::string>(into), tidied(token.text)); // the most frequent
    switch (shape.kind) {
    case Kind::boolean: return read_boolean(into, token);
    case Kind::int32: {
        std::int64_t value = 0;
        auto const code = read_integer(token, limits_of(shape, note), value);
        if (code.empty()) as<std::int32_t>(into) = static_cast<std::int32_t>(value);
        return code;
    }
    case Kind::int64: {
        std::int64_t value = 0;
        auto const code = read_integer(token, limits_of(shape, note), value);
        if (code.empty()) as<std::int64_t>(into) = value;
        return code;
    }
    case Kind::float64: return read_float(token, limits_of(shape, note), as<double>(into));
    case Kind::money: return read_fixed(token, note, 100, as<Money>(into), dialect);
    case Kind::quantity: return read_fixed(token, note, 1000, as<Quantity>(into), dialect);
    default: break;
    }
    if (!is_leaf(shape.kind) || shape.kind == Kind::json || token.what != What::string)
        return "type";
    if (dialect == Dialect::stored && is_text(shape.kind)) {
        as<std::string>(into).assign(token.text);
        return {};
    }
    std::string_view const text = shape.kind == Kind::secret ? token.text : tidied(token.text);
    return read_string_leaf(shape, into, text);
}

Limits limits_of(Shape const& shape, Note const* note) {
    Limits limits{INT64_MIN, INT64_MAX};
    if (shape.kind == Kind::int32) limits = {INT32_MIN, INT32_MAX};
    if (note) limits = {std::max(limits.min, note->min), std::min(limits.max, note->max)};
    return limits;
}

std::string_view expected_of(std::string_view code, Kind kind) {
    bool const format = code == "format";
    switch (kind) {
    case Kind::boolean: return "boolean";
    case Kind::int32:
    case Kind::int64: return "integer";
    case Kind::float64: return "number";
    case Kind::quantity: return format ? "quantity" : "number";
    case Kind::money: return format ? "money" : "number";
    case Kind::json: return "json";
    case Kind::list: return "array";
    case Kind::object: return "object";
    default: break;
    }
    if (!format) return "string";
    switch (kind) {
    case Kind::email: return "email";
    case Kind::phone: return "phone";
    case Kind::url: return "url";
    case Kind::slug: return "slug";
    case Kind::uuid: return "uuid";
    case Kind::timestamp: return "date-time";
    case Kind::date: return "date";
    default: return "text";
    }
}

std::string params_of(std::string_view code, Shape const& shape, Note const* note) {
    if (code == "type" || code == "format")
        return std::string("{\"expected\":\"").append(expected_of(code, shape.kind)).append("\"}");
    if (code == "too_short" || code == "too_few") return number_param("min", shape.min);
    if (code == "too_long" || code == "too_many") return number_param("max", shape.max);
    if (code == "too_small") return number_param("min", limits_of(shape, note).min);
    if (code == "too_large") return number_param("max", limits_of(shape, note).max);
    if (code != "not_one_of") return {};
    std::string params = "{\"values\":[";
    for (std::uint32_t i = 0; i < shape.count; ++i)
        params.append(i ? ",\"" : "\"").append(name_of(shape.enumerators[i])).append("\"");
    return params + "]}";
}

std::string_view name_of(Enumerator const& enumerator) {
    std::string_view name = enumerator.name;
    if (name.ends_with('_')) name.remove_suffix(1);
    return name;
}

Enumerator const* find_enumerator(Shape const& shape, void const* value) {
    for (std::uint32_t i = 0; i < shape.count; ++i)
        if (std::memcmp(&shape.enumerators[i].value, value, shape.size) == 0)
            return &shape.enumerators[i];
    return nullptr;
}

std::string_view decode_text(std::string_view text, Shape const& shape, void* into) {
    Shape const* leaf = &shape;
    while (is_nullable(leaf->kind)) {
        into = leaf->append(into);
        leaf = leaf->element;
    }
    Token const token{.what = Token::What::string, .text = text};
    return read_leaf(*leaf, nullptr, into, token, Dialect::api);
}

std::optional<Uuid> person_in(Shape const& shape, void const* object) {
    if (!shape.person) return std::nullopt;
    Shape const& id = *shape.person->shape;
    void const* at = static_cast<char const*>(object) + shape.person->offset;
    if (is_nullable(id.kind)) at = id.value(at);
    return at ? std::optional(as<Uuid>(at)) : std::nullopt;
}

} // namespace haat::describe
