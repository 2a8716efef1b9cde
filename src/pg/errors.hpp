// PostgreSQL's words about an error, as our types. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include <libpq-fe.h>

#include <pg/pg.hpp>

namespace haat::pg {

/// `label` is the query's name. Never holds the values of the row: they may be personal.
DatabaseError error_of(PGresult const* result, std::string_view label);

/// The connection will not live on after this.
bool ends_connection(PGresult const* result);
/// The server is going down, coming up or unreachable.
bool means_away(std::string_view sqlstate);

std::exception_ptr away(std::string const& why);
std::exception_ptr overloaded(std::string const& why);

} // namespace haat::pg
