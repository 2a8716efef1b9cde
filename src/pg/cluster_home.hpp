// Where the private cluster lives and what is remembered about it; the files, not the server.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <pg/cluster.hpp>
#include <pg/process.hpp>

namespace haat::pg {

/// Kept in <data>/cluster, readable by the owner alone.
struct ClusterState {
    std::filesystem::path directory; // PostgreSQL's data directory
    int port = 0;                    // only names the socket
    std::string admin_password;
    std::string owner_password;
    std::string request_password;
    std::string worker_password;

    std::string const& password(Role) const;
};

/// The name of the role in the database.
std::string role_name(Role);

std::optional<ClusterState> read_state(std::filesystem::path const& data_directory);
void write_state(std::filesystem::path const& data_directory, ClusterState const&);
ClusterState new_state(std::filesystem::path const& directory);

/// The user PostgreSQL runs as: `postgres` when this process is root, else nobody else.
std::optional<SystemUser> server_user();

/// Makes the data directory (enterable when this process is root) and takes its lock, which is held
/// until the descriptor closes. Throws ClusterInUse.
Descriptor lock_directory(std::filesystem::path const& directory);

/// <data>/postgres, or a directory below /var/lib when PostgreSQL's user cannot get to that.
std::filesystem::path choose_directory(std::filesystem::path const& data_directory,
                                       std::optional<SystemUser> const&);

/// A directory short enough for a socket's name, for the server's user alone.
std::filesystem::path socket_directory(ClusterState const&, std::optional<SystemUser> const&);

/// Gives a directory to the server's user, 0700; made when it is not there.
void give_directory(std::filesystem::path const&, std::optional<SystemUser> const&);

/// postgresql.conf and pg_hba.conf, written anew at each start.
void write_configuration(ClusterState const&, std::filesystem::path const& sockets, bool durable,
                         std::optional<SystemUser> const&);

/// 18 random bytes as text that needs no escaping anywhere.
std::string random_password();

} // namespace haat::pg
