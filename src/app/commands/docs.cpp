#include <app/commands/commands.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fcntl.h>

#include <app/application.hpp>
#include <app/config.hpp>
#include <app/operations.hpp>
#include <describe/codec.hpp>
#include <events/catalogue.hpp>
#include <http/openapi.hpp>
#include <pg/cluster.hpp>
#include <pg/migrate.hpp>
#include <pg/process.hpp>

namespace haat::app {

namespace {

void write(std::filesystem::path const& path, std::string const& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string text_of(std::filesystem::path const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The migrated schema as pg_dump tells it, without what differs from run to run.
std::string schema_page() {
    pg::Cluster cluster = pg::Cluster::throw_away();
    std::string const url = cluster.url(pg::Role::owner);
    pg::Migrator(url).apply();
    std::filesystem::path const dump = cluster.directory().parent_path() / "schema.sql";
    pg::Descriptor const output(
        ::open(dump.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    // A throw-away cluster of our own: nobody else could use what the command line shows.
    int const code =
        pg::run_to_end({.words = {"/usr/lib/postgresql/15/bin/pg_dump", "--schema-only",
                                  "--no-owner", "--exclude-table=haat.migrations", "-d", url},
                        .output = output.get()});
    if (code != 0) throw std::runtime_error("pg_dump failed: " + text_of(dump));
    std::string page = "-- The schema as the migrations make it. Written by `haat docs`.\n";
    std::istringstream lines(text_of(dump));
    for (std::string line; std::getline(lines, line);) {
        bool const noise = line.starts_with("--") || line.starts_with("SET ") || line.empty() ||
                           line.starts_with("\\") || line.starts_with("SELECT pg_catalog");
        if (!noise) page += line + "\n";
    }
    return page;
}

} // namespace

int docs(Invocation const& invocation) {
    std::filesystem::path const folder =
        invocation.words.empty() ? "docs" : std::filesystem::path(invocation.words.front());
    std::filesystem::create_directories(folder);
    Application const application{Config{}};
    std::pair<char const*, std::string> const pages[] = {
        {"openapi.json", http::indented(application.openapi())},
        {"errors.md", http::errors_page(application.routes().all())},
        {"asyncapi.json", http::indented(events::asyncapi(version_text))},
        {"events.md", events::events_page()},
        {"config.md", render_config_page()},
        {"schema.sql", schema_page()}};
    std::vector<std::string> written;
    for (auto const& [name, text] : pages) {
        write(folder / name, text);
        written.push_back((folder / name).string());
        if (!invocation.json) std::printf("%s\n", written.back().c_str());
    }
    if (invocation.json) std::printf("%s\n", describe::to_json(written).c_str());
    return 0;
}

} // namespace haat::app
