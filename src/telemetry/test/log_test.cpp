// The log as its readers see it: in files, in a pipe, after a fork and after a crash.
#include <telemetry/log.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <telemetry/log_text.hpp>

namespace haat::log {
namespace {

namespace files = std::filesystem;
using namespace std::chrono_literals;

std::vector<std::string> lines_of(files::path const& path) {
    std::ifstream in(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

class Log : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = files::temp_directory_path() / "haat-log-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
        options_.descriptor = -1;
        options_.file = root_ / "logs" / "app.log";
        options_.flush_every = 1h; // only what asks to be written is written
    }
    void TearDown() override {
        LogOptions quiet;
        quiet.level = Level::warn;
        configure(quiet);
        shutdown();
        files::remove_all(root_);
    }

    std::vector<std::string> written() {
        EXPECT_TRUE(flush());
        return lines_of(options_.file);
    }
    boost::json::object only_line() {
        auto const lines = written();
        EXPECT_EQ(lines.size(), 1U);
        return boost::json::parse(lines.at(0)).as_object();
    }

    files::path root_;
    LogOptions options_;
};

TEST_F(Log, ALineIsOneObject) {
    configure(options_);
    info("database up")
        .field("connections", 4)
        .field("ms", 1.5)
        .field("primary", true)
        .field("host", std::string("db"))
        .field("bytes", std::uint64_t{1} << 63)
        .field("offset", std::int64_t{-5})
        .field("nothing", 0.0 / 0.0)
        .field("id", Uuid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}});
    auto const line = written().at(0);
    EXPECT_EQ(line.substr(35),
              R"("level":"info","message":"database up","connections":4,"ms":1.5,)"
              R"("primary":true,"host":"db","bytes":9223372036854775808,"offset":-5,)"
              R"("nothing":null,"id":"01020304-0506-0708-090a-0b0c0d0e0f10"})");
}

TEST_F(Log, TheTimeIsNowInRfc3339) {
    configure(options_);
    auto const before = std::time(nullptr);
    info("x");
    std::string const text(only_line().at("time").as_string());
    std::tm parts{};
    ASSERT_NE(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts), nullptr) << text;
    EXPECT_LE(before, timegm(&parts));
    EXPECT_GE(std::time(nullptr), timegm(&parts));
    EXPECT_EQ(text.size(), 24U);
    EXPECT_EQ(text.back(), 'Z');
}

TEST_F(Log, WhatStrangersSendStaysOneLineOfJson) {
    configure(options_);
    std::string all;
    for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
    info("a \"quoted\\ line\n{}").field("na\"me", all).field("hindi", "नमस्ते 🙏");
    info("after");
    auto const lines = written();
    ASSERT_EQ(lines.size(), 2U);
    auto const line = boost::json::parse(lines[0]).as_object();
    EXPECT_EQ(line.at("message").as_string(), "a \"quoted\\ line\n{}");
    EXPECT_EQ(line.at("hindi").as_string(), "नमस्ते 🙏");
    std::string const read(line.at("na\"me").as_string());
    EXPECT_EQ(read.substr(0, 128), all.substr(0, 128));
    for (char const c : lines[0]) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

TEST_F(Log, WellFormedUtf8IsKeptAndTheRestReplaced) {
    configure(options_);
    // each: what is sent, what is read
    std::vector<std::pair<std::string, std::string>> const cases{
        {"\xc3\xa9", "\xc3\xa9"},                                 // é
        {"\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"}, // around the surrogates
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},                 // the last character
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 // overlong
        {"\xc3", "\xef\xbf\xbd"},                                 // cut
        {"\xc2\x9b[31m", "\xc2\x9b[31m"}, // C1: escaped, so read back as it was
    };
    for (auto const& [sent, read] : cases) info("x").field("value", sent);
    auto const lines = written();
    ASSERT_EQ(lines.size(), cases.size());
    for (std::size_t i = 0; i < cases.size(); ++i)
        EXPECT_EQ(boost::json::parse(lines[i]).at("value").as_string(), cases[i].second) << i;
    EXPECT_EQ(lines.back().find("\xc2\x9b"), std::string::npos);
}

