#include <gtest/gtest.h>

#include <outbound/address.hpp>
#include <outbound/test/world.hpp>

namespace haat::outbound::test {
namespace {

TEST(OutboundAddress, WhatEverybodyMayAskIsPublic) {
    for (char const* const text : {"1.1.1.1",
                                   "8.8.8.8",
                                   "9.255.255.255",
                                   "11.0.0.0",
                                   "100.63.255.255",
                                   "100.128.0.0",
                                   "126.255.255.255",
                                   "128.0.0.0",
                                   "169.253.255.255",
                                   "169.255.0.0",
                                   "172.15.255.255",
                                   "172.32.0.0",
                                   "192.167.255.255",
                                   "192.169.0.0",
                                   "198.17.255.255",
                                   "198.20.0.0",
                                   "223.255.255.255",
                                   "168.63.129.15",
                                   "2600::1",
                                   "2001:4860:4860::8888",
                                   "2a00:1450:4001:81b::200e",
                                   "64:ff9b::8.8.8.8",
                                   "::ffff:8.8.8.8"})
        EXPECT_TRUE(is_public(address(text))) << text;
}

TEST(OutboundAddress, WhatIsOursOrNobodysIsNot) {
    for (char const* const text : {"0.0.0.0",
                                   "0.1.2.3",
                                   "10.0.0.1",
                                   "10.255.255.255",
                                   "100.64.0.1",
                                   "100.100.100.200",
                                   "100.127.255.255",
                                   "127.0.0.1",
                                   "127.255.255.254",
                                   "169.254.169.254",
                                   "169.254.0.1",
                                   "172.16.0.1",
                                   "172.31.255.255",
                                   "192.0.0.192",
                                   "192.0.2.1",
                                   "192.88.99.1",
                                   "192.168.0.1",
                                   "192.168.255.255",
                                   "198.18.0.1",
                                   "198.19.255.255",
                                   "198.51.100.1",
                                   "203.0.113.1",
                                   "224.0.0.1",
                                   "239.255.255.255",
                                   "240.0.0.1",
                                   "255.255.255.255",
                                   "168.63.129.16",
                                   "::",
                                   "::1",
                                   "::127.0.0.1",
                                   "::ffff:127.0.0.1",
                                   "::ffff:10.0.0.1",
                                   "::ffff:169.254.169.254",
                                   "64:ff9b::127.0.0.1",
                                   "64:ff9b::10.0.0.1",
                                   "64:ff9b::a9fe:a9fe",
                                   "64:ff9b:1::1",
                                   "100::1",
                                   "fc00::1",
                                   "fd00:ec2::254",
                                   "fdff::1",
                                   "fe80::1",
                                   "febf::1",
                                   "fec0::1",
                                   "ff02::1",
                                   "2001::1",
                                   "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                                   "2001:db8::1",
                                   "2002:7f00:1::",
                                   "2002:a00:1::",
                                   "3fff::1",
                                   "4000::1",
                                   "5f00::1"})
        EXPECT_FALSE(is_public(address(text))) << text;
}

TEST(OutboundAddress, OnlyPlainSpellingsAreAddresses) {
    Address out;
    for (char const* const text :
         {"", "127.1", "0x7f.0.0.1", "2130706433", "127.0.0.1 ", "1.2.3", "1.2.3.4.5", "256.1.1.1",
          "01.2.3.4", "fe80::1%eth0", "[::1", "localhost", "::ffff:300.1.1.1"})
        EXPECT_FALSE(parse(text, out)) << text;
    EXPECT_EQ(to_string(address("[2001:DB8::0:1]")), "2001:db8::1");
    EXPECT_EQ(to_string(address("::ffff:1.2.3.4")), "1.2.3.4");
}

TEST(OutboundAddress, NetworksHoldWhatTheyShould) {
    EXPECT_TRUE(network("10.1.0.0/16").holds(address("10.1.255.1")));
    EXPECT_FALSE(network("10.1.0.0/16").holds(address("10.2.0.0")));
    EXPECT_TRUE(network("10.0.0.0/9").holds(address("10.127.0.1")));
    EXPECT_FALSE(network("10.0.0.0/9").holds(address("10.128.0.1")));
    EXPECT_TRUE(network("0.0.0.0/0").holds(address("8.8.8.8")));
    EXPECT_FALSE(network("0.0.0.0/0").holds(address("2600::1")));
    EXPECT_TRUE(network("fd00::/8").holds(address("fdab::1")));
    EXPECT_TRUE(network("192.0.2.7").holds(address("192.0.2.7")));
    EXPECT_FALSE(network("192.0.2.7").holds(address("192.0.2.8")));
    Network out;
    for (char const* const text : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "/8", "ten"})
        EXPECT_FALSE(parse(text, out)) << text;
}

} // namespace
} // namespace haat::outbound::test
