#include <kv/keys.hpp>

#include <array>
#include <cassert>

#include <sodium.h>

namespace haat::kv {

namespace {

constexpr std::size_t part_bytes_max = 64;

constexpr std::array<KeyPattern const*, 13> all_patterns{
    &keys::product_list,  &keys::product, &keys::categories,
    &keys::result,        &keys::user,    &keys::user_projects,
    &keys::cart,          &keys::project, &keys::project_members,
    &keys::project_tasks, &keys::task,    &keys::session,
    &keys::action_rate};

void append_hex(std::string& out, unsigned char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

void append_part(std::string& out, std::string_view part) {
    if (part.size() > part_bytes_max) {
        std::array<unsigned char, crypto_generichash_BYTES_MIN> hash{};
        crypto_generichash(hash.data(), hash.size(),
                           reinterpret_cast<unsigned char const*>(part.data()), part.size(),
                           nullptr, 0);
        out += '#'; // which no escaped part begins with
        for (unsigned char const byte : hash) append_hex(out, byte);
        return;
    }
    for (char const c : part) {
        if (c == ':' || c == '%' || c == '#' || c == '~' || c <= ' ') {
            out += '%';
            append_hex(out, static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
}

std::string fill(std::string_view pattern, Scope const& scope,
                 std::initializer_list<std::string_view> parts) {
    std::string key = scope.text();
    if (!key.empty()) key += ':';
    auto part = parts.begin();
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        if (pattern.substr(at, 2) != "{}") {
            key += pattern[at];
            continue;
        }
        assert(part != parts.end() && "a part for each {} of the pattern");
        append_part(key, *part++);
        ++at;
    }
    return key;
}

} // namespace

std::span<KeyPattern const* const> key_patterns() { return all_patterns; }

std::string key_of(KeyPattern const& pattern, Scope const& scope,
                   std::initializer_list<std::string_view> parts) {
    return fill(pattern.pattern, scope, parts);
}

std::string tag_of(KeyPattern const& pattern, Scope const& scope,
                   std::initializer_list<std::string_view> parts) {
    return pattern.tag.empty() ? std::string() : fill(pattern.tag, scope, parts);
}

} // namespace haat::kv
