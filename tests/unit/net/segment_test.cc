// Sets of VLANs, and the names and keys of segments.
#include "net/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/records.h"

namespace viaduct::net {
namespace {

using ::testing::HasSubstr;

std::string again(std::string_view text) {
  const auto read = VlanSet::parse(text);
  return read.ok() ? read.value().to_string() : read.error().message;
}

TEST(VlanSetText, IsReadAndWrittenInOrder) {
  EXPECT_EQ(again("10"), "10");
  EXPECT_EQ(again("30,10,20-29"), "10,20-30");
  EXPECT_EQ(again("1-4094"), "1-4094");
  for (const char* bad :
       {"", "0", "4095", "10,", ",10", "20-10", "a", "10-", "-10", "10 ", "1-2-3", "99999999999"})
    EXPECT_THAT(again(bad), HasSubstr("is no VLAN")) << bad;
  EXPECT_THAT(again("10,5-12"), HasSubstr("VLAN 10 stands in it twice"));
}

TEST(VlanSetText, SetsAreComparedAndTakenApart) {
  const VlanSet all = VlanSet::parse("10,20-29").value();
  const VlanSet some = VlanSet::parse("20-22").value();
  EXPECT_TRUE(all.contains(some));
  EXPECT_FALSE(some.contains(all));
  EXPECT_EQ(all.without(some).to_string(), "10,23-29");
  EXPECT_TRUE(some.without(all).empty());
  EXPECT_EQ((PortVlans{5, some}).all().to_string(), "5,20-22");
}

TEST(SegmentOnTheWire, TheUntaggedVlanIsNative) {
  EXPECT_EQ(on_uplink(VlanSet::parse("1,10").value()).native, kUntaggedVlan);
  EXPECT_EQ(on_uplink(VlanSet::parse("1,10").value()).tagged.to_string(), "10");
  EXPECT_EQ(on_uplink(VlanSet::parse("10").value()).native, 0);
}

TEST(SegmentNames, ShowWhatTheyAreWhereThereIsRoom) {
  const Segment vlan{"eth1", 10};
  EXPECT_EQ(segment_bridge_name(vlan, {}).value(), "vd-eth1.10");
  EXPECT_EQ(sub_interface_name(vlan, false), "eth1.10");
  EXPECT_EQ(key_of(vlan), "eth1:10");
  EXPECT_EQ(words_of(vlan), "VLAN 10 of eth1");
  EXPECT_EQ(key_of({"eth1"}), "eth1");
  EXPECT_EQ(key_of({"eth1", 10, TagProtocol::k8021ad}), "eth1:10:802.1ad");
  // Networks of any VLAN share the one bridge.
  EXPECT_EQ(key_of({"eth1", 10, TagProtocol::k8021q, true}), key_of({"eth1", 20, TagProtocol::k8021q, true}));
  EXPECT_EQ(segment_bridge_name({"eth1", 10, TagProtocol::k8021q, true}, {}).value(), "vd-eth1");
}

TEST(SegmentNames, LongAndTakenOnes_AreHashedAndNeverTooLong) {
  const Segment longest{"enp129s0f1np255", 4094};
  const std::string first = segment_bridge_name(longest, {}).value();
  const std::string second = segment_bridge_name(longest, {first}).value();
  EXPECT_NE(first, second);
  for (const std::string& name : {first, second, sub_interface_name(longest, false),
                                  sub_interface_name(longest, true), host_end_name(longest)})
    EXPECT_TRUE(check_link_name(name).ok()) << name;
  EXPECT_NE(sub_interface_name(longest, false), sub_interface_name(longest, true));
  std::set<std::string> taken = {"vd-eth1"};
  for (int i = 0; i < 100; ++i) {
    const auto name = segment_bridge_name({"eth1"}, taken);
    if (!name.ok()) {
      EXPECT_EQ(name.error().code, ErrorCode::kExhausted);
      return;
    }
    EXPECT_TRUE(taken.insert(name.value()).second);
  }
  ADD_FAILURE() << "names never ended";
}

TEST(SegmentRecord, IsStoredAndReadAgain) {
  NetworkRecord record;
  record.request.id = std::string(64, 'a');
  record.mode = "vlan";
  record.bridge = "vd-eth1.10";
  record.bridge_mac = Mac::from_text("bridge");
  record.segment = Segment{"eth1", 10, TagProtocol::k8021ad, true};
  const auto read = network_from_json(record.request.id, dump_json(to_json(record)));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value().segment, record.segment);
  Json damaged = to_json(record);
  damaged["segment"]["protocol"] = "802.1X";
  EXPECT_EQ(network_from_json(record.request.id, dump_json(damaged)).error().code, ErrorCode::kCorrupt);
  damaged = to_json(record);
  damaged["segment"]["vlan"] = 5000;
  EXPECT_EQ(network_from_json(record.request.id, dump_json(damaged)).error().code, ErrorCode::kCorrupt);
}

TEST(SegmentRecord, DerivedAddressOfAnEndpoint_IsStoredAndReadAgain) {
  EndpointRecord record;
  record.request.network_id = std::string(64, 'a');
  record.request.endpoint_id = std::string(64, '1');
  record.mac = Mac::from_text("one");
  record.host_link = "ve1";
  record.peer_link = "vc1";
  record.derived_ipv6 = InterfaceAddress::parse("fd77::a01:2/64").value();
  const std::string key = endpoint_key(record.request.network_id, record.request.endpoint_id);
  const auto read = endpoint_from_json(key, to_text(record).take());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value().derived_ipv6, record.derived_ipv6);
  EXPECT_EQ(all_addresses_of(read.value()).size(), 1U);
}

}  // namespace
}  // namespace viaduct::net
