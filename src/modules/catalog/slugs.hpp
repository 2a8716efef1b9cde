#pragma once

#include <optional>
#include <string_view>

#include <base/words.hpp>

namespace haat::catalog {

/// The one given, else made of the name; a name without Latin letters gets the id's last digits.
inline Slug slug_for(std::optional<Slug> const& given, std::string_view name, Uuid const& id) {
    if (given) return *given;
    Slug slug = Slug::of(name);
    if (slug.value.empty()) slug.value = to_string(id).substr(24);
    return slug;
}

} // namespace haat::catalog
