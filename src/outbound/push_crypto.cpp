#include <outbound/push_crypto.hpp>

#include <memory>
#include <stdexcept>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <describe/codec.hpp>
#include <outbound/crypto.hpp>

namespace haat::outbound {

namespace {

template <auto free> struct Free {
    template <class T> void operator()(T* pointer) const { free(pointer); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;

constexpr std::size_t point_size = 65;
constexpr std::size_t number_size = 32;

unsigned char const* bytes_of(std::string_view text) {
    return reinterpret_cast<unsigned char const*>(text.data());
}
unsigned char* room_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void check(bool fine) {
    if (!fine) throw std::runtime_error("OpenSSL cannot do what web push needs");
}

/// Null when the point is not on the curve, or the number is not the point's.
Key key_of(std::string_view point, std::string_view number = {}) {
    if (point.size() != point_size || point[0] != 4) return nullptr;
    if (!number.empty() && number.size() != number_size) return nullptr;
    Builder const builder(OSSL_PARAM_BLD_new());
    Number const secret(
        number.empty() ? nullptr
                       : BN_bin2bn(bytes_of(number), static_cast<int>(number.size()), nullptr));
    check(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
                                          0) == 1);
    check(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                           point.size()) == 1);
    if (secret)
        check(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get()) == 1);
    Parameters const parameters(OSSL_PARAM_BLD_to_param(builder.get()));
    KeyContext const context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* raw = nullptr;
    if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &raw, secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          parameters.get()) != 1)
        return nullptr;
    Key key(raw);
    KeyContext const checking(EVP_PKEY_CTX_new_from_pkey(nullptr, raw, nullptr));
    bool const good =
        secret ? EVP_PKEY_check(checking.get()) == 1 : EVP_PKEY_public_check(checking.get()) == 1;
    return good ? std::move(key) : nullptr;
}

Key key_of(VapidKeys const& keys) {
    std::string point, number;
    if (!from_base64(keys.public_key, point) || !from_base64(keys.private_key.value, number) ||
        number.empty())
        return nullptr;
    return key_of(point, number);
}

std::string point_of(EVP_PKEY* key) {
    std::string point(point_size, '\0');
    std::size_t size = 0;
    check(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, room_of(point),
                                          point.size(), &size) == 1 &&
          size == point_size);
    return point;
}

std::string shared_secret(EVP_PKEY* ours, EVP_PKEY* theirs) {
    KeyContext const context(EVP_PKEY_CTX_new_from_pkey(nullptr, ours, nullptr));
    std::string secret(number_size, '\0');
    std::size_t size = secret.size();
    check(EVP_PKEY_derive_init(context.get()) == 1 &&
          EVP_PKEY_derive_set_peer(context.get(), theirs) == 1 &&
          EVP_PKEY_derive(context.get(), room_of(secret), &size) == 1 && size == number_size);
    return secret;
}

/// HKDF of RFC 5869 for at most 32 bytes.
std::string derived(std::string_view salt, std::string_view from, std::string info,
                    std::size_t size) {
    return hmac_sha256(hmac_sha256(salt, from), info + '\1').substr(0, size);
}

std::string sealed(std::string_view plain, std::string const& key, std::string const& nonce) {
    Cipher const cipher(EVP_CIPHER_CTX_new());
    std::string out(plain.size() + 16, '\0');
    int size = 0, rest = 0;
    check(EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_gcm(), nullptr, bytes_of(key),
                             bytes_of(nonce)) == 1 &&
          EVP_EncryptUpdate(cipher.get(), room_of(out), &size, bytes_of(plain),
                            static_cast<int>(plain.size())) == 1 &&
          EVP_EncryptFinal_ex(cipher.get(), room_of(out) + size, &rest) == 1 &&
          EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, 16, room_of(out) + size + rest) ==
              1);
    return out;
}

std::optional<std::string> encrypt(std::string_view plain, PushKeys const& keys, EVP_PKEY* ours,
                                   std::string_view salt) {
    std::string point, secret;
    if (!from_base64(keys.p256dh, point) || !from_base64(keys.auth, secret) || secret.size() != 16)
        return std::nullopt;
    Key const theirs = key_of(point);
    if (!theirs || plain.size() > push_bytes_max) return std::nullopt;
    std::string const own_point = point_of(ours);
    std::string const input = derived(secret, shared_secret(ours, theirs.get()),
                                      std::string("WebPush: info\0", 14) + point + own_point, 32);
    std::string const key =
        derived(salt, input, std::string("Content-Encoding: aes128gcm\0", 28), 16);
    std::string const nonce =
        derived(salt, input, std::string("Content-Encoding: nonce\0", 24), 12);
    // Header: salt, record size 4,096, the length of the key id, the key id; then the one record,
    // whose end is marked by a 2.
    return std::string(salt) + std::string("\0\0\x10\0\x41", 5) + own_point +
           sealed(std::string(plain) + '\2', key, nonce);
}

/// JWS wants the two numbers side by side, OpenSSL gives them in ASN.1.
std::string signed_es256(EVP_PKEY* key, std::string_view text) {
    Digest const digest(EVP_MD_CTX_new());
    std::string der(128, '\0');
    std::size_t size = der.size();
    check(EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
          EVP_DigestSign(digest.get(), room_of(der), &size, bytes_of(text), text.size()) == 1);
    unsigned char const* at = bytes_of(der);
    Signature const signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
    check(signature != nullptr);
    std::string out(2 * number_size, '\0');
    check(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), room_of(out), number_size) > 0 &&
          BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), room_of(out) + number_size, number_size) >
              0);
    return out;
}

} // namespace

VapidKeys make_vapid_keys() {
    Key const key(EVP_EC_gen("P-256"));
    check(key != nullptr);
    BIGNUM* raw = nullptr;
    check(EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, &raw) == 1);
    Number const number(raw);
    std::string bytes(number_size, '\0');
    check(BN_bn2binpad(raw, room_of(bytes), number_size) > 0);
    return {base64_url(point_of(key.get())), {base64_url(bytes)}};
}

bool valid(VapidKeys const& keys) { return key_of(keys) != nullptr; }

std::optional<std::string> encrypt_push(std::string_view plain, PushKeys const& keys) {
    Key const ours(EVP_EC_gen("P-256"));
    check(ours != nullptr);
    return encrypt(plain, keys, ours.get(), random_bytes(16));
}

std::optional<std::string> encrypt_push(std::string_view plain, PushKeys const& keys,
                                        VapidKeys const& key, std::string_view salt) {
    Key const ours = key_of(key);
    return ours ? encrypt(plain, keys, ours.get(), salt) : std::nullopt;
}

std::string vapid_authorization(VapidKeys const& keys, std::string_view audience,
                                std::string_view subject, Timestamp expires) {
    Key const key = key_of(keys);
    if (!key) throw std::invalid_argument("the VAPID keys are none");
    std::string claims = "{\"aud\":";
    describe::encode_string(claims, audience);
    claims += ",\"exp\":" + std::to_string(expires.micros / 1'000'000) + ",\"sub\":";
    describe::encode_string(claims, subject);
    claims += '}';
    std::string const text =
        base64_url(R"({"typ":"JWT","alg":"ES256"})") + "." + base64_url(claims);
    return "vapid t=" + text + "." + base64_url(signed_es256(key.get(), text)) +
           ", k=" + keys.public_key;
}

} // namespace haat::outbound