TEST_F(Log, LongTextsAreCutAndTheLineStaysWhole) {
    configure(options_);
    std::string const mean(100'000, '\x01');
    {
        Line line(Level::info, mean);
        for (int i = 0; i < 100; ++i) line.field("field" + std::to_string(i), mean).field("n", i);
    }
    info("plain").field("value", std::string(100'000, 'x'));
    auto const lines = written();
    ASSERT_EQ(lines.size(), 2U);
    for (auto const& line : lines) {
        EXPECT_LE(line.size(), line_bytes_max);
        EXPECT_NO_THROW(boost::json::parse(line)) << line.substr(line.size() - 100);
    }
    EXPECT_EQ(boost::json::parse(lines[1]).at("value").as_string().size(), value_bytes_max);
}

TEST_F(Log, SecretsAreMasked) {
    configure(options_);
    for (auto const name : {"password", "newPassword", "accessToken", "Authorization", "cookie",
                            "webhook_secret", "X-Api-Key", "otp"})
        info("x").field(name, "hunter2");
    info("x").field("author", "visible");
    auto const lines = written();
    for (auto const& line : lines) EXPECT_EQ(line.find("hunter2"), std::string::npos) << line;
    EXPECT_NE(lines.back().find("visible"), std::string::npos);
}

TEST_F(Log, LevelsBelowTheLeastAreNotWritten) {
    options_.level = Level::warn;
    configure(options_);
    debug("no");
    info("no").field("x", 1);
    warn("yes");
    error("yes");
    request({.status = 200});
    request({.status = 503});
    EXPECT_FALSE(enabled(Level::info));
    EXPECT_EQ(written().size(), 3U);

    Level level{};
    EXPECT_TRUE(parse("warning", level));
    EXPECT_EQ(level, Level::warn);
    EXPECT_FALSE(parse("loud", level));
}

TEST_F(Log, WarningsAndErrorsAreWrittenAtOnce) {
    configure(options_);
    error("now");
    auto const deadline = std::chrono::steady_clock::now() + 5s;
    while (lines_of(options_.file).empty() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    EXPECT_EQ(lines_of(options_.file).size(), 1U);
}

TEST_F(Log, ErrorsGoToTheirOwnFileToo) {
    options_.error_file = root_ / "error.log";
    configure(options_);
    info("a \",\"level\":\"error\"");
    error("b");
    EXPECT_EQ(written().size(), 2U);
    auto const errors = lines_of(options_.error_file);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(boost::json::parse(errors[0]).at("message").as_string(), "b");
}

TEST_F(Log, TheAccessLineHasItsFieldsAndNoMore) {
    configure(options_);
    RequestLine line;
    line.request_id = "0193-abc";
    line.method = "GET";
    line.path = "/api/v1/brands/7";
    line.route = "/api/v1/brands/{id}";
    line.status = 200;
    line.duration = 1'234'567ns;
    line.bytes_in = 120;
    line.bytes_out = 3'400;
    line.address = "203.0.113.7";
    line.user_agent = "curl/8 \"x\"";
    request(line);
    EXPECT_EQ(written().at(0).substr(35),
              R"("level":"info","requestId":"0193-abc","method":"GET","path":"/api/v1/brands/7",)"
              R"("route":"/api/v1/brands/{id}","status":200,"ms":1.234,"bytesIn":120,)"
              R"("bytesOut":3400,"ip":"203.0.113.7","userAgent":"curl/8 \"x\""})");

    line.user.bytes[0] = 0xab;
    line.org.bytes[15] = 0xcd;
    line.status = 500;
    request(line);
    auto const second = boost::json::parse(written().at(1)).as_object();
    EXPECT_EQ(second.at("level").as_string(), "error");
    EXPECT_EQ(second.at("userId").as_string(), "ab000000-0000-0000-0000-000000000000");
    EXPECT_EQ(second.at("orgId").as_string(), "00000000-0000-0000-0000-0000000000cd");
}

TEST_F(Log, AMeanAccessLineStaysWhole) {
    configure(options_);
    std::string const mean(10'000, '\xff');
    RequestLine line;
    line.request_id = line.method = line.path = line.route = line.address = line.user_agent = mean;
    request(line);
    EXPECT_LE(written().at(0).size(), line_bytes_max);
    EXPECT_NO_THROW(boost::json::parse(written().at(0)));
}

TEST_F(Log, FilesAreRotatedAndNoLineIsParted) {
    options_.rotate_bytes = 20'000;
    options_.rotate_files = 3;
    configure(options_);
    for (int i = 0; i < 2'000; ++i) info("line").field("number", i);
    EXPECT_TRUE(flush());
    int expected = 1'999; // from the newest line backwards
    for (auto const* suffix : {"", ".1", ".2"}) {
        files::path const path = options_.file + suffix;
        EXPECT_LE(files::file_size(path), 20'000U);
        auto lines = lines_of(path);
        std::reverse(lines.begin(), lines.end());
        for (auto const& line : lines)
            EXPECT_EQ(boost::json::parse(line).at("number").as_int64(), expected--);
    }
    EXPECT_LT(expected, 1'999 - 400);
    EXPECT_FALSE(files::exists(options_.file + ".3"));
}

TEST_F(Log, AFileIsContinuedAfterARestart) {
    configure(options_);
    info("first");
    shutdown();
    configure(options_);
    info("second");
    EXPECT_EQ(written().size(), 2U);
}

TEST_F(Log, AFileThatCannotBeOpenedIsAnErrorAtTheStart) {
    configure(options_);
    info("kept");
    LogOptions bad = options_;
    bad.file = "/proc/no/such/folder/app.log";
    EXPECT_THROW(configure(bad), std::system_error);
    info("still written");
    EXPECT_EQ(written().size(), 2U);
}

TEST_F(Log, AFullDiskIsToldOnceAndCounted) {
    if (!files::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(pipe(pipe_ends.data()), 0);
    options_.file = "/dev/full";
    options_.descriptor = pipe_ends[1];
    options_.form = Form::json;
    configure(options_);
    auto const before = dropped();
    for (int i = 0; i < 3; ++i) {
        info("x");
        EXPECT_TRUE(flush());
    }
    shutdown();
    close(pipe_ends[1]);
    EXPECT_GE(dropped() - before, 3U);
    std::string text(65'536, '\0');
    text.resize(static_cast<std::size_t>(
        std::max<ssize_t>(read(pipe_ends[0], text.data(), text.size()), 0)));
    close(pipe_ends[0]);
    auto const first = text.find("log file cannot be written");
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(text.find("log file cannot be written", first + 1), std::string::npos);
    EXPECT_NE(text.find("log lines dropped"), std::string::npos);
}

TEST_F(Log, AReaderThatDoesNotReadHoldsUpNobody) {
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
    options_.descriptor = pipe_ends[1];
    options_.form = Form::json;
    options_.thread_bytes_max = 200'000;
    configure(options_);
    auto const before = dropped();
    auto const start = std::chrono::steady_clock::now();
    for (int i = 0; i < 20'000; ++i) info("a line for a pipe that is full").field("number", i);
    EXPECT_TRUE(flush(10s));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 8s);
    EXPECT_GT(dropped(), before);
    EXPECT_FALSE(lines_of(options_.file).empty()); // the file goes on
    shutdown();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

TEST_F(Log, ConcurrentThreadsLoseNothingEvenWhenTheyEnd) {
    configure(options_);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([t] {
            for (int i = 0; i < 5'000; ++i) {
                if (i % 2)
                    info("line").field("thread", t).field("number", i);
                else
                    request({.request_id = "x", .status = 200});
            }
        });
    for (auto& thread : threads) thread.join();
    shutdown(); // orderly: everything is written
    std::array<std::int64_t, 4> last{-1, -1, -1, -1};
    std::size_t count = 0;
    for (auto const& text : lines_of(options_.file)) {
        ++count;
        auto const line = boost::json::parse(text).as_object();
        if (!line.contains("thread")) continue;
        auto& before = last.at(static_cast<std::size_t>(line.at("thread").as_int64()));
        EXPECT_LT(before, line.at("number").as_int64()); // in order for each
        before = line.at("number").as_int64();
    }
    EXPECT_EQ(count, 20'000U);
}

TEST_F(Log, ConcurrentConfiguringAndLoggingLosesNothing) {
    configure(options_);
    std::thread logger([] {
        for (int i = 0; i < 20'000; ++i) info("x");
    });
    for (int i = 0; i < 50; ++i) configure(options_);
    shutdown();
    logger.join();
    EXPECT_EQ(lines_of(options_.file).size(), 20'000U);
}

TEST_F(Log, WithoutAWriterLinesAreWrittenAtOnce) {
    configure(options_);
    shutdown();
    info("direct");
    EXPECT_EQ(lines_of(options_.file).size(), 1U);
    EXPECT_TRUE(flush());
}

// Runs `work` in a child and returns how it ended.
template <class Work> int in_child(Work work) {
    pid_t const child = fork();
    if (child == 0) {
        work();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

TEST_F(Log, AForkedChildLogsByItselfAndRepeatsNothing) {
    configure(options_);
    info("parent, before");
    EXPECT_EQ(in_child([] { info("child"); }), 0);
    info("parent, after");
    auto const lines = written();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_NE(lines[0].find("child"), std::string::npos);
}

TEST_F(Log, AForkedChildMayHaveAWriterOfItsOwn) {
    configure(options_);
    EXPECT_EQ(in_child([this] {
                  configure(options_);
                  info("child");
                  if (!flush()) _exit(1);
                  shutdown();
              }),
              0);
    EXPECT_EQ(written().size(), 1U);
}

TEST_F(Log, ACrashWritesWhatWasPending) {
    configure(options_);
    int const status = in_child([this] {
        struct sigaction plain {};
        plain.sa_handler = SIG_DFL;
        sigaction(SIGABRT, &plain, nullptr);
        configure(options_);
        flush_when_crashing();
        info("the last words");
        raise(SIGABRT);
    });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status;
    auto const lines = written();
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines[0].find("the last words"), std::string::npos);
}

TEST(LogForTerminals, IsShortAndInColours) {
    std::string out;
    append_coloured(out, R"({"time":"2026-11-21T11:52:32.123Z","level":"warn",)"
                         R"("message":"slow \"query\"","ms":12.5,"name":"a.b"})");
    EXPECT_EQ(out, "\x1b[2m11:52:32.123\x1b[0m \x1b[33mwarn\x1b[0m  slow \\\"query\\\""
                   " \x1b[2mms=\x1b[0m12.5 \x1b[2mname=\x1b[0ma.b\n");
    out.clear();
    append_coloured(out, R"({"time":"2026-11-21T11:52:32.123Z","level":"info","requestId":"r",)"
                         R"("method":"GET","path":"/x","route":"/x","status":404,"ms":1.250,)"
                         R"("bytesIn":1,"bytesOut":2,"ip":"::1","userAgent":"\u001b[31m"})");
    EXPECT_EQ(out, "\x1b[2m11:52:32.123\x1b[0m \x1b[33m404\x1b[0m GET /x"
                   " \x1b[2m1.250 ms\x1b[0m\n");
}

TEST(LogForTerminals, NonsenseDoesNoHarm) {
    std::string out;
    for (std::string_view const text : {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"",
                                        "{\"a\":\"\\", "nothing at all", "{\"a\":1,\"b\\"})
        append_coloured(out, text);
    EXPECT_LT(out.size(), 1'000U);
}

} // namespace
} // namespace haat::log
