// The one list of modules.
#pragma once

#include <base/task.hpp>

namespace haat {
class Routes;
namespace identity {
class Identity;
}
namespace pg {
class Database;
}
} // namespace haat

namespace haat::app {

void add_module_routes(Routes& routes, identity::Identity& identity);

/// Demo data of every module; adds nothing that is there. Runs with the owner's rights.
Task<void> seed_demo(pg::Database& database);

} // namespace haat::app
