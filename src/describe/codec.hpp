// Walkers over described types. Plain functions: no template is compiled twice.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <base/refusal.hpp>
#include <describe/describe.hpp>

namespace haat::describe {

struct ReadOptions {
    int depth_max = 32;
    std::size_t problems_max = 100;
    bool unwrap_data = false; // {"data":{…}} is taken as {…} when the shape has no field "data"
};

// ---- JSON

/// False when the text is not JSON at all (then `problems` has one entry, code "json").
/// Fields that are unknown are skipped; every other problem is reported under its path.
bool decode(std::string_view json, Shape const&, void* into, Problems&, ReadOptions const& = {});
void encode(std::string& out, Shape const&, void const* from);
/// As encode, but secrets are written as "***": for audit rows and logs.
void encode_masked(std::string& out, Shape const&, void const* from);
/// A value within encoded JSON that tells of a person; nobody: of whomever the writer acts for.
struct PersonalPart {
    std::size_t at = 0;
    std::size_t size = 0;
    std::optional<Uuid> person;
};
using PersonalParts = std::vector<PersonalPart>;
/// As encode and encode_masked, telling where what is personal stands in `out`.
void encode(std::string& out, Shape const&, void const* from, PersonalParts& personal);
void encode_masked(std::string& out, Shape const&, void const* from, PersonalParts& personal);
/// One leaf from text, as in a path or a query string. Empty: fine; else the problem's code.
std::string_view decode_text(std::string_view text, Shape const&, void* into);
/// The JSON string of `text`, with quotes and escapes.
void encode_string(std::string& out, std::string_view text);

template <class T> Problems from_json(std::string_view json, T& into, ReadOptions const& o = {}) {
    Problems problems;
    decode(json, shape_of<T>, &into, problems, o);
    return problems;
}
template <class T> void to_json(std::string& out, T const& from) {
    encode(out, shape_of<T>, &from);
}
template <class T> std::string to_json(T const& from) {
    std::string out;
    encode(out, shape_of<T>, &from);
    return out;
}

// ---- query strings and forms

/// "a=1&tags=x&tags=y&paging fields": nested objects are flat, lists repeat or use commas.
void decode_query(std::string_view query, Shape const&, void* into, Problems&);
struct FormField {
    std::string name;
    std::string value; // a value for an object or list field may be JSON
};
void decode_form(std::vector<FormField> const&, Shape const&, void* into, Problems&);
/// %XX and, in queries, '+'; false when the encoding is broken or holds NUL or bad UTF-8.
bool percent_decode(std::string_view text, std::string& out, bool plus_is_space);

// ---- changes

/// Copies what `change` gives into the members of the same name in `row`: the heart of a PATCH.
void apply(Shape const& row_shape, void* row, Shape const& change_shape, void const* change);
template <class Row, class Change> void apply(Row& row, Change const& change) {
    apply(shape_of<Row>, &row, shape_of<Change>, &change);
}
/// {"name":{"from":…,"to":…}} of the fields that differ; "{}" when none does. Secrets are masked.
std::string diff(Shape const&, void const* before, void const* after, PersonalParts& personal);
template <class T> std::string diff(T const& before, T const& after) {
    PersonalParts unused;
    return diff(shape_of<T>, &before, &after, unused);
}

// ---- schema

enum class Direction : std::uint8_t { input, output };
/// JSON Schema (OpenAPI 3.1); named objects and enums become $ref and are reported to `named`.
void schema(std::string& out, Shape const&, Direction,
            std::function<void(Shape const&, Direction)> const& named);
/// Each member of a query struct with its own schema; nested objects are flat, as they are read.
struct Parameter {
    std::string_view name;
    std::string_view text;
    std::string schema;
    bool required = false;
};
std::vector<Parameter> parameters(Shape const&,
                                  std::function<void(Shape const&, Direction)> const& named);
/// The schema of an object or enum itself, as it stands under components/schemas.
void component(std::string& out, Shape const&, Direction,
               std::function<void(Shape const&, Direction)> const& named);
/// The component's name: "NewBrand"; the same type has one name per direction that differs.
std::string component_name(Shape const&, Direction);
/// An example value made of the notes' examples, else of the kinds.
void example(std::string& out, Shape const&, Direction);

} // namespace haat::describe
