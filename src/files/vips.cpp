#include <files/vips.hpp>

#include <algorithm>
#include <exception>
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

// WebP ends at 16383 lines; nobody shows what is four times as high as it is wide.
int height_of(int width) { return width * 4; }

/// Decoded no larger than it has to be, turned upright, in sRGB, and in memory.
Image reduce(std::string_view bytes) {
    Calls const& v = vips();
    int const width = picture_widths[0];
    VipsImage* made = nullptr;
    check(v.vips_thumbnail_buffer(
        const_cast<char*>(bytes.data()), bytes.size(), &made, width, "height", height_of(width),
        "size", VIPS_SIZE_DOWN, "export_profile", "srgb", "fail_on", VIPS_FAIL_ON_ERROR, nullptr));
    Image const lazy(made);
    VipsImage* const whole = v.vips_image_copy_memory(lazy.get());
    check(whole == nullptr ? -1 : 0);
    return Image(whole);
}

Image reduce_further(VipsImage* image, int width) {
    VipsImage* made = nullptr;
    check(vips().vips_thumbnail_image(image, &made, width, "height", height_of(width), "size",
                                      VIPS_SIZE_DOWN, nullptr));
    Image const lazy(made);
    VipsImage* const whole = vips().vips_image_copy_memory(lazy.get());
    check(whole == nullptr ? -1 : 0);
    return Image(whole);
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

/// What one of the two threads that encode has made.
struct Share {
    std::vector<Picture> pictures;
    std::exception_ptr error;
};

// The largest WebP takes as long as all the rest together.
void encode(std::vector<Image> const& sizes, bool largest, Share& share) {
    try {
        if (largest) {
            share.pictures.push_back(as_webp(sizes.front().get()));
            return;
        }
        share.pictures.push_back(as_jpeg(sizes.front().get()));
        for (std::size_t i = 1; i < sizes.size(); ++i) {
            share.pictures.push_back(as_webp(sizes[i].get()));
            share.pictures.push_back(as_jpeg(sizes[i].get()));
        }
    } catch (...) {
        share.error = std::current_exception();
    }
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
                         (media_type == "image/jpeg" && !ends_as_jpeg(original));
    if (cut_off) throw PictureRefused("it is not there as a whole");
    {
        Image const header = open(original, media_type);
        auto const width = static_cast<std::uint64_t>(vips().vips_image_get_width(header.get()));
        auto const height = static_cast<std::uint64_t>(vips().vips_image_get_height(header.get()));
        if (width * height > pixels_max) throw PictureRefused("it has too many pixels");
    }
    std::vector<Image> sizes;
    sizes.push_back(reduce(original));
    int const widest = vips().vips_image_get_width(sizes.front().get());
    for (int const width : picture_widths)
        if (width < widest && width < picture_widths[0])
            sizes.push_back(reduce_further(sizes.front().get(), width));
    Share largest;
    Share others;
    std::thread beside([&] { encode(sizes, true, largest); });
    encode(sizes, false, others);
    beside.join();
    for (Share const* share : {&largest, &others})
        if (share->error) std::rethrow_exception(share->error);
    for (Picture& picture : others.pictures) largest.pictures.push_back(std::move(picture));
    return std::move(largest.pictures);
}

} // namespace haat::files
