// The tests as text: which scenarios there are, and what they expect. Read from the sources, not
// collected while running, because tests run in several processes.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace haat::test {

struct WrittenScenario {
    std::string name;
    std::string method = "GET";
    std::string path;
    int status = 200;
};

/// Every test source of the repository, by its path.
std::map<std::string, std::string> const& test_sources();

/// Every `{.name = "…", …}` in them.
std::vector<WrittenScenario> written_scenarios();

/// "/api/v1/brands/{id}" and "/brands/{brand}?limit=1" are both "/api/v1/brands/{}".
std::string plain_path(std::string path);
/// Whether a path that is asked is one of the route: {} stands for anything.
bool is_path_of(std::string const& route, std::string const& asked);

} // namespace haat::test
