// Files over HTTP: who may, what is taken, what is left behind by what is refused.
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include <modules/documents/delivery.hpp>
#include <modules/documents/reception.hpp>
#include <outbound/crypto.hpp>
#include <test/harness/house.hpp>
#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

std::string const a_pdf = "%PDF-1.4\nHello";
std::string const a_jpeg = "\xff\xd8\xff\xe0 a picture"s;
std::string const a_jpeg_sha = outbound::hex(outbound::sha256(a_jpeg));

/// A form with these files, and what its Content-Type must say.
std::string form(std::vector<std::pair<std::string, std::string>> const& files) {
    std::string body = "--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n";
    for (auto const& [name, bytes] : files)
        body += "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name +
                "\"\r\nContent-Type: application/x-msdownload\r\n\r\n" + bytes + "\r\n";
    return body + "--xyz--\r\n";
}
Headers const form_type = {{"Content-Type", "multipart/form-data; boundary=xyz"}};
Headers const raw_type = {{"Content-Type", "application/octet-stream"}};

std::map<std::string, int> const one_file = {{"files.files", 1}, {"files.objects", 1}};
/// And the job that makes its smaller sizes.
std::map<std::string, int> const one_picture = {
    {"files.files", 1}, {"files.objects", 1}, {"jobs.queue", 1}};
std::map<std::string, int> const another_picture = {
    {"files.files", 1}, {"files.objects", 2}, {"jobs.queue", 1}};

class FilesTest : public testing::Test {
protected:
    FilesTest()
        : stage([this](app::Config& config) {
              config.files.directory = directory;
              config.files.document_bytes_max = 2'000;
              config.files.image_bytes_max = 1'000'000;
              config.files.batch_max = 3;
          }) {}

    int files_in(char const* folder) const {
        int count = 0;
        std::error_code error;
        for (auto const& entry : fs::recursive_directory_iterator(directory / folder, error))
            count += entry.is_regular_file();
        return count;
    }
    std::string upload(std::string const& bytes, std::string const& query = "") {
        Answer const answer = stage.client(Who::manager).post("/files" + query, bytes, raw_type);
        EXPECT_EQ(answer.status, 201) << answer.body;
        return answer.text("data.id");
    }

    fs::path const directory = temporary_directory("uploads");
    Stage stage;
};

/// With what was uploaded before.
void play_lists(Stage& stage) {
    stage.play({
        {.name = "files.list: the organization's",
         .as = Who::viewer,
         .path = "/files?purpose=image&sortBy=name&search=PEN",
         .expect = {{"meta.pagination.total", "2"},
                    {"data[0].name", "pen.exe"},
                    {"data[1].name", "pen.jpg"}}},
        {.name = "files.list: another organization sees none",
         .as = Who::other_owner,
         .path = "/files",
         .expect = {{"meta.pagination.total", "0"}}},
        {.name = "files.list: a guest is refused",
         .path = "/files",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "files.get: one's own",
         .as = Who::staff,
         .path = "/files/{image}",
         .expect = {{"data.sha256", a_jpeg_sha}}},
        {.name = "files.get: of others it is not there",
         .as = Who::other_owner,
         .path = "/files/{image}",
         .status = 404,
         .code = "FILE_NOT_FOUND"},
    });
}

TEST_F(FilesTest, AreUploaded) {
    stage.play({
        {.name = "files.upload: the file itself",
         .as = Who::manager,
         .method = "POST",
         .path = "/files?purpose=image&name=..%2Fleft%5Cpen.exe",
         .headers = raw_type,
         .body = a_jpeg,
         .status = 201,
         .writes = one_picture,
         .events = {"document:uploaded"},
         .expect = {{"data.name", "pen.exe"},
                    {"data.mediaType", "image/jpeg"},
                    {"data.purpose", "image"},
                    {"data.sha256", a_jpeg_sha},
                    {"data.ownerId", "{manager}"}},
         .keep = {{"image", "data.id"}}},
        {.name = "files.upload: a form with one",
         .as = Who::owner,
         .method = "POST",
         .path = "/files",
         .headers = form_type,
         .body = form({{"Füller bill.pdf", a_pdf}}),
         .status = 201,
         .writes = one_file,
         .events = {"document:uploaded"},
         .expect = {{"data.name", "Füller bill.pdf"}, {"data.mediaType", "application/pdf"}}},
        {.name = "uploads.create: the older spelling",
         .as = Who::owner,
         .method = "POST",
         .path = "/uploads",
         .headers = raw_type,
         .body = "sku,name\n",
         .status = 201,
         .writes = one_file,
         .events = {"document:uploaded"},
         .expect = {{"data.name", "file.txt"}}},
        {.name = "files.batch: three at once",
         .as = Who::owner,
         .method = "POST",
         .path = "/files/batch",
         .headers = form_type,
         .body = form({{"a.pdf", a_pdf}, {"b.jpg", a_jpeg}, {"c.txt", "text"}}),
         .status = 201,
         .writes = {{"files.files", 3}, {"files.objects", 3}, {"jobs.queue", 1}},
         .events = {"document:uploaded", "document:uploaded", "document:uploaded"},
         .expect = {{"data[0].name", "a.pdf"}, {"data[2].mediaType", "text/plain; charset=utf-8"}}},
        {.name = "images.upload: a picture",
         .as = Who::owner,
         .method = "POST",
         .path = "/images/upload",
         .headers = form_type,
         .body = form({{"pen.jpg", a_jpeg}}),
         .status = 201,
         .writes = one_picture,
         .events = {"document:uploaded"},
         .expect = {{"data.purpose", "image"}}},
    });
    play_lists(stage);
    EXPECT_EQ(files_in("objects"), 7);
    EXPECT_EQ(files_in("incoming"), 0);
}

