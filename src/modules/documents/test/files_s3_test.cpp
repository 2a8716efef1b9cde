// Files over HTTP whose bytes are in a bucket, and a bucket that goes away.
#include <gtest/gtest.h>

#include <files/test/images.hpp>
#include <files/test/s3_server.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

using files::test::S3Server;

Headers const text_type = {{"Content-Type", "text/plain"}};

class FilesS3Test : public testing::Test {
protected:
    void SetUp() override {
        if (!files::test::s3_is_there())
            GTEST_SKIP() << "no packages in test/peers (tools/test-peers)";
        server.emplace();
        stage.emplace([this](app::Config& config) {
            config.files.s3 = server->options();
            config.files.document_bytes_max = 30'000'000;
            config.jobs.run = true;
        });
    }
    std::optional<S3Server> server;
    std::optional<Stage> stage;
};

TEST_F(FilesS3Test, AreKeptInTheBucket) {
    Client manager = stage->client(Who::manager);
    std::string const large(12'000'000, 'x');
    Answer const made = manager.post("/files", large, text_type);
    ASSERT_EQ(made.status, 201) << made.body;
    std::string const path = "/files/" + made.text("data.id");
    EXPECT_TRUE(manager.get(path + "/content").body == large);
    EXPECT_EQ(manager.get(path + "/content", {{"Range", "bytes=5-9"}}).body, "xxxxx");
    std::string const link = manager.post(path + "/link").text("data.url");
    EXPECT_EQ(link.find(server->options().endpoint), 0u) << link;
}

TEST_F(FilesS3Test, ArePicturesAsWell) {
    Client manager = stage->client(Who::manager);
    std::string const bytes = files::test::png({.width = 120, .height = 60});
    Answer const made = manager.post("/files?purpose=image", bytes, text_type);
    ASSERT_EQ(made.status, 201) << made.body;
    std::string const path = "/files/" + made.text("data.id");
    ASSERT_TRUE(soon([&] { return manager.get(path).text("data.pictures") == "made"; }));
    Answer const pictures = manager.get(path + "/pictures");
    EXPECT_EQ(stage->client().get(pictures.text("data[0].url")).body.substr(0, 4), "RIFF");
}

TEST_F(FilesS3Test, ThatCannotBeKeptAreRefusedAndNotShown) {
    Client manager = stage->client(Who::manager);
    server->process().signal(SIGKILL);
    server->process().wait();
    Answer const answer = manager.post("/files", "some text", text_type);
    EXPECT_EQ(answer.status, 503) << answer.body;
    EXPECT_EQ(answer.code(), "STORAGE_UNAVAILABLE");
    EXPECT_TRUE(answer.has_header("Retry-After"));
    EXPECT_EQ(manager.get("/files").text("meta.pagination.total"), "0");
    EXPECT_EQ(stage->db.number("select count(*) from files.objects where state = 'kept'"), 0);
}

} // namespace
} // namespace haat::test
