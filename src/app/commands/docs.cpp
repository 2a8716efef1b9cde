#include <app/commands/commands.hpp>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <app/application.hpp>
#include <app/config.hpp>
#include <http/openapi.hpp>
#include <pg/cluster.hpp>
#include <pg/migrate.hpp>

namespace haat::app {

namespace {

void write(std::filesystem::path const& path, std::string const& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
    std::printf("%s\n", path.string().c_str());
}

/// The migrated schema as pg_dump tells it, without what differs from run to run.
std::string schema_page() {
    pg::Cluster cluster = pg::Cluster::throw_away();
    std::string const url = cluster.url(pg::Role::owner);
    pg::Migrator(url).apply();
    setenv("HAAT_DUMP_URL", url.c_str(), 1); // not on the command line: others could read it there
    std::string const command = "/usr/lib/postgresql/15/bin/pg_dump --schema-only --no-owner "
                                "--exclude-table=haat.migrations -d \"$HAAT_DUMP_URL\"";
    std::FILE* const pipe = popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error("pg_dump cannot be run");
    std::string page = "-- The schema as the migrations make it. Written by `haat docs`.\n";
    std::array<char, 4096> line{};
    while (std::fgets(line.data(), line.size(), pipe)) {
        std::string_view const text(line.data());
        bool const noise = text.starts_with("--") || text.starts_with("SET ") || text == "\n" ||
                           text.starts_with("\\") || text.starts_with("SELECT pg_catalog");
        if (!noise) page += text;
    }
    int const status = pclose(pipe);
    unsetenv("HAAT_DUMP_URL");
    if (status != 0) throw std::runtime_error("pg_dump failed");
    return page;
}

} // namespace

int docs(Invocation const& invocation) {
    std::filesystem::path const folder =
        invocation.words.empty() ? "docs" : std::filesystem::path(invocation.words.front());
    std::filesystem::create_directories(folder);
    Application const application{Config{}};
    write(folder / "openapi.json", http::indented(application.openapi()));
    write(folder / "errors.md", http::errors_page(application.routes().all()));
    write(folder / "config.md", render_config_page());
    write(folder / "schema.sql", schema_page());
    return 0;
}

} // namespace haat::app
