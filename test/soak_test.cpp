// Many connections, many requests: nothing grows. The long forms run with HAAT_SOAK=1 (make soak).
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <test/harness/actors.hpp>
#include <test/harness/house.hpp>
#include <test/harness/process.hpp>
#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

/// Proportional set size of one process: what it would give back.
std::int64_t kilobytes_of(pid_t process) {
    std::ifstream in("/proc/" + std::to_string(process) + "/smaps_rollup");
    for (std::string word; in >> word;)
        if (std::int64_t size = 0; word == "Pss:" && in >> size) return size;
    return -1;
}

class Connections {
public:
    ~Connections() {
        for (int const each : open_) ::close(each);
    }
    /// One more, or false.
    bool add(std::uint16_t port) {
        int const socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (socket < 0) return false;
        open_.push_back(socket);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return ::connect(socket, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
    }
    /// Asks on one of them, and reads the first line of the answer.
    std::string ask(std::size_t index) {
        std::string_view const request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
        if (::send(open_[index], request.data(), request.size(), MSG_NOSIGNAL) < 0) return "closed";
        char answer[15] = {};
        auto const size = ::recv(open_[index], answer, sizeof answer, MSG_WAITALL);
        return {answer, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
    }
    std::size_t size() const { return open_.size(); }

private:
    std::vector<int> open_;
};

class SoakTest : public testing::Test {
protected:
    ProcessOptions options() {
        ProcessOptions options;
        options.environment = {{"DATABASE_URL", db_.url(pg::Role::owner)},
                               {"DATABASE_REQUEST_URL", db_.url(pg::Role::request)},
                               {"DATABASE_WORKER_URL", db_.url(pg::Role::worker)},
                               {"HAAT_DATA_DIR", temporary_directory("soak").string()},
                               {"JWT_SECRET", test_secret},
                               {"HAAT_ADDRESS", "127.0.0.1"},
                               {"HAAT_LOOPS", "2"},
                               {"LOG_LEVEL", "warn"},
                               {"HAAT_CACHE", "false"},
                               {"HAAT_CONNECTIONS_PER_ADDRESS_MAX", "12000"},
                               {"HAAT_IDLE_TIMEOUT", "10m"},
                               {"HAAT_RATE_PUBLIC_READ", "100000000/1m"},
                               {"HAAT_RATE_SIGNED_IN", "100000000/1m"}};
        return options;
    }
    /// This many requests of the ordinary kinds, over four connections.
    void ask(std::uint16_t port, int requests) {
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                Client client(port);
                client.as(actors_[Who::manager]);
                for (int i = 0; i < requests / 4; ++i) {
                    int const kind = (i + t) % 10;
                    Answer const answer =
                        kind == 0   ? client.get("/brands?search=x&limit=5")
                        : kind == 1 ? client.post("/brands", R"({"name":""})")
                        : kind == 2 ? client.get("/brands/01890a5d-ac96-774b-bcce-b302099a8057")
                        : kind == 3 ? client.get("/auth/me")
                        : kind == 4 ? client.get("/nowhere")
                                    : client.get("!/health");
                    if (answer.status >= 500) ADD_FAILURE() << answer.body;
                    if (i % 5'000 == 4'999) client.disconnect();
                }
            });
        for (std::thread& thread : threads) thread.join();
    }
    void expect_flat_memory(int requests) {
        Process haat(options());
        ASSERT_TRUE(haat.ready()) << haat.errors();
        ask(haat.port(), requests / 4); // buffers, caches and plans take their places
        std::int64_t const before = kilobytes_of(haat.id());
        ask(haat.port(), requests);
        std::int64_t const after = kilobytes_of(haat.id());
        EXPECT_LE(after - before, 5 * 1024) << "from " << before << " KB to " << after << " KB";
        haat.signal(SIGTERM);
        EXPECT_EQ(haat.wait(), 0);
    }

    TestDatabase db_;
    Actors const actors_{db_.connection()};
};

bool instrumented() {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
    return false;
}

TEST_F(SoakTest, TenThousandIdleConnectionsAreHeld) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ASSERT_GE(limit.rlim_max, 11'000u) << "raise the limit of open files (ulimit -Hn)";
    Process haat(options());
    ASSERT_TRUE(haat.ready()) << haat.errors();
    std::int64_t const before = kilobytes_of(haat.id());
    Connections connections;
    for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(connections.add(haat.port())) << i;
    for (std::size_t i = 0; i < connections.size(); i += 97)
        ASSERT_EQ(connections.ask(i), "HTTP/1.1 200 OK") << i;
    EXPECT_EQ(Client(haat.port()).get("/brands").status, 200);
    if (!instrumented()) {
        EXPECT_LE(kilobytes_of(haat.id()) - before, 100 * 1024);
    }
    haat.signal(SIGTERM);
    EXPECT_EQ(haat.wait(20s), 0) << "idle connections held up the end";
}

TEST_F(SoakTest, MemoryIsFlatOverFiftyThousandRequests) {
    if (instrumented()) {
        ask(TestServer(db_).port(), 2'000); // the sanitizers keep what was freed
        return;
    }
    expect_flat_memory(50'000);
}

// Only with HAAT_SOAK=1, else a glance, so that the test is never forgotten.
TEST_F(SoakTest, MemoryIsFlatOverAMillionRequests) {
    bool const soak = std::getenv("HAAT_SOAK") != nullptr;
    if (instrumented()) return;
    expect_flat_memory(soak ? 1'000'000 : 10'000);
}

} // namespace
} // namespace haat::test
