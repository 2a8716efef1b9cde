#include <modules/identity/token.hpp>

#include <algorithm>
#include <stdexcept>

#include <sodium.h>

#include <describe/codec.hpp>

namespace haat::identity {

namespace {

constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

std::span<unsigned char const> bytes_of(std::string_view text) {
    return {reinterpret_cast<unsigned char const*>(text.data()), text.size()};
}

Key mac(std::span<unsigned char const> key, std::span<unsigned char const> text) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key.data(), key.size());
    crypto_auth_hmacsha256_update(&state, text.data(), text.size());
    Key out;
    crypto_auth_hmacsha256_final(&state, out.data());
    sodium_memzero(&state, sizeof state);
    return out;
}

void check_secrets(std::span<std::string const> secrets) {
    if (sodium_init() < 0) throw std::runtime_error("the system has no source of randomness");
    if (secrets.empty()) throw std::invalid_argument("no secret to sign tokens with");
}

constexpr std::size_t signature_letters = 43;

// A refresh token: version, user, session, secret, seal.
constexpr unsigned char version = 1;
constexpr std::size_t seal_size = 16;
constexpr std::size_t sealed_size = 1 + 16 + 16 + sizeof(Key);
constexpr std::size_t refresh_size = sealed_size + seal_size;
constexpr std::size_t refresh_letters = refresh_size / 3 * 4;
static_assert(refresh_size % 3 == 0, "no padding, so every token has one spelling");

using RefreshBytes = std::array<unsigned char, refresh_size>;

void put_seal(RefreshBytes& bytes, Key const& key) {
    Key const seal = mac(key, std::span(bytes).first(sealed_size));
    std::copy_n(seal.begin(), seal_size, bytes.begin() + sealed_size);
}

} // namespace

std::string to_base64(std::span<unsigned char const> bytes) {
    std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
    text.pop_back(); // the terminating zero
    return text;
}

std::optional<std::size_t> from_base64(std::string_view text, std::span<unsigned char> into) {
    std::size_t size = 0;
    int const outcome = sodium_base642bin(into.data(), into.size(), text.data(), text.size(),
                                          nullptr, &size, nullptr, variant);
    if (outcome != 0) return std::nullopt;
    return size;
}

// ---- access tokens

AccessTokens::AccessTokens(std::span<std::string const> secrets) {
    check_secrets(secrets);
    for (std::string const& secret : secrets) {
        Key const digest = mac(bytes_of("haat key id"), bytes_of(secret));
        std::string const header = R"({"alg":"HS256","typ":"JWT","kid":")" +
                                   to_base64(std::span(digest).first(6)) + R"("})";
        signers_.push_back({to_base64(bytes_of(header)), secret});
    }
}

std::string AccessTokens::write(Claims const& claims) const {
    Signer const& signer = signers_.front();
    std::string const payload = describe::to_json(claims);
    std::string token = signer.header + "." + to_base64(bytes_of(payload));
    Key const signature = mac(bytes_of(signer.secret), bytes_of(token));
    return token + "." + to_base64(signature);
}

Verdict AccessTokens::read(std::string_view token, Timestamp at, Claims& into) const {
    if (token.size() > bytes_max || token.size() <= signature_letters) return Verdict::invalid;
    std::size_t const dot = token.size() - signature_letters - 1;
    std::size_t const first_dot = token.find('.');
    if (token[dot] != '.' || first_dot >= dot) return Verdict::invalid;
    std::string_view const header = token.substr(0, first_dot);
    auto const signer = std::find_if(signers_.begin(), signers_.end(),
                                     [&](Signer const& each) { return each.header == header; });
    if (signer == signers_.end()) return Verdict::invalid;

    Key given;
    if (from_base64(token.substr(dot + 1), given) != sizeof given) return Verdict::invalid;
    Key const right = mac(bytes_of(signer->secret), bytes_of(token.substr(0, dot)));
    if (sodium_memcmp(given.data(), right.data(), right.size()) != 0) return Verdict::invalid;

    std::array<unsigned char, bytes_max> payload;
    auto const size = from_base64(token.substr(first_dot + 1, dot - first_dot - 1), payload);
    if (!size) return Verdict::invalid;
    std::string_view const json(reinterpret_cast<char const*>(payload.data()), *size);
    Claims claims;
    if (!describe::from_json(json, claims).empty()) return Verdict::invalid;
    std::int64_t const seconds = at.micros / 1'000'000;
    if (claims.iat > seconds + leeway_seconds || claims.exp <= claims.iat) return Verdict::invalid;
    into = claims;
    return seconds >= claims.exp ? Verdict::expired : Verdict::valid;
}

// ---- refresh tokens

RefreshTokens::RefreshTokens(std::span<std::string const> secrets) {
    check_secrets(secrets);
    for (std::string const& secret : secrets)
        keys_.push_back({mac(bytes_of(secret), bytes_of("haat refresh token seal")),
                         mac(bytes_of(secret), bytes_of("haat refresh token successor"))});
}

RefreshToken RefreshTokens::first(UserId user, SessionId session) const {
    RefreshToken token{.user = user, .session = session};
    randombytes_buf(token.secret.data(), token.secret.size());
    return token;
}

RefreshToken RefreshTokens::successor(RefreshToken const& token) const {
    std::array<unsigned char, sizeof(Key) + 16> text;
    auto const end = std::copy(token.secret.begin(), token.secret.end(), text.begin());
    std::copy(token.session.uuid.bytes.begin(), token.session.uuid.bytes.end(), end);
    RefreshToken next = token;
    next.secret = mac(keys_[token.key].next, text);
    next.key = 0;
    return next;
}

std::string RefreshTokens::write(RefreshToken const& token) const {
    RefreshBytes bytes;
    auto at = bytes.begin();
    *at++ = version;
    at = std::copy(token.user.uuid.bytes.begin(), token.user.uuid.bytes.end(), at);
    at = std::copy(token.session.uuid.bytes.begin(), token.session.uuid.bytes.end(), at);
    std::copy(token.secret.begin(), token.secret.end(), at);
    put_seal(bytes, keys_.front().seal);
    return to_base64(bytes);
}

std::optional<RefreshToken> RefreshTokens::read(std::string_view text) const {
    RefreshBytes bytes;
    if (text.size() != refresh_letters || from_base64(text, bytes) != refresh_size)
        return std::nullopt;
    if (bytes[0] != version) return std::nullopt;
    for (std::size_t key = 0; key < keys_.size(); ++key) {
        RefreshBytes right = bytes;
        put_seal(right, keys_[key].seal);
        if (sodium_memcmp(right.data(), bytes.data(), bytes.size()) != 0) continue;
        RefreshToken token{.key = key};
        std::copy_n(bytes.begin() + 1, 16, token.user.uuid.bytes.begin());
        std::copy_n(bytes.begin() + 17, 16, token.session.uuid.bytes.begin());
        std::copy_n(bytes.begin() + 33, sizeof(Key), token.secret.begin());
        return token;
    }
    return std::nullopt;
}

std::string RefreshTokens::hash(RefreshToken const& token) {
    Key digest;
    crypto_hash_sha256(digest.data(), token.secret.data(), token.secret.size());
    return to_base64(digest);
}

} // namespace haat::identity
