// An id that may be missing: of settings of the session, which are texts.
#pragma once

#include <optional>
#include <string_view>

#include <base/words.hpp>

namespace haat {

/// Nothing when the text is empty, or no id.
inline std::optional<Uuid> uuid_or_none(std::string_view text) {
    Uuid uuid;
    if (text.empty() || !parse(text, uuid)) return std::nullopt;
    return uuid;
}

} // namespace haat
