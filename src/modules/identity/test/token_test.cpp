#include <gtest/gtest.h>

#include <sodium.h>

#include <base/clock.hpp>
#include <modules/identity/token.hpp>

namespace haat::identity {
namespace {

std::vector<std::string> const secrets{"a secret of at least thirty-two bytes, says haat"};
constexpr std::int64_t noon = 1'790'000'000;

Timestamp at(std::int64_t seconds) { return {seconds * 1'000'000}; }

Claims claims() {
    return {.sub = new_id<User>(),
            .sid = new_id<Session>(),
            .jti = new_uuid(),
            .iat = noon,
            .exp = noon + 900,
            .role = PlatformRole::admin};
}

std::string encode(std::string_view text) {
    return to_base64({reinterpret_cast<unsigned char const*>(text.data()), text.size()});
}

/// A token signed by the right secret, whatever it says.
std::string forge(std::string_view header, std::string_view payload, std::string_view secret) {
    std::string token = encode(header) + "." + encode(payload);
    Key signature;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<unsigned char const*>(secret.data()),
                                secret.size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<unsigned char const*>(token.data()),
                                  token.size());
    crypto_auth_hmacsha256_final(&state, signature.data());
    return token + "." + to_base64(signature);
}

std::string header_of(std::string const& token) {
    std::array<unsigned char, 256> bytes{};
    auto const size = from_base64(token.substr(0, token.find('.')), bytes);
    return {reinterpret_cast<char const*>(bytes.data()), *size};
}
std::string payload_of(std::string const& token) {
    std::size_t const dot = token.find('.');
    std::array<unsigned char, 1024> bytes{};
    auto const size = from_base64(token.substr(dot + 1, token.rfind('.') - dot - 1), bytes);
    return {reinterpret_cast<char const*>(bytes.data()), *size};
}

TEST(AccessToken, SaysWhatWasWritten) {
    AccessTokens const tokens(secrets);
    Claims const written = claims();
    Claims read;
    ASSERT_EQ(tokens.read(tokens.write(written), at(noon + 899), read), Verdict::valid);
    EXPECT_EQ(read.sub, written.sub);
    EXPECT_EQ(read.sid, written.sid);
    EXPECT_EQ(read.jti, written.jti);
    EXPECT_EQ(read.exp, written.exp);
    EXPECT_EQ(read.role, PlatformRole::admin);
}

// RFC 4231, test case 2: the code that signs is HMAC-SHA256 and nothing else.
TEST(AccessToken, SignatureIsThatOfAnybodysLibrary) {
    Key code;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<unsigned char const*>("Jefe"), 4);
    crypto_auth_hmacsha256_update(
        &state, reinterpret_cast<unsigned char const*>("what do ya want for nothing?"), 28);
    crypto_auth_hmacsha256_final(&state, code.data());
    EXPECT_EQ(to_base64(code), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");

    AccessTokens const tokens(secrets);
    std::string const token = tokens.write(claims());
    EXPECT_TRUE(header_of(token).starts_with(R"({"alg":"HS256","typ":"JWT","kid":")"));
    EXPECT_EQ(forge(header_of(token), payload_of(token), secrets.front()), token);
}

TEST(AccessToken, EndsToTheSecond) {
    AccessTokens const tokens(secrets);
    std::string const token = tokens.write(claims());
    Claims read;
    EXPECT_EQ(tokens.read(token, at(noon + 900), read), Verdict::expired);
    EXPECT_EQ(tokens.read(token, at(noon - 5), read), Verdict::valid); // a clock that lags
    EXPECT_EQ(tokens.read(token, at(noon - 6), read), Verdict::invalid);
}

TEST(AccessToken, NoOtherAlgorithmAndNoOtherKey) {
    AccessTokens const tokens(secrets);
    std::string const good = tokens.write(claims());
    std::string const payload = payload_of(good);
    std::string const own = header_of(good);
    std::string const kid = own.substr(own.find("\"kid\""));
    Claims read;
    auto const verdict = [&](std::string const& token) {
        return tokens.read(token, at(noon), read);
    };
    std::string const& secret = secrets.front();
    EXPECT_EQ(verdict(forge(own, payload, secret)), Verdict::valid);
    for (std::string const header :
         {R"({"alg":"none"})", R"({"alg":"none","typ":"JWT"})", R"({"alg":"None","typ":"JWT"})",
          R"({"alg":"HS256","typ":"JWT"})", R"({"alg":"HS512","typ":"JWT","kid":"x"})",
          R"({"alg":"RS256","typ":"JWT","kid":"x"})", R"({"alg":"HS256","typ":"JWT","kid":"../x"})",
          R"({"alg":"HS256","typ":"JWT","kid":"' or 1=1"})", R"({})", R"()", R"([])"})
        EXPECT_EQ(verdict(forge(header, payload, secret)), Verdict::invalid) << header;
    EXPECT_EQ(verdict(forge(R"({"alg":"none","typ":"JWT",)" + kid, payload, secret)),
              Verdict::invalid);
    EXPECT_EQ(verdict(forge(own, payload, "another secret of thirty-two bytes")), Verdict::invalid);
    std::string const unsigned_token = encode(R"({"alg":"none"})") + "." + encode(payload) + ".";
    EXPECT_EQ(verdict(unsigned_token), Verdict::invalid);
}

TEST(AccessToken, NoOtherPayload) {
    AccessTokens const tokens(secrets);
    std::string const good = tokens.write(claims());
    std::string const header = header_of(good);
    Claims read;
    for (std::string const payload :
         {"", "{}", "[]", "null", "\"x\"", R"({"sub":"x"})", R"({"exp":9999999999,"iat":1})"})
        EXPECT_EQ(tokens.read(forge(header, payload, secrets.front()), at(noon), read),
                  Verdict::invalid)
            << payload;
    Claims backwards = claims();
    backwards.exp = backwards.iat;
    EXPECT_EQ(tokens.read(tokens.write(backwards), at(noon), read), Verdict::invalid);
}

TEST(AccessToken, EveryChangedLetterAndEveryCutIsSeen) {
    AccessTokens const tokens(secrets);
    std::string const good = tokens.write(claims());
    Claims read;
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_EQ(tokens.read(changed, at(noon), read), Verdict::invalid) << i;
        EXPECT_EQ(tokens.read(good.substr(0, i), at(noon), read), Verdict::invalid) << i;
        EXPECT_EQ(tokens.read(good.substr(i + 1), at(noon), read), Verdict::invalid) << i;
    }
    for (std::string const more : {"=", ".", "A", " ", "\n"})
        EXPECT_EQ(tokens.read(good + more, at(noon), read), Verdict::invalid);
}

TEST(AccessToken, HugeOnesAreNotLookedAt) {
    AccessTokens const tokens(secrets);
    std::string const good = tokens.write(claims());
    Claims read;
    EXPECT_EQ(tokens.read(std::string(1'000'000, 'A'), at(noon), read), Verdict::invalid);
    EXPECT_EQ(tokens.read(good + std::string(2'000, '.'), at(noon), read), Verdict::invalid);
    std::string const fat = forge(header_of(good), std::string(2'000, ' '), secrets.front());
    EXPECT_EQ(tokens.read(fat, at(noon), read), Verdict::invalid);
}

TEST(AccessToken, AnOldSecretVerifiesUntilItIsTakenAway) {
    std::string const& old_secret = secrets.front();
    std::string const new_secret = "the next secret of at least thirty-two bytes";
    std::string const token = AccessTokens(secrets).write(claims());
    Claims read;
    std::vector<std::string> const both{new_secret, old_secret};
    std::vector<std::string> const only_new{new_secret};
    EXPECT_EQ(AccessTokens(both).read(token, at(noon), read), Verdict::valid);
    EXPECT_EQ(AccessTokens(only_new).read(token, at(noon), read), Verdict::invalid);
    std::string const fresh = AccessTokens(both).write(claims());
    EXPECT_EQ(AccessTokens(only_new).read(fresh, at(noon), read), Verdict::valid);
}

TEST(RefreshToken, SaysWhatWasWritten) {
    RefreshTokens const tokens(secrets);
    RefreshToken const first = tokens.first(new_id<User>(), new_id<Session>());
    std::optional<RefreshToken> const read = tokens.read(tokens.write(first));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->user, first.user);
    EXPECT_EQ(read->session, first.session);
    EXPECT_EQ(read->secret, first.secret);
    EXPECT_EQ(RefreshTokens::hash(*read).size(), 43u);
}

TEST(RefreshToken, SuccessorIsAlwaysTheSameAndNeverForeseen) {
    RefreshTokens const tokens(secrets);
    RefreshToken const first = tokens.first(new_id<User>(), new_id<Session>());
    std::string const next = tokens.write(tokens.successor(first));
    EXPECT_EQ(tokens.write(tokens.successor(*tokens.read(tokens.write(first)))), next);
    EXPECT_NE(next, tokens.write(first));
    EXPECT_NE(tokens.write(tokens.successor(tokens.successor(first))), next);
    std::vector<std::string> const others{"another secret of at least thirty-two bytes"};
    EXPECT_NE(RefreshTokens(others).successor(first).secret, tokens.successor(first).secret);
}

TEST(RefreshToken, AnOldSecretGivesTheSameSuccessorOnEveryNode) {
    RefreshTokens const before(secrets);
    std::vector<std::string> const both{"the next secret of at least thirty-two bytes",
                                        secrets.front()};
    RefreshTokens const after(both);
    std::string const token = before.write(before.first(new_id<User>(), new_id<Session>()));
    EXPECT_EQ(before.successor(*before.read(token)).secret,
              after.successor(*after.read(token)).secret);
}

TEST(RefreshToken, OnlyOursAreRead) {
    RefreshTokens const tokens(secrets);
    std::string const good = tokens.write(tokens.first(new_id<User>(), new_id<Session>()));
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(tokens.read(changed)) << i;
        EXPECT_FALSE(tokens.read(good.substr(0, i))) << i;
    }
    EXPECT_FALSE(tokens.read(good + "A"));
    EXPECT_FALSE(tokens.read(std::string(1'000'000, 'A')));
    EXPECT_FALSE(tokens.read(std::string(good.size(), '=')));
    std::vector<std::string> const others{"another secret of at least thirty-two bytes"};
    EXPECT_FALSE(RefreshTokens(others).read(good));
}

} // namespace
} // namespace haat::identity
