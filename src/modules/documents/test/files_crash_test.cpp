// Uploads into the built binary that is killed, or whose disk takes no more.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include <files/test/s3_server.hpp>
#include <http/test/raw_client.hpp>
#include <outbound/crypto.hpp>
#include <test/harness/actors.hpp>
#include <test/harness/house.hpp>
#include <test/harness/process.hpp>
#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

namespace fs = std::filesystem;

class FilesCrashTest : public testing::Test {
protected:
    ProcessOptions options() {
        ProcessOptions options;
        options.environment = {{"HAAT_DATA_DIR", directory.string()},
                               {"DATABASE_URL", db.url(pg::Role::owner)},
                               {"DATABASE_REQUEST_URL", db.url(pg::Role::request)},
                               {"DATABASE_WORKER_URL", db.url(pg::Role::worker)},
                               {"JWT_SECRET", test_secret},
                               {"HAAT_ADDRESS", "127.0.0.1"},
                               {"HAAT_LOOPS", "1"},
                               {"HAAT_RATE_UPLOAD", "1000/1m"}};
        return options;
    }
    int files_in(char const* folder) const {
        int count = 0;
        std::error_code error;
        for (auto const& entry :
             fs::recursive_directory_iterator(directory / "files" / folder, error))
            count += entry.is_regular_file();
        return count;
    }
    /// The head and a part of the body of an upload that is never finished.
    http::test::RawClient begin_upload(std::uint16_t port, std::size_t sent) {
        Caller const& caller = actors[Who::manager];
        http::test::RawClient client(port);
        client.send("POST /api/v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                    caller.token + "\r\nX-Org-Id: " + caller.org_id +
                    "\r\nContent-Type: text/plain\r\nContent-Length: 4000000\r\n\r\n" +
                    std::string(sent, 'x'));
        return client;
    }
    Client client(Process const& haat) {
        Client client(haat.port());
        client.as(actors[Who::manager]);
        return client;
    }
    void kill_at_any_moment(ProcessOptions const& options, int rounds);
    void expect_whole(Process& haat, std::map<std::string, std::string> const& promised);

    TestDatabase db;
    Actors const actors{db.connection()};
    fs::path const directory = temporary_directory("crash");
};

TEST_F(FilesCrashTest, AKilledServerShowsNothingOfAnUploadThatWasRunning) {
    {
        Process haat(options());
        ASSERT_TRUE(haat.ready()) << haat.errors();
        auto const upload = begin_upload(haat.port(), 2'000'000);
        ASSERT_TRUE(soon([&] { return files_in("incoming") == 1; }));
        haat.signal(SIGKILL);
        haat.wait();
    }
    EXPECT_EQ(db.number("select count(*) from files.objects where state = 'pending'"), 1)
        << "the collector learns of it from here";
    Process haat(options());
    ASSERT_TRUE(haat.ready()) << haat.errors();
    EXPECT_EQ(client(haat).get("/files").text("meta.pagination.total"), "0");
    EXPECT_EQ(files_in("objects"), 0);
    EXPECT_EQ(client(haat).post("/files", "whole", {{"Content-Type", "text/plain"}}).status, 201);
    EXPECT_EQ(files_in("objects"), 1);
}

// ---- killed at any moment

/// Differs from number to number, and is none the shorter for it.
std::string content_of(int number) {
    std::string const line = "file " + std::to_string(number) + "\n";
    std::string content;
    while (content.size() < 100'000u + 90'000u * unsigned(number % 10)) content += line;
    return content;
}

/// Uploads one file after another until nobody answers.
class Uploader {
public:
    Uploader(Client client, std::atomic<int>& number) : client_(std::move(client)) {
        thread_ = std::thread([this, &number] {
            try {
                for (;;) upload(content_of(++number));
            } catch (std::exception const&) { // the server is gone
            }
        });
    }
    Uploader(Uploader const&) = delete;
    ~Uploader() { wait(); }
    void wait() {
        if (thread_.joinable()) thread_.join();
    }

    std::size_t count() const { return count_; }
    /// Ids and hashes of what was answered with 201; when the server has been killed.
    std::map<std::string, std::string> const& promised() const { return promised_; }

private:
    void upload(std::string const& content) {
        Answer const answer = client_.post("/files", content, {{"Content-Type", "text/plain"}});
        if (answer.status != 201) return;
        promised_[answer.text("data.id")] = outbound::hex(outbound::sha256(content));
        ++count_;
    }

    Client client_;
    std::map<std::string, std::string> promised_;
    std::atomic<std::size_t> count_{0};
    std::thread thread_;
};

/// Every file that is shown is there as a whole, and every file that was promised is shown.
void FilesCrashTest::expect_whole(Process& haat,
                                  std::map<std::string, std::string> const& promised) {
    Client reader = client(haat);
    std::size_t found = 0;
    for (int page = 1, pages = 1; page <= pages; ++page) {
        Answer const list = reader.get("/files?limit=100&page=" + std::to_string(page));
        pages = std::stoi(list.text("meta.pagination.totalPages"));
        for (int i = 0; i < list.count("data"); ++i) {
            std::string const at = "data[" + std::to_string(i) + "].";
            std::string const id = list.text(at + "id");
            std::string const hash = list.text(at + "sha256");
            std::string const content = reader.get("/files/" + id + "/content").body;
            EXPECT_EQ(outbound::hex(outbound::sha256(content)), hash);
            auto const known = promised.find(id);
            if (known == promised.end()) continue; // kept, and killed before it could be answered
            EXPECT_EQ(known->second, hash);
            ++found;
        }
    }
    EXPECT_EQ(found, promised.size());
}

