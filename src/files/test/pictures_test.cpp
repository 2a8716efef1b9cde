// Pictures in smaller sizes, of good images and of those that mean harm.
#include <algorithm>

#include <gtest/gtest.h>

#include <files/pictures.hpp>
#include <files/test/images.hpp>
#include <loop/loop.hpp>
#include <pg/test/run_loop.hpp>

namespace haat::files::test {
namespace {

using haat::test::all_of;
using haat::test::run;

class PicturesTest : public testing::Test {
protected:
    std::vector<Picture> make(std::string const& bytes, char const* type) {
        return run(loop, maker.make(bytes, *media_of(type)));
    }
    /// "made", or why not.
    std::string outcome_of(std::string const& bytes, char const* type) {
        try {
            std::vector<Picture> const pictures = make(bytes, type);
            return pictures.empty() ? "nothing" : "made";
        } catch (PictureRefused const& refused) {
            return refused.what();
        }
    }
    std::string one(std::string const& bytes, char const* type, std::string_view wanted) {
        for (Picture& picture : make(bytes, type))
            if (picture.media->type == wanted) return std::move(picture.bytes);
        return {};
    }
    std::string jpeg(std::uint32_t width, std::uint32_t height) {
        return one(png({.width = width, .height = height}), "image/png", "image/jpeg");
    }
    std::string webp(std::uint32_t width, std::uint32_t height) {
        return one(png({.width = width, .height = height}), "image/png", "image/webp");
    }

