#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <http/response_head.hpp>
#include <http/test/test_server.hpp>

namespace haat::http::test {
namespace {

namespace fs = std::filesystem;

class StaticFilesTest : public testing::TestWithParam<bool> {
protected:
    StaticFilesTest() {
        std::string pattern = fs::temp_directory_path() / "haat-files-XXXXXX";
        root_ = ::mkdtemp(pattern.data());
        write("secret.txt", "outside");
        write("public/a.txt", "0123456789");
        write("public/large.bin", TestService::text(3'000'000));
        write("public/app-DiwrgTda.js", "code");
        write("public/sub/index.html", "<p>index</p>");
        write("public/.hidden", "hidden");
        write("public/empty.txt", "");
        fs::create_symlink("../secret.txt", root_ / "public/link.txt");
        StaticFiles::Options options;
        options.directory = root_ / "public";
        if (GetParam()) options.embedded = [this](std::string_view path) { return embedded(path); };
        files_ = std::make_unique<StaticFiles>(options);
        server_.service().files = files_.get();
    }
    ~StaticFilesTest() override { fs::remove_all(root_); }

    void write(std::string const& name, std::string const& bytes) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name, std::ios::binary) << bytes;
    }
    std::optional<std::string_view> embedded(std::string_view path) {
        if (path == "a.txt") return "0123456789";
        if (path == "app-DiwrgTda.js") return "code";
        if (path == "sub/index.html") return "<p>index</p>";
        if (path == "empty.txt") return "";
        if (path == "large.bin") return large_;
        return {};
    }
    RawResponse get(std::string const& path, std::string_view headers = {}) {
        return server_.get("/files/" + path, headers);
    }

    std::string large_ = TestService::text(3'000'000);
    fs::path root_;
    TestServer server_{{}, 1};
    std::unique_ptr<StaticFiles> files_;
};

TEST_P(StaticFilesTest, serves_whole_files) {
    RawResponse const response = get("a.txt");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "0123456789");
    EXPECT_EQ(response.header("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(response.header("Cache-Control"), "no-cache");
    EXPECT_EQ(response.header("Accept-Ranges"), "bytes");
    EXPECT_TRUE(get("large.bin").body == large_);
    EXPECT_EQ(get("sub/").body, "<p>index</p>");
    EXPECT_EQ(get("empty.txt").body, "");
    EXPECT_EQ(get("%61.txt").body, "0123456789");
    EXPECT_EQ(get("app-DiwrgTda.js").header("Cache-Control"),
              "public, max-age=31536000, immutable");
    RawClient client = server_.client();
    client.send("HEAD /files/large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read_response(true).header("Content-Length"), "3000000");
    EXPECT_EQ(client.ask("GET /files/a.txt HTTP/1.1\r\nHost: a\r\n\r\n").body, "0123456789");
}

TEST_P(StaticFilesTest, conditions) {
    RawResponse const first = get("a.txt");
    std::string const tag = first.header("ETag");
    ASSERT_FALSE(tag.empty());
    for (std::string const& value : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
        RawResponse const response = get("a.txt", "If-None-Match: " + value + "\r\n");
        EXPECT_EQ(response.status, 304) << value;
        EXPECT_EQ(response.header("ETag"), tag);
    }
    EXPECT_EQ(get("a.txt", "If-None-Match: \"x\"\r\n").status, 200);
    if (GetParam()) return; // no dates inside the binary
    std::string const date = first.header("Last-Modified");
    EXPECT_EQ(get("a.txt", "If-Modified-Since: " + date + "\r\n").status, 304);
    EXPECT_EQ(get("a.txt", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status, 200);
    EXPECT_EQ(get("a.txt", "If-None-Match: \"x\"\r\nIf-Modified-Since: " + date + "\r\n").status,
              200);
    EXPECT_EQ(get("a.txt", "If-Modified-Since: yesterday\r\n").status, 200);
}

TEST_P(StaticFilesTest, ranges) {
    struct Case {
        char const* range;
        int status;
        char const* body;
        char const* content_range;
    };
    for (Case const& c :
         std::initializer_list<Case>{{"bytes=0-0", 206, "0", "bytes 0-0/10"},
                                     {"bytes=2-5", 206, "2345", "bytes 2-5/10"},
                                     {"bytes=7-", 206, "789", "bytes 7-9/10"},
                                     {"bytes=-3", 206, "789", "bytes 7-9/10"},
                                     {"bytes=-30", 206, "0123456789", "bytes 0-9/10"},
                                     {"bytes=5-100", 206, "56789", "bytes 5-9/10"},
                                     {"bytes=10-", 416, "", "bytes */10"},
                                     {"bytes=-0", 416, "", "bytes */10"},
                                     {"bytes=5-2", 200, "0123456789", ""},
                                     {"bytes=0-1,3-4", 200, "0123456789", ""},
                                     {"bytes=", 200, "0123456789", ""},
                                     {"bytes=-", 200, "0123456789", ""},
                                     {"bytes=a-b", 200, "0123456789", ""},
                                     {"bytes=99999999999999999999-", 200, "0123456789", ""},
                                     {"lines=0-1", 200, "0123456789", ""}}) {
        RawResponse const response = get("a.txt", fmt::format("Range: {}\r\n", c.range));
        EXPECT_EQ(response.status, c.status) << c.range;
        EXPECT_EQ(response.body, c.body) << c.range;
        EXPECT_EQ(response.header("Content-Range"), c.content_range) << c.range;
    }
    std::string const tag = get("a.txt").header("ETag");
    EXPECT_EQ(get("a.txt", "Range: bytes=0-1\r\nIf-Range: " + tag + "\r\n").status, 206);
    EXPECT_EQ(get("a.txt", "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n").status, 200);
    EXPECT_EQ(get("a.txt", "Range: bytes=0-1\r\nIf-Range: W/" + tag + "\r\n").status, 200);
    EXPECT_TRUE(get("large.bin", "Range: bytes=1000000-1999999\r\n").body ==
                large_.substr(1'000'000, 1'000'000));
}

TEST_P(StaticFilesTest, nothing_outside_is_reached) {
    for (char const* const path :
         {"../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "sub/../../secret.txt",
          "sub/%2E%2E/%2e%2e/secret.txt", "..%5csecret.txt", "/etc/passwd", "%2fetc/passwd",
          "//etc/passwd", "./a.txt", ".hidden", "%2ehidden", "link.txt", "sub", "nothing.txt",
          "a.txt/", "a.txt%0a"})
        EXPECT_EQ(get(path).status, 404) << path;
}

INSTANTIATE_TEST_SUITE_P(From, StaticFilesTest, testing::Bool(),
                         [](auto const& info) { return info.param ? "binary" : "directory"; });

TEST(StaticNames, hashed) {
    for (char const* const name : {"app.3f9a1c2b.js", "a/b/index-DiwrgTda.js", "x-a_B-c9Dd.css",
                                   "app.3f9a1c2b3f9a1c2b.woff2"})
        EXPECT_TRUE(has_hash(name)) << name;
    for (char const* const name : {"index.html", "my-component.js", "report-20240101.pdf",
                                   "3f9a1c2b.js", "a-b.js", "noextension-3f9a1c2b", ""})
        EXPECT_FALSE(has_hash(name)) << name;
}

TEST(StaticNames, dates_go_there_and_back) {
    EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(from_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    EXPECT_EQ(from_http_date("Mon, 06 Nov 1994 08:49:37 GMT"), 0);
    EXPECT_EQ(from_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), 0);
}

} // namespace
} // namespace haat::http::test
