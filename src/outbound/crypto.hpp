// Hashes, signatures and letters for bytes, as the world's protocols want them.
#pragma once

#include <string>
#include <string_view>

namespace haat::outbound {

std::string sha256(std::string_view bytes); // 32 bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string hmac_sha1(std::string_view key, std::string_view bytes); // Twilio still signs with it
std::string md5_base64(std::string_view bytes);                      // S3's Content-MD5

std::string hex(std::string_view bytes); // lower case
bool from_hex(std::string_view text, std::string& out);
std::string base64(std::string_view bytes);
std::string base64_url(std::string_view bytes); // without padding
/// Either alphabet, with or without padding; false for anything else.
bool from_base64(std::string_view text, std::string& out);

/// Takes as long for a wrong guess as for a right one of the same length.
bool same_bytes(std::string_view a, std::string_view b);
std::string random_bytes(std::size_t count);

/// X-Hub-Signature-256 of Meta's webhooks: "sha256=…" of the raw body.
bool signed_by_meta(std::string_view app_secret, std::string_view body, std::string_view header);

} // namespace haat::outbound
