#include "net/neighbour_codec.h"

#include <gtest/gtest.h>

#include <string>

// Questions and answers byte by byte, as RFC 826, 5227, 4861 and 4862 have them.
namespace viaduct::net {
namespace {

constexpr Mac kOwn({0x02, 0, 0, 0, 0, 0x01});
constexpr Mac kForeign({0x52, 0x54, 0, 0x12, 0x34, 0x56});

IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}

Frame bytes(const std::string& hex) {
  Frame out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    while (hex[i] == ' ') ++i;
    out.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return out;
}

const std::string kArpReply =
    "020000000001 525400123456 0806 0001 0800 06 04 0002 525400123456 0a010005 020000000001 00000000";

// From 2001:db8::5 to all nodes: solicited no, override yes, with the target's link-layer address.
const std::string kAdvertisement =
    "333300000001 525400123456 86dd 6000000000203aff 20010db8000000000000000000000005 "
    "ff020000000000000000000000000001 8800 0000 20000000 20010db8000000000000000000000005 0201 525400123456";

// With the checksum that the fields ask for.
Frame advertisement(std::string hex = kAdvertisement) {
  Frame frame = bytes(hex);
  uint32_t sum = 58 + static_cast<uint32_t>(frame.size() - 54);
  frame[56] = frame[57] = 0;
  for (size_t i = 22; i + 1 < frame.size(); i += 2)
    sum += static_cast<uint32_t>(frame[i] << 8U | frame[i + 1]);
  while (sum > 0xffffU) sum = (sum & 0xffffU) + (sum >> 16U);
  frame[56] = static_cast<uint8_t>(~sum >> 8U & 0xffU);
  frame[57] = static_cast<uint8_t>(~sum & 0xffU);
  return frame;
}

// Scenario 31: the question must teach no neighbour an address.
TEST(NeighbourCodec, ArpProbe_HasNoSenderAddress) {
  EXPECT_EQ(
      arp_probe(kOwn, ip("10.1.0.5")),
      bytes(
          "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 00000000 000000000000 0a010005"));
}

TEST(NeighbourCodec, SolicitationWithoutSource_IsThatOfDuplicateAddressDetection) {
  const Frame frame = solicitation(kOwn, std::nullopt, ip("2001:db8::12:3456"));
  const Frame expected = bytes(
      "3333ff123456 020000000001 86dd 6000000000183aff 00000000000000000000000000000000 "
      "ff0200000000000000000001ff123456 8700 e41e 00000000 20010db8000000000000000000123456");
  EXPECT_EQ(frame, expected);
}

TEST(NeighbourCodec, SolicitationWithSource_NamesItsLinkLayerAddress) {
  const Frame frame = solicitation(kOwn, ip("fe80::1"), ip("2001:db8::5"));
  EXPECT_EQ(frame.size(), 14U + 40U + 32U);
  EXPECT_EQ(Frame(frame.begin() + 22, frame.begin() + 38), bytes("fe800000000000000000000000000001"));
  EXPECT_EQ(Frame(frame.end() - 8, frame.end()), bytes("0101 020000000001"));
}

TEST(NeighbourCodec, ArpReply_IsAnAnswer) {
  EXPECT_EQ(answer_from(bytes(kArpReply)), (NeighbourAnswer{ip("10.1.0.5"), kForeign}));
}

TEST(NeighbourCodec, ArpRequestOfTheHolder_IsAnAnswerToo) {
  std::string request = kArpReply;
  request.replace(request.find("0002 5254"), 4, "0001");
  EXPECT_EQ(answer_from(bytes(request)), (NeighbourAnswer{ip("10.1.0.5"), kForeign}));
}

// Scenario 31: another viaductd that looks ahead as we do has not got the address.
TEST(NeighbourCodec, ProbesOfOthers_AreNoAnswers) {
  EXPECT_FALSE(answer_from(arp_probe(kForeign, ip("10.1.0.5"))).has_value());
  EXPECT_FALSE(answer_from(solicitation(kForeign, std::nullopt, ip("2001:db8::5"))).has_value());
}

TEST(NeighbourCodec, Advertisement_IsAnAnswer) {
  EXPECT_EQ(answer_from(advertisement()), (NeighbourAnswer{ip("2001:db8::5"), kForeign}));
}

TEST(NeighbourCodec, AdvertisementWithoutOption_HasTheSendersMac) {
  std::string hex = kAdvertisement.substr(0, kAdvertisement.size() - 18);
  hex.replace(hex.find("00203aff"), 4, "0018");
  EXPECT_EQ(answer_from(advertisement(hex)), (NeighbourAnswer{ip("2001:db8::5"), kForeign}));
}

TEST(NeighbourCodec, ForgedAdvertisements_AreNone) {
  Frame far = advertisement();
  far[21] = 254;  // a router passed it on
  EXPECT_FALSE(answer_from(far).has_value());
  Frame broken = advertisement();
  broken[56] ^= 1U;
  EXPECT_FALSE(answer_from(broken).has_value());
  std::string endless = kAdvertisement;
  endless.replace(endless.rfind("0201"), 4, "0200");
  EXPECT_FALSE(answer_from(advertisement(endless)).has_value());
  std::string group = kArpReply;
  group.replace(group.rfind("525400123456"), 12, "ffffffffffff");
  EXPECT_FALSE(answer_from(bytes(group)).has_value());
}

TEST(NeighbourCodec, FramesCutAnywhere_AreNoAnswersAndHarmNothing) {
  for (const Frame& whole : {bytes(kArpReply), advertisement()})
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(answer_from(std::span(whole).first(size)).has_value()) << size;
}

TEST(NeighbourCodec, PaddingBehindAnAnswer_DoesNotMatter) {
  Frame padded = bytes(kArpReply);
  padded.resize(60);
  EXPECT_TRUE(answer_from(padded).has_value());
  padded = advertisement();
  padded.resize(120);
  EXPECT_TRUE(answer_from(padded).has_value());
}

TEST(NeighbourCodec, AnnouncementOfIpv4_IsAnArpRequestForItself) {  // Scenario 29
  EXPECT_EQ(
      announcement(kOwn, ip("10.1.0.2")),
      bytes(
          "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a010002 000000000000 0a010002"));
  EXPECT_EQ(ether_type_of(ip("10.1.0.2")), 0x0806);
}

TEST(NeighbourCodec, AnnouncementOfIpv6_IsAnUnsolicitedAdvertisementThatOverrides) {  // Scenario 29
  // 32 bytes of ICMPv6 with hop limit 255; neither router nor solicited, but override.
  EXPECT_EQ(announcement(Mac({0x02, 0x42, 0x0a, 0x01, 0x00, 0x02}), ip("fd01::2")),
            bytes("333300000001 02420a010002 86dd 60000000 0020 3aff fd010000000000000000000000000002 "
                  "ff020000000000000000000000000001 88005053 20000000 fd010000000000000000000000000002 "
                  "0201 02420a010002"));
  EXPECT_EQ(ether_type_of(ip("fd01::2")), 0x86dd);
}

TEST(NeighbourCodec, TagOfAVlan_StandsBeforeTheEtherType) {  // Scenario 29
  const Frame plain = bytes("ffffffffffff 020000000001 0806 0001");
  EXPECT_EQ(tagged(plain, TagProtocol::k8021q, 10), bytes("ffffffffffff 020000000001 8100 000a 0806 0001"));
  EXPECT_EQ(tagged(plain, TagProtocol::k8021ad, 4094),
            bytes("ffffffffffff 020000000001 88a8 0ffe 0806 0001"));
}

}  // namespace
}  // namespace viaduct::net
