// Files over HTTP whose bytes are in a bucket, and a bucket that goes away.
#include <gtest/gtest.h>

#include <files/test/images.hpp>
#include <files/test/s3_server.hpp>
#include <http/test/raw_client.hpp>
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
            config.server.drain_timeout = 200ms; // for uploads that never end
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

// ---- uploads in parts that come to no end

/// The head of an upload of 20 MB and that much of its body.
http::test::RawClient begin_upload(Stage& stage, std::size_t sent) {
    Caller const& caller = stage.actors[Who::manager];
    http::test::RawClient client(stage.server.port());
    client.send("POST /api/v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + caller.token +
                "\r\nX-Org-Id: " + caller.org_id +
                "\r\nContent-Type: text/plain\r\nContent-Length: 20000000\r\n\r\n" +
                std::string(sent, 'x'));
    return client;
}

TEST_F(FilesS3Test, AreNotShownWhenTheBucketGoesAwayInTheMiddle) {
    auto upload = begin_upload(*stage, 12'000'000);
    ASSERT_TRUE(soon([&] { return server->parts() == 1; }));
    server->process().signal(SIGKILL);
    server->process().wait();
    upload.send(std::string(8'000'000, 'x'));
    auto const answer = upload.read_response(false, 60s);
    EXPECT_EQ(answer.status, 503) << answer.body;
    EXPECT_NE(answer.body.find("\"STORAGE_UNAVAILABLE\""), std::string::npos) << answer.body;
    EXPECT_FALSE(answer.header("Retry-After").empty());
    EXPECT_EQ(stage->client(Who::manager).get("/files").text("meta.pagination.total"), "0");
    EXPECT_EQ(stage->db.number("select count(*) from files.objects where state = 'kept'"), 0);
}

TEST_F(FilesS3Test, OfAClientThatGoesAwayAreTakenBack) {
    {
        auto const upload = begin_upload(*stage, 12'000'000);
        ASSERT_TRUE(soon([&] { return server->parts() == 1; }));
    }
    EXPECT_TRUE(soon([&] { return server->uploads() == 0; }));
    EXPECT_TRUE(soon([&] { return stage->db.number("select count(*) from files.objects") == 0; }));
}

TEST_F(FilesS3Test, AreTakenBackBeforeTheServerEnds) {
    auto const upload = begin_upload(*stage, 12'000'000);
    ASSERT_TRUE(soon([&] { return server->parts() == 1; }));
    stage.reset();
    EXPECT_EQ(server->uploads(), 0);
}

} // namespace
} // namespace haat::test
