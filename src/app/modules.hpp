// The one list of modules.
#pragma once

#include <base/task.hpp>

namespace haat {
class Routes;
class SettingValues;
namespace admin {
class Maintenance;
class System;
} // namespace admin
namespace documents {
class Documents;
}
namespace identity {
class Identity;
}
namespace notify {
struct NotifyFacts;
}
namespace pg {
class Database;
}
namespace webhooks {
class Webhooks;
}
} // namespace haat

namespace haat::app {

/// What the modules' routes are about, beside the database.
struct Parts {
    identity::Identity& identity;
    SettingValues& settings;
    admin::Maintenance& maintenance;
    admin::System& system;
    notify::NotifyFacts& messages;
    webhooks::Webhooks& webhooks;
    documents::Documents& documents;
};
void add_module_routes(Routes& routes, Parts const& parts);

/// Demo data of every module; adds nothing that is there. Runs with the owner's rights.
Task<void> seed_demo(pg::Database& database);

} // namespace haat::app