    Loop loop;
    PictureMaker maker{PictureOptions{}};
};

std::vector<std::string> sizes_of(std::vector<Picture> const& pictures) {
    std::vector<std::string> sizes;
    for (Picture const& one : pictures)
        sizes.push_back(std::string(one.media->extension) + " " + std::to_string(one.width) + "x" +
                        std::to_string(one.height));
    std::sort(sizes.begin(), sizes.end());
    return sizes;
}

bool is_what_it_says(Picture const& picture) {
    Detector detector;
    detector.feed(picture.bytes);
    return detector.finish() == picture.media;
}

TEST_F(PicturesTest, AreMadeInFourWidthsAndTwoFormats) {
    std::vector<Picture> const pictures = make(png({.width = 2'400, .height = 1'200}), "image/png");
    EXPECT_EQ(
        sizes_of(pictures),
        (std::vector<std::string>{"jpg 100x50", "jpg 1920x960", "jpg 300x150", "jpg 600x300",
                                  "webp 100x50", "webp 1920x960", "webp 300x150", "webp 600x300"}));
    for (Picture const& picture : pictures) EXPECT_TRUE(is_what_it_says(picture));
}

TEST_F(PicturesTest, AreNeverEnlarged) {
    EXPECT_EQ(sizes_of(make(png({.width = 200, .height = 90}), "image/png")),
              (std::vector<std::string>{"jpg 100x45", "jpg 200x90", "webp 100x45", "webp 200x90"}));
    EXPECT_EQ(sizes_of(make(png({.width = 1, .height = 1}), "image/png")),
              (std::vector<std::string>{"jpg 1x1", "webp 1x1"}));
}

TEST_F(PicturesTest, AreMadeOfEveryKind) {
    EXPECT_EQ(outcome_of(jpeg(300, 200), "image/jpeg"), "made");
    EXPECT_EQ(outcome_of(webp(300, 200), "image/webp"), "made");
    EXPECT_EQ(outcome_of(gif(20, 10), "image/gif"), "made");
    EXPECT_EQ(outcome_of(png({.width = 300, .height = 200, .channels = 4}), "image/png"), "made");
    EXPECT_EQ(outcome_of(png({.width = 64, .height = 20'000}), "image/png"), "made")
        << "higher than WebP can be";
}

TEST_F(PicturesTest, StandUprightAndTellNothingOfTheCamera) {
    std::string const plain = jpeg(200, 90);
    std::string const turned = with_segment(with_segment(plain, '\xe1', exif(6, "SECRET-PLACE")),
                                            '\xfe', "SECRET-COMMENT");
    for (Picture const& picture : make(turned, "image/jpeg")) {
        EXPECT_LT(picture.width, picture.height);
        EXPECT_EQ(picture.bytes.find("SECRET"), std::string::npos);
        EXPECT_EQ(picture.bytes.find("Exif"), std::string::npos);
    }
}

Task<void> count_pictures(PictureMaker& maker, std::string const& original, int& count) {
    std::vector<Picture> const pictures = co_await maker.make(original, *media_of("image/png"));
    count += static_cast<int>(pictures.size());
}

TEST_F(PicturesTest, SeveralWaitForOneAnotherConcurrent) {
    std::string const bytes = png({.width = 400, .height = 300});
    int made = 0;
    auto const one_of_them = [&](int) { return count_pictures(maker, bytes, made); };
    run(loop, all_of(6, one_of_them));
    EXPECT_EQ(made, 6 * 6);
}

TEST_F(PicturesTest, ThatTakeTooLongAreRefused) {
    PictureOptions options;
    options.time_max = 1ms;
    PictureMaker hasty(options);
    try {
        run(loop, hasty.make(png({.width = 2'000, .height = 2'000}), *media_of("image/png")));
        ADD_FAILURE() << "it was made";
    } catch (PictureRefused const& refused) {
        EXPECT_NE(std::string(refused.what()).find("too long"), std::string::npos);
    }
}

TEST_F(PicturesTest, WithoutAProgramAreATroubleAndNotTheFilesFault) {
    PictureOptions options;
    options.program = "/nowhere/haat";
    PictureMaker without(options);
    EXPECT_THROW(run(loop, without.make(gif(1, 1), *media_of("image/gif"))), std::runtime_error);
}

// ---- harm

struct Hostile {
    std::string name;
    std::string bytes;
    char const* type;
    bool may_be_made = false; // then nothing of what was hidden in it comes out
};

void add_bombs(std::vector<Hostile>& all, std::string const& jpeg, std::string const& webp) {
    auto const add = [&](char const* name, std::string bytes, char const* type) {
        all.push_back({name, std::move(bytes), type});
    };
    std::string const nothing = deflated(std::string(1'000, '\0'));
    add("a PNG that says 65535 by 65535", png({.width = 65'535, .height = 65'535, .data = nothing}),
        "image/png");
    add("a PNG that says two thousand million wide",
        png({.width = 2'000'000'000, .height = 1, .data = nothing}), "image/png");
    add("a PNG of nought by nought", png({.width = 0, .height = 0, .data = nothing}), "image/png");
    add("a PNG whose data is a thousand times its size",
        png({.width = 20'000, .height = 20'000, .data = deflated(std::string(50'000'000, '\0'))}),
        "image/png");
    add("an interlaced PNG with half of its data",
        png({.width = 7'000, .height = 7'000, .interlaced = true, .data = nothing}), "image/png");
    std::string large = jpeg;
    for (std::size_t at = 0; at + 9 < large.size(); ++at)
        if (large[at] == '\xff' && large[at + 1] == '\xc0') {
            large.replace(at + 5, 4, "\xff\xff\xff\xff");
            break;
        }
    add("a JPEG that says 65535 by 65535", large, "image/jpeg");
    add("a WebP with a canvas of 16 million by 16 million",
        std::string("RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff", 30) +
            webp.substr(12),
        "image/webp");
}

void add_texts(std::vector<Hostile>& all, std::string const& jpeg) {
    std::string const bomb = deflated(std::string(80'000'000, 'x'));
    std::string const text = png_chunk("zTXt", std::string("a\0\0", 3) + bomb);
    std::string const profile = png_chunk("iCCP", std::string("a\0\0", 3) + bomb);
    auto const small = [](std::string const& chunks) {
        return png({.width = 64, .height = 64, .chunks = chunks});
    };
    all.push_back({"a PNG with 80 MB of text", small(text), "image/png", true});
    all.push_back({"a PNG with 80 MB of colour profile", small(profile), "image/png", true});
    all.push_back(
        {"a JPEG with a broken colour profile",
         with_segment(jpeg, '\xe2', std::string("ICC_PROFILE\0\1\1", 14) + std::string(500, 'p')),
         "image/jpeg", true});
    all.push_back({"a JPEG with an EXIF that points outside",
                   with_segment(jpeg, '\xe1', std::string("Exif\0\0MM\0\x2a\x7f\xff\xff\xff", 14)),
                   "image/jpeg", true});
    all.push_back(
        {"a GIF with a screen of 65535 by 65535", gif(65'535, 65'535), "image/gif", true});
    all.push_back({"a GIF of five thousand frames", gif(10, 10, 5'000), "image/gif", true});
}

void add_cut_off(std::vector<Hostile>& all, std::string const& bytes, char const* type) {
    for (int const part : {2, 20, 50, 80, 95}) {
        std::string const cut = bytes.substr(0, bytes.size() * std::size_t(part) / 100);
        all.push_back({std::string(type) + " cut off at " + std::to_string(part) + "%", cut, type});
    }
}

void add_polyglots(std::vector<Hostile>& all, std::string const& jpeg, std::string const& png_) {
    std::string const script = "<script>alert('HARM')</script>";
    auto const add = [&](char const* name, std::string bytes, char const* type) {
        all.push_back({name, std::move(bytes), type, true});
    };
    add("a JPEG and HTML behind it", jpeg + script, "image/jpeg");
    add("a JPEG with HTML in a comment", with_segment(jpeg, '\xfe', script), "image/jpeg");
    add("a JPEG with PHP where the camera stands",
        with_segment(jpeg, '\xe1', exif(1, "<?php system('HARM'); ?>")), "image/jpeg");
    add("a JPEG and a PDF behind it", jpeg + "%PDF-1.4 HARM", "image/jpeg");
    add("a PNG and an archive behind it", png_ + "PK\3\4HARM", "image/png");
    add("a PNG with HTML in a text",
        png({.width = 64,
             .height = 64,
             .chunks = png_chunk("tEXt", std::string("Comment\0", 8) + script)}),
        "image/png");
    add("a GIF that is JavaScript", gif(0x2a2f, 1).substr(0, 13) + "=1;HARM", "image/gif");
    add("a GIF and HTML behind it", gif(8, 8) + script, "image/gif");
}

void add_strangers(std::vector<Hostile>& all, std::string const& jpeg, std::string const& png_,
                   std::string const& webp) {
    auto const add = [&](char const* name, std::string bytes, char const* type) {
        all.push_back({name, std::move(bytes), type});
    };
    add("a PNG that is called a JPEG", png_, "image/jpeg");
    add("a JPEG that is called a PNG", jpeg, "image/png");
    add("a WebP that is called a GIF", webp, "image/gif");
    add("an SVG that is called a JPEG", "<svg onload='alert(1)'/>", "image/jpeg");
    add("a PDF that is called a PNG", "%PDF-1.4 and more", "image/png");
    add("PostScript that is called a JPEG", "%!PS\n(HARM) run", "image/jpeg");
    add("an ImageMagick script that is called a PNG", "push graphic-context\nfill 'url(|id)'",
        "image/png");
    add("nothing", "", "image/png");
    add("the first bytes of a JPEG alone", "\xff\xd8\xff", "image/jpeg");
}

/// The same bytes with some of them changed, and the beginning left as it is.
void add_damaged(std::vector<Hostile>& all, std::string const& bytes, char const* type) {
    for (std::uint32_t seed = 1; seed <= 4; ++seed) {
        std::string damaged = bytes;
        std::uint32_t state = seed;
        for (int i = 0; i < 40; ++i) {
            state = state * 1'664'525u + 1'013'904'223u;
            damaged[16 + state % (damaged.size() - 16)] ^= static_cast<char>(1 << (state >> 29));
        }
        all.push_back(
            {std::string(type) + " damaged " + std::to_string(seed), damaged, type, true});
    }
}

TEST_F(PicturesTest, OfHarmAreRefusedOrHarmless) {
    std::string const good = png({.width = 120, .height = 80});
    std::string const as_jpeg = jpeg(120, 80);
    std::string const as_webp = webp(120, 80);
    std::vector<Hostile> all;
    add_bombs(all, as_jpeg, as_webp);
    add_texts(all, as_jpeg);
    for (auto const& [bytes, type] :
         {std::pair{good, "image/png"}, {as_jpeg, "image/jpeg"}, {as_webp, "image/webp"}}) {
        add_cut_off(all, bytes, type);
        add_damaged(all, bytes, type);
    }
    add_polyglots(all, as_jpeg, good);
    add_strangers(all, as_jpeg, good, as_webp);
    EXPECT_GE(all.size(), 50u);
    for (Hostile const& hostile : all) {
        try {
            for (Picture const& picture : make(hostile.bytes, hostile.type)) {
                EXPECT_TRUE(hostile.may_be_made) << hostile.name << " was made";
                EXPECT_TRUE(is_what_it_says(picture)) << hostile.name;
                EXPECT_EQ(picture.bytes.find("HARM"), std::string::npos) << hostile.name;
            }
        } catch (PictureRefused const& refused) {
            EXPECT_STRNE(refused.what(), "") << hostile.name;
        }
    }
    EXPECT_EQ(outcome_of(good, "image/png"), "made") << "and the next one is served";
}

} // namespace
} // namespace haat::files::test
