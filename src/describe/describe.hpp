// Describe a struct once. The macro makes a constant table of its fields; everything else (JSON
// both ways, query strings, rows, parameters, schema, diff) is ordinary code that walks the table.
//
//     struct NewBrand { Text<1, 255> name; std::optional<Slug> slug; bool is_active = true; };
//     HAAT_DESCRIBE(NewBrand, name, slug, is_active)
//     HAAT_DEFAULTS(NewBrand, is_active)
//     HAAT_NOTES(NewBrand, {.field = "name", .text = "What shoppers read.", .example = "Cello"})
//
// What tells of a person is named as well, so that it is never written down for good unencrypted:
//
//     HAAT_PERSONAL(UserView, full_name) // e-mail addresses and phone numbers are so by their type
//     HAAT_PERSON(UserView, id)          // whose they are; without it, the acting organization's
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <base/words.hpp>

namespace haat::describe {

enum class Kind : std::uint8_t {
    // leaves
    boolean,
    int32,
    int64,
    float64,
    text,
    secret,
    email,
    phone,
    url,
    slug,
    quantity,
    money,
    uuid,
    timestamp,
    date,
    json,
    enumeration,
    // built of others
    list,
    optional,
    patch,
    object
};

/// A snake_case member and, made at compile time, its JSON key: created_at -> "createdAt":
struct Name {
    char member[48]{};
    char key[51]{};
    std::uint8_t member_size = 0;
    std::uint8_t key_size = 0;

