// The API's own description, made of the table of routes: OpenAPI 3.1.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include <http/routes.hpp>

namespace haat::http {

/// Compact JSON.
std::string openapi(std::deque<RouteSpec> const& routes, std::string_view version);

/// Everything that this route may refuse with, by its declaration; sorted by status and code.
struct Refusable {
    int status;
    std::string code;
    std::string_view sentence;
    auto operator<=>(Refusable const&) const = default;
};
std::vector<Refusable> refusals_of(RouteSpec const& route);

/// docs/errors.md.
std::string errors_page(std::deque<RouteSpec> const& routes);

/// The same JSON with line breaks and two spaces a level, for documents that are compared.
std::string indented(std::string_view json);

} // namespace haat::http
