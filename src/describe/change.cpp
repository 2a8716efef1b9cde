// What a PATCH does to a row, and what an audit row says about it.
#include <describe/codec.hpp>
#include <describe/leaves.hpp>

#include <base/refusal.hpp>

namespace haat::describe {

namespace {

Field const* find_member(Shape const& shape, std::string_view column) {
    for (std::uint32_t i = 0; i < shape.count; ++i)
        if (shape.fields[i].name.column() == column) return &shape.fields[i];
    return nullptr;
}

[[noreturn]] void cannot_copy(Shape const& from, Shape const& to) {
    throw Fault("a change of kind " + std::to_string(static_cast<int>(from.kind)) +
                " does not fit a member of kind " + std::to_string(static_cast<int>(to.kind)) +
                (to.name.empty() ? std::string() : " (" + std::string(to.name) + ")"));
}

void copy(Shape const& from_shape, void const* from, Shape const& to_shape, void* to);

void copy_list(Shape const& from_shape, void const* from, Shape const& to_shape, void* to) {
    if (from == to) return;
    to_shape.clear(to);
    auto const* at = static_cast<char const*>(from_shape.value(from));
    for (std::size_t i = 0, length = from_shape.length(from); i < length; ++i)
        copy(*from_shape.element, at + i * from_shape.element->size, *to_shape.element,
             to_shape.append(to));
}

void copy_object(Shape const& from_shape, void const* from, Shape const& to_shape, void* to) {
    for (std::uint32_t i = 0; i < from_shape.count; ++i) {
        Field const& field = from_shape.fields[i];
        Field const* const target = find_member(to_shape, field.name.column());
        if (target)
            copy(*field.shape, static_cast<char const*>(from) + field.offset, *target->shape,
                 static_cast<char*>(to) + target->offset);
    }
}

void copy_leaf(Shape const& from_shape, void const* from, Shape const& to_shape, void* to) {
    bool const texts = is_text(from_shape.kind) && is_text(to_shape.kind);
    bool const same = from_shape.kind == to_shape.kind && from_shape.size == to_shape.size;
    if (!texts && !same) cannot_copy(from_shape, to_shape);
    if (texts || from_shape.kind == Kind::json)
        as<std::string>(to) = as<std::string>(from);
    else
        std::memcpy(to, from, to_shape.size);
}

/// Nothing is done when there is no value, or when null meets a member that cannot be null.
void copy(Shape const& from_shape, void const* from, Shape const& to_shape, void* to) {
    if (is_nullable(from_shape.kind)) {
        if (void const* value = from_shape.value(from))
            return copy(*from_shape.element, value, to_shape, to);
        if (!is_absent(from_shape, from) && is_nullable(to_shape.kind)) to_shape.clear(to);
        return;
    }
    if (is_nullable(to_shape.kind))
        return copy(from_shape, from, *to_shape.element, to_shape.append(to));
    if (from_shape.kind == Kind::list && to_shape.kind == Kind::list)
        return copy_list(from_shape, from, to_shape, to);
    if (from_shape.kind == Kind::object && to_shape.kind == Kind::object)
        return copy_object(from_shape, from, to_shape, to);
    if (!is_leaf(from_shape.kind) || !is_leaf(to_shape.kind)) cannot_copy(from_shape, to_shape);
    copy_leaf(from_shape, from, to_shape, to);
}

bool same(Shape const& shape, void const* a, void const* b);

bool same_lists(Shape const& shape, void const* a, void const* b) {
    std::size_t const length = shape.length(a);
    if (length != shape.length(b)) return false;
    auto const* from_a = static_cast<char const*>(shape.value(a));
    auto const* from_b = static_cast<char const*>(shape.value(b));
    for (std::size_t i = 0; i < length; ++i)
        if (!same(*shape.element, from_a + i * shape.element->size,
                  from_b + i * shape.element->size))
            return false;
    return true;
}

bool same(Shape const& shape, void const* a, void const* b) {
    switch (shape.kind) {
    case Kind::list: return same_lists(shape, a, b);
    case Kind::optional:
    case Kind::patch: {
        void const* const value_a = shape.value(a);
        void const* const value_b = shape.value(b);
        if (value_a && value_b) return same(*shape.element, value_a, value_b);
        return !value_a && !value_b && is_absent(shape, a) == is_absent(shape, b);
    }
    case Kind::object:
        for (std::uint32_t i = 0; i < shape.count; ++i) {
            Field const& field = shape.fields[i];
            if (!same(*field.shape, static_cast<char const*>(a) + field.offset,
                      static_cast<char const*>(b) + field.offset))
                return false;
        }
        return true;
    case Kind::float64: return as<double>(a) == as<double>(b);
    default: break;
    }
    if (is_text(shape.kind) || shape.kind == Kind::json)
        return as<std::string>(a) == as<std::string>(b);
    return std::memcmp(a, b, shape.size) == 0;
}

} // namespace

void apply(Shape const& row_shape, void* row, Shape const& change_shape, void const* change) {
    for (std::uint32_t i = 0; i < change_shape.count; ++i) {
        Field const& field = change_shape.fields[i];
        void const* const from = static_cast<char const*>(change) + field.offset;
        Field const* const target = find_member(row_shape, field.name.column());
        if (!target) continue;
        if (change_shape.given != 0) {
            if (!was_given(change_shape, change, i)) continue;
        } else if (field.shape->kind == Kind::optional && !field.shape->value(from)) {
            continue; // in any other struct an empty optional says nothing
        }
        copy(*field.shape, from, *target->shape, static_cast<char*>(row) + target->offset);
    }
}

std::string diff(Shape const& shape, void const* before, void const* after,
                 PersonalParts& personal) {
    std::optional<Uuid> const person = person_in(shape, after);
    std::string out = "{";
    auto const side = [&](std::string_view name, Field const& field, void const* value) {
        out += name;
        std::size_t const begin = out.size();
        std::size_t const parts = personal.size();
        encode_masked(out, *field.shape, value, personal);
        for (std::size_t i = parts; i < personal.size(); ++i)
            if (!personal[i].person) personal[i].person = person;
        if (!field.personal || out.back() == 'l') return; // null tells of nobody
        personal.resize(parts);
        personal.push_back({begin, out.size() - begin, person});
    };
    for (std::uint32_t i = 0; i < shape.count; ++i) {
        Field const& field = shape.fields[i];
        void const* const from = static_cast<char const*>(before) + field.offset;
        void const* const to = static_cast<char const*>(after) + field.offset;
        if (same(*field.shape, from, to)) continue;
        if (out.size() > 1) out += ',';
        out.append(field.name.json_prefix());
        side("{\"from\":", field, from);
        side(",\"to\":", field, to);
        out += '}';
    }
    return out + "}";
}

} // namespace haat::describe
