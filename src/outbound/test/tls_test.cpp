#include <gtest/gtest.h>

#include <outbound/test/stand_in.hpp>
#include <outbound/test/world.hpp>

namespace haat::outbound::test {
namespace {

struct Secure {
    explicit Secure(char const* names = "DNS:localhost,IP:127.0.0.1") : certificate(names) {}
    Certificate certificate;
    StandIn server{
        "/usr/bin/node", "h2_server.js", {certificate.certificate_file(), certificate.key_file()}};
    std::string url = fmt::format("https://localhost:{}/", server.port());
};

Options trusting(Certificate const& certificate) {
    Options options = quick();
    options.ca_file = certificate.certificate_file();
    options.lookup = [](std::string const&) -> std::vector<Address> {
        return {address("127.0.0.1")};
    };
    return options;
}

TEST(OutboundTls, SpeaksHttp2WhereItIsOffered) {
    Secure secure;
    World world(trusting(secure.certificate));
    Reply const reply = world.send(get(secure.url));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.http_version, "2");
    Request request = post(secure.url, std::string(3'000'000, 'x'));
    EXPECT_EQ(world.send(request).body, R"({"version":"2.0","sessions":1,"size":3000000})");
}

TEST(OutboundConcurrent, ManyRequestsShareOneHttp2Connection) {
    Secure secure;
    Options options = trusting(secure.certificate);
    options.running_per_host_max = 50;
    World world(options);
    struct Asker {
        static Task<void> ask(Client& client, std::string url, int& alone) {
            Reply const reply = co_await client.send(get(std::move(url)));
            if (reply.body.find("\"sessions\":1,") != std::string::npos) ++alone;
        }
    };
    int alone = 0;
    auto const make = [&](int) { return Asker::ask(*world.client, secure.url, alone); };
    run(world.loop, haat::test::all_of(200, make));
    EXPECT_EQ(alone, 200);
}

TEST(OutboundTls, ACertificateOfNobodyIsRefused) {
    Secure secure;
    Options options = trusting(secure.certificate);
    options.ca_file.clear();
    World world(options);
    auto const error = world.error(get(secure.url));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::tls) << error->text();
    EXPECT_FALSE(error->perhaps_done);
}

TEST(OutboundTls, ACertificateOfAnotherIsRefused) {
    Secure secure("DNS:other.example");
    World world(trusting(secure.certificate));
    EXPECT_EQ(world.kind(get(secure.url)), "tls");
    std::string const named = fmt::format("https://other.example:{}/", secure.server.port());
    EXPECT_EQ(world.send(get(named)).status, 200) << "the name counts, not the address";
}

TEST(OutboundTls, ARedirectMayLeadIntoTlsButNotOut) {
    Secure secure;
    World world(trusting(secure.certificate));
    WorldServer server([&](Exchange& e) { e.reply(302, "", "Location: " + secure.url + "\r\n"); });
    Request request = get(server.url());
    request.redirects_max = 1;
    EXPECT_EQ(world.send(request).http_version, "2");
    request.url = secure.url + "to?" + server.url();
    EXPECT_EQ(world.kind(request), "bad_request");
    EXPECT_EQ(server.requests(), 1);
}

} // namespace
} // namespace haat::outbound::test
