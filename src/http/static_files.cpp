#include <http/static_files.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <http/response_head.hpp>

namespace haat::http {

namespace {

struct Described {
    std::uint64_t size = 0;
    std::string etag;
    std::time_t modified = 0; // 0: not known
    std::string_view type;
    bool immutable = false;
};

struct Range {
    std::uint64_t first = 0, length = 0;
    bool satisfiable = true;
};

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || problem != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

/// One range; nullopt for none, for several and for nonsense: then the whole is the answer.
std::optional<Range> range_of(std::string_view header, std::uint64_t size) {
    if (!header.starts_with("bytes=") || header.find(',') != std::string_view::npos) return {};
    header.remove_prefix(6);
    auto const dash = header.find('-');
    if (dash == std::string_view::npos) return {};
    auto const first = number(header.substr(0, dash)), last = number(header.substr(dash + 1));
    Range range;
    if (dash == 0) { // the last so many bytes
        if (!last) return {};
        range.length = std::min(*last, size);
        range.first = size - range.length;
        range.satisfiable = range.length > 0;
        return range;
    }
    bool const open = dash + 1 == header.size();
    if (!first || (!open && !last) || (last && *last < *first)) return {};
    range.satisfiable = *first < size;
    if (!range.satisfiable) return range;
    range.first = *first;
    range.length = (open ? size - 1 : std::min(*last, size - 1)) - *first + 1;
    return range;
}

std::string_view opaque(std::string_view tag) {
    while (!tag.empty() && tag.front() == ' ') tag.remove_prefix(1);
    while (!tag.empty() && tag.back() == ' ') tag.remove_suffix(1);
    return tag.starts_with("W/") ? tag.substr(2) : tag;
}

bool unchanged(Request const& request, Described const& file) {
    std::string_view list = request.header("If-None-Match");
    if (!list.empty()) {
        while (!list.empty()) {
            auto const comma = std::min(list.find(','), list.size());
            std::string_view const tag = opaque(list.substr(0, comma));
            if (tag == "*" || tag == file.etag) return true;
            list.remove_prefix(std::min(comma + 1, list.size()));
        }
        return false;
    }
    std::time_t const since = from_http_date(request.header("If-Modified-Since"));
    return since > 0 && file.modified > 0 && file.modified <= since;
}

bool range_still_fits(Request const& request, Described const& file) {
    std::string_view const condition = request.header("If-Range");
    if (condition.empty() || condition == file.etag) return true;
    std::time_t const date = from_http_date(condition);
    return date > 0 && date == file.modified;
}

/// Everything but the bytes; `range` says which of them.
Response head_for(Request const& request, Described const& file, Range& range) {
    Response response;
    response.header("ETag", file.etag);
    if (file.modified > 0) response.header("Last-Modified", http_date(file.modified));
    response.header("Cache-Control",
                    file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
    range = {0, file.size, true};
    if (unchanged(request, file)) {
        response.status = 304;
        return response;
    }
    response.header("Accept-Ranges", "bytes");
    std::optional<Range> const asked =
        request.method == Method::get && range_still_fits(request, file)
            ? range_of(request.header("Range"), file.size)
            : std::nullopt;
    if (!asked) {
        response.header("Content-Type", file.type);
        return response;
    }
    range = *asked;
    response.compressible = false;
    if (!range.satisfiable) {
        response.status = 416;
        response.header("Content-Range", fmt::format("bytes */{}", file.size));
        return response;
    }
    response.status = 206;
    response.header("Content-Type", file.type);
    response.header("Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                                 range.first + range.length - 1, file.size));
    return response;
}

std::string digest_tag(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
    std::string tag = "\"";
    for (std::size_t i = 0; i < 12; ++i) tag += fmt::format("{:02x}", digest[i]);
    return tag + '"';
}

int hex_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool segment_is_safe(std::string_view segment) {
    if (segment == ".well-known") return true;
    return !segment.starts_with('.'); // ".", "..", and what its owner meant to hide
}

} // namespace

struct StaticFiles::Asset {
    Described file;
    std::shared_ptr<SharedBody> body = std::make_shared<SharedBody>();
};

StaticFiles::StaticFiles(Options options) : options_(std::move(options)) {
    if (options_.embedded) return;
    directory_ = ::open(options_.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_ < 0)
        throw std::system_error(errno, std::generic_category(),
                                "cannot open the directory " + options_.directory);
}
StaticFiles::~StaticFiles() {
    if (directory_ >= 0) ::close(directory_);
}

std::optional<Response> StaticFiles::answer(Request const& request, std::string_view encoded) {
    if (request.method != Method::get && request.method != Method::head) return {};
    std::optional<std::string> path = safe_path(encoded);
    if (!path) return {};
    if (path->empty() || path->ends_with('/')) {
        if (options_.index.empty()) return {};
        path->append(options_.index);
    }
    return options_.embedded ? from_embedded(request, *path) : from_directory(request, *path);
}

std::optional<Response> StaticFiles::from_directory(Request const& request,
                                                    std::string const& path) {
    // The kernel holds the walk below the directory, symbolic links included.
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    int const descriptor =
        static_cast<int>(::syscall(SYS_openat2, directory_, path.c_str(), &how, sizeof how));
    if (descriptor < 0) return {};
    struct stat status {};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(descriptor);
        return {};
    }
    Described file;
    file.size = static_cast<std::uint64_t>(status.st_size);
    file.modified = status.st_mtim.tv_sec;
    file.etag =
        fmt::format("\"{:x}-{:x}-{:x}\"", status.st_mtim.tv_sec, status.st_mtim.tv_nsec, file.size);
    file.type = content_type_of(path);
    file.immutable = options_.immutable_hashed && has_hash(path);
    Range range;
    Response response = head_for(request, file, range);
    if (response.status == 304 || response.status == 416) {
        ::close(descriptor);
        return response;
    }
    response.file = {descriptor, range.first, range.length};
    return response;
}

std::optional<Response> StaticFiles::from_embedded(Request const& request,
                                                   std::string const& path) {
    auto found = assets_.find(path);
    if (found == assets_.end()) {
        std::optional<std::string_view> const bytes = options_.embedded(path);
        if (!bytes) return {};
        auto asset = std::make_unique<Asset>();
        asset->body->plain = *bytes;
        asset->file.size = bytes->size();
        asset->file.etag = digest_tag(*bytes);
        asset->file.type = content_type_of(path);
        asset->file.immutable = options_.immutable_hashed && has_hash(path);
        found = assets_.emplace(path, std::move(asset)).first;
    }
    Asset const& asset = *found->second;
    Range range;
    Response response = head_for(request, asset.file, range);
    if (response.status == 200) response.shared = asset.body;
    if (response.status == 206) response.body = asset.body->plain.substr(range.first, range.length);
    return response;
}

std::optional<std::string> safe_path(std::string_view encoded) {
    std::string path;
    path.reserve(encoded.size());
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        char c = encoded[i];
        if (c == '%') {
            int const high = i + 2 < encoded.size() ? hex_of(encoded[i + 1]) : -1;
            int const low = high >= 0 ? hex_of(encoded[i + 2]) : -1;
            if (low < 0) return {};
            c = static_cast<char>(high * 16 + low);
            if (c == '/') return {}; // an encoded slash is part of a name, and no name has one
            i += 2;
        }
        if (static_cast<unsigned char>(c) < ' ' || c == 127 || c == '\\') return {};
        path.push_back(c);
    }
    if (path.starts_with('/') || path.find("//") != std::string::npos) return {};
    for (std::string_view rest = path; !rest.empty();) {
        auto const slash = std::min(rest.find('/'), rest.size());
        if (!segment_is_safe(rest.substr(0, slash))) return {};
        rest.remove_prefix(std::min(slash + 1, rest.size()));
    }
    return path;
}

bool has_hash(std::string_view path) {
    std::string_view const name = path.substr(path.rfind('/') + 1);
    auto const dot = name.rfind('.');
    if (dot == std::string_view::npos) return false;
    std::string_view const stem = name.substr(0, dot);
    auto const is_hash = [](std::string_view text) {
        bool letter = false, mixed = false;
        for (char const c : text) {
            bool const digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'Z',
                       lower = c >= 'a' && c <= 'z';
            if (!digit && !upper && !lower && c != '_' && c != '-') return false;
            letter = letter || upper || lower;
            mixed = mixed || digit || upper;
        }
        return letter && mixed && text.size() >= 8;
    };
    // Vite's eight characters may contain a '-' themselves.
    if (stem.size() > 9 && (stem[stem.size() - 9] == '-' || stem[stem.size() - 9] == '.') &&
        is_hash(stem.substr(stem.size() - 8)))
        return true;
    auto const mark = stem.find_last_of(".-");
    return mark != std::string_view::npos && mark > 0 && is_hash(stem.substr(mark + 1));
}

std::string_view content_type_of(std::string_view path) {
    static constexpr std::pair<std::string_view, std::string_view> types[] = {
        {"html", "text/html; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"json", "application/json; charset=utf-8"},
        {"map", "application/json; charset=utf-8"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"webp", "image/webp"},
        {"avif", "image/avif"},
        {"gif", "image/gif"},
        {"ico", "image/x-icon"},
        {"woff2", "font/woff2"},
        {"woff", "font/woff"},
        {"ttf", "font/ttf"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/markdown; charset=utf-8"},
        {"csv", "text/csv; charset=utf-8"},
        {"xml", "application/xml"},
        {"yaml", "application/yaml"},
        {"pdf", "application/pdf"},
        {"wasm", "application/wasm"},
        {"webmanifest", "application/manifest+json"},
        {"mp4", "video/mp4"},
        {"webm", "video/webm"},
        {"mp3", "audio/mpeg"},
        {"ogg", "audio/ogg"},
        {"zip", "application/zip"},
    };
    auto const dot = path.rfind('.');
    if (dot != std::string_view::npos && path.find('/', dot) == std::string_view::npos)
        for (auto const& [extension, type] : types)
            if (same_word(path.substr(dot + 1), extension)) return type;
    return "application/octet-stream";
}

} // namespace haat::http
