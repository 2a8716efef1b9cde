// Pictures in the sizes that pages show, made of what strangers upload: in a process of its own,
// which has no secrets and no rights, little memory and little time, and is replaced when it dies.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <base/task.hpp>
#include <files/media.hpp>

namespace haat::files {

using namespace std::chrono_literals;

struct PictureOptions {
    std::string program = "/proc/self/exe";              // whose main() knows picture_child()
    std::uint64_t pixels_max = 64'000'000;               // of the original
    std::size_t memory_bytes_max = std::size_t(2) << 30; // of address space, libraries included
    std::chrono::milliseconds time_max = 20s;            // for one original
    std::chrono::milliseconds idle_max = 30s;            // then the process ends
};

/// The widths that are made, as far as the original has them. The largest one is always there.
inline constexpr int picture_widths[] = {1920, 600, 300, 100};

struct Picture {
    Media const* media = nullptr; // WebP or JPEG
    int width = 0;
    int height = 0;
    std::string bytes;
};

/// The file is none that a picture can be made of: broken, a bomb, or too slow.
struct PictureRefused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class PictureMaker {
public:
    explicit PictureMaker(PictureOptions options);
    ~PictureMaker(); // what is being made is given up
    PictureMaker(PictureMaker const&) = delete;

    /// Upright, without metadata, in sRGB. One after another; throws PictureRefused.
    Task<std::vector<Picture>> make(std::string const& original, Media const& media);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// For main(): whether the process was started to make pictures; then it ends with the result of
/// picture_child().
bool is_picture_child(int count, char const* const* words);
int picture_child(char const* const* words);

} // namespace haat::files
