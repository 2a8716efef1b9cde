// What operators and machines ask: is it alive, is it ready, its numbers, its own description.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <http/routes.hpp>
#include <http/server.hpp>
#include <telemetry/metrics.hpp>

namespace haat {
class Workers;
namespace pg {
class Database;
}
} // namespace haat

namespace haat::app {

/// Without it everything works, only slower.
struct Helper {
    std::string name;
    std::function<std::string()> trouble; // empty: it is there
};

struct Operations {
    explicit Operations(Workers& pool) : workers(pool) {}

    Workers& workers; // numbers are added up there: it takes a millisecond
    metrics::Registry registry;
    std::string metrics_token; // empty: /metrics answers loopback only
    std::string openapi;
    std::vector<Helper> helpers;
    std::string asyncapi;
    std::atomic<bool> draining{false};
    std::atomic<bool> migrated{false};
    std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

// Families of /metrics.
void render_server(std::string& out, http::ServerCounters const& counters);
void render_databases(std::string& out, std::vector<pg::Database const*> const& databases);

void add_operation_routes(Routes& routes, Operations& operations);

extern char const* const version_text;

} // namespace haat::app
