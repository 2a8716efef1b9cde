// What web push needs of elliptic curves: RFC 8291's encryption and RFC 8292's (VAPID) tokens.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <base/words.hpp>

namespace haat::outbound {

/// Both in base64url: 65 bytes of an uncompressed point on P-256, and 32 of the number behind it.
struct VapidKeys {
    std::string public_key;
    Secret<0, 64> private_key;
};
VapidKeys make_vapid_keys();
/// Whether the two are keys at all and belong together.
bool valid(VapidKeys const& keys);

/// A browser's: what pushManager.subscribe() gave it, in base64url.
struct PushKeys {
    std::string p256dh;
    std::string auth;
};

/// One record of aes128gcm, ready to be a body; nothing when the browser's keys are none.
/// `salt` and `key` are random but for the test against the RFC's own example.
std::optional<std::string> encrypt_push(std::string_view plain, PushKeys const& keys);
std::optional<std::string> encrypt_push(std::string_view plain, PushKeys const& keys,
                                        VapidKeys const& key, std::string_view salt);
/// Push services take 4,096 bytes; so much of it may be text.
inline constexpr std::size_t push_bytes_max = 4'096 - 86 - 17;

/// The value of Authorization: "vapid t=…, k=…". `audience` is the origin of the endpoint.
std::string vapid_authorization(VapidKeys const& keys, std::string_view audience,
                                std::string_view subject, Timestamp expires);

} // namespace haat::outbound
