#include "base/ip.h"

#include <gtest/gtest.h>

#include <set>

namespace viaduct {
namespace {

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}
Prefix net(std::string_view text) {
  return Prefix::parse(text).value();
}

struct Edge {
  const char* prefix;
  const char* first;
  const char* last;
  int host_bits;
};

class PrefixEdges : public testing::TestWithParam<Edge> {};

TEST_P(PrefixEdges, FirstAndLast_AreTheEndsOfThePrefix) {
  const Prefix prefix = net(GetParam().prefix);
  EXPECT_EQ(prefix.first().to_string(), GetParam().first);
  EXPECT_EQ(prefix.last().to_string(), GetParam().last);
  EXPECT_EQ(prefix.host_bits(), GetParam().host_bits);
  EXPECT_TRUE(prefix.contains(prefix.first()));
  EXPECT_TRUE(prefix.contains(prefix.last()));
  EXPECT_EQ(prefix.to_string(), GetParam().prefix);
}

INSTANTIATE_TEST_SUITE_P(All, PrefixEdges,
                         testing::Values(Edge{"0.0.0.0/0", "0.0.0.0", "255.255.255.255", 32},
                                         Edge{"10.0.0.0/8", "10.0.0.0", "10.255.255.255", 24},
                                         Edge{"192.0.2.4/31", "192.0.2.4", "192.0.2.5", 1},
                                         Edge{"192.0.2.5/32", "192.0.2.5", "192.0.2.5", 0},
                                         Edge{"255.255.255.255/32", "255.255.255.255", "255.255.255.255", 0},
                                         Edge{"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128},
                                         Edge{"fd00::/64", "fd00::", "fd00::ffff:ffff:ffff:ffff", 64},
                                         Edge{"fd00::2/127", "fd00::2", "fd00::3", 1},
                                         Edge{"fd00::3/128", "fd00::3", "fd00::3", 0}));

TEST(Prefix, AddressJustOutside_IsNotContained) {
  EXPECT_FALSE(net("10.0.1.0/24").contains(ip("10.0.0.255")));
  EXPECT_FALSE(net("10.0.1.0/24").contains(ip("10.0.2.0")));
  EXPECT_FALSE(net("fd00::2/127").contains(ip("fd00::1")));
  EXPECT_FALSE(net("fd00::2/127").contains(ip("fd00::4")));
}

TEST(Prefix, OtherFamily_IsNeverContainedNorOverlapped) {
  EXPECT_FALSE(net("0.0.0.0/0").contains(ip("::")));
  EXPECT_FALSE(net("::/0").contains(ip("0.0.0.0")));
  EXPECT_FALSE(net("0.0.0.0/0").overlaps(net("::/0")));
}

TEST(Prefix, NestedPrefixes_OverlapBothWays_AndContainOneWay) {
  EXPECT_TRUE(net("10.0.0.0/8").overlaps(net("10.1.0.0/16")));
  EXPECT_TRUE(net("10.1.0.0/16").overlaps(net("10.0.0.0/8")));
  EXPECT_TRUE(net("10.0.0.0/8").contains(net("10.1.0.0/16")));
  EXPECT_FALSE(net("10.1.0.0/16").contains(net("10.0.0.0/8")));
  EXPECT_FALSE(net("10.0.0.0/24").overlaps(net("10.0.1.0/24")));
}

TEST(Prefix, Order_IsByAddressThenWiderFirst_AndIpv4BeforeIpv6) {
  const std::set<Prefix> sorted{net("::/0"), net("10.0.0.0/16"), net("10.0.0.0/8"), net("9.0.0.0/8")};
  std::vector<std::string> texts;
  for (const auto& prefix : sorted) texts.push_back(prefix.to_string());
  EXPECT_EQ(texts, (std::vector<std::string>{"9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "::/0"}));
}

TEST(Prefix, ConstructedWithHostBits_ClearsThem) {
  EXPECT_EQ(Prefix(ip("10.1.2.3"), 8).to_string(), "10.0.0.0/8");
  EXPECT_EQ(Prefix(ip("10.1.2.3"), 0).to_string(), "0.0.0.0/0");
  EXPECT_EQ(Prefix(ip("fd00::1"), 64).to_string(), "fd00::/64");
  EXPECT_EQ(Prefix(ip("fd00::1"), 128).to_string(), "fd00::1/128");
}

TEST(IpAddress, Bytes_RoundTripInNetworkOrder) {
  for (const char* text : {"0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "2001:db8::ff00:42:8329"}) {
    const IpAddress address = ip(text);
    const auto bytes = address.bytes();
    EXPECT_EQ(IpAddress::from_bytes(std::span(bytes).first(address.byte_count())), address) << text;
    EXPECT_EQ(address.to_string(), text);
  }
  EXPECT_EQ(ip("1.2.3.4").bytes()[0], 1);
  EXPECT_EQ(ip("1.2.3.4").bytes()[3], 4);
}

TEST(IpAddress, Plus_CarriesAcrossBytesAndHalves) {
  EXPECT_EQ(ip("10.0.0.255").plus(1).to_string(), "10.0.1.0");
  EXPECT_EQ(ip("fd00::ffff:ffff:ffff:ffff").plus(1).to_string(), "fd00:0:0:1::");
}

TEST(IpAddress, SameNumberInAnotherFamily_IsAnotherAddress) {
  EXPECT_NE(ip("0.0.0.1"), ip("::1"));
  EXPECT_LT(ip("255.255.255.255"), ip("::"));
}

TEST(Mac, FromIpv4_IsLocalUnicastAndCarriesTheAddress) {
  EXPECT_EQ(Mac::from_ipv4(ip("172.17.0.2")).to_string(), "02:42:ac:11:00:02");
}

TEST(Mac, Random_IsLocalUnicastAndDiffers) {
  const Mac first = Mac::random();
  EXPECT_EQ(first.bytes()[0] & 0x03, 0x02);
  std::set<Mac> seen;
  for (int i = 0; i < 16; ++i) seen.insert(Mac::random());
  EXPECT_GT(seen.size(), 14U);
}

}  // namespace
}  // namespace viaduct
