#include <kv/redis_scripts.hpp>

#include <openssl/sha.h>

namespace haat::kv {

Script::Script(std::string_view script) : text(script) {
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data());
    constexpr std::string_view digits = "0123456789abcdef";
    for (unsigned char const byte : digest) {
        hash += digits[byte >> 4];
        hash += digits[byte & 15];
    }
}

} // namespace haat::kv
