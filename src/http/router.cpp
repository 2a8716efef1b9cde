#include <http/router.hpp>

#include <algorithm>

namespace haat::http {

inline constexpr std::size_t methods = static_cast<std::size_t>(Method::other);

struct Router::Node {
    std::string_view segment;                    // literal
    std::vector<std::unique_ptr<Node>> literals; // sorted by segment
    std::unique_ptr<Node> parameter;
    std::array<RouteSpec const*, methods> routes{};

    bool has_routes() const {
        return std::any_of(routes.begin(), routes.end(), [](auto* r) { return r != nullptr; });
    }
    auto position(std::string_view wanted) const {
        return std::lower_bound(literals.begin(), literals.end(), wanted,
                                [](auto const& node, auto text) { return node->segment < text; });
    }
    Node* literal(std::string_view wanted) const {
        auto const at = position(wanted);
        return at != literals.end() && (*at)->segment == wanted ? at->get() : nullptr;
    }
};

namespace {
/// Takes the first segment off "/a/b".
std::string_view take_segment(std::string_view& rest) {
    rest.remove_prefix(1);
    std::size_t const end = std::min(rest.find('/'), rest.size());
    std::string_view const segment = rest.substr(0, end);
    rest.remove_prefix(end);
    return segment;
}
} // namespace

Router::Router(std::deque<RouteSpec> const& routes)
    : routes_(routes), root_(std::make_unique<Node>()) {
    for (RouteSpec const& route : routes) add(route);
    Node const* const api = root_->literal("api");
    versioned_ = api ? api->literal("v1") : nullptr;
}
Router::~Router() = default;

RouteSpec const* Router::by_number(int number) const {
    auto const index = static_cast<std::size_t>(number);
    return index < routes_.size() ? &routes_[index] : nullptr;
}

void Router::add(RouteSpec const& route) {
    Node* node = root_.get();
    std::string_view rest = route.path;
    if (route.signature.path_arguments.size() > path_arguments_max)
        throw Fault("too many path parameters: " + route.path);
    while (!rest.empty() && rest != "/") {
        std::string_view const segment = take_segment(rest);
        if (segment.starts_with('{')) {
            if (!node->parameter) node->parameter = std::make_unique<Node>();
            node = node->parameter.get();
        } else if (Node* const known = node->literal(segment)) {
            node = known;
        } else {
            auto const made =
                node->literals.insert(node->position(segment), std::make_unique<Node>());
            (*made)->segment = segment;
            node = made->get();
        }
    }
    RouteSpec const*& place = node->routes[static_cast<std::size_t>(route.method)];
    if (place)
        throw Fault("two routes for " + std::string(name_of(route.method)) + " " + route.path);
    place = &route;
}

Router::Node const* Router::walk(Node const& node, std::string_view rest, Match& match) const {
    if (rest.empty() || rest == "/") return node.has_routes() ? &node : nullptr;
    std::string_view const segment = take_segment(rest);
    if (Node const* const literal = node.literal(segment))
        if (Node const* const found = walk(*literal, rest, match)) return found;
    if (!node.parameter || segment.empty()) return nullptr;
    std::size_t const mark = match.argument_count;
    match.arguments[match.argument_count++] = segment;
    if (Node const* const found = walk(*node.parameter, rest, match)) return found;
    match.argument_count = mark;
    return nullptr;
}

Router::Node const* Router::locate(std::string_view path, Match& match) const {
    if (path.empty() || path.front() != '/') return nullptr;
    if (Node const* const found = walk(*root_, path, match)) return found;
    if (!versioned_ || !path.starts_with("/api/") || path.starts_with("/api/v1/")) return nullptr;
    return walk(*versioned_, path.substr(4), match);
}

Match Router::find(Method method, std::string_view path) const {
    Match match;
    Node const* const node = locate(path, match);
    if (!node || method == Method::other) {
        match.path_exists = node != nullptr;
        return match;
    }
    match.path_exists = true;
    match.route = node->routes[static_cast<std::size_t>(method)];
    if (!match.route && method == Method::head)
        match.route = node->routes[static_cast<std::size_t>(Method::get)];
    return match;
}

std::string Router::allowed(std::string_view path) const {
    Match match;
    Node const* const node = locate(path, match);
    if (!node) return {};
    std::string text;
    for (std::size_t i = 0; i < methods; ++i) {
        Method const method = static_cast<Method>(i);
        bool const from_get = method == Method::head &&
                              node->routes[static_cast<std::size_t>(Method::get)] != nullptr;
        if (node->routes[i] || from_get) text.append(name_of(method)).append(", ");
    }
    return text + "OPTIONS";
}

} // namespace haat::http
