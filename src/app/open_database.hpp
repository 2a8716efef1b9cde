// The database that haat works with: the one it was given, or the private cluster.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include <app/config.hpp>
#include <pg/bootstrap.hpp>
#include <pg/cluster.hpp>

namespace haat::app {

struct OpenDatabase {
    pg::DatabaseUrls urls;
    std::optional<pg::Cluster> cluster; // stops with this object; nothing when it is not ours
};

enum class Sharing { alone, beside_another_haat };

/// Starts the private cluster when no URL was given, and sees that the roles are there. `say` gets
/// one line for each step that takes time. With beside_another_haat the running cluster of a haat
/// that serves is used and left running. Throws with cause and cure.
OpenDatabase open_database(
    Config const&, Sharing, std::function<void(std::string_view)> say = [](std::string_view) {});

/// Runs the pending migrations, or throws and names the cure when they are not to be run here.
void migrate_or_refuse(std::string const& owner_url, bool migrate,
                       std::function<void(std::string_view)> const& say);

} // namespace haat::app
