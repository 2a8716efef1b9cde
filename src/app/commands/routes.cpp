#include <app/commands/commands.hpp>

#include <cstdio>

#include <app/application.hpp>
#include <http/routes.hpp>

namespace haat::app {

namespace {

struct RouteView {
    std::string method;
    std::string path;
    std::string needs; // a permission, or "open"
    std::string tag;
    std::string operation;
    bool idempotent = false;
    std::optional<std::string> alias_of;
};
HAAT_DESCRIBE(RouteView, method, path, needs, tag, operation, idempotent, alias_of)

RouteView view(http::RouteSpec const& route) {
    RouteView view{.method = std::string(http::name_of(route.method)),
                   .path = route.path,
                   .needs = "open",
                   .tag = route.tag,
                   .operation = route.operation,
                   .idempotent = route.canonical().idempotent};
    if (!route.canonical().open) {
        view.needs = describe::to_json(route.canonical().permit);
        std::erase(view.needs, '"');
    }
    if (route.alias_of) view.alias_of = route.alias_of->path;
    return view;
}

} // namespace

int routes(Invocation const& invocation) {
    Application const application{Config{}};
    std::vector<RouteView> views;
    for (http::RouteSpec const& route : application.routes().all()) views.push_back(view(route));
    if (invocation.json) {
        std::printf("%s\n", describe::to_json(views).c_str());
        return 0;
    }
    for (RouteView const& each : views)
        std::printf(
            "%-7s %-44s %-20s %s\n", each.method.c_str(), each.path.c_str(), each.needs.c_str(),
            each.alias_of ? ("alias of " + *each.alias_of).c_str() : each.operation.c_str());
    return 0;
}

} // namespace haat::app
