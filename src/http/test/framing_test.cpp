// What parsers are known to disagree about must end a connection, never desynchronise it.
#include <gtest/gtest.h>

#include <http/test/test_server.hpp>

namespace haat::http::test {
namespace {

using namespace std::string_literals;

struct Shape {
    char const* name;
    std::string bytes;
    int status;
};

void PrintTo(Shape const& shape, std::ostream* out) { *out << shape.name; }

std::string post(std::string_view headers, std::string_view body) {
    return fmt::format("POST /echo HTTP/1.1\r\nHost: a\r\n{}\r\n{}", headers, body);
}
std::string get(std::string_view target) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target);
}
std::string with(std::string_view headers) {
    return fmt::format("GET / HTTP/1.1\r\n{}\r\n", headers);
}
char const chunked[] = "Transfer-Encoding: chunked\r\n";

std::vector<Shape> const shapes = {
    {"length_and_coding", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
     400},
    {"coding_and_length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
     400},
    {"two_lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400},
    {"same_length_twice", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
    {"length_list", post("Content-Length: 5, 5\r\n", "hello"), 400},
    {"length_plus", post("Content-Length: +5\r\n", "hello"), 400},
    {"length_minus", post("Content-Length: -5\r\n", "hello"), 400},
    {"length_hex", post("Content-Length: 0x5\r\n", "hello"), 400},
    {"length_empty", post("Content-Length:\r\n", ""), 400},
    {"length_space_inside", post("Content-Length: 1 0\r\n", "hello"), 400},
    {"length_too_large_to_count", post("Content-Length: 99999999999999999999\r\n", ""), 400},
    {"two_codings",
     post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
    {"chunked_twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400},
    {"coding_gzip", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
    {"coding_identity", post("Transfer-Encoding: identity\r\n", ""), 501},
    {"coding_xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501},
    {"coding_empty", post("Transfer-Encoding:\r\n", ""), 400},
    {"coding_vertical_tab", post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), 400},
    {"coding_in_1_0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"coding_space_before_colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
    {"length_space_before_colon", post("Content-Length : 5\r\n", "hello"), 400},
    {"chunk_not_hex", post(chunked, "g\r\nhello\r\n0\r\n\r\n"), 400},
    {"chunk_minus", post(chunked, "-5\r\nhello\r\n0\r\n\r\n"), 400},
    {"chunk_0x", post(chunked, "0x5\r\nhello\r\n0\r\n\r\n"), 400},
    {"chunk_too_long_size", post(chunked, "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 400},
    {"chunk_bare_line_feed", post(chunked, "5\nhello\r\n0\r\n\r\n"), 400},
    {"chunk_without_end", post(chunked, "5\r\nhelloX\r\n0\r\n\r\n"), 400},
    {"chunk_end_bare_line_feed", post(chunked, "5\r\nhello\n0\r\n\r\n"), 400},
    {"chunk_size_empty", post(chunked, "\r\nhello\r\n0\r\n\r\n"), 400},
    {"chunk_bad_extension", post(chunked, "5 x\r\nhello\r\n0\r\n\r\n"), 400},
    {"chunk_endless_line", post(chunked, "5;" + std::string(9000, 'a')), 400},
    {"chunk_larger_than_plan", post(chunked, "200000\r\n" + std::string(0x200000, 'x')), 413},
    {"bare_line_feed", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"bare_line_feed_in_headers", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
    {"bare_carriage_return", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400},
    {"nul_in_value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"s, 400},
    {"nul_in_name", "GET / HTTP/1.1\r\nHost: a\r\nX\0: ab\r\n\r\n"s, 400},
    {"nul_in_target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
    {"control_in_value", with("Host: a\r\nX: a\x01z\r\n"), 400},
    {"folded", with("Host: a\r\nX: a\r\n b\r\n"), 400},
    {"folded_first", with(" Host: a\r\n"), 400},
    {"space_before_colon", with("Host : a\r\n"), 400},
    {"no_colon", with("Host: a\r\nnonsense\r\n"), 400},
    {"empty_name", with("Host: a\r\n: x\r\n"), 400},
    {"no_host", with("X: y\r\n"), 400},
    {"two_hosts", with("Host: a\r\nHost: b\r\n"), 400},
    {"same_host_twice", with("Host: a\r\nHost: a\r\n"), 400},
    {"host_with_path", with("Host: a/b\r\n"), 400},
    {"host_with_user", with("Host: me@a\r\n"), 400},
    {"host_with_space", with("Host: a b\r\n"), 400},
    {"no_version", "GET /\r\nHost: a\r\n\r\n", 400},
    {"version_2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"version_1_2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"version_0_9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
    {"version_lower_case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"version_space", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
    {"two_spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"method_not_a_token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"two_empty_lines_first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"tls_hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n"s, 400},
    {"percent_alone", get("/%"), 400},
    {"percent_one_digit", get("/%4"), 400},
    {"percent_not_hex", get("/%zz"), 400},
    {"percent_nul", get("/a%00b"), 400},
    {"percent_nul_in_query", get("/a?b=%00"), 400},
    {"percent_not_hex_in_query", get("/a?b=%u0041"), 400},
    {"not_ascii", get("/\xc3\xa9"), 400},
    {"delete_character", get("/\x7f"), 400},
    {"fragment", get("/a#b"), 400},
    {"relative", get("a"), 400},
    {"star_for_get", get("*"), 400},
    {"other_scheme", get("ftp://a/"), 400},
    {"absolute_without_host", get("http:///a"), 400},
    {"absolute_with_user", get("http://me@a/"), 400},
    {"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400},
    {"unknown_expectation", post("Content-Length: 1\r\nExpect: a-miracle\r\n", "x"), 417},
};

class Framing : public testing::TestWithParam<Shape> {};

TEST_P(Framing, is_refused_and_the_connection_closed) {
    static TestServer server;
    RawClient client = server.client();
    // What follows must not be taken for a request of its own.
    client.send(GetParam().bytes + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    client.end_sending();
    RawResponse const response = client.read_response();
    EXPECT_EQ(response.status, GetParam().status) << response.body;
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(server.get("/well").status, 200);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Framing, testing::ValuesIn(shapes),
                         [](auto const& info) { return std::string(info.param.name); });

TEST(FramingAccepted, what_is_odd_but_clear) {
    TestServer server;
    struct Case {
        std::string bytes;
        std::string body;
    };
    for (Case const& c :
         std::vector<Case>{{"\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a "},
                           {"GET http://b/a?x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a?x "},
                           {"GET HTTP://b HTTP/1.1\r\nHost: a\r\n\r\n", "GET / "},
                           {"GET http://b?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?x=1 "},
                           {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * "},
                           {"PURGE /a HTTP/1.1\r\nHost: a\r\n\r\n", "PURGE /a "},
                           {"GET /a HTTP/1.1\r\nhOsT:a:80\r\nX:\r\n\r\n", "GET /a "},
                           {"GET /%C3%A9%2F HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%C3%A9%2F "},
                           {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ChUnKeD\r\n\r\n"
                            "5;a=\"b\"\r\nhello\r\n00A\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\n",
                            "hello, chunked!"}}) {
        RawClient client = server.client();
        EXPECT_EQ(client.ask(c.bytes).body, c.body) << c.bytes;
        EXPECT_EQ(client.ask(get("/next")).body, "GET /next ") << c.bytes;
    }
    EXPECT_EQ(server.get("http://other:81/who").body, "127.0.0.1 other:81 false true");
}

} // namespace
} // namespace haat::http::test
