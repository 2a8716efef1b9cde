// How the installation is: its parts with what is wrong, and its numbers, for administrators.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include <audit/search.hpp>
#include <base/clock.hpp>
#include <http/routes.hpp>
#include <jobs/operators.hpp>
#include <loop/loop.hpp>
#include <modules/admin/admin.hpp>
#include <pg/database.hpp>

namespace haat::admin {

namespace {

enum class PartState : std::uint8_t { healthy, degraded, unhealthy };
HAAT_DESCRIBE_ENUM(PartState, healthy, degraded, unhealthy)

struct PartHealth {
    std::string name;
    PartState status = PartState::healthy;
    std::string why; // empty when it is healthy
    std::optional<double> response_time_ms;
};
HAAT_DESCRIBE(PartHealth, name, status, why, response_time_ms)

struct SystemHealth {
    PartState status = PartState::healthy;
    std::string version;
    std::int64_t uptime_seconds = 0;
    Timestamp timestamp;
    bool is_in_maintenance = false;
    std::vector<PartHealth> parts;
};
HAAT_DESCRIBE(SystemHealth, status, version, uptime_seconds, timestamp, is_in_maintenance, parts)
HAAT_NOTES(SystemHealth, {.field = "status", .text = "That of the part that is worst."})

struct MetricLabel {
    std::string name;
    std::string value;
};
HAAT_DESCRIBE(MetricLabel, name, value)
struct MetricSample {
    std::string name;
    std::vector<MetricLabel> labels;
    double value = 0;
};
HAAT_DESCRIBE(MetricSample, name, labels, value)
struct MetricFamily {
    std::string name;
    std::string type;
    std::string help;
    std::vector<MetricSample> samples;
};
HAAT_DESCRIBE(MetricFamily, name, type, help, samples)
struct SystemMetrics {
    Timestamp timestamp;
    std::int64_t uptime_seconds = 0;
    std::vector<MetricFamily> metrics;
};
HAAT_DESCRIBE(SystemMetrics, timestamp, uptime_seconds, metrics)

constexpr std::int64_t jobs_waiting_max = 100'000;
constexpr std::int32_t unsealed_seconds_max = 60; // a long write holds the sealing up

std::int64_t uptime_of(System const& system) {
    auto const up = std::chrono::steady_clock::now() - system.started();
    return std::chrono::duration_cast<std::chrono::seconds>(up).count();
}

void add(SystemHealth& health, PartHealth part) {
    health.status = std::max(health.status, part.status);
    health.parts.push_back(std::move(part));
}

void add_jobs(SystemHealth& health, std::vector<jobs::QueueFacts> const& queues) {
    std::int64_t waiting = 0;
    std::int64_t dead = 0;
    for (jobs::QueueFacts const& queue : queues) waiting += queue.waiting, dead += queue.dead;
    PartHealth part{.name = "jobs"};
    if (queues.empty()) {
        part.status = PartState::degraded;
        part.why = "no worker has ever run";
    } else if (dead > 0) {
        part.status = PartState::degraded;
        part.why = std::to_string(dead) + " jobs have failed for good";
    } else if (waiting > jobs_waiting_max) {
        part.status = PartState::degraded;
        part.why = std::to_string(waiting) + " jobs wait";
    }
    add(health, part);
}

void add_audit(SystemHealth& health, audit::Waiting const& now) {
    PartHealth part{.name = "audit"};
    if (now.seconds > unsealed_seconds_max) {
        part.status = PartState::degraded;
        part.why = std::to_string(now.rows) + " rows wait to be sealed, the oldest for " +
                   std::to_string(now.seconds) + " seconds";
    }
    add(health, part);
}

Task<Reply<SystemHealth>> health(System& system, Call<>& call) {
    SystemHealth view;
    view.version = system.version();
    view.uptime_seconds = uptime_of(system);
    view.timestamp = now();
    view.is_in_maintenance = system.in_maintenance();
    PartHealth database{.name = "database"};
    auto const asked = std::chrono::steady_clock::now();
    std::optional<audit::Waiting> waiting;
    std::vector<jobs::QueueFacts> queues;
    try {
        waiting = co_await call.read(audit::waiting);
        queues = co_await call.read(jobs::queues);
    } catch (std::exception const&) {
        database.status = PartState::unhealthy;
        database.why = call.database().last_error();
        if (database.why.empty()) database.why = "it does not answer in time";
    }
    std::chrono::duration<double, std::milli> const took = std::chrono::steady_clock::now() - asked;
    database.response_time_ms = took.count();
    add(view, database);
    if (database.status == PartState::healthy) {
        add_jobs(view, queues);
        add_audit(view, *waiting);
    }
    co_return ok(view);
}

// ---- the numbers: what /metrics says, as JSON

/// `name{a="b",c="d"} value` of the Prometheus text format; false when it is another line.
bool read_sample(std::string_view line, MetricSample& into) {
    auto const space = line.rfind(' ');
    if (space == line.npos || line.starts_with('#')) return false;
    std::string_view const number = line.substr(space + 1);
    auto const [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), into.value);
    if (error != std::errc{} || !std::isfinite(into.value)) return false;
    std::string_view name = line.substr(0, space);
    auto const brace = name.find('{');
    into.name = name.substr(0, brace);
    if (brace == name.npos) return true;
    std::string_view rest = name.substr(brace + 1);
    while (!rest.empty() && rest.front() != '}') {
        auto const equals = rest.find("=\"");
        if (equals == rest.npos) return false;
        MetricLabel label{.name = std::string(rest.substr(0, equals)), .value = {}};
        rest.remove_prefix(equals + 2);
        while (!rest.empty() && rest.front() != '"') {
            bool const escaped = rest.front() == '\\' && rest.size() > 1;
            if (escaped) rest.remove_prefix(1);
            label.value += escaped && rest.front() == 'n' ? '\n' : rest.front();
            rest.remove_prefix(1);
        }
        if (rest.empty()) return false;
        rest.remove_prefix(1);
        if (rest.starts_with(',')) rest.remove_prefix(1);
        into.labels.push_back(std::move(label));
    }
    return true;
}

std::vector<MetricFamily> families_of(std::string_view text) {
    std::vector<MetricFamily> all;
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        bool const help = line.starts_with("# HELP ");
        if (help || line.starts_with("# TYPE ")) {
            line.remove_prefix(7);
            std::string const name(line.substr(0, line.find(' ')));
            if (all.empty() || all.back().name != name) all.push_back({.name = name});
            std::string_view const said =
                line.size() > name.size() ? line.substr(name.size() + 1) : std::string_view();
            (help ? all.back().help : all.back().type) = said;
            continue;
        }
        MetricSample sample;
        if (!read_sample(line, sample)) continue;
        if (all.empty()) all.push_back({.name = sample.name});
        all.back().samples.push_back(std::move(sample));
    }
    return all;
}

Task<Reply<SystemMetrics>> metrics(System& system, Call<>&) {
    // Added up on the pool: it takes a millisecond.
    auto render = [&system] { return families_of(system.metrics()); };
    SystemMetrics view;
    view.metrics = co_await on(system.workers(), render);
    view.timestamp = now();
    view.uptime_seconds = uptime_of(system);
    co_return ok(view);
}

} // namespace

void add_system_routes(Routes& r, System& system) {
    Routes all = r.group("/system", "System");
    all.get("/health", &health, system, "The parts of the installation and what is wrong")
        .needs(Permit::platform_admin);
    all.get("/metrics", &metrics, system, "The numbers of this process")
        .needs(Permit::platform_admin);
}

} // namespace haat::admin
