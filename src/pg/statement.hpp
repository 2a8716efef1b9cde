// One SQL text as connections prepare it: under which name, with which types. Private to this room.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <describe/rows.hpp>

namespace haat::pg {

/// A connection prepares it when it first needs it. Belongs to one loop.
struct Statement {
    /// A slot holds one text at a time on each connection; `version` tells whether it is this one.
    Statement(int slot_number, std::uint32_t the_version, char const* the_label, std::string text,
              describe::Shape const* row_shape = nullptr)
        : slot(slot_number), version(the_version), label(the_label), sql(std::move(text)),
          row(row_shape) {
        std::snprintf(name, sizeof name, "s%d", slot);
    }

    int slot;
    std::uint32_t version;
    char name[16];
    char const* label; // the query's name, for errors
    std::string sql;
    std::vector<std::uint32_t> types; // 0: PostgreSQL infers it, and the value travels as text
    describe::Shape const* row;
    std::unique_ptr<describe::RowPlan> plan; // made of the first result
};

/// Parameter values as libpq takes them; borrowed.
struct Arguments {
    int count = 0;
    char const* const* values = nullptr;
    int const* lengths = nullptr;
    int const* formats = nullptr;
};

inline Arguments arguments_of(describe::Parameters& parameters) {
    return {parameters.count(), parameters.values(), parameters.lengths(), parameters.formats()};
}

} // namespace haat::pg
