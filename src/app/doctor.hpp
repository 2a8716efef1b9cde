// haat doctor: looks at the machine and names what is wrong, why, and what to do about it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <app/config.hpp>
#include <pg/migrate.hpp>

namespace haat::app {

struct Finding {
    enum class Mark : std::uint8_t { good, warning, bad };
    std::string check; // "port"
    Mark mark = Mark::good;
    std::string cause; // what was seen
    std::string cure;  // empty when it is good
};
std::string_view name_of(Finding::Mark);

struct DiskSpace {
    std::uint64_t free_bytes = 0;
    std::uint64_t total_bytes = 0;
};

struct DatabaseFacts {
    std::chrono::milliseconds clock_ahead{}; // the database's clock, of this machine's
    std::vector<pg::MigrationStatus> migrations;
};

/// What the doctor asks the machine. Tests put a broken one in its place.
struct DoctorWorld {
    std::function<std::chrono::system_clock::time_point()> now;
    std::function<DiskSpace(std::filesystem::path const&)> disk; // of the file system there
    /// Why this process cannot make files there; empty when it can.
    std::function<std::string(std::filesystem::path const&)> writing_fails;
    /// False when PostgreSQL would run as another user who cannot get there.
    std::function<bool(std::filesystem::path const&)> server_may_enter;
    /// Why nobody can listen there; empty when one can.
    std::function<std::string(std::string const& address, std::uint16_t port)> listening_fails;
    /// True when a haat has this data directory now.
    std::function<bool(std::filesystem::path const&)> haat_runs;
    /// Nothing when the private cluster was not made yet. Throws what connecting throws.
    std::function<std::optional<DatabaseFacts>(Config const&)> database;
    std::function<bool(std::filesystem::path const&)> exists;
    /// When a certificate ends; nothing when the file cannot be read as one.
    std::function<std::optional<std::chrono::system_clock::time_point>(std::string const& file)>
        certificate_end;
    std::function<std::uint64_t()> open_files_max;
    /// Why Redis cannot be used; empty when it can.
    std::function<std::string(kv::RedisOptions const&)> redis_fails;
};
DoctorWorld real_world();

/// `problems` are those of the configuration; then `loaded` holds the defaults.
std::vector<Finding> examine(Loaded const& loaded, std::vector<std::string> const& problems,
                             DoctorWorld const&);

} // namespace haat::app
