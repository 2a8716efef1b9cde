// Pictures in smaller sizes, of good images and of those that mean harm.
#include <algorithm>

#include <gtest/gtest.h>

#include <files/pictures.hpp>
#include <files/test/hostile.hpp>
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
    EXPECT_EQ(outcome_of(full_gif(40, 30), "image/gif"), "made");
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

TEST_F(PicturesTest, OfHarmAreRefusedOrHarmless) {
    Sound const sound = sound_images(loop, maker);
    std::vector<Hostile> const all = hostile_images(sound);
    EXPECT_GE(all.size(), 100u);
    for (Hostile const& hostile : all) {
        try {
            for (Picture const& picture : make(hostile.bytes, hostile.type.c_str())) {
                EXPECT_NE(hostile.fate, Fate::refused) << hostile.name << " was made";
                EXPECT_TRUE(is_what_it_says(picture)) << hostile.name;
                EXPECT_EQ(picture.bytes.find("HARM"), std::string::npos) << hostile.name;
            }
        } catch (PictureRefused const& refused) {
            EXPECT_NE(hostile.fate, Fate::made) << hostile.name << ": " << refused.what();
            EXPECT_STRNE(refused.what(), "") << hostile.name;
        }
    }
    EXPECT_EQ(outcome_of(sound.png, "image/png"), "made") << "and the next one is served";
}

} // namespace
} // namespace haat::files::test
