#include <http/security_headers.hpp>

#include <charconv>

namespace haat::http {

#define HAAT_HELMET                                                                                \
    "Content-Security-Policy: default-src 'self'; style-src 'self' 'unsafe-inline'; "              \
    "script-src 'self'; img-src 'self' data: https:; font-src 'self' data:; "                      \
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'\r\n"           \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                                \
    "Origin-Agent-Cluster: ?1\r\n"                                                                 \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "X-DNS-Prefetch-Control: off\r\n"                                                              \
    "X-Download-Options: noopen\r\n"                                                               \
    "X-Frame-Options: SAMEORIGIN\r\n"                                                              \
    "X-Permitted-Cross-Domain-Policies: none\r\n"                                                  \
    "X-XSS-Protection: 0\r\n"

std::string_view security_headers(bool production) {
    static constexpr std::string_view always = HAAT_HELMET;
    static constexpr std::string_view with_hsts =
        HAAT_HELMET "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n";
    return production ? with_hsts : always;
}
#undef HAAT_HELMET

bool is_lan_origin(std::string_view origin) {
    std::size_t const scheme = origin.find("://");
    if (scheme == std::string_view::npos || !origin.starts_with("http")) return false;
    std::string_view host = origin.substr(scheme + 3);
    host = host.substr(0, host.find(':'));
    if (host.find_first_not_of("0123456789.") != std::string_view::npos) return host == "localhost";
    if (host.starts_with("10.") || host.starts_with("192.168.") || host.starts_with("127."))
        return true;
    if (!host.starts_with("172.")) return false;
    int second = 0;
    std::from_chars(host.data() + 4, host.data() + host.size(), second);
    return second >= 16 && second <= 31;
}

} // namespace haat::http
