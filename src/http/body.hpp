// A request's body into a described struct, by its content type.
#pragma once

#include <describe/codec.hpp>
#include <http/message.hpp>

namespace haat::http {

/// JSON (bare or under "data") and forms without files. Throws malformed_json or unsupported_media.
void decode_body(Request const& request, describe::Shape const& shape, void* into,
                 Problems& problems, describe::ReadOptions const& options);

} // namespace haat::http
