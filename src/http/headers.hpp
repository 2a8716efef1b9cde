// Small readers of header values.
#pragma once

#include <string_view>

namespace haat::http {

/// The value of a cookie in a Cookie header, or empty.
std::string_view cookie_in(std::string_view header, std::string_view name);

/// The token of "Bearer x", or empty.
std::string_view bearer_in(std::string_view header);

/// Whether an If-None-Match or If-Match list names this ETag; "*" names all, W/ is looked through.
bool names_etag(std::string_view list, std::string_view etag);

/// "application/json" of "Application/JSON; charset=utf-8" is asked with the lower-case name.
bool is_media_type(std::string_view header, std::string_view type);

/// A request id from outside: letters, digits, '.', '_' and '-', at most 64.
bool is_sane_id(std::string_view id);

} // namespace haat::http