void play_bad_forms(Stage& stage) {
    std::string const svg = "<?xml version='1.0'?><svg/>";
    stage.play({
        {.name = "files.upload: a form without a file",
         .as = Who::manager,
         .method = "POST",
         .path = "/files",
         .headers = form_type,
         .body = form({}),
         .status = 422,
         .code = "FILE_MISSING"},
        {.name = "files.upload: two where one is taken",
         .as = Who::manager,
         .method = "POST",
         .path = "/files",
         .headers = form_type,
         .body = form({{"a.pdf", a_pdf}, {"b.pdf", a_pdf}}),
         .status = 413,
         .code = "TOO_MANY_PARTS"},
        {.name = "files.upload: a form that ends early",
         .as = Who::manager,
         .method = "POST",
         .path = "/files",
         .headers = form_type,
         .body = form({{"a.pdf", a_pdf}}).substr(0, 150),
         .status = 400,
         .code = "MALFORMED_FORM"},
        {.name = "files.batch: one bad file spoils all",
         .as = Who::manager,
         .method = "POST",
         .path = "/files/batch",
         .headers = form_type,
         .body = form({{"a.pdf", a_pdf}, {"b.svg", svg}}),
         .status = 415,
         .code = "FILE_TYPE_NOT_ALLOWED"},
    });
}

