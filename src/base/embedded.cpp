#include <base/embedded.hpp>

#include <algorithm>
#include <cstdint>
#include <span>

namespace {
struct Entry {
    char const* path;
    std::uint64_t path_length;
    char const* bytes;
    std::uint64_t length;

    std::string_view name() const { return {path, path_length}; }
};
} // namespace

// Weak, so that tools and small tests may link this room without the files.
extern "C" {
[[gnu::weak]] extern Entry const haat_embedded_files[];
[[gnu::weak]] extern std::uint64_t const haat_embedded_count;
}

namespace haat {

static std::span<Entry const> table() {
    if (&haat_embedded_count == nullptr) return {};
    return {haat_embedded_files, haat_embedded_count};
}

static auto first_from(std::span<Entry const> entries, std::string_view path) {
    return std::lower_bound(
        entries.begin(), entries.end(), path,
        [](Entry const& entry, std::string_view wanted) { return entry.name() < wanted; });
}

std::optional<std::string_view> embedded(std::string_view path) {
    auto const entries = table();
    auto const found = first_from(entries, path);
    if (found == entries.end() || found->name() != path) return std::nullopt;
    return std::string_view(found->bytes, found->length);
}

std::vector<EmbeddedFile> embedded_under(std::string_view prefix) {
    auto const entries = table();
    std::vector<EmbeddedFile> files;
    for (auto entry = first_from(entries, prefix);
         entry != entries.end() && entry->name().starts_with(prefix); ++entry)
        files.push_back({entry->name(), {entry->bytes, entry->length}});
    return files;
}

} // namespace haat
