#include <outbound/address.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace haat::outbound {

namespace {

constexpr std::array<unsigned char, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Address from_v4(unsigned char const* four) {
    Address address;
    std::copy(v4_prefix.begin(), v4_prefix.end(), address.bytes.begin());
    std::copy_n(four, 4, address.bytes.begin() + 12);
    return address;
}

// IANA's special-purpose registries, and the addresses at which clouds answer their own guests.
constexpr std::string_view closed_v4[] = {
    "0.0.0.0/8",       // this network
    "10.0.0.0/8",      // private
    "100.64.0.0/10",   // shared between a provider and its customers; Alibaba's metadata
    "127.0.0.0/8",     // loopback
    "168.63.129.16",   // Azure's host, as its guests see it
    "169.254.0.0/16",  // link-local; everybody's metadata
    "172.16.0.0/12",   // private
    "192.0.0.0/24",    // protocol assignments; Oracle's metadata
    "192.0.2.0/24",    // documentation
    "192.88.99.0/24",  // 6to4 relays
    "192.168.0.0/16",  // private
    "198.18.0.0/15",   // benchmarks
    "198.51.100.0/24", // documentation
    "203.0.113.0/24",  // documentation
    "224.0.0.0/4",     // multicast
    "240.0.0.0/4",     // reserved, broadcast
};
constexpr std::string_view closed_v6[] = {
    "2001::/23",     // protocol assignments; Teredo wraps IPv4
    "2001:db8::/32", // documentation
    "2002::/16",     // 6to4 wraps IPv4
    "3fff::/20",     // documentation
};

std::vector<Network> parsed(std::span<std::string_view const> texts) {
    std::vector<Network> networks(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) parse(texts[i], networks[i]);
    return networks;
}

bool within(std::vector<Network> const& networks, Address const& address) {
    return std::any_of(networks.begin(), networks.end(),
                       [&](Network const& network) { return network.holds(address); });
}

Network network(std::string_view text) {
    Network network;
    parse(text, network);
    return network;
}

} // namespace

bool Address::is_v4() const {
    return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes.begin());
}

bool parse(std::string_view text, Address& out) {
    if (text.size() > 2 && text.front() == '[' && text.back() == ']')
        text = text.substr(1, text.size() - 2);
    if (text.size() > INET6_ADDRSTRLEN) return false;
    std::string const copy(text);
    in_addr four{};
    if (::inet_pton(AF_INET, copy.c_str(), &four) == 1) {
        out = from_v4(reinterpret_cast<unsigned char const*>(&four));
        return true;
    }
    return ::inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) == 1;
}

std::string to_string(Address const& address) {
    char buffer[INET6_ADDRSTRLEN]{};
    if (address.is_v4())
        ::inet_ntop(AF_INET, address.bytes.data() + 12, buffer, sizeof buffer);
    else
        ::inet_ntop(AF_INET6, address.bytes.data(), buffer, sizeof buffer);
    return buffer;
}

bool address_of(sockaddr const* from, Address& out) {
    if (from->sa_family == AF_INET) {
        sockaddr_in four{};
        std::memcpy(&four, from, sizeof four);
        out = from_v4(reinterpret_cast<unsigned char const*>(&four.sin_addr));
        return true;
    }
    if (from->sa_family != AF_INET6) return false;
    sockaddr_in6 six{};
    std::memcpy(&six, from, sizeof six);
    std::memcpy(out.bytes.data(), &six.sin6_addr, 16);
    return true;
}

bool Network::holds(Address const& address) const {
    auto const whole = static_cast<std::size_t>(bits / 8);
    if (!std::equal(base.bytes.begin(), base.bytes.begin() + std::ptrdiff_t(whole),
                    address.bytes.begin()))
        return false;
    int const rest = bits % 8;
    if (rest == 0) return true;
    unsigned const mask = (0xff00u >> rest) & 0xffu;
    return (base.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

bool parse(std::string_view text, Network& out) {
    auto const slash = std::min(text.find('/'), text.size());
    Network found;
    if (!parse(text.substr(0, slash), found.base)) return false;
    int const most = found.base.is_v4() ? 32 : 128;
    int bits = most;
    if (slash < text.size()) {
        auto const end = text.data() + text.size();
        auto const [at, error] = std::from_chars(text.data() + slash + 1, end, bits);
        if (error != std::errc() || at != end || bits < 0 || bits > most) return false;
    }
    found.bits = bits + 128 - most;
    out = found;
    return true;
}

bool is_public(Address const& address) {
    static std::vector<Network> const four = parsed(closed_v4);
    static std::vector<Network> const six = parsed(closed_v6);
    static Network const unicast = network("2000::/3");
    static Network const nat64 = network("64:ff9b::/96");
    if (address.is_v4()) return !within(four, address);
    // Where there is no IPv4, the world's IPv4 hosts are reached through this prefix.
    if (nat64.holds(address)) return !within(four, from_v4(address.bytes.data() + 12));
    return unicast.holds(address) && !within(six, address);
}

bool Guard::permits(Address const& address, Reach reach) const {
    return reach == Reach::house || is_public(address) || within(allowed_, address);
}

} // namespace haat::outbound
