#include <files/vips.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <thread>

#include <dlfcn.h>
#include <vips/vips.h>

namespace haat::files {

namespace {

// Linked, it would bring a hundred libraries into every start of haat.
void* library() {
    static void* const loaded = ::dlopen("libvips.so.42", RTLD_NOW | RTLD_GLOBAL);
    if (loaded == nullptr) throw std::runtime_error(std::string("no libvips: ") + ::dlerror());
    return loaded;
}

template <class Function> Function* find(char const* name) {
    void* const found = ::dlsym(library(), name);
    if (found == nullptr) throw std::runtime_error(std::string("libvips has no ") + name);
    return reinterpret_cast<Function*>(found);
}

#define HAAT_FROM_VIPS(name) decltype(&::name) name = find<decltype(::name)>(#name)
struct Calls {
    HAAT_FROM_VIPS(vips_init);
    HAAT_FROM_VIPS(vips_cache_set_max);
    HAAT_FROM_VIPS(vips_concurrency_set);
    HAAT_FROM_VIPS(vips_operation_block_set);
    HAAT_FROM_VIPS(vips_jpegload_buffer);
    HAAT_FROM_VIPS(vips_pngload_buffer);
    HAAT_FROM_VIPS(vips_webpload_buffer);
    HAAT_FROM_VIPS(vips_gifload_buffer);
    HAAT_FROM_VIPS(vips_thumbnail_buffer);
    HAAT_FROM_VIPS(vips_thumbnail_image);
    HAAT_FROM_VIPS(vips_image_copy_memory);
    HAAT_FROM_VIPS(vips_image_get_width);
    HAAT_FROM_VIPS(vips_image_get_height);
    HAAT_FROM_VIPS(vips_image_get_orientation_swap);
    HAAT_FROM_VIPS(vips_image_hasalpha);
    HAAT_FROM_VIPS(vips_array_double_newv);
    HAAT_FROM_VIPS(vips_area_unref);
    HAAT_FROM_VIPS(vips_flatten);
    HAAT_FROM_VIPS(vips_webpsave_buffer);
    HAAT_FROM_VIPS(vips_jpegsave_buffer);
    HAAT_FROM_VIPS(vips_error_buffer);
    HAAT_FROM_VIPS(vips_error_clear);
    HAAT_FROM_VIPS(g_object_unref);
    HAAT_FROM_VIPS(g_free);
};
#undef HAAT_FROM_VIPS

Calls const& vips() {
    static Calls const calls;
    return calls;
}

void check(int result) {
    if (result == 0) return;
    std::string words = vips().vips_error_buffer();
    vips().vips_error_clear();
    while (words.ends_with('\n')) words.pop_back();
    throw PictureRefused(words.empty() ? "it cannot be read" : words.substr(0, 300));
}

struct Unref {
    void operator()(VipsImage* image) const { vips().g_object_unref(image); }
};
using Image = std::unique_ptr<VipsImage, Unref>;

/// Only the header is read here; the loader is the one of the type that the content has.
Image open(std::string_view bytes, std::string_view media_type) {
    Calls const& v = vips();
    VipsImage* opened = nullptr;
    void* const data = const_cast<char*>(bytes.data());
    if (media_type == "image/jpeg")
        check(v.vips_jpegload_buffer(data, bytes.size(), &opened, nullptr));
    else if (media_type == "image/png")
        check(v.vips_pngload_buffer(data, bytes.size(), &opened, nullptr));
    else if (media_type == "image/webp")
        check(v.vips_webpload_buffer(data, bytes.size(), &opened, nullptr));
    else if (media_type == "image/gif")
        check(v.vips_gifload_buffer(data, bytes.size(), &opened, nullptr));
    else
        throw PictureRefused("it is no picture");
    return Image(opened);
}

// Readers make up what is missing at the end, and say nothing of it.
bool ends_as_jpeg(std::string_view bytes) {
    auto const last_scan = bytes.rfind("\xff\xda");
    return last_scan != bytes.npos && bytes.find("\xff\xd9", last_scan) != bytes.npos;
}

/// Each scan may cost a walk over the whole picture. Who paints in steps needs ten or so.
bool has_too_many_scans(std::string_view bytes) {
    constexpr int scans_max = 100;
    int scans = 0;
    for (auto at = bytes.find("\xff\xda"); at != bytes.npos; at = bytes.find("\xff\xda", at + 2))
        ++scans;
    return scans > scans_max;
}

bool ends_as_png(std::string_view bytes) {
    for (std::size_t at = 8; at + 12 <= bytes.size();) {
        std::size_t size = 0;
        for (std::size_t i = 0; i < 4; ++i)
            size = size << 8 | static_cast<unsigned char>(bytes[at + i]);
        if (bytes.substr(at + 4, 4) == "IEND") return true;
        at += 12 + size;
    }
    return false;
}

/// Behind blocks, each a length and as many bytes; the end when they go on behind the file's.
std::size_t behind_blocks(std::string_view bytes, std::size_t at) {
    while (at < bytes.size() && bytes[at] != '\0') at += 1 + static_cast<unsigned char>(bytes[at]);
    return at + 1;
}

std::size_t bytes_of_colours(char flags) {
    return flags & 0x80 ? std::size_t(3) << ((flags & 7) + 1) : 0;
}

bool ends_as_gif(std::string_view bytes) {
    std::size_t at = 13;
    if (bytes.size() > at) at += bytes_of_colours(bytes[10]);
    while (at < bytes.size()) {
        if (bytes[at] == '!')
            at = behind_blocks(bytes, at + 2);
        else if (bytes[at] == ',' && at + 10 < bytes.size())
            at = behind_blocks(bytes, at + 11 + bytes_of_colours(bytes[at + 9]));
        else
            break;
    }
    return at < bytes.size() && bytes[at] == ';';
}

// WebP ends at 16383 lines; nobody shows what is four times as high as it is wide.
int height_of(int width) { return width * 4; }

Image in_memory(VipsImage* made) {
    Image const lazy(made);
    VipsImage* const whole = vips().vips_image_copy_memory(lazy.get());
    check(whole == nullptr ? -1 : 0);
    return Image(whole);
}

/// The decoder gives a half, a quarter or an eighth for less than the whole. By itself libvips
/// would have it give at least twice of what is wanted, which costs four times as much.
int jpeg_shrink(VipsImage* header) {
    Calls const& v = vips();
    int width = v.vips_image_get_width(header);
    int height = v.vips_image_get_height(header);
    if (v.vips_image_get_orientation_swap(header)) std::swap(width, height);
    int const times = std::max(width / picture_widths[0], height / height_of(picture_widths[0]));
    return times >= 8 ? 8 : times >= 4 ? 4 : times >= 2 ? 2 : 1;
}

Image reduce_jpeg(std::string_view bytes, VipsImage* header) {
    Calls const& v = vips();
    VipsImage* opened = nullptr;
    check(v.vips_jpegload_buffer(const_cast<char*>(bytes.data()), bytes.size(), &opened, "shrink",
                                 jpeg_shrink(header), "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                 VIPS_FAIL_ON_ERROR, nullptr));
    Image const small(opened);
    VipsImage* made = nullptr;
    int const width = picture_widths[0];
    check(v.vips_thumbnail_image(small.get(), &made, width, "height", height_of(width), "size",
                                 VIPS_SIZE_DOWN, "export_profile", "srgb", nullptr));
    return in_memory(made);
}

/// Decoded no larger than it has to be, turned upright, in sRGB, and in memory.
Image reduce(std::string_view bytes, std::string_view media_type, VipsImage* header) {
    if (media_type == "image/jpeg") return reduce_jpeg(bytes, header);
    int const width = picture_widths[0];
    VipsImage* made = nullptr;
    check(vips().vips_thumbnail_buffer(
        const_cast<char*>(bytes.data()), bytes.size(), &made, width, "height", height_of(width),
        "size", VIPS_SIZE_DOWN, "export_profile", "srgb", "fail_on", VIPS_FAIL_ON_ERROR, nullptr));
    return in_memory(made);
}

Image reduce_further(VipsImage* image, int width) {
    VipsImage* made = nullptr;
    check(vips().vips_thumbnail_image(image, &made, width, "height", height_of(width), "size",
                                      VIPS_SIZE_DOWN, nullptr));
    return in_memory(made);
}

Picture picture_of(VipsImage* image, char const* media_type, void* data, std::size_t size) {
    Picture picture;
    picture.media = media_of(media_type);
    picture.width = vips().vips_image_get_width(image);
    picture.height = vips().vips_image_get_height(image);
    picture.bytes.assign(static_cast<char const*>(data), size);
    vips().g_free(data);
    return picture;
}

// This libvips writes EXIF and profile into a WebP though it is told not to: only the chunks of the
// picture itself are kept.
std::string pure_webp(std::string_view riff) {
    std::string kept(riff.substr(0, std::min<std::size_t>(12, riff.size())));
    for (std::size_t at = 12; at + 8 <= riff.size();) {
        std::uint32_t size = 0;
        for (int i = 3; i >= 0; --i)
            size = size << 8 | static_cast<unsigned char>(riff[at + 4 + std::size_t(i)]);
        std::size_t const whole = std::min<std::size_t>(8 + size + size % 2, riff.size() - at);
        std::string chunk(riff.substr(at, whole));
        at += whole;
        if (chunk.starts_with("VP8X") && chunk.size() > 8) chunk[8] &= 0x12; // alpha, animation
        if (chunk.starts_with("VP8") || chunk.starts_with("ALPH")) kept += chunk;
    }
    std::uint32_t const size = static_cast<std::uint32_t>(kept.size() - 8);
    for (std::size_t i = 0; i < 4; ++i) kept[4 + i] = static_cast<char>(size >> (8 * i));
    return kept;
}

Picture as_webp(VipsImage* image) {
    void* data = nullptr;
    std::size_t size = 0;
    check(vips().vips_webpsave_buffer(image, &data, &size, "Q", 80, "strip", TRUE, nullptr));
    Picture picture = picture_of(image, "image/webp", data, size);
    picture.bytes = pure_webp(picture.bytes);
    return picture;
}

// JPEG knows no transparency: what shows through is white.
Image opaque(VipsImage* image) {
    VipsArrayDouble* const white = vips().vips_array_double_newv(3, 255.0, 255.0, 255.0);
    VipsImage* made = nullptr;
    int const result = vips().vips_flatten(image, &made, "background", white, nullptr);
    vips().vips_area_unref(reinterpret_cast<VipsArea*>(white));
    check(result);
    return Image(made);
}

Picture as_jpeg(VipsImage* image) {
    Image flat;
    if (vips().vips_image_hasalpha(image)) flat = opaque(image);
    void* data = nullptr;
    std::size_t size = 0;
    check(vips().vips_jpegsave_buffer(flat ? flat.get() : image, &data, &size, "Q", 80, "strip",
                                      TRUE, "optimize_coding", TRUE, nullptr));
    return picture_of(image, "image/jpeg", data, size);
}

/// Both threads take from the front until nothing is left; the first thing that is thrown counts.
void run_on_two_threads(std::vector<std::function<void()>> const& steps) {
    std::atomic<std::size_t> next{0};
    auto const work = [&](std::exception_ptr& error) {
        try {
            for (std::size_t i = next++; i < steps.size(); i = next++) steps[i]();
        } catch (...) {
            error = std::current_exception();
        }
    };
    std::exception_ptr mine;
    std::exception_ptr its;
    std::thread beside([&] { work(its); });
    work(mine);
    beside.join();
    for (std::exception_ptr const& error : {mine, its})
        if (error) std::rethrow_exception(error);
}

// The largest WebP takes as long as all the rest together: it is begun first.
std::vector<Picture> encode(VipsImage* largest) {
    std::vector<int> widths; // of the smaller ones
    for (int const width : picture_widths)
        if (width < vips().vips_image_get_width(largest) && width < picture_widths[0])
            widths.push_back(width);
    std::vector<Picture> pictures(2 + 2 * widths.size());
    std::vector<std::function<void()>> steps;
    steps.emplace_back([&] { pictures[0] = as_webp(largest); });
    steps.emplace_back([&] { pictures[1] = as_jpeg(largest); });
    for (std::size_t i = 0; i < widths.size(); ++i)
        steps.emplace_back([&, i] {
            Image const small = reduce_further(largest, widths[i]);
            pictures[2 + 2 * i] = as_webp(small.get());
            pictures[3 + 2 * i] = as_jpeg(small.get());
        });
    run_on_two_threads(steps);
    return pictures;
}

} // namespace

Vips::Vips() {
    Calls const& v = vips();
    if (v.vips_init("haat") != 0) throw std::runtime_error("libvips does not start");
    v.vips_cache_set_max(0);
    v.vips_operation_block_set("VipsForeignLoad", TRUE);
    for (char const* loader : {"VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp",
                               "VipsForeignLoadNsgif"})
        v.vips_operation_block_set(loader, FALSE);
}

std::vector<Picture> Vips::make(std::string_view original, std::string_view media_type,
                                std::uint64_t pixels_max) {
    bool const cut_off = (media_type == "image/png" && !ends_as_png(original)) ||
                         (media_type == "image/gif" && !ends_as_gif(original)) ||
                         (media_type == "image/jpeg" && !ends_as_jpeg(original));
    if (cut_off) throw PictureRefused("it is not there as a whole");
    if (media_type == "image/jpeg" && has_too_many_scans(original))
        throw PictureRefused("it has too many scans");
    Image const header = open(original, media_type);
    auto const width = static_cast<std::uint64_t>(vips().vips_image_get_width(header.get()));
    auto const height = static_cast<std::uint64_t>(vips().vips_image_get_height(header.get()));
    if (width * height > pixels_max) throw PictureRefused("it has too many pixels");
    Image const largest = reduce(original, media_type, header.get());
    return encode(largest.get());
}

} // namespace haat::files
