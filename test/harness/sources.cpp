#include <test/harness/sources.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <test/harness/paths.hpp>

namespace haat::test {

namespace files = std::filesystem;

namespace {

/// The words of the C++ string literals that begin at `at`, put together.
std::string literal_at(std::string const& text, std::size_t at) {
    std::string words;
    while (at < text.size() && text[at] == '"') {
        auto const end = text.find('"', at + 1);
        words += text.substr(at + 1, end - at - 1);
        at = text.find_first_not_of(" \n", end + 1);
    }
    return words;
}

std::string member(std::string const& scenario, std::string const& name) {
    auto const at = scenario.find("." + name + " = ");
    if (at == std::string::npos) return {};
    std::size_t const value = at + name.size() + 4;
    if (scenario[value] == '"') return literal_at(scenario, value);
    return scenario.substr(value, scenario.find_first_of(",}", value) - value);
}

/// From the brace before `.name` to the one that closes it; quotes are passed over.
std::string scenario_at(std::string const& text, std::size_t name) {
    std::size_t const begin = text.rfind('{', name);
    int depth = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
        if (text.compare(at, 3, "R\"(") == 0) {
            at = text.find(")\"", at) + 1;
        } else if (text[at] == '"') {
            while (++at < text.size() && text[at] != '"')
                if (text[at] == '\\') ++at;
        } else if (text[at] == '{') {
            ++depth;
        } else if (text[at] == '}' && --depth == 0) {
            return text.substr(begin, at + 1 - begin);
        }
    }
    return text.substr(begin);
}

} // namespace

std::map<std::string, std::string> const& test_sources() {
    static std::map<std::string, std::string> const sources = [] {
        std::map<std::string, std::string> found;
        files::path const root = source_directory();
        for (char const* const folder : {"src", "test"})
            for (auto const& entry : files::recursive_directory_iterator(root / folder)) {
                std::string const path = files::relative(entry.path(), root).string();
                if (entry.path().extension() != ".cpp" || !entry.is_regular_file()) continue;
                if (!path.starts_with("test/") && path.find("/test/") == std::string::npos)
                    continue;
                std::ifstream in(entry.path());
                found[path] = {std::istreambuf_iterator<char>(in), {}};
            }
        return found;
    }();
    return sources;
}

std::vector<WrittenScenario> written_scenarios() {
    std::vector<WrittenScenario> all;
    for (auto const& [file, text] : test_sources())
        for (auto at = text.find("{.name = \""); at != std::string::npos;
             at = text.find("{.name = \"", at + 1)) {
            std::string const scenario = scenario_at(text, at + 1);
            WrittenScenario found;
            found.name = member(scenario, "name");
            found.path = plain_path(member(scenario, "path"));
            if (std::string const method = member(scenario, "method"); !method.empty())
                found.method = method;
            if (std::string const status = member(scenario, "status"); !status.empty())
                found.status = std::stoi(status);
            all.push_back(found);
        }
    return all;
}

std::string plain_path(std::string path) {
    path = path.substr(0, path.find('?'));
    if (path.starts_with('!'))
        path.erase(0, 1);
    else if (!path.starts_with("/api/") && !path.starts_with("/health") &&
             !path.starts_with("/ready") && !path.starts_with("/metrics") &&
             !path.starts_with("/openapi.json"))
        path = "/api/v1" + path;
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1))
        path.erase(at + 1, path.find('}', at) - at - 1);
    return path;
}

bool is_path_of(std::string const& route, std::string const& asked) {
    std::string const pattern = plain_path(route);
    std::size_t r = 0, a = 0;
    while (r < pattern.size() && a < asked.size()) {
        auto const route_end = std::min(pattern.size(), pattern.find('/', r + 1));
        auto const asked_end = std::min(asked.size(), asked.find('/', a + 1));
        std::string const segment = pattern.substr(r, route_end - r);
        if (segment != "/{}" && segment != asked.substr(a, asked_end - a)) return false;
        r = route_end;
        a = asked_end;
    }
    return r == pattern.size() && a == asked.size();
}

} // namespace haat::test
