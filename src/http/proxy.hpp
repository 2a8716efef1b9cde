// Who the client is when trusted proxies stand between: Forwarded (RFC 7239) and X-Forwarded-*.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <http/message.hpp>

struct sockaddr;

namespace haat::http {

/// IPv4 is kept as ::ffff:a.b.c.d, so that one comparison serves both.
struct Address {
    std::array<unsigned char, 16> bytes{};

    static std::optional<Address> parse(std::string_view text); // with or without port, brackets
    static Address of(sockaddr const&);
    bool is_v4() const;
    bool is_loopback() const;
    std::string text() const;
    bool operator==(Address const&) const = default;
};

class TrustedProxies {
public:
    /// Throws std::invalid_argument for what is neither an address nor a CIDR block.
    explicit TrustedProxies(std::vector<std::string> const& blocks);
    bool trusts(Address const&) const;
    bool empty() const { return blocks_.empty(); }

    struct Client {
        std::string address;
        std::string_view host; // empty: as the request says
        std::optional<bool> secure;
    };
    /// Walks from the peer outwards as long as the hop is trusted; only for a trusted peer.
    Client client_of(std::span<Header const> headers, Address const& peer) const;

private:
    struct Block {
        Address address;
        int bits;
    };
    std::vector<Block> blocks_;
};

} // namespace haat::http
