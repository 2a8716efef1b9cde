#include <pg/errors.hpp>

#include <algorithm>

namespace haat::pg {

namespace {

std::string field(PGresult const* result, int code) {
    char const* const text = PQresultErrorField(result, code);
    return text ? text : "";
}

/// `Key (org_id, sku)=(…) already exists.` -> "sku": the column that the user knows of.
std::string column_in(std::string const& detail) {
    std::size_t const open = detail.find('(');
    std::size_t const close = detail.find(")=(");
    if (open == detail.npos || close == detail.npos || close < open) return {};
    std::string_view columns = std::string_view(detail).substr(open + 1, close - open - 1);
    std::string last;
    while (!columns.empty()) {
        std::size_t const comma = columns.find(", ");
        std::string_view column = columns.substr(0, comma);
        columns.remove_prefix(comma == columns.npos ? columns.size() : comma + 2);
        bool const plain = std::all_of(column.begin(), column.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        });
        if (plain && column != "org_id" && column != "user_id") last = column;
    }
    return last;
}

/// The field as the client spells it: email_lower -> emailLower.
std::string camel_case(std::string_view column) {
    std::string name;
    bool upper = false;
    for (char const c : column) {
        if (c == '_') {
            upper = true;
            continue;
        }
        name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        upper = false;
    }
    return name;
}

std::exception_ptr about(RefusalKind const& kind, std::string path, std::string_view code) {
    if (path.empty()) return std::make_exception_ptr(Refusal(kind));
    Problems problems;
    problems.push_back({std::move(path), code, {}});
    return std::make_exception_ptr(Refusal(kind).about(std::move(problems)));
}

} // namespace

DatabaseError error_of(PGresult const* result, std::string_view label) {
    std::string sqlstate = field(result, PG_DIAG_SQLSTATE);
    if (sqlstate.empty()) sqlstate = "XX000";
    std::string text(label);
    text.append(": ").append(sqlstate).append(" ").append(field(result, PG_DIAG_MESSAGE_PRIMARY));
    return {std::move(sqlstate), field(result, PG_DIAG_CONSTRAINT_NAME), text,
            column_in(field(result, PG_DIAG_MESSAGE_DETAIL))};
}

bool ends_connection(PGresult const* result) {
    std::string const severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    // Without a severity libpq itself is speaking: the wire is broken.
    return severity.empty() || severity == "FATAL" || severity == "PANIC";
}

bool means_away(std::string_view sqlstate) {
    if (sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03") return true;
    // 08P01 is a protocol violation: a statement with the wrong number of parameters, our own bug.
    return sqlstate.starts_with("08") && sqlstate != "08P01";
}

std::exception_ptr away(std::string const& why) {
    return std::make_exception_ptr(DatabaseAway("the database is away: " + why));
}
std::exception_ptr overloaded(std::string const& why) {
    return std::make_exception_ptr(DatabaseAway(why, true));
}

std::exception_ptr refusal_of(DatabaseError const& error) {
    std::string_view const sqlstate = error.sqlstate();
    std::string column = camel_case(error.column());
    if (sqlstate.starts_with("23"))
        if (RefusalKind const* kind = RefusalKind::by_constraint(error.constraint()))
            return about(*kind, std::string(kind->field()),
                         sqlstate == "23505" ? "taken" : "not_found");
    if (sqlstate == "23505") return about(duplicate_resource, std::move(column), "taken");
    if (sqlstate == "23503") {
        bool const deletes =
            std::string_view(error.what()).find("update or delete on") != std::string_view::npos;
        if (deletes) return about(still_referenced, {}, {});
        return about(validation_error, std::move(column), "not_found");
    }
    // A row that the policies do not let in: somebody else's.
    if (sqlstate == "42501") return about(forbidden, {}, {});
    if (means_away(sqlstate)) return away(error.what());
    return std::make_exception_ptr(error);
}

} // namespace haat::pg