    template <std::size_t N>
    consteval Name(char const (&text)[N]) : Name(std::string_view{text, N - 1}) {
        static_assert(N <= 48, "a member's name has at most 47 letters");
    }
    consteval explicit Name(std::string_view text) {
        bool upper = false;
        key[key_size++] = '"';
        for (std::size_t i = 0; i < text.size(); ++i) {
            char const c = text[i];
            member[member_size++] = c;
            if (c == '_') { // a trailing _ escapes a C++ keyword
                upper = i + 1 < text.size();
                continue;
            }
            key[key_size++] = upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
            upper = false;
        }
        key[key_size++] = '"';
        key[key_size++] = ':';
    }
    /// The column: the member without an escaping underscore at its end.
    constexpr std::string_view column() const {
        std::size_t const size = member[member_size - 1] == '_' ? member_size - 1u : member_size;
        return {member, size};
    }
    constexpr std::string_view json() const { return {key + 1, std::size_t(key_size - 3)}; }
    constexpr std::string_view json_prefix() const { return {key, key_size}; }
};

/// Limits and words for one field, where its type does not say them already.
struct Note {
    std::string_view field;                    // the member
    std::string_view text = {};                // documentation
    std::string_view example = {};             // as it would stand in JSON, without quotes
    std::array<std::string_view, 4> also = {}; // other JSON keys taken on input (seed spellings)
    std::int64_t min = INT64_MIN;              // numbers; in the unit of the JSON value
    std::int64_t max = INT64_MAX;
};

struct Shape;
struct Field {
    Name name;
    std::uint32_t offset;
    Shape const* shape;
    Note const* note = nullptr;
    bool has_default = false; // absent in the input: the member's initialiser holds
    bool personal = false;    // tells of a person
};

struct Enumerator {
    std::string_view name;
    std::int64_t value;
};

/// What the walkers need to know about one C++ type; constant data.
struct Shape {
    Kind kind;
    int min = 0; // text, secret: characters; list: elements
    int max = 0;
    Field const* fields = nullptr;                // object
    Enumerator const* enumerators = nullptr;      // enumeration
    std::uint32_t count = 0;                      // fields or enumerators
    std::uint32_t size = 0;                       // sizeof the C++ type
    Shape const* element = nullptr;               // list, optional, patch
    void* (*append)(void*) = nullptr;             // list: a new element; optional, patch: the value
    void (*clear)(void*) = nullptr;               // list: empty it; optional, patch: make it null
    void const* (*value)(void const*) = nullptr;  // optional, patch: value or nullptr; list: data()
    std::size_t (*length)(void const*) = nullptr; // list
    void (*make)(void*) = nullptr;                // object: default-construct in place
    void (*drop)(void*) = nullptr;                // object: destroy in place
    std::string_view name = {};                   // object, enumeration: the C++ name
    std::string_view noun = {};                   // uuid: what it is the id of
    std::uint32_t given = 0;       // object: where a Change keeps what was given; 0: not a change
    bool personal = false;         // somewhere within it are personal fields
    Field const* person = nullptr; // object: the id of the person of whom they tell
};

template <class T> struct Of {
    using type = T;
}; // tag: haat_fields(Of<T>) is found by ADL

template <class T>
concept Described = requires { haat_fields(Of<T>{}); };
template <class E>
concept DescribedEnum = requires { haat_enumerators(Of<E>{}); };
template <class T>
concept Noted = requires { haat_notes(Of<T>{}); };
template <class T>
concept Defaulted = requires { haat_defaults(Of<T>{}); };
template <class T>
concept Personal = requires { haat_personal(Of<T>{}); };
template <class T>
concept OfPerson = requires { haat_person(Of<T>{}); };

template <class T> inline constexpr auto notes_of = haat_notes(Of<T>{});

/// Whether the values themselves, or those of a list, are addresses at which a person is reached.
constexpr bool is_contact(Shape const& shape) {
    if (shape.kind == Kind::list || shape.kind == Kind::optional || shape.kind == Kind::patch)
        return is_contact(*shape.element);
    return shape.kind == Kind::email || shape.kind == Kind::phone;
}

template <class Fields> constexpr auto& find_field(Fields& fields, std::string_view member) {
    for (auto& field : fields)
        if (std::string_view{field.name.member, field.name.member_size} == member) return field;
    throw "a member is named that is not described";
}

template <class T> consteval auto fields_with_notes() {
    auto fields = haat_fields(Of<T>{});
    static_assert(fields.size() <= 128, "at most 128 members");
    auto find = [&](std::string_view member) -> Field& { return find_field(fields, member); };
    for (Field& field : fields) field.personal = is_contact(*field.shape);
    if constexpr (Personal<T>)
        for (std::string_view member : haat_personal(Of<T>{})) find(member).personal = true;
    if constexpr (Noted<T>)
        for (Note const& note : notes_of<T>) find(note.field).note = &note;
    if constexpr (Defaulted<T>)
        for (std::string_view member : haat_defaults(Of<T>{})) find(member).has_default = true;
    return fields;
}
template <class T> inline constexpr auto fields_of = fields_with_notes<T>();
template <class E> inline constexpr auto enumerators_of = haat_enumerators(Of<E>{});

template <class T> consteval bool has_personal_fields() {
    for (Field const& field : fields_of<T>)
        if (field.personal || field.shape->personal) return true;
    return false;
}
template <class T> consteval Field const* person_of() {
    if constexpr (OfPerson<T>)
        return &find_field(fields_of<T>, haat_person(Of<T>{}));
    else
        return nullptr;
}

template <class T> struct Make { // primary: described structs and enums
    static constexpr Shape shape() {
        if constexpr (DescribedEnum<T>)
            return {.kind = Kind::enumeration,
                    .enumerators = enumerators_of<T>.data(),
                    .count = enumerators_of<T>.size(),
                    .size = sizeof(T),
                    .name = haat_name(Of<T>{})};
        else {
            static_assert(Described<T>, "not described: add HAAT_DESCRIBE(T, members…)");
            return {.kind = Kind::object,
                    .fields = fields_of<T>.data(),
                    .count = fields_of<T>.size(),
                    .size = sizeof(T),
                    .make = [](void* at) { ::new (at) T{}; },
                    .drop = [](void* at) { static_cast<T*>(at)->~T(); },
                    .name = haat_name(Of<T>{}),
                    .personal = has_personal_fields<T>(),
                    .person = person_of<T>()};
        }
    }
};
template <class T> inline constexpr Shape shape_of = Make<T>::shape();

#define HAAT_LEAF(T, K)                                                                            \
    template <> struct Make<T> {                                                                   \
        static constexpr Shape shape() { return {.kind = Kind::K, .size = sizeof(T)}; }            \
    }
HAAT_LEAF(bool, boolean);
HAAT_LEAF(std::int32_t, int32);
HAAT_LEAF(std::int64_t, int64);
HAAT_LEAF(double, float64);
HAAT_LEAF(Email, email);
HAAT_LEAF(Phone, phone);
HAAT_LEAF(Url, url);
HAAT_LEAF(Slug, slug);
HAAT_LEAF(Quantity, quantity);
HAAT_LEAF(Money, money);
HAAT_LEAF(Uuid, uuid);
HAAT_LEAF(Timestamp, timestamp);
HAAT_LEAF(Date, date);
HAAT_LEAF(Json, json);
#undef HAAT_LEAF

inline constexpr int text_max = 1 << 20;
template <> struct Make<std::string> {
    static constexpr Shape shape() {
        return {.kind = Kind::text, .max = text_max, .size = sizeof(std::string)};
    }
};
template <int Min, int Max> struct Make<Text<Min, Max>> {
    static constexpr Shape shape() {
        return {.kind = Kind::text, .min = Min, .max = Max, .size = sizeof(Text<Min, Max>)};
    }
};
template <int Min, int Max> struct Make<Secret<Min, Max>> {
    static constexpr Shape shape() {
        return {.kind = Kind::secret, .min = Min, .max = Max, .size = sizeof(Secret<Min, Max>)};
    }
};
template <class Noun> struct Make<Id<Noun>> {
    static constexpr Shape shape() {
        Shape shape{.kind = Kind::uuid, .size = sizeof(Uuid)};
        if constexpr (requires { Noun::noun; }) shape.noun = Noun::noun;
        return shape;
    }
};

template <class V, int Min, int Max> constexpr Shape list_shape() {
    return {.kind = Kind::list,
            .min = Min,
            .max = Max,
            .size = sizeof(V),
            .element = &shape_of<typename V::value_type>,
            .append = [](void* v) -> void* { return &static_cast<V*>(v)->emplace_back(); },
            .clear = [](void* v) { static_cast<V*>(v)->clear(); },
            .value = [](void const* v) -> void const* { return static_cast<V const*>(v)->data(); },
            .length = [](void const* v) { return static_cast<V const*>(v)->size(); },
            .personal = shape_of<typename V::value_type>.personal};
}
inline constexpr int list_max = 10'000;
template <class T> struct Make<std::vector<T>> {
    static constexpr Shape shape() { return list_shape<std::vector<T>, 0, list_max>(); }
};
template <class T, int Min, int Max> struct Make<List<T, Min, Max>> {
    static constexpr Shape shape() { return list_shape<List<T, Min, Max>, Min, Max>(); }
};
template <class T> struct Make<std::optional<T>> {
    using O = std::optional<T>;
    static constexpr Shape shape() {
        return {.kind = Kind::optional,
                .size = sizeof(O),
                .element = &shape_of<T>,
                .append = [](void* o) -> void* { return &static_cast<O*>(o)->emplace(); },
                .clear = [](void* o) { static_cast<O*>(o)->reset(); },
                .value = [](void const* o) -> void const* {
                    auto& optional = *static_cast<O const*>(o);
                    return optional ? &*optional : nullptr;
                },
                .personal = shape_of<T>.personal};
    }
};
template <class T> struct Make<Patch<T>> {
    using P = Patch<T>;
    static constexpr Shape shape() {
        return {.kind = Kind::patch,
                .size = sizeof(P),
                .element = &shape_of<T>,
                .append = [](void* p) -> void* {
                    auto& patch = *static_cast<P*>(p);
                    patch.state = P::State::value;
                    return &patch.value;
                },
                .clear = [](void* p) { static_cast<P*>(p)->state = P::State::null; },
                .value = [](void const* p) -> void const* {
                    auto& patch = *static_cast<P const*>(p);
                    return patch.state == P::State::value ? &patch.value : nullptr;
                },
                // A patch tells absent from null by its length: 0 is absent.
                .length = [](void const* p) -> std::size_t {
                    return static_cast<P const*>(p)->given() ? 1 : 0;
                },
                .personal = shape_of<T>.personal};
    }
};

template <class T> struct Make<Change<T>> {
    using C = Change<T>;
    static constexpr Shape shape() {
        Shape shape = Make<T>::shape();
        shape.size = sizeof(C);
        shape.make = [](void* at) { ::new (at) C{}; };
        shape.drop = [](void* at) { static_cast<C*>(at)->~C(); };
        shape.given = offsetof(C, given);
        return shape;
    }
};

} // namespace haat::describe

