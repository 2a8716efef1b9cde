// Images that mean harm, for whoever reads them and for whoever takes them in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace haat {
class Loop;
}

namespace haat::files {
class PictureMaker;
}

namespace haat::files::test {

/// What the maker of pictures does with one.
enum class Fate : std::uint8_t {
    refused,
    made,  // and nothing of what was hidden in it comes out
    either // its reader decides
};

struct Hostile {
    std::string name;
    std::string bytes;
    std::string type; // that the maker is told
    Fate fate;
    std::string upload; // what becomes of it at the door: the media type, or the refusal's code
};

/// What a sound picture of each kind looks like, made by the maker itself.
struct Sound {
    std::string png;
    std::string jpeg;
    std::string webp;
    std::string gif;
};

Sound sound_images(Loop& loop, PictureMaker& maker);

std::vector<Hostile> hostile_images(Sound const& sound);

} // namespace haat::files::test
