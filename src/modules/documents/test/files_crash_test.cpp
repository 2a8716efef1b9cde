// Uploads into the built binary that is killed, or whose disk takes no more.
#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>

#include <http/test/raw_client.hpp>
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
