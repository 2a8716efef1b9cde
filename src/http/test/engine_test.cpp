#include <gtest/gtest.h>

#include <http/test/test_server.hpp>

namespace haat::http::test {
namespace {

std::string get(std::string_view target, std::string_view headers = {}) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n", target, headers);
}

TEST(Engine, keeps_a_connection_for_many_requests) {
    TestServer server;
    RawClient client = server.client();
    for (int i = 0; i < 100; ++i) {
        RawResponse const response = client.ask(get(fmt::format("/n?{}", i)));
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, fmt::format("GET /n?{} ", i));
        EXPECT_EQ(response.header("Connection"), "");
        EXPECT_FALSE(response.header("Date").empty());
    }
    EXPECT_EQ(server.server().counters().connections_accepted, 1U);
    EXPECT_EQ(server.server().counters().requests, 100U);
}

TEST(Engine, http_1_0_closes_unless_asked) {
    TestServer server;
    RawClient once = server.client();
    EXPECT_EQ(once.ask("GET /a HTTP/1.0\r\n\r\n").header("Connection"), "close");
    EXPECT_TRUE(once.closed());
    RawClient kept = server.client();
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(
            kept.ask("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").header("Connection"),
            "keep-alive");
    EXPECT_EQ(kept.ask(get("/a", "Connection: close\r\n")).header("Connection"), "close");
    EXPECT_TRUE(kept.closed());
}

TEST(Engine, a_handler_may_close) {
    TestServer server;
    RawClient client = server.client();
    EXPECT_EQ(client.ask(get("/close")).header("Connection"), "close");
    EXPECT_TRUE(client.closed());
}

TEST(Engine, pipelined_answers_come_in_order_even_from_slow_handlers) {
    TestServer server;
    RawClient client = server.client();
    client.send(get("/slow?60") + get("/1") + get("/slow?30") + get("/2") + get("/slow?0"));
    EXPECT_EQ(client.read_response().body, "slept 60");
    EXPECT_EQ(client.read_response().body, "GET /1 ");
    EXPECT_EQ(client.read_response().body, "slept 30");
    EXPECT_EQ(client.read_response().body, "GET /2 ");
    EXPECT_EQ(client.read_response().body, "slept 0");
}

TEST(Engine, what_is_answered_does_not_wait_for_a_slow_neighbour) {
    TestServer server;
    RawClient client = server.client();
    client.send(get("/fast") + get("/slow?60000"));
    EXPECT_EQ(client.read_response(false, std::chrono::seconds(5)).body, "GET /fast ");
}

TEST(Engine, a_client_that_ends_its_side_still_gets_all_answers) {
    TestServer server;
    RawClient client = server.client();
    client.send(get("/slow?50") + get("/2"));
    client.end_sending();
    EXPECT_EQ(client.read_response().body, "slept 50");
    EXPECT_EQ(client.read_response().body, "GET /2 ");
    EXPECT_TRUE(client.closed());
}

TEST(Engine, requests_may_come_byte_by_byte) {
    TestServer server;
    RawClient client = server.client();
    std::string const request =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: t\r\n\r\n";
    for (char const c : request) client.send({&c, 1});
    EXPECT_EQ(client.read_response().body, "abcdefg");
    for (char const c : get("/after")) client.send({&c, 1});
    EXPECT_EQ(client.read_response().body, "GET /after ");
}

TEST(Engine, head_has_the_length_and_no_body) {
    TestServer server;
    RawClient client = server.client();
    client.send("HEAD /big?5000 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/after"));
    EXPECT_EQ(client.read_response(true).header("Content-Length"), "5000");
    EXPECT_EQ(client.read_response().body, "GET /after ");
    RawResponse const whole = client.ask(get("/text?9000", "Accept-Encoding: zstd\r\n"));
    client.send("HEAD /text?9000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: zstd\r\n\r\n");
    RawResponse const head = client.read_response(true);
    EXPECT_EQ(head.header("Content-Length"), std::to_string(whole.body.size()));
    EXPECT_EQ(head.header("Content-Encoding"), "zstd");
}

TEST(Engine, no_content_has_no_length) {
    TestServer server;
    RawClient client = server.client();
    RawResponse const response = client.ask(get("/nothing"));
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(response.header("Content-Length"), "");
    EXPECT_EQ(client.ask(get("/after")).body, "GET /after ");
}

TEST(Engine, options_reaches_the_service) {
    TestServer server;
    EXPECT_EQ(server.ask("OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n").body, "OPTIONS /x ");
}