void FilesCrashTest::kill_at_any_moment(ProcessOptions const& options, int rounds) {
    std::map<std::string, std::string> promised;
    std::atomic<int> number{0};
    for (int round = 0; round < rounds; ++round) {
        Process haat(options);
        ASSERT_TRUE(haat.ready()) << haat.errors();
        std::vector<std::unique_ptr<Uploader>> uploaders;
        for (int i = 0; i < 3; ++i)
            uploaders.push_back(std::make_unique<Uploader>(client(haat), number));
        EXPECT_TRUE(soon([&] {
            std::size_t count = 0;
            for (auto const& one : uploaders) count += one->count();
            return count >= 4 + 3 * std::size_t(round);
        }));
        haat.signal(SIGKILL);
        haat.wait();
        for (auto& one : uploaders) {
            one->wait();
            promised.insert(one->promised().begin(), one->promised().end());
        }
    }
    Process haat(options);
    ASSERT_TRUE(haat.ready()) << haat.errors();
    expect_whole(haat, promised);
}

TEST_F(FilesCrashTest, WhatIsShownIsWholeWhenTheServerIsKilledAtAnyMoment) {
    kill_at_any_moment(options(), 5);
}

TEST_F(FilesCrashTest, WhatIsShownOfABucketIsWholeAsWell) {
    if (!files::test::s3_is_there()) GTEST_SKIP() << "no packages in test/peers (tools/test-peers)";
    files::test::S3Server const server;
    files::S3Options const s3 = server.options();
    ProcessOptions with_bucket = options();
    with_bucket.environment.merge(
        std::map<std::string, std::string>{{"HAAT_S3_BUCKET", s3.bucket},
                                           {"HAAT_S3_ENDPOINT", s3.endpoint},
                                           {"HAAT_S3_PATH_STYLE", "true"},
                                           {"AWS_ACCESS_KEY_ID", s3.key.id},
                                           {"AWS_SECRET_ACCESS_KEY", s3.key.secret.value}});
    kill_at_any_moment(with_bucket, 3);
}

TEST_F(FilesCrashTest, AClientThatGoesAwayLeavesNothing) {
    Process haat(options());
    ASSERT_TRUE(haat.ready()) << haat.errors();
    {
        auto const upload = begin_upload(haat.port(), 2'000'000);
        ASSERT_TRUE(soon([&] { return files_in("incoming") == 1; }));
    }
    EXPECT_TRUE(soon([&] { return files_in("incoming") == 0; }));
    EXPECT_TRUE(soon([&] { return db.number("select count(*) from files.objects") == 0; }));
}

// A disk of three megabytes, in a world of its own that goes with the process.
TEST_F(FilesCrashTest, ADiskWithoutRoomIsAnAnswerAndLeavesNothing) {
    fs::create_directories(directory / "files");
    std::string const mount =
        "mount -t tmpfs -o size=3m haat-test " + (directory / "files").string() + " && ";
    ProcessOptions limited = options();
    limited.program = "/usr/bin/unshare";
    limited.words = {"--mount", "/bin/sh", "-c", mount + "true"};
    if (run_process(limited).code != 0) GTEST_SKIP() << "needs the right to mount";
    limited.words.back() = mount + "exec " + haat_program() + " serve";
    Process haat(limited);
    ASSERT_TRUE(haat.ready()) << haat.errors();
    fs::path const disk =
        "/proc/" + std::to_string(haat.id()) + "/root" + directory.string() + "/files";
    Answer const answer =
        client(haat).post("/files", std::string(4'000'000, 'x'), {{"Content-Type", "text/plain"}});
    EXPECT_EQ(answer.status, 507) << answer.body;
    EXPECT_EQ(answer.code(), "STORAGE_FULL");
    EXPECT_TRUE(soon([&] { return fs::is_empty(disk / "incoming"); }));
    EXPECT_EQ(db.number("select count(*) from files.objects"), 0);
    EXPECT_EQ(client(haat).get("/files").text("meta.pagination.total"), "0");
    EXPECT_EQ(client(haat)
                  .post("/files", std::string(2'000'000, 'x'), {{"Content-Type", "text/plain"}})
                  .status,
              201)
        << "and what fits is taken";
}

// A limit on the size of files stands for a disk that is full: the write fails in the middle.
TEST_F(FilesCrashTest, AFullDiskIsAnAnswerAndLeavesNothing) {
    ProcessOptions limited = options();
    limited.program = "/bin/sh";
    limited.words = {"-c", "trap '' XFSZ; ulimit -f 2048; exec " + haat_program() + " serve"};
    Process haat(limited);
    ASSERT_TRUE(haat.ready()) << haat.errors();
    std::string const large(3'000'000, 'x');
    Answer const answer = client(haat).post("/files", large, {{"Content-Type", "text/plain"}});
    EXPECT_EQ(answer.status, 507) << answer.body;
    EXPECT_EQ(answer.code(), "STORAGE_FULL");
    EXPECT_TRUE(soon([&] { return files_in("incoming") == 0; }));
    EXPECT_EQ(db.number("select count(*) from files.objects"), 0);
    EXPECT_EQ(client(haat).post("/files", "small", {{"Content-Type", "text/plain"}}).status, 201)
        << "and what fits is taken";
}

} // namespace
} // namespace haat::test