TEST_F(FilesTest, AreRefusedWithoutATrace) {
    std::string const svg = "<?xml version='1.0'?><svg onload='alert(1)'/>";
    stage.play({
        {.name = "files.upload: a viewer may not",
         .as = Who::viewer,
         .method = "POST",
         .path = "/files",
         .headers = raw_type,
         .body = a_pdf,
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "uploads.create: a guest may not",
         .method = "POST",
         .path = "/uploads",
         .headers = raw_type,
         .body = a_pdf,
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "images.upload: an SVG that is called a JPEG",
         .as = Who::manager,
         .method = "POST",
         .path = "/images/upload",
         .headers = form_type,
         .body = form({{"pen.jpg", svg}}),
         .status = 415,
         .code = "FILE_TYPE_NOT_ALLOWED"},
        {.name = "files.upload: a PDF is no image",
         .as = Who::manager,
         .method = "POST",
         .path = "/files?purpose=image",
         .headers = raw_type,
         .body = a_pdf,
         .status = 415,
         .code = "FILE_TYPE_NOT_ALLOWED"},
        {.name = "files.upload: larger than its purpose allows",
         .as = Who::manager,
         .method = "POST",
         .path = "/files",
         .headers = raw_type,
         .body = std::string(2'001, 'x'),
         .status = 413,
         .code = "FILE_OVER_LIMIT"},
        {.name = "files.upload: nothing at all",
         .as = Who::manager,
         .method = "POST",
         .path = "/files",
         .headers = raw_type,
         .status = 422,
         .code = "FILE_EMPTY"},
    });
    play_bad_forms(stage);
    EXPECT_TRUE(soon([&] { return files_in("incoming") == 0; }));
    EXPECT_EQ(files_in("objects"), 0);
}

/// Of {file}, which another content was put into before.
void play_removals(Stage& stage) {
    stage.play({
        {.name = "images.replace: the older spelling",
         .as = Who::owner,
         .method = "PUT",
         .path = "/images/replace?id={file}",
         .headers = form_type,
         .body = form({{"other.jpg", a_jpeg}}),
         .writes = another_picture,
         .events = {"document:uploaded"},
         .expect = {{"data.name", "other.jpg"}, {"data.sha256", a_jpeg_sha}}},
        {.name = "images.replace: without saying which",
         .as = Who::owner,
         .method = "PUT",
         .path = "/images/replace",
         .headers = raw_type,
         .body = a_jpeg,
         .status = 422,
         .code = "VALIDATION_ERROR"},
        {.name = "files.delete: another organization's is not there",
         .as = Who::other_owner,
         .method = "DELETE",
         .path = "/files/{file}",
         .status = 404,
         .code = "FILE_NOT_FOUND"},
        {.name = "files.delete: gone at once",
         .as = Who::manager,
         .method = "DELETE",
         .path = "/files/{file}",
         .writes = {{"files.files", 1}, {"files.objects", 1}},
         .events = {"document:deleted"},
         .expect = {{"data.isDeleted", "true"}}},
        {.name = "files.content: of what was removed",
         .as = Who::manager,
         .path = "/files/{file}/content",
         .status = 404,
         .code = "FILE_NOT_FOUND"},
        {.name = "images.delete: is not there any more",
         .as = Who::manager,
         .method = "DELETE",
         .path = "/images/delete?id={file}",
         .status = 404,
         .code = "FILE_NOT_FOUND"},
    });
}

TEST_F(FilesTest, AreReplacedAndRemoved) {
    stage.keep("file", upload(a_jpeg, "?purpose=image&name=pen.jpg"));
    std::string const another = a_jpeg + " but another";
    stage.play({
        {.name = "files.replace: staff may not",
         .as = Who::staff,
         .method = "PUT",
         .path = "/files/{file}",
         .headers = raw_type,
         .body = another,
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "files.replace: another organization's is not there",
         .as = Who::other_owner,
         .method = "PUT",
         .path = "/files/{file}",
         .headers = raw_type,
         .body = another,
         .status = 404,
         .code = "FILE_NOT_FOUND"},
        {.name = "files.replace: what it was for still holds",
         .as = Who::manager,
         .method = "PUT",
         .path = "/files/{file}",
         .headers = raw_type,
         .body = a_pdf,
         .status = 415,
         .code = "FILE_TYPE_NOT_ALLOWED"},
        {.name = "files.replace: another content under the same id",
         .as = Who::owner,
         .method = "PUT",
         .path = "/files/{file}",
         .headers = raw_type,
         .body = another,
         .writes = another_picture,
         .events = {"document:uploaded"},
         .expect = {{"data.id", "{file}"},
                    {"data.name", "pen.jpg"},
                    {"data.ownerId", "{manager}"}}},
    });
    play_removals(stage);
    EXPECT_EQ(stage.db.word("select count(*) from files.objects where state <> 'dropped'"), "0");
    stage.keep("file", upload(a_jpeg, "?purpose=image"));
    stage.play({{.name = "images.delete: the older spelling",
                 .as = Who::manager,
                 .method = "DELETE",
                 .path = "/images/delete?id={file}",
                 .writes = {{"files.files", 1}, {"files.objects", 1}},
                 .events = {"document:deleted"},
                 .expect = {{"data.id", "{file}"}}}});
}

TEST_F(FilesTest, AreDownloadedWholeAndInRanges) {
    std::string const bytes = a_jpeg + std::string(300'000, 'p') + "the end";
    std::string const path =
        "/files/" + upload(bytes, "?purpose=image&name=%22pen%22%0D%0A%C3%BC.jpg") + "/content";
    Client client = stage.client(Who::viewer);
    Answer const whole = client.get(path);
    EXPECT_EQ(whole.status, 200);
    EXPECT_TRUE(whole.body == bytes);
    EXPECT_EQ(whole.header("Content-Type"), "image/jpeg");
    EXPECT_EQ(whole.header("Content-Disposition"),
              "inline; filename=\"_pen___.jpg\"; filename*=UTF-8''%22pen%22%C3%BC.jpg");
    EXPECT_EQ(whole.header("Cache-Control"), "private, no-cache");
    EXPECT_EQ(whole.header("X-Content-Type-Options"), "nosniff");
    std::string const etag = whole.header("ETag");
    EXPECT_EQ(etag, "\"" + outbound::hex(outbound::sha256(bytes)) + "\"");

    Answer const end = client.get(path, {{"Range", "bytes=-7"}});
    EXPECT_EQ(end.status, 206);
    EXPECT_EQ(end.body, "the end");
    Answer const middle = client.get(path, {{"Range", "bytes=4-12"}, {"If-Range", etag}});
    EXPECT_EQ(middle.body, bytes.substr(4, 9));
    EXPECT_EQ(middle.header("Content-Range"), "bytes 4-12/" + std::to_string(bytes.size()));
    EXPECT_EQ(client.get(path, {{"Range", "bytes=4-12"}, {"If-Range", "\"x\""}}).status, 200);
    Answer const beyond = client.get(path, {{"Range", "bytes=400000-"}});
    EXPECT_EQ(beyond.status, 416);
    EXPECT_EQ(beyond.header("Content-Range"), "bytes */" + std::to_string(bytes.size()));
    EXPECT_EQ(client.get(path, {{"If-None-Match", etag}}).status, 304);
    Answer const head = client.head(path);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.header("Content-Length"), std::to_string(bytes.size()));
    stage.keep("file", path.substr(7, 36));
    stage.play({{.name = "files.content: a range of it",
                 .as = Who::staff,
                 .path = "/files/{file}/content",
                 .headers = {{"Range", "bytes=0-0"}},
                 .status = 206,
                 .expect_headers = {{"Accept-Ranges", "bytes"}}}});
}

TEST_F(FilesTest, OnlyImagesAreShownByABrowser) {
    std::string const path = "/files/" + upload("text, not markup", "?name=a.html") + "/content";
    Answer const answer = stage.client(Who::manager).get(path);
    EXPECT_EQ(answer.header("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_TRUE(answer.header("Content-Disposition").starts_with("attachment;"));
}

// ---- links

TEST_F(FilesTest, AreDownloadedThroughALink) {
    stage.keep("file", upload(a_pdf, "?name=bill.pdf"));
    stage.play({{.name = "files.link: a member may read",
                 .as = Who::viewer,
                 .method = "POST",
                 .path = "/files/{file}/link",
                 .expect = {{"data.method", "GET"}},
                 .keep = {{"url", "data.url"}},
                 .audits = 0},
                {.name = "files.link: another organization may not",
                 .as = Who::other_owner,
                 .method = "POST",
                 .path = "/files/{file}/link",
                 .status = 404,
                 .code = "FILE_NOT_FOUND"}});
    std::string const url = stage.kept("url");
    stage.keep("right", url.substr(url.find('?') + 1));
    stage.play({{.name = "files.signed-download: without a token",
                 .path = "/files/signed/{file}?{right}",
                 .expect_headers = {{"Content-Type", "application/pdf"}}}});
    EXPECT_EQ(stage.client().get(url).body, a_pdf);
    auto const changed = [&](std::string const& from, std::string const& to) {
        std::string text = url;
        return text.replace(text.find(from), from.size(), to);
    };
    std::string const wrong = changed("signature=", "signature=A");
    stage.keep("wrong", wrong.substr(wrong.find('?') + 1));
    stage.play({{.name = "files.signed-download: another signature",
                 .path = "/files/signed/{file}?{wrong}",
                 .status = 404,
                 .code = "FILE_LINK_INVALID"}});
    EXPECT_EQ(stage.client().get(changed("expires=", "expires=9")).code(), "FILE_LINK_INVALID");
    EXPECT_EQ(stage.client().get(changed(stage.kept("file"), stage.kept("nobody"))).code(),
              "FILE_LINK_INVALID");
    EXPECT_EQ(stage.client().get(changed(stage.kept("org_a"), stage.kept("org_b"))).code(),
              "FILE_LINK_INVALID");
}

TEST_F(FilesTest, AreUploadedThroughALinkOnce) {
    stage.play({{.name = "files.upload-link: a manager",
                 .as = Who::manager,
                 .method = "POST",
                 .path = "/files/links",
                 .body = R"({"name":"a b/pen & ü.jpg","purpose":"image"})",
                 .status = 201,
                 .expect = {{"data.method", "PUT"}},
                 .keep = {{"url", "data.url"}, {"file", "data.id"}},
                 .audits = 0},
                {.name = "files.upload-link: staff may not",
                 .as = Who::staff,
                 .method = "POST",
                 .path = "/files/links",
                 .body = R"({"name":"pen.jpg"})",
                 .status = 403,
                 .code = "FORBIDDEN"}});
    std::string url = stage.kept("url");
    stage.keep("right", url.substr(url.find('?') + 1));
    stage.play({{.name = "files.signed-upload: not what the link is for",
                 .method = "PUT",
                 .path = "/files/signed/{file}?{right}",
                 .headers = raw_type,
                 .body = a_pdf,
                 .status = 415,
                 .code = "FILE_TYPE_NOT_ALLOWED"},
                {.name = "files.signed-upload: without a token",
                 .method = "PUT",
                 .path = "/files/signed/{file}?{right}",
                 .headers = raw_type,
                 .body = a_jpeg,
                 .status = 201,
                 .writes = one_picture,
                 .events = {"document:uploaded"},
                 .expect = {{"data.id", "{file}"},
                            {"data.name", "pen & ü.jpg"},
                            {"data.ownerId", "{manager}"}}},
                {.name = "files.signed-upload: a second time",
                 .method = "PUT",
                 .path = "/files/signed/{file}?{right}",
                 .headers = raw_type,
                 .body = a_jpeg + "2",
                 .status = 409,
                 .code = "FILE_ALREADY_UPLOADED"},
                {.name = "files.get: what came through a link",
                 .as = Who::viewer,
                 .path = "/files/{file}",
                 .expect = {{"data.sha256", a_jpeg_sha}}}});
    url.replace(url.find("purpose=image"), 13, "purpose=document");
    EXPECT_EQ(stage.client().put(url, a_pdf, raw_type).code(), "FILE_LINK_INVALID");
    EXPECT_EQ(files_in("objects"), 1);
}

TEST(FileLinksTest, Expire) {
    Stage stage([](app::Config& config) {
        config.files.directory = temporary_directory("uploads");
        config.files.link_lifetime = std::chrono::milliseconds(1); // in whole seconds: none
    });
    Client client = stage.client(Who::manager);
    std::string const id = client.post("/files", a_pdf, raw_type).text("data.id");
    std::string const url = client.post("/files/" + id + "/link").text("data.url");
    Answer const answer = stage.client().get(url);
    EXPECT_EQ(answer.status, 410);
    EXPECT_EQ(answer.code(), "FILE_LINK_EXPIRED");
}

// ---- at once

TEST_F(FilesTest, AreReplacedByTwoAtOnceConcurrent) {
    std::string const id = upload(a_jpeg, "?purpose=image");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            Client client = stage.client(Who::manager);
            for (int n = 0; n < 5; ++n) {
                std::string const bytes = a_jpeg + std::to_string(i) + std::to_string(n);
                EXPECT_EQ(client.put("/files/" + id, bytes, raw_type).status, 200);
                Answer const read = client.get("/files/" + id + "/content");
                EXPECT_EQ(read.header("ETag"),
                          "\"" + outbound::hex(outbound::sha256(read.body)) + "\"");
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(stage.db.number("select count(*) from files.objects where state = 'kept'"), 1);
    EXPECT_EQ(stage.db.number("select count(*) from files.objects where state = 'dropped'"), 20);
}

// ---- the parts that are plain functions

TEST(FileNamesTest, AreTidied) {
    EXPECT_EQ(documents::tidy_name("C:\\bills\\a.pdf"), "a.pdf");
    EXPECT_EQ(documents::tidy_name("../../etc/passwd"), "passwd");
    EXPECT_EQ(documents::tidy_name("a\r\nb\0c"s), "abc");
    EXPECT_EQ(documents::tidy_name("dir/"), "file");
    EXPECT_EQ(documents::tidy_name("\xff\xfe"), "file");
    std::string const long_name = documents::tidy_name(std::string(254, 'a') + "ü");
    EXPECT_EQ(long_name, std::string(254, 'a')) << "never half a character";
}

TEST(RangesTest, AreReadAsTheStandardSays) {
    using documents::RangeOutcome;
    auto const read = [](char const* header, std::uint64_t size) {
        documents::AskedRange const asked = documents::read_range(header, size);
        if (asked.outcome == RangeOutcome::unsatisfiable) return std::string("416");
        if (asked.outcome == RangeOutcome::whole) return std::string("whole");
        return std::to_string(asked.span.offset) + "+" + std::to_string(asked.span.length);
    };
    EXPECT_EQ(read("bytes=0-0", 10), "0+1");
    EXPECT_EQ(read("bytes=3-", 10), "3+7");
    EXPECT_EQ(read("bytes=3-99999999999", 10), "3+7");
    EXPECT_EQ(read("bytes=-3", 10), "7+3");
    EXPECT_EQ(read("bytes=-30", 10), "0+10");
    EXPECT_EQ(read("bytes=-0", 10), "416");
    EXPECT_EQ(read("bytes=10-", 10), "416");
    for (char const* odd : {"", "bytes=", "bytes=5-3", "bytes=a-b", "bytes=1-2,4-5", "lines=1-2",
                            "bytes=-", "bytes=99999999999999999999999-"})
        EXPECT_EQ(read(odd, 10), "whole") << odd;
}

} // namespace
} // namespace haat::test
