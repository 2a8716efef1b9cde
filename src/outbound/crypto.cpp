#include <outbound/crypto.hpp>

#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

namespace haat::outbound {

namespace {

unsigned char const* bytes_of(std::string_view text) {
    return reinterpret_cast<unsigned char const*>(text.data());
}
unsigned char* room_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string digest(EVP_MD const* kind, std::string_view bytes) {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), room_of(out), &size, kind, nullptr) != 1)
        throw std::runtime_error("OpenSSL cannot hash");
    out.resize(size);
    return out;
}

std::string mac(EVP_MD const* kind, std::string_view key, std::string_view bytes) {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    if (HMAC(kind, key.data(), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(),
             room_of(out), &size) == nullptr)
        throw std::runtime_error("OpenSSL cannot sign");
    out.resize(size);
    return out;
}

std::string in_base64(std::string_view bytes, int variant) {
    std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(out.data(), out.size(), bytes_of(bytes), bytes.size(), variant);
    out.pop_back(); // the terminating zero
    return out;
}

} // namespace

std::string sha256(std::string_view bytes) { return digest(EVP_sha256(), bytes); }
std::string md5_base64(std::string_view bytes) { return base64(digest(EVP_md5(), bytes)); }
std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    return mac(EVP_sha256(), key, bytes);
}
std::string hmac_sha1(std::string_view key, std::string_view bytes) {
    return mac(EVP_sha1(), key, bytes);
}

std::string hex(std::string_view bytes) {
    std::string out(bytes.size() * 2 + 1, '\0');
    sodium_bin2hex(out.data(), out.size(), bytes_of(bytes), bytes.size());
    out.pop_back();
    return out;
}

bool from_hex(std::string_view text, std::string& out) {
    std::string bytes(text.size() / 2, '\0');
    std::size_t size = 0;
    char const* end = nullptr;
    if (sodium_hex2bin(room_of(bytes), bytes.size(), text.data(), text.size(), nullptr, &size,
                       &end) != 0 ||
        end != text.data() + text.size())
        return false;
    out = std::move(bytes);
    return true;
}

std::string base64(std::string_view bytes) {
    return in_base64(bytes, sodium_base64_VARIANT_ORIGINAL);
}
std::string base64_url(std::string_view bytes) {
    return in_base64(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool from_base64(std::string_view text, std::string& out) {
    std::string plain(text);
    for (int i = 0; i < 2 && plain.ends_with('='); ++i) plain.pop_back();
    for (char& c : plain) {
        if (c == '+') c = '-';
        if (c == '/') c = '_';
    }
    std::string bytes(plain.size() / 4 * 3 + 3, '\0');
    std::size_t size = 0;
    if (sodium_base642bin(room_of(bytes), bytes.size(), plain.data(), plain.size(), nullptr, &size,
                          nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    bytes.resize(size);
    out = std::move(bytes);
    return true;
}

bool same_bytes(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    randombytes_buf(out.data(), count);
    return out;
}

bool signed_by_meta(std::string_view app_secret, std::string_view body, std::string_view header) {
    std::string given;
    if (!header.starts_with("sha256=") || !from_hex(header.substr(7), given)) return false;
    return !app_secret.empty() && same_bytes(given, hmac_sha256(app_secret, body));
}

} // namespace haat::outbound
