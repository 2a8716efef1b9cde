// Slow, greedy and broken clients must not hold anything.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <http/test/test_server.hpp>

namespace haat::http::test {
namespace {

using std::chrono::milliseconds;

std::string get(std::string_view target) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target);
}

ServerOptions impatient() {
    ServerOptions options;
    options.header_timeout = milliseconds(300);
    options.body_timeout = milliseconds(300);
    options.write_timeout = milliseconds(300);
    options.idle_timeout = milliseconds(300);
    return options;
}

/// A byte now and then until the server has had enough; how long that took.
milliseconds trickle(RawClient& client, milliseconds at_most) {
    auto const start = std::chrono::steady_clock::now();
    auto const passed = [&] {
        return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    };
    while (passed() < at_most && client.silent_for(milliseconds(20))) client.send("a");
    return passed();
}

TEST(Abuse, a_slow_head_is_a_408) {
    TestServer server(impatient());
    RawClient client = server.client();
    client.send("GET / HTTP/1.1\r\nHost: ");
    EXPECT_LT(trickle(client, milliseconds(5000)), milliseconds(2000));
    EXPECT_EQ(client.read_response().status, 408);
    EXPECT_TRUE(client.closed());
}

TEST(Abuse, a_slow_body_is_a_408_whole_and_streamed) {
    TestServer server(impatient());
    for (std::string_view const path : {"/echo", "/stream"}) {
        RawClient client = server.client();
        client.send(
            fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", path));
        EXPECT_LT(trickle(client, milliseconds(5000)), milliseconds(2000));
        EXPECT_EQ(client.read_response().status, 408) << path;
        EXPECT_TRUE(client.closed());
    }
}

TEST(Abuse, a_slow_but_steady_body_is_served) {
    TestServer server(impatient());
    RawClient client = server.client();
    std::string const piece(2000, 'x');
    client.send("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n");
    for (int i = 0; i < 30; ++i) {
        EXPECT_TRUE(client.silent_for(milliseconds(30)));
        client.send(piece);
    }
    EXPECT_EQ(client.read_response().body, "60000 bytes");
}

TEST(Abuse, an_idle_connection_is_closed_without_a_word) {
    TestServer server(impatient());
    RawClient fresh = server.client(), used = server.client();
    EXPECT_EQ(used.ask(get("/a")).status, 200);
    EXPECT_TRUE(fresh.closed(milliseconds(3000)));
    EXPECT_TRUE(used.closed(milliseconds(3000)));
}

TEST(Abuse, a_running_request_is_not_idle) {
    TestServer server(impatient());
    EXPECT_EQ(server.get("/slow?900").body, "slept 900");
}

TEST(Abuse, a_reader_that_does_not_read_is_cut_off) {
    TestServer server(impatient());
    RawClient client(server.port(), nullptr, 4096);
    client.send(get("/big?50000000"));
    EXPECT_TRUE(eventually([&] { return server.server().counters().requests == 1; }));
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 0; }));
    EXPECT_EQ(server.server().counters().requests_running, 0);
    RawClient flood(server.port(), nullptr, 4096); // the same with many small answers
    std::string requests;
    for (int i = 0; i < 100; ++i) requests += get("/big?10000");
    std::thread sender([&] {
        for (int i = 0; i < 500; ++i)
            if (!flood.send(requests)) break;
    });
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_accepted == 2; }));
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 0; }));
    sender.join();
}

TEST(Abuse, a_blocked_answer_with_requests_behind_it_is_cut_off_too) {
    TestServer server(impatient(), 1);
    RawClient client(server.port(), nullptr, 4096);
    // The large answer blocks; the small ones behind it wait in the buffer, one of them slow.
    client.send(get("/big?15000"));
    std::string requests;
    for (int i = 0; i < 400; ++i) requests += get("/big?15000") + get("/slow?1") + get("/a");
    client.send(requests);
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 1; }));
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 0; }));
    EXPECT_EQ(server.server().counters().requests_running, 0);
}

TEST(Abuse, ten_thousand_pipelined_requests_are_answered_and_others_served_meanwhile) {
    TestServer server({}, 1);
    RawClient flood = server.client(), other = server.client();
    std::string requests;
    for (int i = 0; i < 10'000; ++i) requests += get(fmt::format("/{}", i));
    std::thread sender([&] { flood.send(requests); });
    for (int i = 0; i < 100; ++i) EXPECT_EQ(other.ask(get("/other")).status, 200);
    for (int i = 0; i < 10'000; ++i)
        ASSERT_EQ(flood.read_response().body, fmt::format("GET /{} ", i));
    sender.join();
}

TEST(Abuse, too_many_connections_are_refused_by_name) {
    ServerOptions options;
    options.connections_per_address_max = 3;
    options.connections_max = 5;
    TestServer server(options);
    std::vector<RawClient> seated;
    for (char const* from : {"127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2"}) {
        seated.emplace_back(server.port(), from);
        EXPECT_EQ(seated.back().ask(get("/a")).status, 200);
    }
    RawClient same(server.port(), "127.0.0.3");
    EXPECT_EQ(same.read_response().status, 503);
    EXPECT_TRUE(same.closed());
    seated.pop_back();
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 4; }));
    RawClient fourth(server.port(), "127.0.0.1");
    EXPECT_EQ(fourth.read_response().status, 429);
    EXPECT_TRUE(fourth.closed());
    RawClient fifth(server.port(), "127.0.0.2");
    EXPECT_EQ(fifth.ask(get("/a")).status, 200);
    EXPECT_EQ(server.server().counters().connections_refused, 2U);
}

