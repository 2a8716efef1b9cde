// Images made by hand, sound and hostile: nothing of the libraries that will read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

inline std::string little_endian(std::uint32_t value, std::size_t bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
    return out;
}

/// One pixel, on a screen of that size, as often as asked.
inline std::string gif(std::uint16_t width, std::uint16_t height, int frames = 1,
                       std::string const& blocks = {}) {
    std::string bytes = "GIF89a" + little_endian(width, 2) + little_endian(height, 2) +
                        std::string("\x80\0\0", 3) + std::string("\xff\0\0\0\0\xff", 6) + blocks;
    for (int i = 0; i < frames; ++i)
        bytes += std::string("!\xf9\4\0\1\0\0\0", 8) + "," + std::string(4, '\0') +
                 std::string("\1\0\1\0", 4) + std::string("\0\2\2\x44\1\0", 6);
    return bytes + ";";
}

/// With colours that differ from place to place. Nothing is compressed: the table of codes is
/// forgotten before a code would need a ninth bit.
inline std::string full_gif(std::uint16_t width, std::uint16_t height) {
    constexpr char forget = '\x80';
    constexpr char end = '\x81';
    std::string codes;
    std::uint32_t noise = 1;
    for (unsigned i = 0; i < unsigned(width) * height; ++i) {
        if (i % 100 == 0) codes += forget;
        noise = noise * 1'664'525u + 1'013'904'223u;
        codes += static_cast<char>(noise >> 25);
    }
    codes += end;
    std::string colours;
    for (int i = 0; i < 128; ++i)
        colours += {static_cast<char>(2 * i), static_cast<char>(255 - i), '\x40'};
    std::string const size = little_endian(width, 2) + little_endian(height, 2);
    std::string bytes = "GIF89a" + size + std::string("\xe6\0\0", 3) + colours + "," +
                        std::string(4, '\0') + size + std::string("\0\x07", 2);
    for (std::size_t at = 0; at < codes.size(); at += 255) {
        std::string const block = codes.substr(at, 255);
        bytes += static_cast<char>(block.size()) + block;
    }
    return bytes + std::string("\0;", 2);
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

/// A grey square in so many scans, each of which says "nothing more" in a few bytes and costs its
/// reader a walk over the whole picture.
inline std::string jpeg_of_scans(std::uint16_t side, int scans) {
    std::string const sides{static_cast<char>(side >> 8), static_cast<char>(side & 255)};
    unsigned const blocks = unsigned(side + 7) / 8 * (unsigned(side + 7) / 8);
    auto const table = [](char where, char symbol) {
        return std::string("\xff\xc4\0\x14", 4) + where + '\1' + std::string(15, '\0') + symbol;
    };
    std::string bytes = "\xff\xd8" + std::string("\xff\xdb\0\x43\0", 5) + std::string(64, '\1') +
                        std::string("\xff\xc2\0\x0b\x08", 5) + sides + sides +
                        std::string("\1\1\x11\0", 4) + table('\0', '\0') + table('\x10', '\xe0');
    bytes += std::string("\xff\xda\0\x08\1\1\0\0\0\0", 10) + std::string(blocks / 8 + 1, '\0');
    std::string const scan = std::string("\xff\xda\0\x08\1\1\0\1\x3f\0", 10) +
                             std::string((blocks / 16'384 + 1) * 15 / 8 + 1, '\0');
    for (int i = 0; i < scans; ++i) bytes += scan;
    return bytes + "\xff\xd9";
}

struct Chunk {
    std::string name; // four letters
    std::string bytes;
};
inline std::string riff_chunk(Chunk const& chunk) {
    auto const size = static_cast<std::uint32_t>(chunk.bytes.size());
    return chunk.name + little_endian(size, 4) + chunk.bytes + std::string(size % 2, '\0');
}
inline std::string webp(std::vector<Chunk> const& chunks) {
    std::string body = "WEBP";
    for (Chunk const& chunk : chunks) body += riff_chunk(chunk);
    return "RIFF" + little_endian(static_cast<std::uint32_t>(body.size()), 4) + body;
}
/// What is in the WebP's chunk of the picture itself, when that is not lossless.
inline std::string picture_in(std::string const& webp) {
    auto const at = webp.find("VP8 ");
    std::uint32_t size = 0;
    for (std::size_t i = 4; i > 0; --i)
        size = size << 8 | static_cast<unsigned char>(webp[at + 3 + i]);
    return webp.substr(at + 8, size);
}
/// The same picture of 120 by 80 again and again, on a large canvas.
inline std::string moving_webp(std::string const& picture, std::uint32_t side, int frames) {
    std::vector<Chunk> chunks = {{"VP8X", std::string("\2\0\0\0", 4) + little_endian(side - 1, 3) +
                                              little_endian(side - 1, 3)},
                                 {"ANIM", std::string(6, '\0')}};
    std::string const frame = std::string(6, '\0') + little_endian(119, 3) + little_endian(79, 3) +
                              std::string("\x0a\0\0\0", 4) +
                              riff_chunk({"VP8 ", picture_in(picture)});
    for (int i = 0; i < frames; ++i) chunks.push_back({"ANMF", frame});
    return webp(chunks);
}

/// A ZIP with one small file of that name.
inline std::string an_archive(std::string const& name) {
    std::string const bytes = "HARM";
    auto const sum = static_cast<std::uint32_t>(
        ::crc32(0, reinterpret_cast<Bytef const*>(bytes.data()), static_cast<uInt>(bytes.size())));
    std::string const facts = std::string("\x14\0\0\0\0\0\0\0\0\0", 10) + little_endian(sum, 4) +
                              little_endian(4, 4) + little_endian(4, 4) +
                              little_endian(static_cast<std::uint32_t>(name.size()), 2);
    std::string const local = "PK\3\4" + facts + std::string(2, '\0') + name + bytes;
    std::string const central =
        "PK\1\2" + std::string("\x14\0", 2) + facts + std::string(16, '\0') + name;
    return local + central + "PK\5\6" + std::string(4, '\0') + little_endian(1, 2) +
           little_endian(1, 2) + little_endian(static_cast<std::uint32_t>(central.size()), 4) +
           little_endian(static_cast<std::uint32_t>(local.size()), 4) + std::string(2, '\0');
}

} // namespace haat::files::test
