// Requests that want two servers to disagree, through all of haat: each is answered once, the
// connection ends where it must, and the next client is served.
#include <cctype>
#include <thread>

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <test/harness/scenario.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

using namespace std::string_literals;

/// Bytes out, bytes in, until the server closes or says nothing for a while.
class Wire {
public:
    explicit Wire(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        timeval const patience{0, 300'000};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::connect(socket_, reinterpret_cast<sockaddr const*>(&address), sizeof address);
    }
    ~Wire() { ::close(socket_); }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            auto const sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return; // refused in the middle: the answer tells
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void read() {
        char bytes[16 * 1024];
        for (;;) {
            auto const size = ::recv(socket_, bytes, sizeof bytes, 0);
            closed = size == 0 || (size < 0 && errno == ECONNRESET);
            if (size <= 0) return;
            answer.append(bytes, static_cast<std::size_t>(size));
        }
    }
    /// "400 200": the statuses of all answers.
    std::string statuses() const {
        std::string found;
        for (auto at = answer.find("HTTP/1.1 "); at != std::string::npos;
             at = answer.find("HTTP/1.1 ", at + 1))
            if (std::isdigit(static_cast<unsigned char>(answer[at + 9])) != 0)
                found += (found.empty() ? "" : " ") + answer.substr(at + 9, 3);
        return found;
    }

    std::string answer;
    bool closed = false;

private:
    int socket_;
};

struct Abuse {
    char const* what;
    std::string bytes;
    char const* statuses; // of all answers, and then the connection is closed
    char const* code = "BAD_REQUEST";
};

class AbuseTest : public testing::Test {
protected:
    void play(std::vector<Abuse> const& table) {
        for (Abuse const& each : table) {
            SCOPED_TRACE(each.what);
            Wire wire(stage_.server.port());
            wire.send(each.bytes);
            wire.read();
            EXPECT_EQ(wire.statuses(), each.statuses) << wire.answer;
            std::string const code = "\"code\":\"" + std::string(each.code) + "\"";
            EXPECT_NE(wire.answer.find(code), std::string::npos) << wire.answer;
            EXPECT_TRUE(wire.closed) << "the connection was kept";
            EXPECT_EQ(stage_.client().get("!/health").status, 200);
        }
    }
    std::string with_token() const {
        return "Authorization: Bearer " + stage_.actors[Who::admin].token + "\r\n";
    }
    Stage stage_;
};

// What an attacker hides behind the first request must never be run as a second one.
std::string const hidden = "GET /api/v1/brands HTTP/1.1\r\nHost: x\r\n\r\n";
std::string const post = "POST /api/v1/brands HTTP/1.1\r\nHost: x\r\n";

TEST_F(AbuseTest, SmugglingShapesAreRefusedOnce) {
    play({
        {"both lengths",
         post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, "400"},
        {"two lengths that differ",
         post + "Content-Length: 0\r\nContent-Length: 4\r\n\r\n" + hidden, "400"},
        {"a list of lengths", post + "Content-Length: 4, 4\r\n\r\nabcd" + hidden, "400"},
        {"a signed length", post + "Content-Length: +4\r\n\r\nabcd" + hidden, "400"},
        {"a negative length", post + "Content-Length: -1\r\n\r\n" + hidden, "400"},
        {"a length in hexadecimal", post + "Content-Length: 0x4\r\n\r\nabcd" + hidden, "400"},
        {"a length beyond 64 bits", post + "Content-Length: 99999999999999999999\r\n\r\n" + hidden,
         "400"},
        {"a blank before the colon", post + "Content-Length : 4\r\n\r\nabcd" + hidden, "400"},
        {"a folded header", post + "X-A: 1\r\n Content-Length: 4\r\n\r\n" + hidden, "400"},
        {"a bare line feed", "GET /health HTTP/1.1\nHost: x\n\n" + hidden, "400"},
        {"a bare carriage return", "GET /health HTTP/1.1\r\nHost: x\rX-A: 1\r\n\r\n" + hidden,
         "400"},
        {"NUL in a header", "GET /health HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n"s + hidden,
         "400"},
        {"a coding that is unknown", post + "Transfer-Encoding: gzip\r\n\r\n" + hidden, "501",
         "TRANSFER_CODING_UNSUPPORTED"},
        {"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + hidden,
         "400"},
        {"a chunk size that is none", post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + hidden,
         "400"},
        {"a chunk without its end",
         post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" + hidden, "400"},
        {"a chunk size beyond 64 bits",
         post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + hidden, "400"},
        {"two hosts", "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + hidden, "400"},
        {"no host", "GET /health HTTP/1.1\r\n\r\n" + hidden, "400"},
        {"another version", "GET /health HTTP/3.0\r\nHost: x\r\n\r\n" + hidden, "505",
         "HTTP_VERSION_UNSUPPORTED"},
        {"no version", "GET /health\r\n\r\n" + hidden, "400"},
    });
}

TEST_F(AbuseTest, LimitsHaveTheirOwnErrors) {
    std::string many;
    for (int i = 0; i < 200; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
    play({
        {"a header that is too large",
         "GET /health HTTP/1.1\r\nHost: x\r\nX-A: " + std::string(40'000, 'a') + "\r\n\r\n", "431",
         "HEADERS_TOO_LARGE"},
        {"too many headers", "GET /health HTTP/1.1\r\nHost: x\r\n" + many + "\r\n", "431",
         "TOO_MANY_HEADERS"},
        {"an address that is too long",
         "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", "414",
         "TARGET_TOO_LONG"},
        {"a body that says it is too large",
         post + with_token() + "Content-Type: application/json\r\nContent-Length: 99000000\r\n\r\n",
         "413", "BODY_TOO_LARGE"},
        {"an expectation that is unknown", post + "Expect: magic\r\nContent-Length: 2\r\n\r\n{}",
         "417", "EXPECTATION_FAILED"},
    });
}

TEST_F(AbuseTest, PathsAreDecodedOnceAndSafely) {
    for (char const* path : {"/api/v1/%2e%2e/%2e%2e/etc/passwd", "/api/v1/brands/%00", "/%",
                             "/api/v1/brands/%zz", "/api/v1/brands/%c0%ae", "/..%2f..%2fetc/passwd",
                             "/assets/../../../../etc/passwd", "/api/v1/brands/..%5c"}) {
        Answer const answer = stage_.client().get("!" + std::string(path));
        EXPECT_GE(answer.status, 400) << path;
        EXPECT_LT(answer.status, 500) << path;
        EXPECT_EQ(answer.body.find("root:"), std::string::npos) << path;
    }
}

TEST_F(AbuseTest, AFloodOfPipelinedRequestsIsAnsweredInOrder) {
    constexpr int count = 500;
    std::string flood;
    for (int i = 0; i < count; ++i)
        flood += i % 2 == 0 ? "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
                            : "GET /api/v1/nowhere HTTP/1.1\r\nHost: x\r\n\r\n";
    Wire wire(stage_.server.port());
    std::thread sender([&] { wire.send(flood); });
    std::string expected;
    for (int i = 0; i < count; ++i)
        expected += (i == 0 ? "" : " ") + std::string(i % 2 == 0 ? "200" : "404");
    soon([&] {
        wire.read();
        return wire.statuses().size() >= expected.size();
    });
    sender.join();
    EXPECT_EQ(wire.statuses(), expected);
}

// A refused request must not have been run: nothing is written by any of the shapes above.
TEST_F(AbuseTest, NothingIsWrittenByWhatIsRefused) {
    auto const before = stage_.db.versions();
    std::string const body = R"({"name":"Smuggled"})";
    std::string const inner =
        post + with_token() + "X-Org-Id: " + stage_.actors.org_a() +
        "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    for (std::string const& outer :
         {post + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
          post + "Content-Length: 0\r\nContent-Length: 1\r\n\r\n" + inner,
          post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner}) {
        Wire wire(stage_.server.port());
        wire.send(outer);
        wire.read();
        EXPECT_TRUE(wire.closed);
    }
    EXPECT_TRUE(before.written_until(stage_.db.versions()).empty());
}

TEST(SlowClientTest, WhoTricklesIsLetGo) {
    Stage stage([](app::Config& config) {
        config.server.header_timeout = 300ms;
        config.server.body_timeout = 300ms;
    });
    Wire headers(stage.server.port());
    headers.send("GET /health HTTP/1.1\r\nHost: x\r\nX-A");
    EXPECT_TRUE(soon([&] {
        headers.read();
        return headers.closed;
    }));
    EXPECT_EQ(headers.statuses(), "408");
    EXPECT_NE(headers.answer.find(R"("code":"HEADER_TIMEOUT")"), std::string::npos);
    Wire body(stage.server.port());
    body.send(post + "Authorization: Bearer " + stage.actors[Who::admin].token +
              "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
    EXPECT_TRUE(soon([&] {
        body.read();
        return body.closed;
    }));
    EXPECT_EQ(body.statuses(), "408");
    EXPECT_NE(body.answer.find(R"("code":"BODY_TIMEOUT")"), std::string::npos);
}

} // namespace
} // namespace haat::test
