// Every query and list against a migrated database: the one test that makes queries type-safe.
#pragma once

#include <string>
#include <vector>

namespace haat::pg {

/// Prepares and describes every registered Query, and every ListQuery with none, each and all of
/// its filters in every sort, direction and beginning. Compares parameters, names and types with
/// the described types both ways. One line for each mismatch: "catalog.find_brand: …".
/// Throws DatabaseAway when the database cannot be reached.
std::vector<std::string> check_queries(std::string const& url);

} // namespace haat::pg
