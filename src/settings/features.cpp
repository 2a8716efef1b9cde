#include <settings/features.hpp>

namespace haat::features {

Setting<bool> const guest_checkout{"FEATURE_GUEST_CHECKOUT", true,
                                   "Orders may be placed without an account."};
Setting<bool> const wishlist{"FEATURE_WISHLIST", true, "Shoppers may keep a wishlist."};
Setting<bool> const reviews{"FEATURE_REVIEWS", true, "Shoppers may review what they bought."};

} // namespace haat::features
