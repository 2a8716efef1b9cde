// Access tokens (JWT, HS256) and refresh tokens (opaque, sealed). No I/O.
//
// The first secret signs; all of them verify, so that a secret can be replaced without signing
// anybody out.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <access/access.hpp>
#include <base/words.hpp>
#include <describe/describe.hpp>

namespace haat::identity {

using Key = std::array<unsigned char, 32>;

struct Claims {
    UserId sub;
    SessionId sid;
    Uuid jti;
    std::int64_t iat = 0; // seconds since 1970
    std::int64_t exp = 0;
    PlatformRole role = PlatformRole::customer;
};
HAAT_DESCRIBE(Claims, sub, sid, jti, iat, exp, role)

enum class Verdict : std::uint8_t { valid, expired, invalid };

class AccessTokens {
public:
    static constexpr std::size_t bytes_max = 1024;
    /// A node's clock may run behind that of the node which made the token.
    static constexpr std::int64_t leeway_seconds = 5;

    explicit AccessTokens(std::span<std::string const> secrets);

    std::string write(Claims const&) const;

    /// Only tokens as this class writes them: the header is compared as text, so that there is no
    /// algorithm to choose and none to confuse. `into` is set unless the verdict is invalid.
    Verdict read(std::string_view token, Timestamp at, Claims& into) const;

private:
    struct Signer {
        std::string header; // base64url, with the key's id
        std::string secret;
    };
    std::vector<Signer> signers_;
};

/// What a refresh token holds. Its secret is known to the client alone; the database has a hash.
struct RefreshToken {
    UserId user;
    SessionId session;
    Key secret{};
    std::size_t key = 0; // which of our keys sealed it
};

class RefreshTokens {
public:
    explicit RefreshTokens(std::span<std::string const> secrets);

    RefreshToken first(UserId, SessionId) const;

    /// Always the same one for the same token, so that two tabs which refresh at once go on with
    /// one successor although only hashes are stored. Nobody without our key can foresee it.
    RefreshToken successor(RefreshToken const&) const;

    std::string write(RefreshToken const&) const;

    /// Nothing unless it is one of ours: a token that was replaced long ago still is, which is how
    /// its reuse is told from a guess.
    std::optional<RefreshToken> read(std::string_view text) const;

    /// What the database keeps.
    static std::string hash(RefreshToken const&);

private:
    struct Keys {
        Key seal;
        Key next;
    };
    std::vector<Keys> keys_;
};

/// base64url without padding.
std::string to_base64(std::span<unsigned char const>);
/// The bytes written, or nothing: bad letters, stray bits, or more than `into` holds.
std::optional<std::size_t> from_base64(std::string_view text, std::span<unsigned char> into);

} // namespace haat::identity
