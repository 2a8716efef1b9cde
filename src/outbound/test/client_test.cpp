#include <gtest/gtest.h>

#include <zlib.h>

#include <base/clock.hpp>
#include <describe/describe.hpp>
#include <outbound/test/world.hpp>

namespace haat::outbound::test {

struct Question {
    std::string text;
};
HAAT_DESCRIBE(Question, text)
struct Answer {
    std::int32_t number = 0;
    std::string said;
};
HAAT_DESCRIBE(Answer, number, said)

namespace {

std::int64_t milliseconds_of(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin)
        .count();
}

TEST(OutboundClient, AsksAndIsAnswered) {
    WorldServer server(
        [](Exchange& e) { e.reply(200, "hello", "X-One: 1\r\nContent-Type: text/plain\r\n"); });
    World world;
    Request request = get(server.url("/a/../b?c=d"));
    request.headers = {{"X-Mine", "yes"}, {"X-Empty", ""}};
    Reply const reply = world.send(std::move(request));
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.ok());
    EXPECT_EQ(reply.body, "hello");
    EXPECT_EQ(reply.header("x-one"), "1");
    EXPECT_EQ(reply.header("absent"), "");
    EXPECT_EQ(reply.http_version, "1.1");
    Seen const seen = server.seen().at(0);
    EXPECT_EQ(seen.target, "/a/../b?c=d"); // as it was given: a signature may depend on it
    EXPECT_EQ(seen.header("x-mine"), "yes");
    EXPECT_NE(seen.head.find("\nx-empty:"), std::string::npos);
    EXPECT_EQ(world.meter.answers("test", 2), 1u);
}

TEST(OutboundClient, KeepsConnections) {
    WorldServer server([](Exchange& e) { e.reply(200, "x"); });
    World world;
    for (int i = 0; i < 5; ++i) world.send(i % 2 ? get(server.url()) : post(server.url()));
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(server.requests(), 5);
}

TEST(OutboundClient, EveryMethodCarriesItsBody) {
    WorldServer server([](Exchange& e) { e.reply(200, e.seen.method + " " + e.seen.body); });
    World world;
    for (Method const method :
         {Method::get, Method::post, Method::put, Method::patch, Method::remove, Method::options}) {
        Request request = get(server.url());
        request.method = method;
        std::string const name(name_of(method));
        EXPECT_EQ(world.send(request).body, name + " ");
        request.body = "with a body";
        EXPECT_EQ(world.send(request).body, name + " with a body");
    }
    Request head = get(server.url());
    head.method = Method::head;
    EXPECT_EQ(world.send(head).body, "");
    EXPECT_EQ(world.send(get(server.url())).status, 200);
}

TEST(OutboundClient, SpeaksJson) {
    WorldServer server([](Exchange& e) {
        if (e.seen.target == "/bad") return e.reply(200, R"({"number":"many"})");
        if (e.seen.target == "/none") return e.reply(200, "<html>");
        if (e.seen.target == "/no") return e.reply(402, R"({"pay":"first"})", "Retry-After: 7\r\n");
        e.reply(200,
                R"({"number":42,"said":)" + e.seen.body.substr(8, e.seen.body.size() - 9) + "}");
    });
    World world;
    Client& client = *world.client;
    Question const question{"why?"};
    Answer const answer = run(world.loop, client.post_json<Answer>(server.url(), question));
    EXPECT_EQ(answer.number, 42);
    EXPECT_EQ(answer.said, "why?");
    EXPECT_EQ(server.seen().at(0).header("content-type"), "application/json");
    EXPECT_EQ(server.seen().at(0).header("accept"), "application/json");
    for (char const* const target : {"/bad", "/none"}) {
        try {
            run(world.loop, client.get_json<Answer>(server.url(target)));
            FAIL() << target;
        } catch (Error const& error) {
            EXPECT_EQ(error.kind(), ErrorKind::bad_reply) << target;
            EXPECT_FALSE(error.temporary());
        }
    }
    try {
        run(world.loop, client.get_json<Answer>(server.url("/no")));
        FAIL();
    } catch (Error const& error) {
        EXPECT_EQ(error.kind(), ErrorKind::status);
        EXPECT_EQ(error.status, 402);
        EXPECT_EQ(error.body, R"({"pay":"first"})");
        EXPECT_EQ(error.retry_after, 7s);
        EXPECT_EQ(error.text().find("pay"), std::string::npos);
    }
}

