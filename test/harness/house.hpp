// What one test process owns: a temporary directory and, once somebody asks, a PostgreSQL cluster
// with a migrated template database. All of it disappears with the process, however that ends.
#pragma once

#include <filesystem>
#include <string>

#include <pg/cluster.hpp>

namespace haat::test {

/// Made once, first thing in main(), before there are threads.
class House {
public:
    House();
    ~House();
    House(House const&) = delete;

    /// Short, because sockets live below it, and enterable by PostgreSQL's user.
    std::filesystem::path const& directory() const { return directory_; }

    /// Outlives this process; waits for its end by any cause and then removes the directory.
    int janitor() const { return janitor_; }

private:
    std::filesystem::path directory_;
    int janitor_ = -1;
    int alive_ = -1;
};

/// A fresh directory below the house's, removed with it.
std::filesystem::path temporary_directory(std::string const& name);

/// The cluster of this process, made when first asked for. Ask from the main thread: PostgreSQL
/// ends with the thread that started it.
pg::Cluster& cluster();

/// The name of the database that has all migrations, to clone from.
std::string const& template_database();

/// Before main() returns, and before a test looks at what is left.
void stop_cluster();

} // namespace haat::test
