// Images that mean harm, as they come over HTTP: each is refused with its code, or shown safely.
#include <gtest/gtest.h>

#include <files/pictures.hpp>
#include <files/test/hostile.hpp>
#include <loop/loop.hpp>
#include <test/harness/house.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

using files::test::Fate;
using files::test::Hostile;

Headers const wrong_type = {{"Content-Type", "image/png"}};

class HostileUploadsTest : public testing::Test {
protected:
    HostileUploadsTest()
        : stage([](app::Config& config) {
              config.files.directory = temporary_directory("hostile");
              config.files.image_bytes_max = 20'000'000;
              config.jobs.run = true;
          }) {}

    std::vector<Hostile> hostile() {
        Loop loop;
        files::PictureMaker maker{files::PictureOptions{}};
        return hostile_images(files::test::sound_images(loop, maker));
    }
    /// Which code it is refused with, or which kind it is taken for.
    std::string upload(Hostile const& one) {
        Answer const answer =
            manager.post("/files?purpose=image&name=photo.png", one.bytes, wrong_type);
        if (answer.status == 201) ids[one.name] = answer.text("data.id");
        return answer.status == 201 ? answer.text("data.mediaType") : answer.code();
    }
    std::string state_of(std::string const& id) {
        return manager.get("/files/" + id).text("data.pictures");
    }
    void expect_shown_safely(Hostile const& one, std::string const& id) {
        Answer const content = manager.get("/files/" + id + "/content");
        EXPECT_EQ(content.header("Content-Type"), one.upload) << one.name;
        EXPECT_EQ(content.header("X-Content-Type-Options"), "nosniff") << one.name;
        EXPECT_EQ(content.header("Content-Security-Policy"), "default-src 'none'; sandbox")
            << one.name;
        EXPECT_EQ(stage.client().get("/files/" + id + "/content").status, 401) << one.name;
        Answer const pictures = manager.get("/files/" + id + "/pictures");
        for (int i = 0; i < pictures.count("data"); ++i) {
            std::string const url = pictures.text("data[" + std::to_string(i) + "].url");
            EXPECT_EQ(stage.client().get(url).body.find("HARM"), std::string::npos) << one.name;
        }
    }

    Stage stage;
    Client manager = stage.client(Who::manager);
    std::map<std::string, std::string> ids; // of those that were taken, by name
};

TEST_F(HostileUploadsTest, AreRefusedWithACodeOrShownSafely) {
    std::vector<Hostile> const all = hostile();
    for (Hostile const& one : all) EXPECT_EQ(upload(one), one.upload) << one.name;
    for (Hostile const& one : all) {
        auto const taken = ids.find(one.name);
        if (taken == ids.end()) continue;
        ASSERT_TRUE(soon([&] { return state_of(taken->second) != "waiting"; }, 120s)) << one.name;
        std::string const state = state_of(taken->second);
        EXPECT_TRUE(state == "made" || state == "refused") << one.name << ": " << state;
        if (one.type == one.upload && one.fate != Fate::either)
            EXPECT_EQ(state, one.fate == Fate::made ? "made" : "refused") << one.name;
        expect_shown_safely(one, taken->second);
    }
}

} // namespace
} // namespace haat::test
