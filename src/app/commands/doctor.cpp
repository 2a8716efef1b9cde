#include <app/commands/commands.hpp>

#include <cstdio>

#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <app/doctor.hpp>

namespace haat::app {

namespace json = boost::json;

namespace {

char const* colour_of(Finding::Mark mark) {
    if (::isatty(STDOUT_FILENO) == 0) return "";
    switch (mark) {
    case Finding::Mark::good: return "\033[32m";
    case Finding::Mark::warning: return "\033[33m";
    case Finding::Mark::bad: return "\033[31m";
    }
    return "";
}

void print(std::vector<Finding> const& findings) {
    char const* const plain = ::isatty(STDOUT_FILENO) != 0 ? "\033[0m" : "";
    for (auto const& finding : findings) {
        std::string const mark(name_of(finding.mark));
        std::printf("%s%-8s%s %-15s %s\n", colour_of(finding.mark), mark.c_str(), plain,
                    finding.check.c_str(), finding.cause.c_str());
        if (!finding.cure.empty()) std::printf("%24s -> %s\n", "", finding.cure.c_str());
    }
}

void print_json(std::vector<Finding> const& findings, bool well) {
    json::array list;
    for (auto const& finding : findings)
        list.push_back(json::object{{"check", finding.check},
                                    {"mark", std::string(name_of(finding.mark))},
                                    {"cause", finding.cause},
                                    {"cure", finding.cure}});
    std::printf("%s\n", json::serialize(json::object{{"ok", well}, {"findings", list}}).c_str());
}

} // namespace

int doctor(Invocation const& invocation) {
    Loaded loaded;
    std::vector<std::string> problems;
    try {
        loaded = load_config();
    } catch (ConfigError const& error) {
        problems = error.problems();
    }
    auto const findings = examine(loaded, problems, real_world());
    bool well = true;
    for (auto const& finding : findings) well = well && finding.mark != Finding::Mark::bad;
    if (invocation.json)
        print_json(findings, well);
    else
        print(findings);
    return well ? 0 : 1;
}

} // namespace haat::app