TEST(Abuse, trusted_proxies_have_no_limit_of_their_own) {
    ServerOptions options;
    options.connections_per_address_max = 1;
    options.trusted_proxies = {"127.0.0.0/8"};
    TestServer server(options);
    RawClient first = server.client(), second = server.client();
    EXPECT_EQ(first.ask(get("/a")).status, 200);
    EXPECT_EQ(second.ask(get("/a")).status, 200);
}

/// Opens so many connections from another process, which has descriptors of its own.
/// It is there at once and connects when told to.
class Crowd {
public:
    Crowd(std::uint16_t port, int size) {
        int go[2], done[2];
        if (::pipe2(go, O_CLOEXEC) != 0 || ::pipe2(done, O_CLOEXEC) != 0) std::abort();
        child_ = ::fork();
        if (child_ == 0) { // only system calls from here on: the parent has threads
            ::close(go[1]);
            char ok = 0;
            if (::read(go[0], &ok, 1) != 1) ::_exit(1);
            for (int i = 0; i < size; ++i) {
                int const descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
                sockaddr_in from{};
                from.sin_family = AF_INET;
                from.sin_addr.s_addr = htonl(0x7f000002U + static_cast<unsigned>(i / 5000));
                sockaddr_in to = from;
                to.sin_port = htons(port);
                to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                ok = ok && descriptor >= 0 &&
                     ::bind(descriptor, reinterpret_cast<sockaddr*>(&from), sizeof from) == 0 &&
                     ::connect(descriptor, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
            }
            if (::write(done[1], &ok, 1) != 1) ::_exit(1);
            ::_exit(static_cast<int>(::read(go[0], &ok, 1)));
        }
        ::close(go[0]);
        ::close(done[1]);
        leave_ = go[1];
        arrived_ = done[0];
    }
    ~Crowd() {
        ::close(leave_);
        ::close(arrived_);
        ::waitpid(child_, nullptr, 0);
    }
    bool connect_all() {
        char ok = 1;
        if (::write(leave_, &ok, 1) != 1) return false;
        return ::read(arrived_, &ok, 1) == 1 && ok;
    }

private:
    pid_t child_;
    int leave_, arrived_;
};

/// Sets the limit of descriptors while it lives.
class DescriptorLimit {
public:
    explicit DescriptorLimit(rlim_t wanted) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit const now{wanted, std::max(wanted, before_.rlim_max)};
        good_ = ::setrlimit(RLIMIT_NOFILE, &now) == 0;
    }
    ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    bool good() const { return good_; }

private:
    rlimit before_{};
    bool good_ = false;
};

std::size_t resident_bytes() {
    FILE* const file = std::fopen("/proc/self/statm", "r");
    unsigned long total = 0, resident = 0;
    int const read = std::fscanf(file, "%lu %lu", &total, &resident);
    std::fclose(file);
    return read == 2 ? resident * 4096 : 0;
}

TEST(Abuse, ten_thousand_idle_connections_are_held) {
    DescriptorLimit const limit(12'000);
    if (!limit.good()) GTEST_SKIP() << "the limit of descriptors cannot be raised here";
    ServerOptions options;
    options.connections_per_address_max = 10'000;
    TestServer server(options);
    std::size_t const before = resident_bytes();
    Crowd crowd(server.port(), 10'000);
    ASSERT_TRUE(crowd.connect_all());
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 10'000; }));
    EXPECT_EQ(server.get("/well").status, 200);
#if !__has_feature(thread_sanitizer) // which keeps a shadow of everything
    EXPECT_LT(resident_bytes() - before, 20U * 1024 * 1024) << "2 KB each at most";
#else
    (void)before;
#endif
}

TEST(Abuse, running_out_of_descriptors_is_survived) {
#if __has_feature(undefined_behavior_sanitizer)
    // It looks at an object's type through a pipe, and calls every object bad without one.
    GTEST_SKIP() << "the sanitizer needs descriptors of its own";
#endif
    TestServer server;
    RawClient before = server.client();
    EXPECT_EQ(before.ask(get("/a")).status, 200);
    {
        Crowd crowd(server.port(), 30);
        int const next = ::dup(0); // the lowest free number
        ::close(next);
        DescriptorLimit const limit(static_cast<rlim_t>(next) + 20);
        EXPECT_TRUE(crowd.connect_all()) << "those without a place wait in the backlog";
        EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open >= 15; }));
        clock_t const cpu = std::clock();
        for (int i = 0; i < 20; ++i) {
            EXPECT_EQ(before.ask(get("/a")).status, 200);
            EXPECT_TRUE(before.silent_for(milliseconds(10)));
        }
        EXPECT_LT(std::clock() - cpu, CLOCKS_PER_SEC / 5) << "it must not spin";
    }
    EXPECT_EQ(server.get("/after").status, 200);
}

} // namespace
} // namespace haat::http::test
