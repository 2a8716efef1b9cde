// Images made by hand, sound and hostile: nothing of the libraries that will read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <zlib.h>

namespace haat::files::test {

inline std::string big_endian(std::uint32_t value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
            static_cast<char>(value >> 8), static_cast<char>(value)};
}

inline std::string deflated(std::string const& bytes) {
    std::string out(::compressBound(bytes.size()), '\0');
    uLongf size = out.size();
    ::compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                reinterpret_cast<Bytef const*>(bytes.data()), bytes.size(), 6);
    out.resize(size);
    return out;
}

inline std::string png_chunk(std::string const& name, std::string const& bytes) {
    std::string const body = name + bytes;
    auto const sum =
        ::crc32(0, reinterpret_cast<Bytef const*>(body.data()), static_cast<uInt>(body.size()));
    return big_endian(static_cast<std::uint32_t>(bytes.size())) + body +
           big_endian(static_cast<std::uint32_t>(sum));
}

struct Png {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    int channels = 3;        // 4: with transparency
    std::string chunks = {}; // between head and data
    bool interlaced = false;
    std::string data = {}; // instead of a picture: the compressed bytes
};

/// With colours that differ from place to place, so that it does not shrink to nothing.
inline std::string png(Png const& what) {
    std::string rows;
    if (what.data.empty()) {
        rows.reserve(std::size_t(what.height) * (what.width * unsigned(what.channels) + 1));
        std::uint32_t noise = 1;
        for (std::uint32_t y = 0; y < what.height; ++y) {
            rows += '\0';
            for (std::uint32_t x = 0; x < what.width; ++x) {
                noise = noise * 1'664'525u + 1'013'904'223u;
                rows += static_cast<char>(x * 255 / what.width);
                rows += static_cast<char>(y * 255 / what.height);
                rows += static_cast<char>(noise >> 29);
                if (what.channels == 4) rows += static_cast<char>(x % 2 ? 0 : 255);
            }
        }
    }
    std::string head = big_endian(what.width) + big_endian(what.height) + '\x08';
    head += what.channels == 4 ? '\x06' : '\x02';
    head += std::string("\0\0", 2) + (what.interlaced ? '\1' : '\0');
    return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", head) + what.chunks +
           png_chunk("IDAT", what.data.empty() ? deflated(rows) : what.data) +
           png_chunk("IEND", "");
}

/// One pixel, on a screen of that size, as often as asked.
inline std::string gif(std::uint16_t width, std::uint16_t height, int frames = 1) {
    auto const little = [](std::uint16_t n) {
        return std::string{static_cast<char>(n & 255), static_cast<char>(n >> 8)};
    };
    std::string bytes = "GIF89a" + little(width) + little(height) + std::string("\x80\0\0", 3) +
                        std::string("\xff\0\0\0\0\xff", 6);
    for (int i = 0; i < frames; ++i)
        bytes += std::string("!\xf9\4\0\1\0\0\0", 8) + "," + little(0) + little(0) + little(1) +
                 little(1) + std::string("\0\2\2\x44\1\0", 6);
    return bytes + ";";
}

/// The JPEG with a segment behind its first two bytes.
inline std::string with_segment(std::string const& jpeg, char marker, std::string const& bytes) {
    auto const size = bytes.size() + 2;
    return jpeg.substr(0, 2) + '\xff' + marker + static_cast<char>(size >> 8) +
           static_cast<char>(size & 255) + bytes + jpeg.substr(2);
}

/// Says how the camera was held, and a word that must not come out again.
inline std::string exif(int orientation, std::string_view secret) {
    std::string body("Exif\0\0MM\0\x2a\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0", 25);
    body += static_cast<char>(orientation);
    body += std::string("\0\0\0\0\0\0", 6);
    return body.append(secret);
}

} // namespace haat::files::test