TEST(OutboundClient, RefusesWhatCannotBeSent) {
    WorldServer server([](Exchange& e) { e.reply(200); });
    World world;
    for (char const* const url :
         {"", "nonsense", "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/x",
          "http://user:password@127.0.0.1/", "http://", "//127.0.0.1/", "http://127.0.0.1:99999/",
          "http://a b/", "http://.../", "http://127.0.0.1/\r\nX: y"})
        EXPECT_EQ(world.kind(get(url)), "bad_request") << url;
    for (Header const& header :
         {Header{"X-A", "one\r\nX-B: two"}, Header{"X-A", "one\ntwo"}, Header{"X A", "one"},
          Header{"X-A\r\nX-B", "one"}, Header{"", "one"}, Header{"X-A:", "one"},
          Header{"X-A", std::string("a\0b", 3)}}) {
        Request request = get(server.url());
        request.headers = {header};
        EXPECT_EQ(world.kind(request), "bad_request") << header.name;
    }
    EXPECT_EQ(server.connections(), 0);
}

// ---- retries

TEST(OutboundClient, AsksAgainWhereThatIsSafe) {
    std::atomic<int> count{0};
    WorldServer server([&](Exchange& e) { e.reply(++count % 3 == 0 ? 200 : 503); });
    World world;
    Reply const reply = world.send(get(server.url()));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.attempts, 3);

    EXPECT_EQ(world.send(post(server.url())).status, 503);
    EXPECT_EQ(server.requests(), 4) << "a POST is not repeated";

    count = 0;
    Request keyed = post(server.url());
    keyed.idempotency_key = "abc";
    EXPECT_EQ(world.send(keyed).status, 200);
    EXPECT_EQ(server.requests(), 7);
    EXPECT_EQ(server.seen().back().header("idempotency-key"), "abc");

    count = 0;
    Request once = get(server.url());
    once.attempts_max = 1;
    EXPECT_EQ(world.send(once).status, 503);
    EXPECT_EQ(server.requests(), 8);
}

TEST(OutboundClient, DoesNotAskAgainWhatWasRefused) {
    WorldServer server([&](Exchange& e) { e.reply(std::stoi(e.seen.target.substr(1))); });
    World world;
    for (int const status : {400, 401, 404, 409, 422, 500, 501})
        EXPECT_EQ(world.send(get(server.url("/" + std::to_string(status)))).attempts, 1) << status;
}

TEST(OutboundClient, WaitsAsLongAsItIsAsked) {
    std::atomic<int> count{0};
    WorldServer server([&](Exchange& e) {
        if (++count == 1) return e.reply(429, "", "Retry-After: 1\r\n");
        e.reply(200);
    });
    World world;
    auto const begin = std::chrono::steady_clock::now();
    EXPECT_EQ(world.send(get(server.url())).status, 200);
    EXPECT_GE(milliseconds_of(begin), 1'000);
}

TEST(OutboundClient, DoesNotWaitLongerThanItHasTime) {
    WorldServer server([&](Exchange& e) { e.reply(429, "", "Retry-After: 3600\r\n"); });
    World world;
    Reply const reply = world.send(get(server.url()));
    EXPECT_EQ(reply.status, 429);
    EXPECT_EQ(reply.attempts, 1);
    EXPECT_EQ(reply.retry_after(), 3'600s);
}

TEST(OutboundClient, ReadsRetryAfterAsADateToo) {
    Timestamp at{};
    at.micros = 1'445'412'420LL * 1'000'000; // Wed, 21 Oct 2015 07:27:00 GMT
    HeldClock const clock(at);
    Reply reply;
    reply.headers = {{"Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"}};
    EXPECT_EQ(reply.retry_after(), 60s);
    reply.headers = {{"Retry-After", "Wed, 21 Oct 2015 07:00:00 GMT"}};
    EXPECT_EQ(reply.retry_after(), 0s);
    reply.headers = {{"Retry-After", "soon"}};
    EXPECT_EQ(reply.retry_after(), std::nullopt);
    reply.headers = {{"Retry-After", "-5"}};
    EXPECT_EQ(reply.retry_after(), 0s);
}

TEST(OutboundClient, AConnectionThatEndsBeforeTheAnswer) {
    WorldServer server([](Exchange& e) { e.close(); });
    World world;
    auto const again = world.error(get(server.url()));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->kind(), ErrorKind::closed);
    EXPECT_EQ(server.requests(), 3);

    auto const once = world.error(post(server.url()));
    ASSERT_TRUE(once);
    EXPECT_EQ(once->kind(), ErrorKind::closed);
    EXPECT_TRUE(once->perhaps_done);
    EXPECT_EQ(server.requests(), 4) << "nobody knows whether it was done: not again";
}

TEST(OutboundClient, AKeptConnectionThatDiesUnderAPostIsNotTriedAgain) {
    for (char const* const body : {"", "a body"}) {
        std::atomic<int> count{0};
        WorldServer server([&](Exchange& e) {
            if (e.seen.method == "POST") {
                ++count;
                return e.close();
            }
            e.reply(200, "x");
        });
        World world;
        EXPECT_EQ(world.send(get(server.url())).status, 200);
        auto const error = world.error(post(server.url(), body));
        ASSERT_TRUE(error);
        EXPECT_TRUE(error->perhaps_done);
        EXPECT_EQ(count, 1) << body;
    }
}

TEST(OutboundClient, AKeptConnectionThatWasClosedIsReplaced) {
    WorldServer server([](Exchange& e) {
        e.reply(200, "x");
        e.close();
    });
    World world;
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(world.send(post(server.url())).status, 200);
        ASSERT_TRUE(soon([&] { return server.open_connections() == 0; }));
    }
    EXPECT_EQ(server.requests(), 4);
}

