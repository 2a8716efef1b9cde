#include <files/links.hpp>

#include <base/clock.hpp>
#include <outbound/crypto.hpp>

namespace haat::files {

RefusalKind const link_invalid{404, "FILE_LINK_INVALID", "This link leads nowhere."};
RefusalKind const link_expired{410, "FILE_LINK_EXPIRED", "This link has expired."};

Links::Links(std::string_view secret) : key_(outbound::hmac_sha256(secret, "haat file links")) {}

std::string Links::sign(std::string_view what, std::int64_t expires) const {
    std::string const text = std::to_string(expires) + "\n" + std::string(what);
    return outbound::base64_url(outbound::hmac_sha256(key_, text));
}

void Links::check(std::string_view what, std::int64_t expires, std::string_view signature) const {
    if (!outbound::same_bytes(sign(what, expires), signature)) throw Refusal(link_invalid);
    if (expires <= now().micros / 1'000'000) throw Refusal(link_expired);
}

} // namespace haat::files
