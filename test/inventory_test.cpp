// What was promised, route by route, against the router and against the scenarios that prove it.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include <app/application.hpp>
#include <http/routes.hpp>
#include <test/harness/paths.hpp>
#include <test/harness/server.hpp>
#include <test/harness/sources.hpp>

namespace haat::test {
namespace {

/// A line of test/inventory.tsv.
struct Promise {
    std::string verb;
    std::string path;
    std::string origin; // "seed" or "own"
    std::vector<std::string> scenarios;
};

std::vector<Promise> read_promises() {
    std::vector<Promise> promises;
    std::ifstream in(source_directory() / "test/inventory.tsv");
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream cells(line);
        Promise promise;
        std::string route;
        std::getline(cells, route, '\t');
        std::getline(cells, promise.origin, '\t');
        for (std::string name; std::getline(cells, name, '\t');) promise.scenarios.push_back(name);
        promise.verb = route.substr(0, route.find(' '));
        promise.path = route.substr(route.find(' ') + 1);
        promises.push_back(promise);
    }
    return promises;
}

std::string name_of(http::RouteSpec const& route) {
    return std::string(http::name_of(route.method)) + " " + plain_path("!" + route.path);
}

TEST(InventoryTest, ScenariosHaveNamesOfTheirOwn) {
    std::set<std::string> names;
    for (WrittenScenario const& scenario : written_scenarios())
        EXPECT_TRUE(names.insert(scenario.name).second) << scenario.name << " is there twice";
    EXPECT_GT(names.size(), 20u);
}

TEST(InventoryTest, EveryRouteIsPromisedAndEveryPromiseHasItsRoute) {
    Application const application(test_config());
    std::set<std::string> routes;
    for (http::RouteSpec const& route : application.routes().all()) routes.insert(name_of(route));
    std::set<std::string> promised;
    for (Promise const& promise : read_promises())
        EXPECT_TRUE(promised.insert(promise.verb + " " + plain_path("!" + promise.path)).second)
            << promise.path << " is there twice";
    for (auto const& route : routes)
        EXPECT_TRUE(promised.count(route)) << route << " is not in test/inventory.tsv";
    for (auto const& promise : promised)
        EXPECT_TRUE(routes.count(promise)) << promise << " is promised, and no route answers";
}

TEST(InventoryTest, EveryPromiseIsProvedByASuccessAndARefusal) {
    auto const scenarios = written_scenarios();
    for (Promise const& promise : read_promises()) {
        SCOPED_TRACE(promise.verb + " " + promise.path);
        bool success = false, refusal = false;
        for (std::string const& name : promise.scenarios) {
            auto const found =
                std::find_if(scenarios.begin(), scenarios.end(),
                             [&](WrittenScenario const& each) { return each.name == name; });
            if (found == scenarios.end()) {
                ADD_FAILURE() << "no scenario is called \"" << name << "\"";
                continue;
            }
            EXPECT_EQ(found->method, promise.verb) << name;
            EXPECT_TRUE(is_path_of("!" + promise.path, found->path)) << name << " " << found->path;
            (found->status < 400 ? success : refusal) = true;
        }
        EXPECT_TRUE(success) << "no scenario of it succeeds";
        EXPECT_TRUE(refusal) << "no scenario of it is refused";
    }
}

} // namespace
} // namespace haat::test
