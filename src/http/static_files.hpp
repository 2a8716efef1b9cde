// Files of a directory, or assets inside the binary, as responses: ETag, ranges, caching.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <http/message.hpp>

namespace haat::http {

/// Give each loop its own: what it caches is not shared.
class StaticFiles {
public:
    struct Options {
        std::string directory; // this, or `embedded`
        std::function<std::optional<std::string_view>(std::string_view path)> embedded;
        std::string index = "index.html"; // for "" and what ends in '/'; empty: none
        bool immutable_hashed = true;     // names with a hash in them may be cached for a year
    };

    explicit StaticFiles(Options); // throws std::system_error when the directory cannot be opened
    ~StaticFiles();
    StaticFiles(StaticFiles const&) = delete;
    StaticFiles& operator=(StaticFiles const&) = delete;

    /// GET and HEAD. `path` is below the mount, without a leading slash, still percent-encoded.
    /// nullopt when there is no such file; nothing outside the directory can ever be reached.
    std::optional<Response> answer(Request const&, std::string_view path);

private:
    struct Asset;
    std::optional<Response> from_directory(Request const&, std::string const& path);
    std::optional<Response> from_embedded(Request const&, std::string const& path);

    Options options_;
    int directory_ = -1;
    std::unordered_map<std::string, std::unique_ptr<Asset>> assets_;
};

std::string_view content_type_of(std::string_view path);

/// "app.3f9a1c2b.js", "index-DiwrgTda.js": a name that changes whenever the content does.
bool has_hash(std::string_view path);

/// Decoded and found harmless: no "..", no hidden names, no backslash, no NUL. nullopt: refuse.
std::optional<std::string> safe_path(std::string_view encoded);

} // namespace haat::http
