// Headers that every answer carries, and what browsers of other origins may send and read.
#pragma once

#include <string_view>

namespace haat::http {

/// Helmet's defaults with seed 003's content policy; HSTS in production only.
std::string_view security_headers(bool production);

inline constexpr std::string_view cors_request_headers =
    "Content-Type, Authorization, X-Request-ID, X-Correlation-Id, X-Client-Version, X-Org-Id, "
    "X-Store-Id, X-Session-Id, X-Warehouse-Id, Idempotency-Key, If-Match, If-None-Match";
inline constexpr std::string_view cors_exposed_headers =
    "ETag, Location, X-Request-ID, X-Correlation-Id, RateLimit-Limit, RateLimit-Remaining, "
    "RateLimit-Reset, Retry-After, Idempotency-Replayed, Deprecation";

/// http(s)://localhost, 127.0.0.1, 10.*, 192.168.*, 172.16-31.*, with any port.
bool is_lan_origin(std::string_view origin);

} // namespace haat::http
