#include <gtest/gtest.h>

#include <http/proxy.hpp>
#include <http/test/test_server.hpp>

namespace haat::http::test {
namespace {

TEST(Proxy, addresses) {
    EXPECT_EQ(Address::parse("1.2.3.4")->text(), "1.2.3.4");
    EXPECT_EQ(Address::parse("1.2.3.4:80")->text(), "1.2.3.4");
    EXPECT_EQ(Address::parse("[2001:db8::1]:80")->text(), "2001:db8::1");
    EXPECT_EQ(Address::parse("2001:db8::1")->text(), "2001:db8::1");
    EXPECT_EQ(Address::parse("::ffff:1.2.3.4")->text(), "1.2.3.4");
    for (char const* const bad : {"", "1.2.3", "unknown", "_hidden", "[::1", "1.2.3.4.5"})
        EXPECT_FALSE(Address::parse(bad)) << bad;
}

TEST(Proxy, blocks) {
    TrustedProxies const proxies({"10.0.0.0/8", "192.168.1.7", "2001:db8::/33", "172.16.0.0/12"});
    for (char const* const in :
         {"10.255.0.1", "192.168.1.7", "2001:db8:7fff::1", "172.31.0.1", "::ffff:10.1.1.1"})
        EXPECT_TRUE(proxies.trusts(*Address::parse(in))) << in;
    for (char const* const out : {"11.0.0.1", "192.168.1.8", "2001:db8:8000::1", "172.32.0.1"})
        EXPECT_FALSE(proxies.trusts(*Address::parse(out))) << out;
    for (char const* const bad : {"10.0.0.0/33", "10.0.0.0/", "::1/129", "localhost", "10/x"})
        EXPECT_THROW(TrustedProxies({bad}), std::invalid_argument) << bad;
}

struct Case {
    char const* headers;
    char const* who; // address, host, secure, from loopback
};

void expect(TestServer& server, std::vector<Case> const& cases) {
    for (Case const& c : cases) EXPECT_EQ(server.get("/who", c.headers).body, c.who) << c.headers;
}

TEST(Proxy, headers_of_strangers_are_ignored) {
    TestServer server;
    expect(server,
           {{"", "127.0.0.1 haat false true"},
            {"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n"
             "X-Forwarded-Host: evil\r\n",
             "127.0.0.1 haat false false"},
            {"Forwarded: for=9.9.9.9;proto=https;host=evil\r\n", "127.0.0.1 haat false false"}});
}

TEST(Proxy, trusted_hops_are_walked_from_the_right) {
    ServerOptions options;
    options.trusted_proxies = {"127.0.0.1", "10.0.0.0/8", "fd00::/8"};
    TestServer server(options);
    expect(
        server,
        {{"", "127.0.0.1 haat false true"},
         {"X-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9 haat false false"},
         {"X-Forwarded-For: 1.1.1.1, 9.9.9.9, 10.0.0.7\r\n", "9.9.9.9 haat false false"},
         {"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9 haat false false"},
         {"X-Forwarded-For: 10.0.0.8, 10.0.0.7\r\n", "10.0.0.8 haat false false"},
         {"X-Forwarded-For: 9.9.9.9, nonsense, 10.0.0.7\r\n", "10.0.0.7 haat false false"},
         {"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\n",
          "9.9.9.9 shop true false"},
         {"Forwarded: for=9.9.9.9;proto=https;host=\"shop:443\"\r\n",
          "9.9.9.9 shop:443 true false"},
         {"Forwarded: for=1.1.1.1, for=\"[2001:db8::9]:4711\";proto=https, for=10.0.0.7\r\n",
          "2001:db8::9 haat true false"},
         {"Forwarded: for=_hidden, for=unknown\r\n", "127.0.0.1 haat false false"},
         {"Forwarded: for=9.9.9.9\r\nX-Forwarded-For: 1.1.1.1\r\n", "9.9.9.9 haat false false"},
         {"Forwarded: ;;=,for\r\n", "127.0.0.1 haat false false"}});
}

} // namespace
} // namespace haat::http::test
