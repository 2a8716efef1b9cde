// Private: libvips, which is loaded by the process that makes pictures and by no other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <files/pictures.hpp>

namespace haat::files {

class Vips {
public:
    Vips(); // throws std::runtime_error when it is not installed
    /// Throws PictureRefused.
    std::vector<Picture> make(std::string_view original, std::string_view media_type,
                              std::uint64_t pixels_max);
};

} // namespace haat::files
