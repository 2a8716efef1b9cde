#include <kv/redis_url.hpp>

#include <charconv>

#include <boost/url.hpp>

namespace haat::kv {

namespace urls = boost::urls;

namespace {

[[noreturn]] void refuse(std::string const& cause) {
    throw RedisUrlError("REDIS_URL " + cause +
                        "; write redis://[user]:[password]@host:6379/0, or rediss:// for TLS");
}

int database_of(std::string_view text) {
    int number = 0;
    auto const [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || at != text.data() + text.size() || number < 0 || number > 65'535)
        refuse("names a database that is no number");
    return number;
}

void take_unix(RedisAddress& address, urls::url_view const& url) {
    address.socket = url.path();
    if (address.socket.empty() || address.socket.size() > 100)
        refuse("names no path of a socket, or one of more than 100 bytes");
    for (auto const& parameter : url.params())
        if (parameter.key == "db") address.database = database_of(parameter.value);
}

void take_host(RedisAddress& address, urls::url_view const& url) {
    if (!url.encoded_host().empty()) {
        address.host = url.host_type() == urls::host_type::ipv6 ? std::string(url.host_address())
                                                                : std::string(url.host());
    }
    if (url.has_port()) {
        if (url.port_number() == 0) refuse("names a port that is none");
        address.port = url.port_number();
    }
    std::string const path(url.path());
    if (path.size() > 1) address.database = database_of(std::string_view(path).substr(1));
}

} // namespace

std::string RedisAddress::name() const {
    if (!socket.empty()) return socket;
    bool const colons = host.find(':') != std::string::npos;
    return (colons ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

RedisAddress parse_redis_url(std::string_view text) {
    auto const parsed = urls::parse_uri(text);
    if (!parsed) refuse("is not a URL");
    urls::url_view const& url = *parsed;
    RedisAddress address;
    std::string const scheme(url.scheme());
    address.tls = scheme == "rediss";
    address.user = url.user();
    address.password = url.password();
    if (scheme == "unix")
        take_unix(address, url);
    else if (scheme == "redis" || scheme == "rediss")
        take_host(address, url);
    else
        refuse("begins with neither redis:// nor rediss://");
    return address;
}

} // namespace haat::kv
