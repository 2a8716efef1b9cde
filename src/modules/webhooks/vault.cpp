#include <modules/webhooks/vault.hpp>

#include <algorithm>

#include <sodium.h>

#include <base/refusal.hpp>
#include <outbound/crypto.hpp>

namespace haat::webhooks {

namespace {
constexpr std::string_view form = "v1."; // another cipher would have another one
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;

unsigned char const* bytes_of(std::string_view text) {
    return reinterpret_cast<unsigned char const*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
} // namespace

Vault::Vault(std::string_view server_secret) {
    static_assert(sizeof key_ == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (sodium_init() < 0) throw Fault("the system has no source of randomness");
    // A key of its own, so that what is sealed here tells nothing about tokens, nor the reverse.
    std::string const key = outbound::hmac_sha256(server_secret, "haat webhook secrets");
    std::copy_n(bytes_of(key), key_.size(), key_.begin());
}

std::string Vault::fresh() { return "whsec_" + outbound::base64_url(outbound::random_bytes(32)); }

std::string Vault::seal(std::string_view secret, EndpointId id) const {
    std::string sealed = outbound::random_bytes(nonce_size);
    sealed.resize(nonce_size + secret.size() + tag_size);
    std::string const owner = to_string(id.uuid);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        bytes_of(sealed) + nonce_size, nullptr, bytes_of(secret), secret.size(), bytes_of(owner),
        owner.size(), nullptr, bytes_of(std::string_view(sealed)), key_.data());
    return std::string(form) + outbound::base64_url(sealed);
}

std::optional<std::string> Vault::open(std::string_view sealed, EndpointId id) const {
    std::string bytes;
    if (!sealed.starts_with(form) || !outbound::from_base64(sealed.substr(form.size()), bytes) ||
        bytes.size() < nonce_size + tag_size)
        return std::nullopt;
    std::string secret(bytes.size() - nonce_size - tag_size, '\0');
    std::string const owner = to_string(id.uuid);
    int const wrong = crypto_aead_xchacha20poly1305_ietf_decrypt(
        bytes_of(secret), nullptr, nullptr, bytes_of(bytes) + nonce_size, bytes.size() - nonce_size,
        bytes_of(owner), owner.size(), bytes_of(bytes), key_.data());
    if (wrong != 0) return std::nullopt;
    return secret;
}

std::string signature_of(std::int64_t seconds, std::string_view body,
                         std::vector<std::string> const& secrets) {
    std::string const time = std::to_string(seconds);
    std::string const said = time + "." + std::string(body);
    std::string header = "t=" + time;
    for (std::string const& secret : secrets)
        header += ",v1=" + outbound::hex(outbound::hmac_sha256(secret, said));
    return header;
}

} // namespace haat::webhooks