TEST(Engine, large_bodies_both_ways) {
    TestServer server;
    RawClient client = server.client();
    std::string const body = TestService::text(1024 * 1024);
    client.send(
        fmt::format("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.size()));
    client.send(body);
    client.send(get("/after"));
    EXPECT_TRUE(client.read_response().body == body);
    EXPECT_EQ(client.read_response().body, "GET /after ");
}

TEST(Engine, continue_is_said_only_when_the_body_is_wanted) {
    TestServer server;
    RawClient client = server.client();
    static constexpr char expecting[] =
        "POST {} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n";
    client.send(fmt::format(expecting, "/echo", 5));
    EXPECT_EQ(client.read_response().status, 100);
    client.send("hello");
    EXPECT_EQ(client.read_response().body, "hello");

    client.send(fmt::format(expecting, "/stream", 5));
    EXPECT_EQ(client.read_response().status, 100);
    client.send("hello");
    EXPECT_EQ(client.read_response().body, "5 bytes");

    client.send(fmt::format(expecting, "/echo", 5) + "hello"); // it did not wait
    EXPECT_EQ(client.read_response().body, "hello");

    client.send(fmt::format(expecting, "/echo", 50'000'000));
    EXPECT_EQ(client.read_response().status, 413);
    EXPECT_TRUE(client.closed());

    RawClient second = server.client();
    second.send(fmt::format(expecting, "/stream-ignored", 5));
    EXPECT_EQ(second.read_response().status, 200);
    EXPECT_TRUE(second.closed()) << "nobody knows whether the body will come";
}

TEST(Engine, each_limit_has_its_own_answer) {
    ServerOptions options;
    options.header_bytes_max = 4096;
    options.header_count_max = 10;
    options.target_bytes_max = 1024;
    TestServer server(options);
    std::string many;
    for (int i = 0; i < 20; ++i) many += fmt::format("X-{}: y\r\n", i);
    EXPECT_EQ(server.get("/" + std::string(1023, 'a')).status, 200);
    EXPECT_EQ(server.get("/" + std::string(1024, 'a')).status, 414);
    EXPECT_EQ(server.ask("GET /" + std::string(100'000, 'a')).status, 414);
    EXPECT_EQ(server.get("/", "X: " + std::string(5000, 'a') + "\r\n").status, 431);
    EXPECT_EQ(server.ask("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(100'000, 'a')).status,
              431);
    RawResponse const count = server.get("/", many);
    EXPECT_EQ(count.status, 431);
    EXPECT_EQ(count.body, fmt::format("trouble {}", static_cast<int>(Trouble::too_many_headers)));
    EXPECT_EQ(server.ask("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").status,
              413);
    EXPECT_EQ(
        server.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n").status,
        413);
}

TEST(Engine, a_throwing_service_is_a_500_and_the_connection_lives) {
    TestServer server({}, 1);
    RawClient client = server.client();
    EXPECT_EQ(client.ask(get("/throw")).status, 500);
    EXPECT_EQ(client.ask(get("/after")).status, 200);
    EXPECT_EQ(
        client.ask("POST /plan-throws HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").status,
        500);
    EXPECT_EQ(server.service().broken_count, 2);
}

TEST(Engine, finished_is_told_once_for_every_request) {
    TestServer server({}, 1);
    RawClient client = server.client();
    std::string flood;
    for (int i = 0; i < 50; ++i) flood += get("/x") + get("/big?100000") + get("/slow?0");
    client.send(flood);
    for (int i = 0; i < 150; ++i) EXPECT_EQ(client.read_response().status, 200);
    EXPECT_TRUE(eventually([&] { return server.service().finished_count == 150; }));
    EXPECT_EQ(server.server().counters().requests_running, 0);
}

TEST(Engine, a_stream_is_read_piece_by_piece) {
    TestServer server;
    RawClient client = server.client();
    std::string const piece(50'000, 's');
    client.send("POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; ++i) client.send(fmt::format("{:x}\r\n{}\r\n", piece.size(), piece));
    client.send("0\r\n\r\n" + get("/after"));
    EXPECT_EQ(client.read_response().body, "5000000 bytes");
    EXPECT_EQ(client.read_response().body, "GET /after ");
}

TEST(Engine, a_slow_reader_of_a_stream_holds_the_sender_back) {
    TestServer server({}, 1);
    RawClient client = server.client();
    std::size_t const size = 32 * 1024 * 1024;
    std::atomic<std::size_t> sent{0};
    client.send(
        fmt::format("POST /stream-slow HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", size));
    std::thread sender([&] {
        std::string const piece(64 * 1024, 'x');
        while (sent < size && client.send(piece)) sent += piece.size();
    });
    std::size_t furthest = 0;
    while (sent < size) {
        std::size_t const read = server.service().streamed;
        furthest = std::max(furthest, sent - std::min<std::size_t>(sent, read));
        haat::test::pause_briefly();
    }
    sender.join();
    EXPECT_EQ(client.read_response(false, std::chrono::seconds(60)).body,
              fmt::format("{} bytes", size));
    EXPECT_LT(furthest, 16U * 1024 * 1024) << "only what the kernel's buffers hold";
}

TEST(Engine, what_a_service_left_unread_is_skipped_or_ends_the_connection) {
    TestServer server;
    RawClient client = server.client();
    client.send("POST /stream-ignored HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    EXPECT_EQ(client.read_response().status, 200);
    client.send("56789" + get("/after"));
    EXPECT_EQ(client.read_response().body, "GET /after ");

    client.send("POST /stream-ignored HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                "5\r\nhello\r\n0\r\n\r\n" +
                get("/after"));
    EXPECT_EQ(client.read_response().status, 200);
    EXPECT_EQ(client.read_response().body, "GET /after ");

    client.send("POST /stream-ignored HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    RawResponse const response = client.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_TRUE(client.closed());
}

TEST(Engine, a_broken_chunk_in_a_stream_is_a_400) {
    TestServer server;
    RawClient client = server.client();
    client.send("POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                "5\r\nhello\r\nzz\r\n");
    EXPECT_EQ(client.read_response().status, 400);
    EXPECT_TRUE(client.closed());
}

TEST(Engine, an_answer_may_come_in_chunks) {
    TestServer server;
    RawClient client = server.client();
    for (char const* const path : {"/pieces?300", "/pieces-slow?20", "/pieces?0"}) {
        RawResponse const response = client.ask(get(path, "Accept-Encoding: gzip\r\n"));
        std::size_t const count = std::strtoull(std::strchr(path, '?') + 1, nullptr, 10);
        EXPECT_EQ(response.header("Transfer-Encoding"), "chunked");
        EXPECT_EQ(response.header("Content-Length"), "");
        EXPECT_TRUE(response.whole);
        EXPECT_EQ(response.body.size(), count * 1'000);
    }
    EXPECT_EQ(client.ask(get("/next")).body, "GET /next ") << "the connection goes on";
    EXPECT_EQ(server.service(0).sources.alive + server.service(1).sources.alive, 0);
}

TEST(Engine, pipelined_streams_come_in_order) {
    TestServer server;
    RawClient client = server.client();
    client.send(get("/pieces-slow?3") + get("/1") + get("/pieces?2") + get("/2"));
    EXPECT_EQ(client.read_response().body.size(), 3'000U);
    EXPECT_EQ(client.read_response().body, "GET /1 ");
    EXPECT_EQ(client.read_response().body.size(), 2'000U);
    EXPECT_EQ(client.read_response().body, "GET /2 ");
}

TEST(Engine, an_old_client_gets_a_stream_up_to_the_end) {
    TestServer server;
    RawClient client = server.client();
    client.send("GET /pieces?3 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    std::string const all = client.read_to_end();
    EXPECT_EQ(all.find("Transfer-Encoding"), std::string::npos);
    EXPECT_NE(all.find("Connection: close\r\n"), std::string::npos);
    EXPECT_EQ(all.size() - (all.find("\r\n\r\n") + 4), 3'000U);
}

TEST(Engine, head_asks_a_source_for_nothing) {
    TestServer server;
    RawClient client = server.client();
    client.send("HEAD /pieces?9 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/next"));
    EXPECT_EQ(client.read_response(true).header("Transfer-Encoding"), "chunked");
    EXPECT_EQ(client.read_response().body, "GET /next ");
    EXPECT_EQ(server.service(0).sources.given + server.service(1).sources.given, 0);
}

// A part must not look like the whole.
TEST(Engine, a_source_that_breaks_cuts_the_answer_off) {
    TestServer server;
    RawClient client = server.client();
    client.send(get("/pieces-broken?500"));
    RawResponse const response = client.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_FALSE(response.whole);
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(eventually(
        [&] { return server.service(0).broken_count + server.service(1).broken_count == 1; }));
    EXPECT_TRUE(eventually([&] { return server.server().counters().requests_running == 0; }));
}

TEST(Engine, a_source_is_not_asked_before_the_client_has_read) {
    TestServer server({}, 1);
    RawClient client(server.port(), nullptr, 4 * 1024);
    client.send(get("/pieces?100000"));
    SourceFacts const& facts = server.service(0).sources;
    EXPECT_TRUE(eventually([&] { return facts.given > 100; }));
    RawClient other = server.client(); // the loop has its hands free
    EXPECT_EQ(other.ask(get("/a")).status, 200);
    EXPECT_LT(facts.given, 50'000) << "100 MB were not meant to sit in memory";
    EXPECT_EQ(client.read_response(false, std::chrono::seconds(60)).body.size(), 100'000'000U);
}

TEST(Engine, a_client_that_leaves_ends_its_source) {
    TestServer server({}, 1);
    SourceFacts const& facts = server.service(0).sources;
    {
        RawClient client(server.port(), nullptr, 4 * 1024);
        client.send(get("/pieces?100000"));
        EXPECT_TRUE(eventually([&] { return facts.given > 100; }));
    }
    EXPECT_TRUE(eventually([&] { return facts.alive == 0; }));
    EXPECT_LT(facts.given, 100'000);
    EXPECT_TRUE(eventually([&] { return server.server().counters().requests_running == 0; }));
}

// It is the write time-out that ends it: the source gives at once.
TEST(Engine, a_client_that_reads_nothing_of_a_stream_is_let_go) {
    ServerOptions options;
    options.write_timeout = std::chrono::milliseconds(100);
    TestServer server(options, 1);
    RawClient client(server.port(), nullptr, 4 * 1024);
    client.send(get("/pieces?100000"));
    SourceFacts const& facts = server.service(0).sources;
    EXPECT_TRUE(eventually([&] { return facts.given > 100; }));
    EXPECT_TRUE(eventually([&] { return facts.alive == 0; }));
}

TEST(Engine, a_client_that_leaves_frees_everything) {
    TestServer server;
    {
        RawClient gone = server.client();
        gone.send(get("/slow?200"));
        RawClient half = server.client();
        half.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
        RawClient stream = server.client();
        stream.send("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
        RawClient partial = server.client();
        partial.send("GET / HT");
        EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 4; }));
    }
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 0; }));
    EXPECT_TRUE(eventually([&] { return server.server().counters().requests_running == 0; }));
    EXPECT_EQ(server.get("/well").status, 200);
}

TEST(Engine, a_port_that_is_taken_is_an_error) {
    TestServer server;
    ServerOptions options;
    options.address = "127.0.0.1";
    options.port = server.port();
    Loop loop;
    TestService service;
    Workers workers(1);
    Server second(options, {&loop}, {&service}, workers);
    EXPECT_THROW(second.listen(), std::system_error);
}

TEST(Drain, idle_connections_end_and_running_requests_finish) {
    TestServer server;
    RawClient idle = server.client(), fresh = server.client(), running = server.client(),
              partial = server.client();
    EXPECT_EQ(idle.ask(get("/a")).status, 200);
    running.send(get("/slow?300"));
    partial.send("GET /partial HTTP/1.1\r\nHo");
    EXPECT_TRUE(eventually([&] { return server.server().counters().requests_running == 1; }));
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 4; }));
    std::promise<void> drained;
    auto const start = std::chrono::steady_clock::now();
    server.server().drain([&] { drained.set_value(); });
    EXPECT_TRUE(idle.closed());
    EXPECT_TRUE(fresh.closed());
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(250));
    partial.send("st: a\r\n\r\n");
    EXPECT_EQ(partial.read_response().header("Connection"), "close");
    RawResponse const response = running.read_response();
    EXPECT_EQ(response.body, "slept 300");
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_TRUE(running.closed());
    EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
    EXPECT_THROW(server.client(), std::runtime_error) << "nobody listens any more";
}

TEST(Drain, stops_hard_when_the_time_is_over) {
    ServerOptions options;
    options.drain_timeout = std::chrono::milliseconds(200);
    TestServer server(options);
    RawClient client = server.client();
    client.send(get("/slow?1500"));
    EXPECT_TRUE(eventually([&] { return server.server().counters().requests_running == 1; }));
    std::promise<void> drained;
    server.server().drain([&] { drained.set_value(); });
    EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(1)), std::future_status::ready);
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(eventually([&] { return server.server().counters().requests_running == 0; }));
}

} // namespace
} // namespace haat::http::test
