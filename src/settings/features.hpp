// What a shop may switch off. Read by the modules that have the feature.
#pragma once

#include <settings/settings.hpp>

namespace haat::features {

extern Setting<bool> const guest_checkout;
extern Setting<bool> const wishlist;
extern Setting<bool> const reviews;

} // namespace haat::features