// ---- time and size

TEST(OutboundClient, SilenceIsNotBorneForEver) {
    WorldServer server([](Exchange& e) { e.hold(); });
    World world;
    Request request = get(server.url());
    request.times.silence = 50ms;
    request.attempts_max = 1;
    auto const error = world.error(request);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::timeout);
    EXPECT_TRUE(error->perhaps_done);
    EXPECT_NE(error->text().find("fell silent"), std::string::npos) << error->text();
    EXPECT_EQ(world.meter.failures("test", ErrorKind::timeout), 1u);
}

TEST(OutboundClient, SilenceInTheMiddleIsNotBorneEither) {
    WorldServer server([](Exchange& e) {
        e.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        e.hold();
    });
    World world;
    Request request = get(server.url());
    request.times.silence = 50ms;
    request.attempts_max = 1;
    EXPECT_EQ(world.kind(request), "timeout");
}

TEST(OutboundClient, ADripDoesNotHoldUsBeyondTheWhole) {
    WorldServer server([](Exchange& e) {
        e.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while (e.send("x")) e.hold(10ms);
    });
    World world;
    Request request = get(server.url());
    request.times.whole = 200ms;
    auto const begin = std::chrono::steady_clock::now();
    EXPECT_EQ(world.kind(request), "timeout");
    EXPECT_LT(milliseconds_of(begin), 5'000);
}

TEST(OutboundClient, AttemptsAndPausesFitIntoTheWhole) {
    WorldServer server([](Exchange& e) { e.reply(503); });
    Options options = quick();
    options.backoff = 400ms;
    World world(options);
    Request request = get(server.url());
    request.attempts_max = 100;
    request.times.whole = 500ms;
    auto const begin = std::chrono::steady_clock::now();
    EXPECT_EQ(world.send(request).status, 503);
    EXPECT_LE(milliseconds_of(begin), 500);
}

TEST(OutboundClient, AnAnswerWithoutEndIsCutOff) {
    WorldServer server([](Exchange& e) {
        std::string const block(64 * 1024, 'x');
        e.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while (e.send("10000\r\n") && e.send(block) && e.send("\r\n")) {
        }
        e.close();
    });
    World world;
    Request request = get(server.url());
    request.body_bytes_max = 1024 * 1024;
    EXPECT_EQ(world.kind(request), "too_large");
    EXPECT_EQ(server.requests(), 1) << "it would be as large the next time";
}

TEST(OutboundClient, HeadersWithoutEndAreCutOff) {
    WorldServer server([](Exchange& e) {
        e.send("HTTP/1.1 200 OK\r\n");
        std::string const line = "X-Filling: " + std::string(1'000, 'x') + "\r\n";
        while (e.send(line)) {
        }
        e.close();
    });
    World world;
    EXPECT_EQ(world.kind(get(server.url())), "too_large");
}

std::string zipped(std::size_t zeros) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
    std::string const block(1 << 20, '\0');
    std::string out(zeros / 500 + 1'000, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    for (std::size_t done = 0; done < zeros; done += block.size()) {
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
        stream.avail_in = static_cast<uInt>(block.size());
        deflate(&stream, done + block.size() >= zeros ? Z_FINISH : Z_NO_FLUSH);
    }
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

TEST(OutboundClient, AZippedAnswerIsMeasuredUnzipped) {
    std::string const small = zipped(1 << 20);
    std::string const bomb = zipped(100 << 20);
    ASSERT_LT(bomb.size(), 1u << 20);
    WorldServer server([&](Exchange& e) {
        e.reply(200, e.seen.target == "/bomb" ? bomb : small, "Content-Encoding: gzip\r\n");
    });
    World world;
    EXPECT_EQ(world.send(get(server.url())).body.size(), 1u << 20);
    EXPECT_EQ(world.kind(get(server.url("/bomb"))), "too_large");
}

TEST(OutboundClient, AnAnswerThatEndsTooEarlyIsNoAnswer) {
    WorldServer server([](Exchange& e) {
        e.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        e.close();
    });
    World world;
    EXPECT_EQ(world.kind(get(server.url())), "closed");
    EXPECT_EQ(server.requests(), 3);
}

TEST(OutboundClient, GarbageIsNoAnswer) {
    WorldServer server([](Exchange& e) {
        e.send("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
        e.close();
    });
    World world;
    EXPECT_EQ(world.kind(get(server.url())), "bad_reply");
}

TEST(OutboundClient, NobodyThere) {
    World world;
    std::uint16_t port = 0;
    {
        WorldServer const gone([](Exchange&) {});
        port = gone.port();
    }
    auto const error = world.error(post(fmt::format("http://127.0.0.1:{}/", port)));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::refused);
    EXPECT_FALSE(error->perhaps_done);
    EXPECT_TRUE(error->temporary());
}

TEST(OutboundClient, ErrorsAndUrlsKeepSecrets) {
    EXPECT_EQ(masked_url("https://a.example/path/x?token=abc&page=2#frag", false),
              "https://a.example/path/x?token=***&page=***");
    EXPECT_EQ(masked_url("https://a.example/path/x?abc", false), "https://a.example/path/x?***");
    EXPECT_EQ(masked_url("https://hooks.example/T0/B0/secret?x=1", true),
              "https://hooks.example/***?x=***");
    EXPECT_EQ(masked_url("https://a.example", true), "https://a.example");
    EXPECT_EQ(masked_url("https://user:pw@a.example/p", false), "https://***@a.example/p");
    EXPECT_EQ(masked_url("https://a.example?x=/y", true), "https://a.example?x=***");
    World world;
    auto const error = world.error(get("http://nowhere.invalid:1/secret?token=abc"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->text().find("secret"), std::string::npos) << error->text();
    EXPECT_EQ(error->text().find("abc"), std::string::npos) << error->text();
}

TEST(OutboundClient, WhatStillRunsEndsWithTheClient) {
    WorldServer server([](Exchange& e) {
        if (e.seen.target == "/later") return e.reply(429, "", "Retry-After: 300\r\n");
        e.hold();
    });
    Options options = quick();
    options.running_per_host_max = 2;
    World world(options);
    std::atomic<int> stopped{0};
    struct Asker {
        static Task<void> ask(World& in, std::string url, std::atomic<int>& count) {
            Request request = get(url);
            request.times.whole = 10min;
            try {
                co_await in.client->send(std::move(request));
            } catch (Error const& error) {
                if (error.kind() == ErrorKind::stopped && ++count == 6) in.loop.stop();
            }
        }
        static Task<void> end_when(World& in, WorldServer& asked) {
            while (asked.requests() < 3) co_await sleep_for(1ms); // the first of them was answered
            in.client.reset();
        }
    };
    auto const begin = std::chrono::steady_clock::now();
    world.loop.post([&] {
        detach(Asker::ask(world, server.url("/later"), stopped));
        for (int i = 0; i < 5; ++i) detach(Asker::ask(world, server.url(), stopped));
        detach(Asker::end_when(world, server));
    });
    world.loop.run();
    EXPECT_EQ(stopped, 6);
    EXPECT_LT(milliseconds_of(begin), 100'000) << "what waits for its next attempt does not wait";
}

TEST(OutboundClient, TellsItsNumbers) {
    WorldServer server([](Exchange& e) { e.reply(204); });
    World world;
    world.send(get(server.url()));
    world.kind(get("http://192.168.1.1/"));
    std::string page;
    world.meter.render(page);
    for (char const* const line :
         {"haat_outbound_requests_total{purpose=\"test\",outcome=\"2xx\"} 1",
          "haat_outbound_requests_total{purpose=\"test\",outcome=\"forbidden_address\"} 1",
          "haat_outbound_request_duration_seconds_count{purpose=\"test\"} 2",
          "haat_outbound_running 0"})
        EXPECT_NE(page.find(line), std::string::npos) << line << "\n" << page;
}

} // namespace
} // namespace haat::outbound::test
