// What the engine finds wrong, as refusals with codes.
#pragma once

#include <base/refusal.hpp>
#include <http/server.hpp>

namespace haat::http {

RefusalKind const& refusal_of(Trouble);

} // namespace haat::http
