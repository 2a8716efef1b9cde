// Described values as the parameters of a statement, in PostgreSQL's binary format.
#include <describe/leaves.hpp>
#include <describe/rows.hpp>

#include <algorithm>
#include <endian.h>

#include <describe/types.hpp>

namespace haat::describe {

namespace {

void put_int32(std::string& out, std::uint32_t value) {
    value = htobe32(value);
    out.append(reinterpret_cast<char const*>(&value), sizeof value);
}
void put_int64(std::string& out, std::uint64_t value) {
    value = htobe64(value);
    out.append(reinterpret_cast<char const*>(&value), sizeof value);
}

std::int64_t micros_since_2000(std::int64_t micros) {
    std::int64_t since = 0;
    if (micros == INT64_MAX) return INT64_MAX; // infinity
    return __builtin_sub_overflow(micros, epoch_micros, &since) ? INT64_MIN : since;
}
std::int32_t days_since_2000(std::int32_t days) {
    std::int32_t since = 0;
    if (days == INT32_MAX) return INT32_MAX;
    return __builtin_sub_overflow(days, static_cast<std::int32_t>(epoch_days), &since) ? INT32_MIN
                                                                                       : since;
}

void put_leaf(std::string& out, Shape const& shape, void const* value) {
    switch (shape.kind) {
    case Kind::boolean: out += as<bool>(value) ? '\1' : '\0'; return;
    case Kind::int32: return put_int32(out, static_cast<std::uint32_t>(as<std::int32_t>(value)));
    case Kind::int64:
    case Kind::money:
    case Kind::quantity: return put_int64(out, static_cast<std::uint64_t>(as<std::int64_t>(value)));
    case Kind::float64: {
        std::uint64_t bits = 0;
        std::memcpy(&bits, value, sizeof bits);
        return put_int64(out, bits);
    }
    case Kind::timestamp:
        return put_int64(
            out, static_cast<std::uint64_t>(micros_since_2000(as<Timestamp>(value).micros)));
    case Kind::date:
        return put_int32(out, static_cast<std::uint32_t>(days_since_2000(as<Date>(value).days)));
    case Kind::uuid: out.append(static_cast<char const*>(value), 16); return;
    case Kind::json: out.append("\x01").append(as<std::string>(value)); return;
    case Kind::enumeration: {
        Enumerator const* const enumerator = find_enumerator(shape, value);
        if (!enumerator) throw Fault("no enumerator of " + std::string(shape.name));
        out += name_of(*enumerator);
        return;
    }
    default: out += as<std::string>(value);
    }
}

/// The value inside optionals and patches, or nothing.
void const* inner(Shape const& shape, void const* value) {
    Shape const* outer = &shape;
    while (value && is_nullable(outer->kind)) {
        value = outer->value(value);
        outer = outer->element;
    }
    return value;
}

void put_array(std::string& out, Shape const& shape, void const* list) {
    std::size_t const length = shape.length(list);
    auto const* at = static_cast<char const*>(shape.value(list));
    Shape const& element = core_of(*shape.element);
    put_int32(out, length ? 1 : 0); // dimensions
    put_int32(out, is_nullable(shape.element->kind) ? 1 : 0);
    put_int32(out, oid_of(element));
    if (length == 0) return;
    put_int32(out, static_cast<std::uint32_t>(length));
    put_int32(out, 1); // the first index
    for (std::size_t i = 0; i < length; ++i) {
        void const* const value = inner(*shape.element, at + i * shape.element->size);
        std::size_t const size_at = out.size();
        put_int32(out, UINT32_MAX); // null, unless a value follows
        if (!value) continue;
        put_leaf(out, element, value);
        std::uint32_t const size =
            htobe32(static_cast<std::uint32_t>(out.size() - size_at - sizeof(std::uint32_t)));
        std::memcpy(out.data() + size_at, &size, sizeof size);
    }
}

/// A list of leaves is an array; whatever holds an object is one jsonb.
bool is_array(Shape const& shape) {
    return shape.kind == Kind::list && is_leaf(core_of(*shape.element).kind);
}

} // namespace

std::uint32_t oid_of(Shape const& outer) {
    Shape const& shape = core_of(outer);
    switch (shape.kind) {
    case Kind::boolean: return oid::boolean;
    case Kind::int32: return oid::int4;
    case Kind::int64:
    case Kind::money:
    case Kind::quantity: return oid::int8;
    case Kind::float64: return oid::float8;
    case Kind::uuid: return oid::uuid;
    case Kind::timestamp: return oid::timestamptz;
    case Kind::date: return oid::date;
    case Kind::json:
    case Kind::object: return oid::jsonb;
    case Kind::list: return is_array(shape) ? array_of(oid_of(*shape.element)) : oid::jsonb;
    default: return oid::text;
    }
}

std::uint32_t array_of(std::uint32_t element) {
    switch (element) {
    case oid::boolean: return oid::boolean_array;
    case oid::int4: return oid::int4_array;
    case oid::int8: return oid::int8_array;
    case oid::float8: return oid::float8_array;
    case oid::uuid: return oid::uuid_array;
    case oid::timestamptz: return oid::timestamptz_array;
    case oid::date: return oid::date_array;
    case oid::jsonb: return oid::jsonb_array;
    default: return oid::text_array;
    }
}

void Parameters::add(Shape const& shape, void const* value) {
    if (shape.kind == Kind::object) {
        for (std::uint32_t i = 0; i < shape.count; ++i)
            add(*shape.fields[i].shape, static_cast<char const*>(value) + shape.fields[i].offset);
        return;
    }
    Shape const& core = core_of(shape);
    void const* const there = inner(shape, value);
    if (!there) return put_null();
    if (core.kind == Kind::uuid) return put(there, sizeof(Uuid));
    if (is_text(core.kind)) return add_text(as<std::string>(there));
    std::string bytes;
    if (is_leaf(core.kind)) {
        put_leaf(bytes, core, there);
    } else if (is_array(core)) {
        put_array(bytes, core, there);
    } else {
        bytes += '\x01'; // the version of jsonb
        encode_stored(bytes, core, there);
    }
    put(bytes.data(), bytes.size());
}

void Parameters::add_text(std::string_view value) { put(value.data(), value.size()); }

void Parameters::clear() {
    bytes_.clear();
    starts_.clear();
    lengths_.clear();
    formats_.clear();
}

char const* const* Parameters::values() {
    values_.clear();
    for (std::int64_t start : starts_)
        values_.push_back(start < 0 ? nullptr : bytes_.data() + start);
    return values_.data();
}

void Parameters::put(void const* bytes, std::size_t size) {
    auto const* begin = static_cast<char const*>(bytes);
    starts_.push_back(static_cast<std::int64_t>(bytes_.size()));
    lengths_.push_back(static_cast<int>(size));
    formats_.push_back(1);
    bytes_.insert(bytes_.end(), begin, begin + size);
    bytes_.push_back('\0'); // so that an empty text has an address: libpq takes nullptr for null
}

void Parameters::put_null() {
    starts_.push_back(-1);
    lengths_.push_back(0);
    formats_.push_back(1);
}

void parameter_types(Shape const& shape, std::vector<std::uint32_t>& oids) {
    if (shape.kind != Kind::object) return oids.push_back(oid_of(shape));
    for (std::uint32_t i = 0; i < shape.count; ++i) parameter_types(*shape.fields[i].shape, oids);
}

} // namespace haat::describe
