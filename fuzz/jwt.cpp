// Access and refresh tokens from strangers. Nothing a fuzzer finds may pass, and what we write
// must.
#include <cstdlib>
#include <cstring>

#include <modules/identity/token.hpp>

using namespace haat;
using namespace haat::identity;

namespace {

std::vector<std::string> const secrets{"a secret that the fuzzer does not know, we hope so"};
AccessTokens const access_tokens{secrets};
RefreshTokens const refresh_tokens{secrets};
constexpr std::int64_t noon = 1'790'000'000;

void demand(bool holds) {
    if (!holds) std::abort();
}

/// A good token with bytes of the input laid over it: gets past the first checks.
void read_spoiled(std::string_view input) {
    Claims claims{.iat = noon, .exp = noon + 900};
    std::string token = access_tokens.write(claims);
    std::string const good = token;
    for (std::size_t i = 0; i + 1 < input.size(); i += 2)
        token[static_cast<unsigned char>(input[i]) * 2 % token.size()] = input[i + 1];
    Claims read;
    Verdict const verdict = access_tokens.read(token, {noon * 1'000'000}, read);
    demand((verdict == Verdict::valid) == (token == good));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    Claims claims;
    demand(access_tokens.read(input, {noon * 1'000'000}, claims) == Verdict::invalid);
    demand(!refresh_tokens.read(input));
    read_spoiled(input);
    return 0;
}
