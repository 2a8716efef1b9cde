// The small things around requests and replies: names, headers, URLs.
#include <outbound/client.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>

#include <curl/curl.h>

#include <base/clock.hpp>

namespace haat::outbound {

std::string_view name_of(Method method) {
    static constexpr std::string_view names[] = {"GET",   "HEAD",   "POST",   "PUT",
                                                 "PATCH", "DELETE", "OPTIONS"};
    return names[static_cast<std::size_t>(method)];
}

std::string_view Reply::header(std::string_view name) const {
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    for (Header const& header : headers)
        if (header.name.size() == name.size() &&
            std::equal(name.begin(), name.end(), header.name.begin(),
                       [&](char a, char b) { return lower(a) == lower(b); }))
            return header.value;
    return {};
}

std::optional<std::chrono::seconds> Reply::retry_after() const {
    std::string const text(header("Retry-After"));
    if (text.empty()) return std::nullopt;
    constexpr std::int64_t longest = 7 * 86'400;
    std::int64_t seconds = 0;
    auto const end = text.data() + text.size();
    auto const [at, error] = std::from_chars(text.data(), end, seconds);
    if (error == std::errc() && at == end)
        return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, longest));
    std::time_t const date = curl_getdate(text.c_str(), nullptr);
    if (date < 0) return std::nullopt;
    return std::chrono::seconds(
        std::clamp<std::int64_t>(date - now().micros / 1'000'000, 0, longest));
}

Request json_request(std::string url, std::string body) {
    Request request;
    request.method = Method::post;
    request.url = std::move(url);
    request.body = std::move(body);
    request.headers.push_back({"Content-Type", "application/json"});
    return request;
}

std::string percent_encoded(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    constexpr std::string_view plain = "-._~";
    std::string out;
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        bool const kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || plain.find(c) != plain.npos;
        if (kept) {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

std::string form_encoded(std::vector<Header> const& fields) {
    std::string out;
    for (Header const& field : fields)
        out += (out.empty() ? "" : "&") + percent_encoded(field.name) + "=" +
               percent_encoded(field.value);
    return out;
}

void expect_ok(Reply const& reply, std::string_view host) {
    if (reply.ok()) return;
    Error error(ErrorKind::status, std::string(host) + " answered " + std::to_string(reply.status));
    error.status = reply.status;
    error.body = reply.body.substr(0, 4'096);
    error.retry_after = reply.retry_after();
    throw error;
}

std::string masked_url(std::string_view url, bool path_secret) {
    url = url.substr(0, url.find('#'));
    auto const query = std::min(url.find('?'), url.size());
    auto const scheme = url.find("://");
    auto const host = scheme == url.npos ? 0 : scheme + 3;
    auto const path = std::min(url.find('/', host), query);
    // Before an @ stands what nobody should have written there.
    auto const at = url.substr(host, path - host).rfind('@');
    std::string out(url.substr(0, host));
    out += at == url.npos ? url.substr(host, path - host)
                          : "***" + std::string(url.substr(host + at, path - host - at));
    out += path_secret && path < query ? std::string_view("/***") : url.substr(path, query - path);
    if (query == url.size()) return out;
    std::string_view rest = url.substr(query + 1);
    for (char mark = '?'; !rest.empty(); mark = '&') {
        auto const end = std::min(rest.find('&'), rest.size());
        auto const name = rest.substr(0, std::min(rest.find('='), end));
        out += mark;
        if (name.size() < end) out.append(name).append("="); // else it is all value
        out += "***";
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
}

} // namespace haat::outbound
