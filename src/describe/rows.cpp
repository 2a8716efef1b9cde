// Rows of PostgreSQL in binary format, into described structs.
#include <describe/leaves.hpp>
#include <describe/rows.hpp>

#include <algorithm>
#include <endian.h>

#include <libpq-fe.h>

#include <base/text_forms.hpp>
#include <describe/types.hpp>

namespace haat::describe {

namespace {

/// One value of a column as it came over the wire.
struct Wire {
    char const* bytes;
    std::size_t size;
    std::string_view text() const { return {bytes, size}; }
};

template <class Unsigned> Unsigned big_endian(char const* bytes) {
    Unsigned value;
    std::memcpy(&value, bytes, sizeof value);
    if constexpr (sizeof value == 2) return be16toh(value);
    if constexpr (sizeof value == 4) return be32toh(value);
    if constexpr (sizeof value == 8) return be64toh(value);
}

[[noreturn, gnu::cold]] void bad_value(std::string_view what) {
    throw Fault("a value from the database is not what its column says: " + std::string(what));
}

std::int64_t integer(Wire wire) {
    switch (wire.size) {
    case 2: return static_cast<std::int16_t>(big_endian<std::uint16_t>(wire.bytes));
    case 4: return static_cast<std::int32_t>(big_endian<std::uint32_t>(wire.bytes));
    case 8: return static_cast<std::int64_t>(big_endian<std::uint64_t>(wire.bytes));
    default: bad_value("integer");
    }
}

double floating(Wire wire) {
    if (wire.size == 4) {
        auto const bits = big_endian<std::uint32_t>(wire.bytes);
        float value;
        std::memcpy(&value, &bits, sizeof value);
        return static_cast<double>(value);
    }
    if (wire.size != 8) bad_value("float");
    auto const bits = big_endian<std::uint64_t>(wire.bytes);
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/// PostgreSQL's infinities stay at the ends of time instead of wrapping around.
std::int64_t micros_since_1970(std::int64_t since_2000) {
    std::int64_t micros = 0;
    if (since_2000 == INT64_MIN || __builtin_add_overflow(since_2000, epoch_micros, &micros))
        return since_2000 < 0 ? INT64_MIN : INT64_MAX;
    return micros;
}
std::int32_t days_since_1970(std::int64_t since_2000) {
    std::int64_t const days = since_2000 == INT32_MIN ? INT32_MIN : since_2000 + epoch_days;
    return static_cast<std::int32_t>(std::min<std::int64_t>(days, INT32_MAX));
}

/// jsonb comes with a version byte in front, json without.
std::string_view json_text(Wire wire) {
    std::string_view text = wire.text();
    if (text.starts_with('\x01')) text.remove_prefix(1);
    return text;
}

void decode_json(Wire wire, Shape const& shape, void* into) {
    Problems problems;
    decode_stored(json_text(wire), shape, into, problems);
    if (problems.empty()) return;
    bad_value("JSON, at '" + problems.front().path + "', " + std::string(problems.front().code));
}

void decode_leaf(Wire wire, Shape const& shape, void* into) {
    switch (shape.kind) {
    case Kind::boolean: as<bool>(into) = wire.size == 1 && *wire.bytes != 0; return;
    case Kind::int32: as<std::int32_t>(into) = static_cast<std::int32_t>(integer(wire)); return;
    case Kind::int64:
    case Kind::money:
    case Kind::quantity: as<std::int64_t>(into) = integer(wire); return;
    case Kind::float64: as<double>(into) = floating(wire); return;
    case Kind::timestamp: as<std::int64_t>(into) = micros_since_1970(integer(wire)); return;
    case Kind::date: as<std::int32_t>(into) = days_since_1970(integer(wire)); return;
    case Kind::uuid:
        if (wire.size != 16) bad_value("uuid");
        std::memcpy(into, wire.bytes, 16);
        return;
    case Kind::json: as<std::string>(into).assign(json_text(wire)); return;
    case Kind::enumeration: {
        Token const token{.what = Token::What::string, .text = wire.text()};
        if (read_leaf(shape, nullptr, into, token, Dialect::stored).empty()) return;
        bad_value("'" + std::string(wire.text()) + "' is no " + std::string(shape.name));
    }
    default: as<std::string>(into).assign(wire.bytes, wire.size);
    }
}

/// Takes an array of PostgreSQL's binary format from the left.
class ArrayReader {
public:
    explicit ArrayReader(Wire wire) : wire_(wire) {}
    std::int32_t number() {
        if (wire_.size < 4) bad_value("array");
        auto const value = static_cast<std::int32_t>(big_endian<std::uint32_t>(wire_.bytes));
        skip(4);
        return value;
    }
    Wire bytes(std::int32_t size) {
        if (size < 0 || wire_.size < static_cast<std::size_t>(size)) bad_value("array");
        Wire const part{wire_.bytes, static_cast<std::size_t>(size)};
        skip(part.size);
        return part;
    }

private:
    void skip(std::size_t size) {
        wire_.bytes += size;
        wire_.size -= size;
    }
    Wire wire_;
};

void decode_value(Wire wire, Shape const& shape, void* into);

void decode_array(Wire wire, Shape const& shape, void* into) {
    shape.clear(into);
    ArrayReader reader(wire);
    std::int32_t const dimensions = reader.number();
    reader.number(); // whether there are nulls: each element says it itself
    reader.number(); // the elements' type, compared when the statement was prepared
    if (dimensions == 0) return;
    if (dimensions != 1) bad_value("array of several dimensions");
    std::int32_t const length = reader.number();
    reader.number(); // the first index
    for (std::int32_t i = 0; i < length; ++i) {
        void* const element = shape.append(into);
        std::int32_t const size = reader.number();
        if (size >= 0)
            decode_value(reader.bytes(size), *shape.element, element);
        else if (is_nullable(shape.element->kind))
            shape.element->clear(element);
        else
            bad_value("null in an array");
    }
}

void decode_value(Wire wire, Shape const& shape, void* into) {
    Shape const* core = &shape;
    while (is_nullable(core->kind)) {
        into = core->append(into);
        core = core->element;
    }
    if (is_leaf(core->kind)) return decode_leaf(wire, *core, into);
    // An array begins with its dimensions, 0 or 1 in four bytes; jsonb with its version, 1.
    bool const json = core->kind == Kind::object || !core->element ||
                      !is_leaf(core_of(*core->element).kind) || wire.size == 0 || *wire.bytes != 0;
    return json ? decode_json(wire, *core, into) : decode_array(wire, *core, into);
}

bool is_one_of(Oid type, std::initializer_list<Oid> types) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

bool fits(Shape const& shape, Oid type) {
    switch (shape.kind) {
    case Kind::boolean: return type == oid::boolean;
    case Kind::int32: return is_one_of(type, {oid::int4, oid::int2});
    case Kind::int64: return is_one_of(type, {oid::int8, oid::int4, oid::int2});
    case Kind::money:
    case Kind::quantity: return is_one_of(type, {oid::int8, oid::int4});
    case Kind::float64: return is_one_of(type, {oid::float8, oid::float4});
    case Kind::uuid: return type == oid::uuid;
    case Kind::timestamp: return type == oid::timestamptz;
    case Kind::date: return type == oid::date;
    case Kind::json:
    case Kind::object: return is_one_of(type, {oid::jsonb, oid::json});
    case Kind::list: {
        Shape const& element = core_of(*shape.element);
        if (is_one_of(type, {oid::jsonb, oid::json})) return true;
        return is_leaf(element.kind) && (type == array_of(oid_of(element)) ||
                                         (is_text(element.kind) && type == oid::varchar_array));
    }
    // Types of the database's own making, enums among them, come as their text.
    case Kind::enumeration:
        if (type >= oid::first_of_users) return true;
        [[fallthrough]];
    default: return is_one_of(type, {oid::text, oid::varchar, oid::character, oid::name});
    }
}

int find_column(pg_result const* result, std::string_view name) {
    for (int column = 0, count = PQnfields(result); column < count; ++column)
        if (name == PQfname(result, column)) return column;
    return -1;
}

void plan_column(RowPlan& plan, Shape const& shape, pg_result const* result, int column,
                 std::string_view name) {
    plan.columns.push_back(column);
    if (column < 0) {
        plan.mismatches.push_back("there is no column for the member " + std::string(name));
        return;
    }
    Oid const type = PQftype(result, column);
    if (fits(core_of(shape), type)) return;
    plan.mismatches.push_back("column " + std::string(name) + " is of type " +
                              std::to_string(type) + ", its member wants " +
                              std::to_string(oid_of(core_of(shape))));
}

struct Cell {
    pg_result const* result;
    int row;
    int column;
};

void decode_cell(Cell cell, Shape const& shape, void* into, std::string_view name) {
    if (cell.column < 0) throw Fault("there is no column for the member " + std::string(name));
    if (PQgetisnull(cell.result, cell.row, cell.column)) {
        if (!is_nullable(shape.kind)) throw Fault("null in the column " + std::string(name));
        return shape.clear(into);
    }
    auto const size = static_cast<std::size_t>(PQgetlength(cell.result, cell.row, cell.column));
    decode_value({PQgetvalue(cell.result, cell.row, cell.column), size}, shape, into);
}

} // namespace

RowPlan plan_rows(Shape const& shape, pg_result const* result) {
    RowPlan plan;
    if (shape.kind != Kind::object) {
        int const column = PQnfields(result) > 0 ? 0 : -1;
        plan_column(plan, shape, result, column, column == 0 ? PQfname(result, 0) : "");
        return plan;
    }
    plan.columns.reserve(shape.count);
    for (std::uint32_t i = 0; i < shape.count; ++i) {
        Field const& field = shape.fields[i];
        std::string_view const name = field.name.column();
        plan_column(plan, *field.shape, result, find_column(result, name), name);
    }
    return plan;
}

void decode_row(RowPlan const& plan, Shape const& shape, pg_result const* result, int row,
                void* into) {
    if (shape.kind != Kind::object)
        return decode_cell({result, row, plan.columns.front()}, shape, into, "first");
    for (std::uint32_t i = 0; i < shape.count; ++i) {
        Field const& field = shape.fields[i];
        decode_cell({result, row, plan.columns[i]}, *field.shape,
                    static_cast<char*>(into) + field.offset, field.name.column());
    }
}

} // namespace haat::describe