// for-each over __VA_ARGS__ by deferred recursion: 4^4 = 256 members
#define HAAT_PARENS ()
#define HAAT_EXPAND(...) HAAT_EXPAND4(HAAT_EXPAND4(HAAT_EXPAND4(HAAT_EXPAND4(__VA_ARGS__))))
#define HAAT_EXPAND4(...) HAAT_EXPAND3(HAAT_EXPAND3(HAAT_EXPAND3(HAAT_EXPAND3(__VA_ARGS__))))
#define HAAT_EXPAND3(...) HAAT_EXPAND2(HAAT_EXPAND2(HAAT_EXPAND2(HAAT_EXPAND2(__VA_ARGS__))))
#define HAAT_EXPAND2(...) HAAT_EXPAND1(HAAT_EXPAND1(HAAT_EXPAND1(HAAT_EXPAND1(__VA_ARGS__))))
#define HAAT_EXPAND1(...) __VA_ARGS__
#define HAAT_FOR_EACH(macro, ...) __VA_OPT__(HAAT_EXPAND(HAAT_FOR_EACH_STEP(macro, __VA_ARGS__)))
#define HAAT_FOR_EACH_STEP(macro, a, ...)                                                          \
    macro(a) __VA_OPT__(, HAAT_FOR_EACH_AGAIN HAAT_PARENS(macro, __VA_ARGS__))
