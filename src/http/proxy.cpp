#include <http/proxy.hpp>

#include <charconv>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace haat::http {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::string_view unquoted(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
        return text.substr(1, text.size() - 2);
    return text;
}

/// Cuts the last element off a comma-separated list.
std::string_view cut_last(std::string_view& list) {
    auto const comma = list.rfind(',');
    std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
    return trimmed(last);
}

struct Hop {
    std::string_view from, host, proto;
};

Hop hop_of(std::string_view element) {
    Hop hop;
    while (!element.empty()) {
        auto const end = std::min(element.find(';'), element.size());
        std::string_view const pair = trimmed(element.substr(0, end));
        element.remove_prefix(std::min(end + 1, element.size()));
        auto const equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        std::string_view const name = pair.substr(0, equals);
        std::string_view const value = unquoted(pair.substr(equals + 1));
        if (same_word(name, "for"))
            hop.from = value;
        else if (same_word(name, "host"))
            hop.host = value;
        else if (same_word(name, "proto"))
            hop.proto = value;
    }
    return hop;
}

/// All lines of one header as one list, which is what the standard says they are.
std::string joined(std::span<Header const> headers, std::string_view name) {
    std::string all;
    for (Header const& header : headers) {
        if (!same_word(header.name, name)) continue;
        if (!all.empty()) all += ',';
        all += header.value;
    }
    return all;
}

std::string_view last_of(std::span<Header const> headers, std::string_view name) {
    std::string_view value;
    for (Header const& header : headers)
        if (same_word(header.name, name)) value = header.value;
    return cut_last(value);
}

/// A part of a header's own bytes that equals `text`, which was cut out of a joined copy.
std::string_view kept(std::span<Header const> headers, std::string_view name,
                      std::string_view text) {
    if (text.empty()) return {};
    for (Header const& header : headers) {
        if (!same_word(header.name, name)) continue;
        auto const at = header.value.find(text);
        if (at != std::string_view::npos) return header.value.substr(at, text.size());
    }
    return {};
}

} // namespace

std::optional<Address> Address::parse(std::string_view text) {
    if (text.starts_with('[')) {
        auto const end = text.find(']');
        if (end == std::string_view::npos) return {};
        text = text.substr(1, end - 1);
    } else if (text.find(':') != std::string_view::npos && text.find(':') == text.rfind(':')) {
        text = text.substr(0, text.find(':')); // v4 with a port
    }
    char buffer[INET6_ADDRSTRLEN + 1] = {};
    if (text.empty() || text.size() >= sizeof buffer) return {};
    std::memcpy(buffer, text.data(), text.size());
    Address address;
    if (inet_pton(AF_INET, buffer, address.bytes.data() + 12) == 1) {
        address.bytes[10] = address.bytes[11] = 0xff;
        return address;
    }
    if (inet_pton(AF_INET6, buffer, address.bytes.data()) == 1) return address;
    return {};
}

Address Address::of(sockaddr const& from) {
    Address address;
    if (from.sa_family == AF_INET) {
        address.bytes[10] = address.bytes[11] = 0xff;
        std::memcpy(address.bytes.data() + 12, &reinterpret_cast<sockaddr_in const&>(from).sin_addr,
                    4);
    } else if (from.sa_family == AF_INET6) {
        std::memcpy(address.bytes.data(), &reinterpret_cast<sockaddr_in6 const&>(from).sin6_addr,
                    16);
    }
    return address;
}

bool Address::is_v4() const {
    static constexpr unsigned char prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::memcmp(bytes.data(), prefix, 12) == 0;
}

bool Address::is_loopback() const {
    static constexpr unsigned char one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return is_v4() ? bytes[12] == 127 : std::memcmp(bytes.data(), one, 16) == 0;
}

std::string Address::text() const {
    char buffer[INET6_ADDRSTRLEN] = {};
    if (is_v4())
        inet_ntop(AF_INET, bytes.data() + 12, buffer, sizeof buffer);
    else
        inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
    return buffer;
}

TrustedProxies::TrustedProxies(std::vector<std::string> const& blocks) {
    for (std::string const& text : blocks) {
        std::string_view const whole = text;
        auto const slash = std::min(whole.find('/'), whole.size());
        auto const address = Address::parse(whole.substr(0, slash));
        if (!address) throw std::invalid_argument("not an address or CIDR block: " + text);
        int const size = address->is_v4() ? 32 : 128;
        int bits = size;
        if (slash < whole.size()) {
            auto const [end, problem] =
                std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
            if (problem != std::errc{} || end != text.data() + text.size() || bits < 0 ||
                bits > size)
                throw std::invalid_argument("not an address or CIDR block: " + text);
        }
        blocks_.push_back({*address, bits + 128 - size});
    }
}

bool TrustedProxies::trusts(Address const& address) const {
    for (Block const& block : blocks_) {
        auto const whole = static_cast<std::size_t>(block.bits / 8);
        int const rest = block.bits % 8;
        if (std::memcmp(block.address.bytes.data(), address.bytes.data(), whole) != 0) continue;
        if (rest == 0) return true;
        auto const mask = static_cast<unsigned char>(0xff << (8 - rest));
        if ((block.address.bytes[whole] & mask) == (address.bytes[whole] & mask)) return true;
    }
    return false;
}

TrustedProxies::Client TrustedProxies::client_of(std::span<Header const> headers,
                                                 Address const& peer) const {
    Client client;
    Address seen = peer;
    std::string const forwarded = joined(headers, "Forwarded");
    std::string const plain = forwarded.empty() ? joined(headers, "X-Forwarded-For") : "";
    std::string_view list = forwarded.empty() ? std::string_view(plain) : forwarded;
    std::string_view proto, host;
    while (!list.empty() && trusts(seen)) {
        std::string_view const element = cut_last(list);
        Hop const hop = forwarded.empty() ? Hop{element, {}, {}} : hop_of(element);
        // What the nearest trusted hop says of the outside is overruled by one further out.
        if (!hop.proto.empty()) proto = hop.proto;
        if (!hop.host.empty()) host = hop.host;
        auto const next = Address::parse(hop.from);
        if (!next) break; // "unknown" or "_hidden": the last address that is known stands
        seen = *next;
    }
    if (forwarded.empty()) {
        proto = last_of(headers, "X-Forwarded-Proto");
        client.host = last_of(headers, "X-Forwarded-Host");
    } else {
        client.host = kept(headers, "Forwarded", host);
    }
    if (!proto.empty()) client.secure = same_word(proto, "https") || same_word(proto, "wss");
    client.address = seen.text();
    return client;
}

} // namespace haat::http
