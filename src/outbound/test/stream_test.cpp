// Bodies in pieces, in both directions.
#include <gtest/gtest.h>

#include <outbound/crypto.hpp>
#include <outbound/test/world.hpp>

namespace haat::outbound::test {
namespace {

class Pieces : public Source {
public:
    Pieces(std::size_t piece, int count) : piece_(piece, 'p'), count_(count) {}
    Task<std::string_view> next() override {
        if (pause.count() > 0) co_await sleep_for(pause);
        if (fails_at == given_) throw std::logic_error("the source is broken");
        if (given_ == count_) co_return std::string_view();
        piece_[0] = static_cast<char>('a' + given_ % 26);
        ++given_;
        co_return std::string_view(piece_);
    }
    bool rewind() override {
        given_ = 0;
        ++rewinds;
        return rewinds_allowed;
    }
    int given() const { return given_; }

    milliseconds pause{0};
    int fails_at = -1;
    bool rewinds_allowed = true;
    int rewinds = 0;

private:
    std::string piece_;
    int count_;
    int given_ = 0;
};

class Collector : public Sink {
public:
    Task<void> take(std::string_view piece) override {
        EXPECT_FALSE(inside_) << "one at a time";
        inside_ = true;
        largest = std::max(largest, piece.size());
        if (pause.count() > 0) co_await sleep_for(pause);
        size += piece.size();
        if (keep) text.append(piece);
        inside_ = false;
        if (size > fails_after) throw std::logic_error("the sink is broken");
    }
    milliseconds pause{0};
    std::size_t fails_after = SIZE_MAX;
    bool keep = false;
    std::string text;
    std::size_t size = 0;
    std::size_t largest = 0;

private:
    bool inside_ = false;
};

TEST(OutboundStream, UploadsInPieces) {
    WorldServer server([](Exchange& e) {
        e.reply(200, fmt::format("{} {}", e.seen.body.size(), hex(sha256(e.seen.body))));
    });
    World world;
    std::string all;
    for (int i = 0; i < 200; ++i) all += static_cast<char>('a' + i % 26) + std::string(99'999, 'p');
    for (bool const sized : {true, false})
        for (milliseconds const pause : {0ms, 1ms}) {
            Pieces source(100'000, 200);
            source.pause = pause;
            Request request = get(server.url());
            request.method = Method::put;
            request.source = &source;
            if (sized) request.source_size = 20'000'000;
            EXPECT_EQ(world.send(request).body, fmt::format("20000000 {}", hex(sha256(all))));
            Seen const seen = server.seen().back();
            EXPECT_EQ(seen.header("transfer-encoding"), sized ? "" : "chunked");
            EXPECT_EQ(seen.header("expect"), "");
        }
    EXPECT_EQ(server.connections(), 1);
}

TEST(OutboundStream, AnEmptySource) {
    WorldServer server([](Exchange& e) { e.reply(200, std::to_string(e.seen.body.size())); });
    World world;
    Pieces source(1, 0);
    Request request = get(server.url());
    request.method = Method::put;
    request.source = &source;
    EXPECT_EQ(world.send(request).body, "0");
}

TEST(OutboundStream, AnUploadIsTriedAgainWhenItCanBeginAgain) {
    std::atomic<int> count{0};
    WorldServer server([&](Exchange& e) {
        if (++count % 2 == 1) return e.reply(503);
        e.reply(200, std::to_string(e.seen.body.size()));
    });
    World world;
    Pieces source(1'000, 50);
    Request request = get(server.url());
    request.method = Method::put;
    request.source = &source;
    EXPECT_EQ(world.send(request).body, "50000");
    EXPECT_EQ(source.rewinds, 1);

    Pieces once(1'000, 50);
    once.rewinds_allowed = false;
    request.source = &once;
    EXPECT_EQ(world.send(request).status, 503);
}

TEST(OutboundStream, ASourceThatBreaksReachesTheCaller) {
    WorldServer server([](Exchange& e) { e.reply(200); });
    World world;
    Pieces source(1'000, 50);
    source.fails_at = 20;
    Request request = get(server.url());
    request.method = Method::put;
    request.source = &source;
    EXPECT_THROW(world.send(request), std::logic_error);
    EXPECT_EQ(server.requests(), 0);
    EXPECT_EQ(world.client->load().running, 0);
}

TEST(OutboundStream, AnAnswerBeforeTheEndOfTheUpload) {
    // It answers as soon as it has seen the head, and closes.
    int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), size), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
    std::thread server([listener] {
        int const socket = ::accept(listener, nullptr, nullptr);
        char buffer[1'000];
        ::recv(socket, buffer, sizeof buffer, 0);
        std::string_view const text = "HTTP/1.1 413 Large\r\nContent-Length: 2\r\n"
                                      "Connection: close\r\n\r\nno";
        ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        ::shutdown(socket, SHUT_WR);
        soon([&] { return ::recv(socket, buffer, sizeof buffer, 0) <= 0; });
        ::close(socket);
    });
    {
        World world;
        Pieces source(10'000, 100'000);
        source.pause = 1ms;
        Request request = get(fmt::format("http://127.0.0.1:{}/", ntohs(name.sin_port)));
        request.method = Method::put;
        request.source = &source;
        Reply const reply = world.send(request);
        EXPECT_EQ(reply.status, 413);
        EXPECT_LT(source.given(), 100'000);
    }
    server.join();
    ::close(listener);
}

TEST(OutboundStream, DownloadsInPieces) {
    std::string large;
    for (int i = 0; i < 300'000; ++i) large += fmt::format("line {}\n", i);
    WorldServer server([&](Exchange& e) { e.reply(200, large); });
    World world;
    Collector sink;
    sink.keep = true;
    Request request = get(server.url());
    request.sink = &sink;
    Reply const reply = world.send(request);
    EXPECT_EQ(reply.body, "");
    EXPECT_EQ(sink.text, large);
}

TEST(OutboundStream, ASlowSinkSlowsTheServer) {
    constexpr std::size_t total = 64 << 20;
    std::atomic<std::size_t> sent{0};
    WorldServer server([&](Exchange& e) {
        e.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", total));
        std::string const block(64 * 1024, 'x');
        for (std::size_t done = 0; done < total && e.send(block); done += block.size())
            sent += block.size();
    });
    World world;
    class Counting : public Sink {
    public:
        explicit Counting(std::atomic<std::size_t>& counter) : sent(counter) {}
        Task<void> take(std::string_view piece) override {
            co_await sleep_for(200us);
            taken += piece.size();
            auto const by_server = static_cast<std::int64_t>(sent.load()); // counted a little late
            ahead = std::max(ahead, by_server - static_cast<std::int64_t>(taken));
        }
        std::atomic<std::size_t>& sent;
        std::size_t taken = 0;
        std::int64_t ahead = 0;
    };
    Counting sink(sent);
    Request request = get(server.url());
    request.sink = &sink;
    request.body_bytes_max = total;
    world.send(request);
    EXPECT_EQ(sink.taken, total);
    // What the kernel keeps for a socket, at both ends, and what we keep; not the whole.
    EXPECT_LT(sink.ahead, 24 << 20);
}

TEST(OutboundStream, ASinkThatBreaksReachesTheCaller) {
    WorldServer server([](Exchange& e) { e.reply(200, std::string(10'000'000, 'x')); });
    World world;
    for (milliseconds const pause : {0ms, 1ms}) {
        Collector sink;
        sink.pause = pause;
        sink.fails_after = 100'000;
        Request request = get(server.url());
        request.sink = &sink;
        request.body_bytes_max = 100'000'000;
        EXPECT_THROW(world.send(request), std::logic_error);
        EXPECT_EQ(world.client->load().running, 0);
    }
}

TEST(OutboundStream, ARefusalGoesIntoTheReplyNotIntoTheSink) {
    WorldServer server([](Exchange& e) { e.reply(404, "<Error>NoSuchKey</Error>"); });
    World world;
    Collector sink;
    Request request = get(server.url());
    request.sink = &sink;
    EXPECT_EQ(world.send(request).body, "<Error>NoSuchKey</Error>");
    EXPECT_EQ(sink.size, 0u);
}

TEST(OutboundStream, ADownloadThatBreaksIsNotBegunAgain) {
    WorldServer server([](Exchange& e) {
        e.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
        e.close();
    });
    World world;
    Collector sink;
    Request request = get(server.url());
    request.sink = &sink;
    EXPECT_EQ(world.kind(request), "closed");
    EXPECT_EQ(server.requests(), 1);
}

TEST(OutboundStream, ADownloadWithoutEndIsCutOffThoughTheSinkIsSlow) {
    WorldServer server([](Exchange& e) {
        e.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        std::string const block(64 * 1024, 'x');
        while (e.send(block)) {
        }
        e.close();
    });
    World world;
    Collector sink;
    sink.pause = 1ms;
    Request request = get(server.url());
    request.sink = &sink;
    request.body_bytes_max = 10'000'000;
    EXPECT_EQ(world.kind(request), "too_large");
    EXPECT_LE(sink.size, 10'000'000u);
    EXPECT_EQ(server.requests(), 1);
}

TEST(OutboundStream, ASlowSinkIsNotTheServersSilence) {
    WorldServer server([](Exchange& e) { e.reply(200, std::string(4'000'000, 'x')); });
    World world;
    Collector sink;
    sink.pause = 60ms;
    Request request = get(server.url());
    request.sink = &sink;
    request.times.silence = 40ms;
    EXPECT_EQ(world.send(request).status, 200);
    EXPECT_EQ(sink.size, 4'000'000u);
}

TEST(OutboundConcurrent, StreamsBesideOneAnother) {
    WorldServer server([](Exchange& e) {
        e.reply(200, e.seen.method == "GET" ? std::string(1'000'000, 'x')
                                            : std::to_string(e.seen.body.size()));
    });
    World world;
    struct Both {
        static Task<void> one(Client& client, std::string url, int i, int& done) {
            Pieces source(10'000, 100);
            Collector sink;
            Request request = get(std::move(url));
            if (i % 2 == 0) {
                request.method = Method::put;
                request.source = &source;
            } else {
                request.sink = &sink;
            }
            Reply const reply = co_await client.send(std::move(request));
            if (i % 2 == 0 ? reply.body == "1000000" : sink.size == 1'000'000) ++done;
        }
    };
    int done = 0;
    auto const make = [&](int i) { return Both::one(*world.client, server.url(), i, done); };
    run(world.loop, haat::test::all_of(60, make));
    EXPECT_EQ(done, 60);
}

} // namespace
} // namespace haat::outbound::test
