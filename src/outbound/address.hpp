// Internet addresses, and which of them a stranger's URL may lead to.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace haat::outbound {

/// Sixteen bytes; IPv4 as ::ffff:a.b.c.d.
struct Address {
    std::array<unsigned char, 16> bytes{};
    auto operator<=>(Address const&) const = default;
    bool is_v4() const;
};

/// "192.0.2.1", "2001:db8::1" or the latter in brackets; no names, no other spellings.
bool parse(std::string_view text, Address& out);
std::string to_string(Address const&);
/// False for anything but IPv4 and IPv6.
bool address_of(sockaddr const* from, Address& out);

/// "10.0.0.0/8", "fd00::/8" or one address.
struct Network {
    Address base;
    int bits = 128; // of the sixteen bytes
    bool holds(Address const&) const;
};
bool parse(std::string_view text, Network& out);

/// Who wrote the URL decides where it may lead.
enum class Reach : std::uint8_t {
    world, // anybody: public addresses only
    house  // the operator, in the settings: anything, the neighbours in the rack too
};

/// Public in the sense that everybody may ask it: not private, not shared, not local, not a
/// machine's view of its own cloud, and not one of these wrapped in an IPv6 address.
bool is_public(Address const&);

/// What the open-socket callback, the resolver and the redirects ask.
class Guard {
public:
    explicit Guard(std::vector<Network> allowed = {}) : allowed_(std::move(allowed)) {}
    bool permits(Address const& address, Reach reach) const;

private:
    std::vector<Network> allowed_; // though they are not public
};

} // namespace haat::outbound
