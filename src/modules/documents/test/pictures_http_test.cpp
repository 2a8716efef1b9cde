// Pictures over HTTP: made behind the scenes, shown to everybody, gone with their file.
#include <filesystem>

#include <gtest/gtest.h>

#include <files/test/images.hpp>
#include <test/harness/house.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

namespace fs = std::filesystem;
using files::test::Png;
using files::test::png;

Headers const raw_type = {{"Content-Type", "application/octet-stream"}};

class PicturesHttpTest : public testing::Test {
protected:
    PicturesHttpTest()
        : stage([this](app::Config& config) {
              config.files.directory = directory;
              config.jobs.run = true;
          }) {}

    std::string upload(std::string const& bytes) {
        Answer const answer = manager.post("/files?purpose=image&name=pen.png", bytes, raw_type);
        EXPECT_EQ(answer.status, 201) << answer.body;
        EXPECT_EQ(answer.text("data.pictures"), "waiting");
        return answer.text("data.id");
    }
    bool becomes(std::string const& file, std::string const& state) {
        return soon([&] { return manager.get("/files/" + file).text("data.pictures") == state; });
    }
    int objects() const {
        int count = 0;
        std::error_code error;
        for (auto const& entry : fs::recursive_directory_iterator(directory / "objects", error))
            count += entry.is_regular_file();
        return count;
    }

    fs::path const directory = temporary_directory("pictures");
    Stage stage;
    Client manager = stage.client(Who::manager);
};

TEST_F(PicturesHttpTest, AreMadeAndShownToEverybody) {
    std::string const file = upload(png(Png{.width = 400, .height = 200}));
    ASSERT_TRUE(becomes(file, "made"));
    EXPECT_EQ(objects(), 7) << "the original and three widths in two formats";
    Answer const sizes = stage.client(Who::viewer).get("/files/" + file + "/pictures");
    ASSERT_EQ(sizes.count("data"), 6);
    EXPECT_EQ(sizes.text("data[0].width"), "400");
    EXPECT_EQ(sizes.text("data[5].height"), "50");
    std::string const url = sizes.text("data[0].url");
    EXPECT_EQ(stage.client().get(url).header("Content-Type"), "image/webp");
    EXPECT_EQ(stage.client().get("/files/" + file + "/content").status, 401)
        << "the original stays private";
    Answer const part = stage.client().get(url, {{"Range", "bytes=0-3"}});
    EXPECT_EQ(part.body, "RIFF");
}

// Without jobs, which would write while the scenarios look at what is written.
TEST(PicturesShownTest, ToWhoeverMaySeeThem) {
    Stage stage(
        [](app::Config& config) { config.files.directory = temporary_directory("pictures"); });
    Client manager = stage.client(Who::manager);
    std::string const bytes = png(Png{.width = 40, .height = 20});
    Answer const made = manager.post("/files?purpose=image", bytes, raw_type);
    ASSERT_EQ(made.status, 201) << made.body;
    stage.keep("file", made.text("data.id"));
    stage.keep("picture", std::string(64, 'a') + ".webp");
    stage.db.exec("insert into files.pictures select object_id, org_id, id, repeat('a', 64) ||"
                  " '.webp', 'image/webp', 400, 200, size from files.files");
    stage.play({{.name = "files.pictures: the sizes of one",
                 .as = Who::viewer,
                 .path = "/files/{file}/pictures",
                 .expect = {{"data[0].width", "400"}, {"data[0].mediaType", "image/webp"}}},
                {.name = "files.pictures: of others it is not there",
                 .as = Who::other_owner,
                 .path = "/files/{file}/pictures",
                 .status = 404,
                 .code = "FILE_NOT_FOUND"},
                {.name = "pictures.get: by the hash of its bytes",
                 .path = "/pictures/{picture}",
                 .expect_headers = {{"Content-Type", "image/webp"},
                                    {"Cache-Control", "public, max-age=31536000, immutable"}}},
                {.name = "pictures.get: no such hash",
                 .path = "/pictures/0000.webp",
                 .status = 404,
                 .code = "PICTURE_NOT_FOUND"}});
}

TEST_F(PicturesHttpTest, GoWithTheContentTheyWereMadeOf) {
    std::string const file = upload(png(Png{.width = 150, .height = 50}));
    ASSERT_TRUE(becomes(file, "made"));
    std::string const old = manager.get("/files/" + file + "/pictures").text("data[0].url");
    EXPECT_EQ(manager.put("/files/" + file, png(Png{.width = 160, .height = 50}), raw_type).status,
              200);
    ASSERT_TRUE(becomes(file, "made"));
    EXPECT_EQ(stage.client().get(old).status, 404);
    Answer const now = manager.get("/files/" + file + "/pictures");
    EXPECT_EQ(now.text("data[0].width"), "160");
    EXPECT_EQ(manager.del("/files/" + file).status, 200);
    EXPECT_EQ(stage.client().get(now.text("data[0].url")).status, 404);
    EXPECT_EQ(stage.db.number("select count(*) from files.pictures"), 0);
    EXPECT_EQ(stage.db.number("select count(*) from files.objects where state <> 'dropped'"), 0);
}

TEST_F(PicturesHttpTest, OfWhatCannotBeReadAreRefused) {
    std::string const whole = png(Png{.width = 300, .height = 300});
    std::string const file = upload(whole.substr(0, whole.size() / 2));
    ASSERT_TRUE(becomes(file, "refused"));
    EXPECT_EQ(objects(), 1);
    EXPECT_EQ(stage.db.number("select count(*) from files.pictures"), 0);
}

} // namespace
} // namespace haat::test
