#include <outbound/sigv4.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <base/text_forms.hpp>
#include <outbound/crypto.hpp>

namespace haat::outbound {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

/// 20150830T123600Z
std::string stamp(Timestamp at) {
    std::string const text = to_string(at); // 2015-08-30T12:36:00.000Z
    std::string out;
    for (char const c : text.substr(0, 19))
        if (c != '-' && c != ':') out += c;
    return out + "Z";
}

struct Parts {
    std::string host;
    std::string path;
    std::string query;
};
Parts parts_of(std::string_view url) {
    Parts parts;
    url = url.substr(0, url.find('#'));
    auto const begin = url.find("://") + 3;
    auto const path = std::min(url.find_first_of("/?", begin), url.size());
    auto const query = std::min(url.find('?', path), url.size());
    parts.host = url.substr(begin, path - begin);
    // The port that goes without saying is not sent, and not signed.
    std::string_view const standard = url.starts_with("https") ? ":443" : ":80";
    if (parts.host.ends_with(standard)) parts.host.resize(parts.host.size() - standard.size());
    parts.path = url.substr(path, query - path);
    if (query < url.size()) parts.query = url.substr(query + 1);
    return parts;
}

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string byte;
        if (text[i] == '%' && i + 2 < text.size() && from_hex(text.substr(i + 1, 2), byte)) {
            out += byte;
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> segments;
    for (std::size_t at = 0; at <= path.size();) {
        auto const slash = std::min(path.find('/', at), path.size());
        segments.push_back(path.substr(at, slash - at));
        at = slash + 1;
    }
    return segments;
}

std::string canonical_path(std::string_view path, bool s3) {
    if (path.empty()) return "/";
    std::string out;
    if (s3) {
        for (std::string_view const segment : segments_of(path.substr(1)))
            out += "/" + percent_encoded(decoded(segment));
        return out;
    }
    std::vector<std::string_view> kept;
    bool const folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    for (std::string_view const segment : segments_of(path)) {
        if (segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (!segment.empty() && segment != ".") {
            kept.push_back(segment);
        }
    }
    for (std::string_view const segment : kept) out += "/" + percent_encoded(segment);
    return out.empty() || folder ? out + "/" : out;
}

std::string canonical_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> fields;
    for (std::size_t at = 0; at < query.size();) {
        auto const end = std::min(query.find('&', at), query.size());
        std::string_view const field = query.substr(at, end - at);
        auto const equals = std::min(field.find('='), field.size());
        std::string_view const value =
            equals < field.size() ? field.substr(equals + 1) : std::string_view();
        if (!field.empty())
            fields.emplace_back(percent_encoded(decoded(field.substr(0, equals))),
                                percent_encoded(decoded(value)));
        at = end + 1;
    }
    std::sort(fields.begin(), fields.end());
    std::string out;
    for (auto const& [name, value] : fields)
        out.append(out.empty() ? "" : "&").append(name).append("=").append(value);
    return out;
}

/// Trimmed, with single spaces inside.
std::string collapsed(std::string_view value) {
    std::string out;
    for (char const c : trimmed(value)) {
        bool const space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (!space)
            out += c;
        else if (!out.ends_with(' '))
            out += ' ';
    }
    return out;
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return text;
}

std::string signed_names(std::vector<Header> const& headers) {
    std::set<std::string> names{"host"};
    for (Header const& header : headers) names.insert(lower(header.name));
    std::string out;
    for (std::string const& name : names) out += (out.empty() ? "" : ";") + name;
    return out;
}

std::string scope_text(AwsScope const& scope, std::string_view date) {
    return std::string(date) + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

std::string date_of(Timestamp at) { return stamp(at).substr(0, 8); }

} // namespace

Signing signing_of(Request const& request, std::string const& payload_hash, AwsKey const& key,
                   AwsScope const& scope, Timestamp at) {
    Parts const parts = parts_of(request.url);
    std::map<std::string, std::string> headers;
    headers["host"] = parts.host;
    for (Header const& header : request.headers) {
        std::string const name = lower(header.name);
        std::string& value = headers[name];
        bool const first = value.empty() || name == "host";
        if (first) value.clear();
        value.append(first ? "" : ",").append(collapsed(header.value));
    }
    Signing signing;
    std::string lines;
    for (auto const& [name, value] : headers)
        lines.append(name).append(":").append(value).append("\n");
    signing.signed_headers = signed_names(request.headers);
    signing.canonical_request = std::string(name_of(request.method)) + "\n" +
                                canonical_path(parts.path, scope.s3()) + "\n" +
                                canonical_query(parts.query) + "\n" + lines + "\n" +
                                signing.signed_headers + "\n" + payload_hash;
    std::string const date = date_of(at);
    signing.string_to_sign = std::string(algorithm) + "\n" + stamp(at) + "\n" +
                             scope_text(scope, date) + "\n" +
                             hex(sha256(signing.canonical_request));
    std::string secret = hmac_sha256("AWS4" + key.secret.value, date);
    for (std::string_view const step :
         {std::string_view(scope.region), std::string_view(scope.service),
          std::string_view("aws4_request")})
        secret = hmac_sha256(secret, step);
    signing.signature = hex(hmac_sha256(secret, signing.string_to_sign));
    return signing;
}

void sign(Request& request, AwsKey const& key, AwsScope const& scope, Timestamp at,
          std::string payload_hash) {
    if (payload_hash.empty()) payload_hash = hex(sha256(request.body));
    request.headers.push_back({"X-Amz-Date", stamp(at)});
    if (scope.s3()) request.headers.push_back({"X-Amz-Content-Sha256", payload_hash});
    if (!key.session_token.empty())
        request.headers.push_back({"X-Amz-Security-Token", key.session_token});
    Signing const signing = signing_of(request, payload_hash, key, scope, at);
    request.headers.push_back({"Authorization", std::string(algorithm) + " Credential=" + key.id +
                                                    "/" + scope_text(scope, date_of(at)) +
                                                    ", SignedHeaders=" + signing.signed_headers +
                                                    ", Signature=" + signing.signature});
}

std::string presign(Presigned const& what, AwsKey const& key, AwsScope const& scope, Timestamp at) {
    Request request;
    request.method = what.method;
    request.url = what.url.substr(0, what.url.find('#'));
    request.headers = what.headers;
    std::vector<Header> fields = {
        {"X-Amz-Algorithm", std::string(algorithm)},
        {"X-Amz-Credential", key.id + "/" + scope_text(scope, date_of(at))},
        {"X-Amz-Date", stamp(at)},
        {"X-Amz-Expires", std::to_string(what.lifetime.count())}};
    if (!key.session_token.empty()) fields.push_back({"X-Amz-Security-Token", key.session_token});
    fields.push_back({"X-Amz-SignedHeaders", signed_names(what.headers)});
    bool const has_query = request.url.find('?') != request.url.npos;
    request.url += (has_query ? "&" : "?") + form_encoded(fields);
    std::string const payload(scope.s3() ? std::string(unsigned_payload) : hex(sha256("")));
    Signing const signing = signing_of(request, payload, key, scope, at);
    return request.url + "&X-Amz-Signature=" + signing.signature;
}

} // namespace haat::outbound
