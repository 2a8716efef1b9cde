// One leaf at a time: what JSON, query strings, forms and rows have in common.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <base/refusal.hpp>
#include <describe/describe.hpp>

namespace haat::describe {

/// A walker's pointer as what its shape says it is: words are their first member.
template <class T> T& as(void* at) { return *static_cast<T*>(at); }
template <class T> T const& as(void const* at) { return *static_cast<T const*>(at); }

/// One scalar of the input, whatever parser found it.
struct Token {
    enum class What : std::uint8_t { null, boolean, number, string };
    What what = What::null;
    bool boolean = false;
    bool is_int64 = false;
    std::int64_t int64 = 0;
    std::string_view text = {}; // of strings, and of numbers as they were written
};

/// `api` is what clients read and write. `stored` is the JSON that PostgreSQL keeps or makes of
/// rows: the keys are column names, money and quantities are counts, and its limits were checked
/// when it was written.
enum class Dialect : std::uint8_t { api, stored };

/// Reads a leaf; answers the code of what is wrong with it, or nothing.
std::string_view read_leaf(Shape const&, Note const*, void* into, Token const&, Dialect);
/// The parameters that go with such a code.
std::string params_of(std::string_view code, Shape const&, Note const*);

struct Limits {
    std::int64_t min;
    std::int64_t max;
};
/// What a number may be, by its type and its note, in the unit of the JSON value.
Limits limits_of(Shape const&, Note const*);

/// {"type", "format", "integer"}: what a leaf is called in problems and in the schema.
std::string_view expected_of(std::string_view code, Kind);

/// Of whom the personal fields of this object tell; nothing when it does not say.
std::optional<Uuid> person_in(Shape const&, void const* object);

/// The enumerator's name as it goes out: `new_` stands for "new".
std::string_view name_of(Enumerator const&);
Enumerator const* find_enumerator(Shape const&, void const* value);

inline bool is_leaf(Kind kind) { return kind < Kind::list; }
inline bool is_text(Kind kind) {
    return kind == Kind::text || kind == Kind::secret || kind == Kind::email ||
           kind == Kind::phone || kind == Kind::url || kind == Kind::slug;
}
inline bool is_nullable(Kind kind) { return kind == Kind::optional || kind == Kind::patch; }
inline bool is_absent(Shape const& shape, void const* value) {
    return shape.kind == Kind::patch && shape.length(value) == 0;
}
inline bool may_be_absent(Field const& field) {
    return field.has_default || is_nullable(field.shape->kind);
}
/// The bits of a Change, one for each member that was given.
inline std::uint64_t* given_of(Shape const& change, void* at) {
    return reinterpret_cast<std::uint64_t*>(static_cast<char*>(at) + change.given);
}
inline bool was_given(Shape const& change, void const* at, std::uint32_t member) {
    auto const* bits =
        reinterpret_cast<std::uint64_t const*>(static_cast<char const*>(at) + change.given);
    return (bits[member / 64] >> (member % 64) & 1) != 0;
}
/// Without the optionals and patches around it.
inline Shape const& core_of(Shape const& shape) {
    Shape const* core = &shape;
    while (is_nullable(core->kind)) core = core->element;
    return *core;
}

/// decode() and encode() in the dialect of stored JSON.
bool decode_stored(std::string_view json, Shape const&, void* into, Problems&);
void encode_stored(std::string& out, Shape const&, void const* from);

} // namespace haat::describe
