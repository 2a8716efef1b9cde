#include <http/gate.hpp>

namespace haat::http {

RefusalKind const maintenance{503, "MAINTENANCE",
                              "This shop is being worked on. Please come back a little later."};

} // namespace haat::http
