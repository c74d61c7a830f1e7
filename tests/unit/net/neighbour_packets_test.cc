// The frames byte by byte; that kernels take them is seen in tests/netns/announce_test.cc.
#include "net/neighbour_packets.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace viaduct::net {
namespace {

constexpr Mac kMac({0x02, 0x42, 0x0a, 0x01, 0x00, 0x02});

std::string hex(const std::vector<uint8_t>& frame) {
  return fmt::format("{:02x}", fmt::join(frame, ""));
}

IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}

TEST(NeighbourPackets, Ipv4_IsAnArpAnnouncement) {  // Scenario 29
  EXPECT_EQ(hex(announcement_of(ip("10.1.0.2"), kMac)),
            "ffffffffffff"  // to everybody
            "02420a010002"
            "0806"
            "0001080006040001"  // Ethernet, IPv4, request
            "02420a010002"
            "0a010002"
            "000000000000"
            "0a010002");
  EXPECT_EQ(ether_type_of(ip("10.1.0.2")), 0x0806);
}

TEST(NeighbourPackets, Ipv6_IsAnUnsolicitedAdvertisementThatOverrides) {  // Scenario 29
  EXPECT_EQ(hex(announcement_of(ip("fd01::2"), kMac)),
            "333300000001"  // to all nodes
            "02420a010002"
            "86dd"
            "60000000"
            "0020"  // 32 bytes follow the header
            "3aff"  // ICMPv6, hop limit 255
            "fd010000000000000000000000000002"
            "ff020000000000000000000000000001"
            "88005053"
            "20000000"  // neither router nor solicited: override
            "fd010000000000000000000000000002"
            "0201"
            "02420a010002");
  EXPECT_EQ(ether_type_of(ip("fd01::2")), 0x86dd);
}

}  // namespace
}  // namespace viaduct::net
