#include <app/commands/commands.hpp>

#include <algorithm>
#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <app/open_database.hpp>
#include <pg/migrate.hpp>

namespace haat::app {

namespace json = boost::json;

namespace {

int status(pg::Migrator const& migrator, bool as_json) {
    auto const all = migrator.status();
    json::array list;
    for (auto const& one : all) {
        std::string const state(name_of(one.state));
        if (as_json)
            list.push_back(json::object{{"number", one.number},
                                        {"name", one.name},
                                        {"state", state},
                                        {"appliedAt", one.applied_at},
                                        {"tookMs", one.took_ms}});
        else
            std::printf("%-40s %-8s %s\n", one.name.c_str(), state.c_str(), one.applied_at.c_str());
    }
    if (as_json) std::printf("%s\n", json::serialize(list).c_str());
    bool const current = std::all_of(all.begin(), all.end(), [](auto const& one) {
        return one.state == pg::MigrationStatus::State::applied;
    });
    return current ? 0 : 1;
}

int apply(pg::Migrator& migrator, bool as_json) {
    auto const done = migrator.apply([&](std::string_view line) {
        if (!as_json) std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    });
    json::array list;
    for (auto const& name : done) list.emplace_back(name);
    if (as_json)
        std::printf("%s\n", json::serialize(json::object{{"applied", list}}).c_str());
    else if (done.empty())
        std::printf("nothing to apply\n");
    return 0;
}

} // namespace

int migrate(Invocation const& invocation) {
    bool const only_status = invocation.words == std::vector<std::string>{"status"};
    if (!invocation.words.empty() && !only_status) {
        std::fprintf(stderr, "haat migrate: takes nothing, or status\n");
        return 2;
    }
    auto const database = open_database(load_config().config, Sharing::beside_another_haat);
    pg::Migrator migrator(database.urls.owner);
    return only_status ? status(migrator, invocation.json) : apply(migrator, invocation.json);
}

} // namespace haat::app
