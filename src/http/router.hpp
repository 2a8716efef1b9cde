// Finds the route of a request: a tree of segments, literals before parameters, no regular
// expressions, nothing allocated to match.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include <http/message.hpp>
#include <http/routes.hpp>

namespace haat::http {

inline constexpr std::size_t path_arguments_max = 8;

struct Match {
    RouteSpec const* route = nullptr;
    bool path_exists = false;                                   // with another method: 405
    std::array<std::string_view, path_arguments_max> arguments; // still percent-encoded
    std::size_t argument_count = 0;
};

class Router {
public:
    /// The table must outlive the router. Throws Fault when two routes collide.
    explicit Router(std::deque<RouteSpec> const& routes);
    ~Router();

    /// HEAD is answered by GET; /api/x as /api/v1/x; one slash at the end is ignored.
    Match find(Method method, std::string_view path) const;

    RouteSpec const* by_number(int number) const;

    /// "GET, HEAD, OPTIONS" for a path that exists, else empty.
    std::string allowed(std::string_view path) const;

private:
    struct Node;
    Node const* walk(Node const& node, std::string_view rest, Match& match) const;
    Node const* locate(std::string_view path, Match& match) const;
    void add(RouteSpec const& route);
    std::deque<RouteSpec> const& routes_;
    std::unique_ptr<Node> root_;
    Node const* versioned_ = nullptr; // /api/v1
};

} // namespace haat::http