#define HAAT_FOR_EACH_AGAIN() HAAT_FOR_EACH_STEP

#define HAAT_FIELD(m)                                                                              \
    ::haat::describe::Field {                                                                      \
        #m, offsetof(Self, m), &::haat::describe::shape_of<decltype(Self::m)>                      \
    }
#define HAAT_ENUMERATOR(e)                                                                         \
    ::haat::describe::Enumerator { #e, std::int64_t(Self::e) }
#define HAAT_MEMBER_NAME(m)                                                                        \
    std::string_view { #m }

/// On the line after the struct, in the same namespace.
#define HAAT_DESCRIBE(T, ...)                                                                      \
    constexpr std::string_view haat_name(::haat::describe::Of<T>) { return #T; }                   \
    constexpr auto haat_fields(::haat::describe::Of<T> of) {                                       \
        using Self = decltype(of)::type;                                                           \
        return std::array{HAAT_FOR_EACH(HAAT_FIELD, __VA_ARGS__)};                                 \
    }
#define HAAT_DESCRIBE_ENUM(E, ...)                                                                 \
    constexpr std::string_view haat_name(::haat::describe::Of<E>) { return #E; }                   \
    constexpr auto haat_enumerators(::haat::describe::Of<E> of) {                                  \
        using Self = decltype(of)::type;                                                           \
        return std::array{HAAT_FOR_EACH(HAAT_ENUMERATOR, __VA_ARGS__)};                            \
    }
/// Members that may be absent in the input: their initialiser is the default.
#define HAAT_DEFAULTS(T, ...)                                                                      \
    constexpr auto haat_defaults(::haat::describe::Of<T>) {                                        \
        return std::array{HAAT_FOR_EACH(HAAT_MEMBER_NAME, __VA_ARGS__)};                           \
    }
/// Members that tell of a person, beside those whose type says so.
#define HAAT_PERSONAL(T, ...)                                                                      \
    constexpr auto haat_personal(::haat::describe::Of<T>) {                                        \
        return std::array{HAAT_FOR_EACH(HAAT_MEMBER_NAME, __VA_ARGS__)};                           \
    }
/// The member that is the id of the person of whom they tell: an id, or an optional one.
#define HAAT_PERSON(T, m)                                                                          \
    constexpr std::string_view haat_person(::haat::describe::Of<T>) { return #m; }
#define HAAT_NOTES(T, ...)                                                                         \
    constexpr auto haat_notes(::haat::describe::Of<T>) {                                           \
        return std::to_array<::haat::describe::Note>({__VA_ARGS__});                               \
    }
