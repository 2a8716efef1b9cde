#include <gtest/gtest.h>

#include <http/test/test_server.hpp>

namespace haat::http::test {
namespace {

std::string const handshake =
    "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client's frame, masked as it must be.
std::string frame(int operation, std::string_view data, bool last = true) {
    std::string out(1, static_cast<char>(operation | (last ? 0x80 : 0)));
    if (data.size() < 126) {
        out += static_cast<char>(0x80 | data.size());
    } else if (data.size() < 65536) {
        out += static_cast<char>(0x80 | 126);
        out += static_cast<char>(data.size() >> 8);
        out += static_cast<char>(data.size() & 0xff);
    } else {
        out += static_cast<char>(0x80 | 127);
        for (int shift = 56; shift >= 0; shift -= 8)
            out += static_cast<char>((data.size() >> shift) & 0xff);
    }
    char const mask[4] = {1, 2, 3, 4};
    out.append(mask, 4);
    for (std::size_t i = 0; i < data.size(); ++i) out += static_cast<char>(data[i] ^ mask[i % 4]);
    return out;
}

constexpr int text = 1, binary = 2, close = 8, ping = 9;

/// Its sockets have ended before its loops do, for what waits on a stopped loop is never freed.
class SocketServer : public TestServer {
public:
    ~SocketServer() {
        EXPECT_TRUE(eventually([this] { return server().counters().connections_open == 0; }));
    }
};

RawClient connected(TestServer& server) {
    RawClient client = server.client();
    RawResponse const response = client.ask(handshake);
    EXPECT_EQ(response.status, 101);
    EXPECT_EQ(response.header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    return client;
}

TEST(WebSocketTest, echoes_text_binary_and_fragments) {
    SocketServer server;
    RawClient client = connected(server);
    client.send(frame(text, "hello"));
    EXPECT_EQ(client.read_bytes(7), "\x81\x05hello");
    client.send(frame(binary, "\x01\x02"));
    EXPECT_EQ(client.read_bytes(4), "\x82\x02\x01\x02");
    client.send(frame(text, "in ", false) + frame(0, "two"));
    EXPECT_EQ(client.read_bytes(8), "\x81\x06in two");
    std::string const large(60'000, 'x');
    client.send(frame(text, large));
    EXPECT_TRUE(client.read_bytes(60'004).substr(4) == large);
}

TEST(WebSocketTest, answers_pings_and_says_goodbye) {
    SocketServer server;
    RawClient client = connected(server);
    client.send(frame(ping, "p"));
    EXPECT_EQ(client.read_bytes(3), "\x8a\x01p");
    client.send(frame(text, "bye"));
    EXPECT_EQ(client.read_bytes(5), "\x81\x03"
                                    "bye");
    EXPECT_EQ(client.read_bytes(4), std::string("\x88\x0d\x03\xe8"));
    client.send(frame(close, "\x03\xe8"));
    client.read_to_end();
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 0; }));
}

TEST(WebSocketTest, messages_have_a_limit) {
    SocketServer server;
    RawClient client = connected(server);
    client.send(frame(text, std::string(70'000, 'x')));
    EXPECT_EQ(client.read_to_end().substr(0, 4), "\x88\x02\x03\xf1") << "1009, too big";
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 0; }));
}

TEST(WebSocketTest, broken_frames_end_it) {
    SocketServer server;
    for (std::string const& bytes :
         {std::string("\x81\x02hi"), frame(3, "reserved"), frame(text, "\xff\xfe not UTF-8"),
          std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")}) {
        RawClient client = connected(server);
        client.send(bytes);
        client.end_sending();
        client.read_to_end();
    }
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 0; }));
    EXPECT_EQ(server.get("/well").status, 200);
}

TEST(WebSocketTest, a_client_that_vanishes_is_noticed) {
    SocketServer server;
    { RawClient const client = connected(server); }
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 0; }));
}

TEST(WebSocketTest, a_request_that_is_no_handshake_is_refused) {
    SocketServer server;
    EXPECT_EQ(server.get("/socket").status, 400);
    RawClient client = server.client();
    client.send(handshake + "early bytes");
    EXPECT_EQ(client.read_response().status, 400);
}

TEST(WebSocketTest, drain_says_going_away) {
    SocketServer server;
    RawClient client = connected(server);
    client.send(frame(text, "hello"));
    EXPECT_EQ(client.read_bytes(7), "\x81\x05hello");
    std::promise<void> drained;
    server.server().drain([&] { drained.set_value(); });
    EXPECT_EQ(client.read_bytes(4), "\x88\x02\x03\xe9") << "1001";
    client.send(frame(close, "\x03\xe9"));
    client.read_to_end();
    EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
}

} // namespace
} // namespace haat::http::test
