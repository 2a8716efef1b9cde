#include <files/test/hostile.hpp>

#include <files/pictures.hpp>
#include <files/test/images.hpp>
#include <pg/test/run_loop.hpp>

namespace haat::files::test {

namespace {

using namespace std::string_literals;

constexpr char a_jpeg[] = "image/jpeg";
constexpr char a_png[] = "image/png";
constexpr char a_webp[] = "image/webp";
constexpr char a_gif[] = "image/gif";
constexpr char not_taken[] = "FILE_TYPE_NOT_ALLOWED";

std::string const script = "<script>alert('HARM')</script>";

/// Adds, most of the time, what the door takes for what it is.
class List {
public:
    void add(std::string name, std::string bytes, std::string type, Fate fate) {
        std::string upload = type;
        all.push_back(
            {std::move(name), std::move(bytes), std::move(type), fate, std::move(upload)});
    }
    /// Of another kind than the maker is told.
    void lie(std::string name, std::string bytes, std::string type, std::string upload) {
        all.push_back(
            {std::move(name), std::move(bytes), std::move(type), Fate::refused, std::move(upload)});
    }
    std::vector<Hostile> all;
};

// ---- bombs

void add_png_bombs(List& list) {
    std::string const nothing = deflated(std::string(1'000, '\0'));
    auto const add = [&](char const* name, Png const& what) {
        list.add(name, png(what), a_png, Fate::refused);
    };
    add("a PNG that says 65535 by 65535", {.width = 65'535, .height = 65'535, .data = nothing});
    add("a PNG that says two thousand million wide",
        {.width = 2'000'000'000, .height = 1, .data = nothing});
    add("a PNG that is a billion high", {.width = 1, .height = 1'000'000'000, .data = nothing});
    add("a PNG of nought by nought", {.width = 0, .height = 0, .data = nothing});
    add("a PNG whose data is a thousand times its size",
        {.width = 20'000, .height = 20'000, .data = deflated(std::string(50'000'000, '\0'))});
    add("an interlaced PNG with hardly any of its data",
        {.width = 7'000, .height = 7'000, .interlaced = true, .data = nothing});
    std::string chunks;
    for (int i = 0; i < 50'000; ++i) chunks += png_chunk("tEXt", "a\0b"s);
    list.add("a PNG with fifty thousand texts",
             png({.width = 64, .height = 64, .chunks = std::move(chunks)}), a_png, Fate::either);
    list.add("a PNG of black, as large as is allowed",
             png({.width = 8'000,
                  .height = 8'000,
                  .data = deflated(std::string(8'000ULL * (8'000 * 3 + 1), '\0'))}),
             a_png, Fate::made);
}

/// The JPEG with other dimensions in its frame header.
std::string jpeg_of_size(std::string jpeg, std::string const& height_and_width) {
    auto const frame = jpeg.find("\xff\xc0\0\x11\x08"s);
    return jpeg.replace(frame + 5, 4, height_and_width);
}

void add_other_bombs(List& list, Sound const& sound) {
    list.add("a JPEG that says 65535 by 65535", jpeg_of_size(sound.jpeg, "\xff\xff\xff\xff"),
             a_jpeg, Fate::refused);
    list.add("a JPEG of nought by nought", jpeg_of_size(sound.jpeg, "\0\0\0\0"s), a_jpeg,
             Fate::refused);
    list.add("a JPEG of a thousand scans", jpeg_of_scans(7'000, 1'000), a_jpeg, Fate::refused);
    list.add("a WebP with a canvas of 16 million by 16 million",
             "RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff"s +
                 sound.webp.substr(12),
             a_webp, Fate::refused);
    std::string lossy = sound.webp;
    lossy.replace(lossy.find("\x9d\x01\x2a") + 3, 4, "\xff\x3f\xff\x3f");
    list.add("a WebP that says 16383 by 16383", lossy, a_webp, Fate::refused);
    list.add("a lossless WebP that says 16384 by 16384",
             webp({{"VP8L", "\x2f\xff\xff\xff\x0f\0"s}}), a_webp, Fate::refused);
    list.add("a WebP of two thousand moving frames", moving_webp(sound.webp, 4'000, 2'000), a_webp,
             Fate::either);
    // Its reader does not believe it, and takes the size of the frame.
    list.add("a GIF with a screen of 65535 by 65535", gif(65'535, 65'535), a_gif, Fate::either);
    list.add("a GIF of five thousand frames", gif(10, 10, 5'000), a_gif, Fate::made);
    list.add("a GIF of five thousand frames on a screen of 8000 by 8000", gif(8'000, 8'000, 5'000),
             a_gif, Fate::made);
}

// ---- garbage beside the picture

void add_profiles(List& list, Sound const& sound) {
    std::string const bomb = deflated(std::string(80'000'000, 'x'));
    auto const small = [](std::string const& chunks) {
        return png({.width = 64, .height = 64, .chunks = chunks});
    };
    list.add("a PNG with 80 MB of text", small(png_chunk("zTXt", "a\0\0"s + bomb)), a_png,
             Fate::made);
    list.add("a PNG with 80 MB of colour profile", small(png_chunk("iCCP", "a\0\0"s + bomb)), a_png,
             Fate::either);
    list.add("a PNG with EXIF that is none", small(png_chunk("eXIf", std::string(400, '\xff'))),
             a_png, Fate::made);
    std::string const profile = "ICC_PROFILE\0\1\1"s + std::string(500, 'p');
    list.add("a JPEG with a broken colour profile", with_segment(sound.jpeg, '\xe2', profile),
             a_jpeg, Fate::made);
    std::string parts = sound.jpeg;
    for (int i = 0; i < 200; ++i)
        parts = with_segment(parts, '\xe2', "ICC_PROFILE\0\1\xff"s + std::string(60'000, 'p'));
    list.add("a JPEG with 12 MB of colour profile that is always its first part", parts, a_jpeg,
             Fate::made);
    list.add("a WebP with a broken colour profile",
             webp({{"VP8X", "\x20\0\0\0\x77\0\0\x4f\0\0"s},
                   {"ICCP", std::string(500, 'p')},
                   {"VP8 ", picture_in(sound.webp)}}),
             a_webp, Fate::made);
}

void add_exif(List& list, Sound const& sound) {
    auto const add = [&](char const* name, std::string const& segment) {
        list.add(name, with_segment(sound.jpeg, '\xe1', segment), a_jpeg, Fate::made);
    };
    add("a JPEG with an EXIF that points outside", "Exif\0\0MM\0\x2a\x7f\xff\xff\xff"s);
    add("a JPEG with an EXIF that leads to itself for ever",
        "Exif\0\0MM\0\x2a\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\1\0\0\0\0\0\x08"s);
    add("a JPEG with an EXIF of 65535 entries",
        "Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff"s + std::string(2'000, '\x01'));
    add("a JPEG that was held in a ninety-ninth way", exif(99, "HARM"));
    add("a JPEG with XMP that is a script", "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>"s + script);
    list.add("a WebP with a script where the camera stands",
             webp({{"VP8X", "\x08\0\0\0\x77\0\0\x4f\0\0"s},
                   {"VP8 ", picture_in(sound.webp)},
                   {"EXIF", "Exif\0\0MM\0\x2a HARM"s + script}}),
             a_webp, Fate::made);
}

// ---- cut off and damaged

void add_cut_off(List& list, std::string const& bytes, std::string const& type) {
    for (int const part : {30, 50, 80, 95, 99})
        list.add(type + " cut off at " + std::to_string(part) + "%",
                 bytes.substr(0, bytes.size() * std::size_t(part) / 100), type, Fate::refused);
    list.add(type + " without its last byte but one", bytes.substr(0, bytes.size() - 2), type,
             Fate::refused);
}

/// The same bytes with some of them changed, and the beginning left as it is.
void add_damaged(List& list, std::string const& bytes, std::string const& type) {
    for (std::uint32_t seed = 1; seed <= 4; ++seed) {
        std::string damaged = bytes;
        std::uint32_t state = seed;
        for (int i = 0; i < 40; ++i) {
            state = state * 1'664'525u + 1'013'904'223u;
            damaged[16 + state % (damaged.size() - 16)] ^= static_cast<char>(1 << (state >> 29));
        }
        list.add(type + " damaged " + std::to_string(seed), damaged, type, Fate::either);
    }
}

// ---- two things at once

void add_polyglots(List& list, Sound const& sound) {
    auto const add = [&](char const* name, std::string bytes, char const* type) {
        list.add(name, std::move(bytes), type, Fate::made);
    };
    add("a JPEG and HTML behind it", sound.jpeg + script, a_jpeg);
    add("a JPEG with HTML in a comment", with_segment(sound.jpeg, '\xfe', script), a_jpeg);
    add("a JPEG with PHP where the camera stands",
        with_segment(sound.jpeg, '\xe1', exif(1, "<?php system('HARM'); ?>")), a_jpeg);
    add("a JPEG and a PDF behind it", sound.jpeg + "%PDF-1.4 HARM", a_jpeg);
    add("a JPEG that is JavaScript in a comment",
        with_segment(sound.jpeg, '\xe0', "/*\0\0\0*/=1;HARM/*"s), a_jpeg);
    add("a JPEG and a program archive behind it", sound.jpeg + an_archive("HARM.class"), a_jpeg);
    add("a PNG and an archive behind it", sound.png + an_archive("HARM.html"), a_png);
    add("a PNG with HTML in a text",
        png({.width = 64, .height = 64, .chunks = png_chunk("tEXt", "Comment\0"s + script)}),
        a_png);
    add("a PNG with HTML behind its end", sound.png + script, a_png);
    add("a GIF and HTML behind it", gif(8, 8) + script, a_gif);
    add("a GIF with a script in a comment", gif(8, 8, 1, "!\xfe\x04HARM\0"s), a_gif);
    add("a WebP with a script in a chunk of its own",
        webp({{"VP8 ", picture_in(sound.webp)}, {"HTML", script}}), a_webp);
    add("a WebP and HTML behind it", sound.webp + script, a_webp);
    list.add("a GIF that is JavaScript", gif(0x2a2f, 1).substr(0, 13) + "=1;HARM", a_gif,
             Fate::refused);
    list.lie("a PDF and a JPEG behind it", "%PDF-1.4\n" + sound.jpeg, a_jpeg, not_taken);
    list.lie("an archive and a PNG behind it", an_archive("HARM") + sound.png, a_png, not_taken);
    list.lie("HTML and a JPEG behind it", script + sound.jpeg, a_jpeg, not_taken);
    list.lie("JavaScript and a PNG behind it", "alert('HARM')//" + sound.png, a_png, not_taken);
}

// ---- other things

void add_svg(List& list) {
    std::string const svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    auto const add = [&](char const* name, std::string const& bytes) {
        list.lie(name, bytes, a_jpeg, not_taken);
    };
    add("an SVG with a script", svg);
    add("an SVG after an XML head", "<?xml version='1.0'?>\n<!DOCTYPE svg>" + svg);
    add("an SVG after white space and a mark", "\xef\xbb\xbf \r\n\t" + svg);
    add("an SVG that reads a file of ours",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><svg>&b;</svg>");
    std::string wide = "\xff\xfe";
    for (char const c : svg) wide += {c, '\0'};
    add("an SVG in UTF-16", wide);
    add("an SVG that is compressed", "\x1f\x8b\b\0\0\0\0\0\0\3"s + deflated(svg).substr(2));
    add("HTML", "<!doctype html><html>" + script);
}

void add_wrong_names(List& list, Sound const& sound) {
    auto const add = [&](char const* name, std::string const& bytes, char const* type,
                         char const* upload) { list.lie(name, bytes, type, upload); };
    add("a PNG that is called a JPEG", sound.png, a_jpeg, a_png);
    add("a JPEG that is called a PNG", sound.jpeg, a_png, a_jpeg);
    add("a WebP that is called a GIF", sound.webp, a_gif, a_webp);
    add("a GIF that is called a WebP", sound.gif, a_webp, a_gif);
    add("a PDF that is called a PNG", "%PDF-1.4 and more", a_png, not_taken);
    add("PostScript that is called a JPEG", "%!PS\n(HARM) run", a_jpeg, not_taken);
    add("a script of ImageMagick that is called a PNG", "push graphic-context\nfill 'url(|id)'\n",
        a_png, not_taken);
    add("a program that is called a PNG", "\x7f"s + "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0"s, a_png,
        not_taken);
    add("a program of Windows that is called a JPEG", "MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0"s,
        a_jpeg, not_taken);
    add("a TIFF", "II\x2a\0\x08\0\0\0\xff\xff"s + std::string(100, '\1'), a_jpeg, not_taken);
    add("a BMP", "BM\xff\xff\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"s, a_jpeg, not_taken);
    add("an AVIF", "\0\0\0\x1c"s + "ftypavif\0\0\0\0avifmif1miaf"s, a_jpeg, not_taken);
    add("a HEIC", "\0\0\0\x18"s + "ftypheic\0\0\0\0mif1heic"s, a_jpeg, not_taken);
    add("a film", "\0\0\0\x18"s + "ftypmp42\0\0\0\0mp42isom"s, a_jpeg, not_taken);
    add("nothing", "", a_png, "FILE_EMPTY");
    list.add("the first bytes of a JPEG alone", "\xff\xd8\xff", a_jpeg, Fate::refused);
    list.add("the first bytes of a PNG alone", sound.png.substr(0, 16), a_png, Fate::refused);
    list.add("the first bytes of a WebP alone", sound.webp.substr(0, 16), a_webp, Fate::refused);
    list.add("the first bytes of a GIF alone", "GIF89a", a_gif, Fate::refused);
}

} // namespace

Sound sound_images(Loop& loop, PictureMaker& maker) {
    Sound sound;
    sound.png = png({.width = 120, .height = 80});
    sound.gif = full_gif(120, 80);
    std::vector<Picture> const made =
        haat::test::run(loop, maker.make(sound.png, *media_of(a_png)));
    sound.webp = made.at(0).bytes; // the largest
    sound.jpeg = made.at(1).bytes;
    return sound;
}

std::vector<Hostile> hostile_images(Sound const& sound) {
    List list;
    add_png_bombs(list);
    add_other_bombs(list, sound);
    add_profiles(list, sound);
    add_exif(list, sound);
    for (auto const& [bytes, type] : {std::pair{sound.png, a_png},
                                      {sound.jpeg, a_jpeg},
                                      {sound.webp, a_webp},
                                      {sound.gif, a_gif}}) {
        add_cut_off(list, bytes, type);
        add_damaged(list, bytes, type);
    }
    add_polyglots(list, sound);
    add_svg(list);
    add_wrong_names(list, sound);
    return std::move(list.all);
}

} // namespace haat::files::test
