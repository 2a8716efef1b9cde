#include <app/commands/commands.hpp>

#include <cstdio>

#include <describe/codec.hpp>
#include <pg/check.hpp>
#include <pg/cluster.hpp>
#include <pg/migrate.hpp>
#include <pg/query.hpp>

namespace haat::app {

// Against the migrations of this binary, in a cluster that is thrown away: needs no database.
int check(Invocation const& invocation) {
    if (invocation.words != std::vector<std::string>{"queries"}) {
        std::fprintf(stderr, "haat check: takes the word queries\n");
        return 2;
    }
    pg::Cluster const cluster = pg::Cluster::throw_away();
    pg::Migrator(cluster.url(pg::Role::owner)).apply();
    auto const mismatches = pg::check_queries(cluster.url(pg::Role::request));
    if (invocation.json) {
        std::printf("%s\n", describe::to_json(mismatches).c_str());
    } else {
        for (std::string const& mismatch : mismatches) std::printf("%s\n", mismatch.c_str());
        if (mismatches.empty())
            std::printf("%d queries fit the migrated schema\n", pg::Query::count());
    }
    return mismatches.empty() ? 0 : 1;
}

} // namespace haat::app
