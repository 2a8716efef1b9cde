// The shape of every answer, as docs/errors.md and domain.md promise it.
#pragma once

#include <string>
#include <string_view>

#include <base/refusal.hpp>
#include <http/reply.hpp>

namespace haat::http {

/// {"success":true,"status":200,"message":"…","data":…,"meta":{…}}
void write_success(std::string& out, RawReply const& reply, std::string_view message,
                   std::string_view request_id);

/// {"success":false,"status":422,"message":"…","error":{…},"meta":{…}}
void write_failure(std::string& out, Refusal const& refusal, std::string_view request_id);

/// "The brand was created." is the route's; this is the status's own.
std::string_view default_message(int status);

} // namespace haat::http
