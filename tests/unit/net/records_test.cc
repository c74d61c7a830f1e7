#include "net/records.h"

#include <gmock/gmock.h>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using testing::HasSubstr;

NetworkRecord full_network() {
  NetworkRecord record;
  record.request = network_request(id_of('a'));
  record.request.options = {{"mtu", "1400"}, {"icc", "false"}};
  record.request.internal = true;
  record.request.ipv4[0].auxiliary.emplace("router", address("10.1.0.9/24"));
  record.request.ipv6.push_back({"local", prefix("fd00::/64"), std::nullopt, {}});
  record.mode = "bridge";
  record.bridge = "vd-aaaaaaaaaaaa";
  record.bridge_mac = Mac::parse("02:00:00:00:00:01").value();
  record.mtu = 1400;
  record.since = "2026-11-23T16:09:47Z";
  return record;
}

EndpointRecord full_endpoint() {
  EndpointRecord record;
  record.request = endpoint_request(id_of('a'), id_of('e'));
  record.request.ipv6 = address("fd00::2/64");
  record.request.mac = Mac::parse("02:42:0a:01:00:02").value();
  record.request.driver_options = {{"com.docker.network.endpoint.ifname", "lan"}};
  record.mac = *record.request.mac;
  record.host_link = "veeeeeeeeeeeeee";
  record.peer_link = "vceeeeeeeeeeeee";
  record.sandbox_key = "/var/run/docker/netns/fa4b713b72f9";
  record.boot_id = "boot";
  record.since = "2026-11-23T16:09:47Z";
  return record;
}

Json to_json(const EndpointRecord& record) {
  return Json::parse(to_text(record).take());
}

TEST(EndpointRecord, Text_IsTheDocumentInItsCanonicalForm) {
  EndpointRecord record = full_endpoint();
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(to_text(record).take(), dump_json(to_json(record)));
    record.bridge = 3;
    record.derived_ipv6 = address("fd00::3/64");
    record.request.driver_options["\"odd\""] = "\xc3\xa9";
    record.ports.push_back({});
  }
}

TEST(NetworkRecord, FurtherBridges_AreKeptAndMayBeMissing) {
  auto network = full_network();
  EXPECT_TRUE(network_from_json(network.request.id, dump_json(to_json(network))).value().further.empty());
  network.further = {{2, "vd-two", Mac::parse("02:00:00:00:00:02").value()},
                     {4, "vd-four", Mac::parse("02:00:00:00:00:04").value()}};
  const auto after = network_from_json(network.request.id, dump_json(to_json(network))).value();
  ASSERT_EQ(after.further.size(), 2U);
  EXPECT_EQ(after.further[1].number, 4);
  EXPECT_EQ(after.further[1].name, "vd-four");
  EXPECT_EQ(after.further[1].mac, network.further[1].mac);
  for (const char* damage :
       {R"({"number":1,"bridge":"vd-x","mac":"02:00:00:00:00:02"})",
        R"({"bridge":"vd-x","mac":"02:00:00:00:00:02"})", R"({"number":2,"bridge":"vd-x"})"}) {
    auto json = to_json(network);
    json["further"][0] = Json::parse(damage);
    EXPECT_FALSE(network_from_json(network.request.id, dump_json(json)).ok()) << damage;
  }
  auto endpoint = full_endpoint();
  const auto key = endpoint_key(endpoint.request.network_id, endpoint.request.endpoint_id);
  EXPECT_FALSE(to_json(endpoint).contains("bridge"));
  endpoint.bridge = 4;
  EXPECT_EQ(endpoint_from_json(key, dump_json(to_json(endpoint))).value().bridge, 4);
}

TEST(NetworkRecord, WrittenAndRead_IsTheSame) {
  const auto before = full_network();
  const auto after = network_from_json(before.request.id, dump_json(to_json(before))).value();
  EXPECT_EQ(after.request, before.request);
  EXPECT_EQ(after.mode, before.mode);
  EXPECT_EQ(after.bridge, before.bridge);
  EXPECT_EQ(after.bridge_mac, before.bridge_mac);
  EXPECT_EQ(after.mtu, before.mtu);
  EXPECT_EQ(after.since, before.since);
}

TEST(EndpointRecord, WrittenAndRead_IsTheSame) {
  const auto before = full_endpoint();
  const auto key = endpoint_key(before.request.network_id, before.request.endpoint_id);
  const auto after = endpoint_from_json(key, dump_json(to_json(before))).value();
  EXPECT_EQ(after.request, before.request);
  EXPECT_EQ(after.mac, before.mac);
  EXPECT_EQ(after.host_link, before.host_link);
  EXPECT_EQ(after.peer_link, before.peer_link);
  EXPECT_EQ(after.sandbox_key, before.sandbox_key);
  EXPECT_EQ(after.boot_id, before.boot_id);
  EXPECT_EQ(after.since, before.since);
}

TEST(EndpointRecord, OpenRequest_StaysOpenAfterReading) {
  auto before = full_endpoint();
  before.request.ipv4.reset();
  before.request.ipv6.reset();
  before.request.mac.reset();
  const auto key = endpoint_key(before.request.network_id, before.request.endpoint_id);
  EXPECT_EQ(endpoint_from_json(key, dump_json(to_json(before))).value().request, before.request);
}

TEST(NetworkRecord, AnyMemberDamaged_IsCorruptAndNamed) {
  const auto record = full_network();
  const std::pair<const char*, Json> damage[] = {
      {"id", "b"},      {"id", nullptr},     {"options", 3},     {"internal", "yes"}, {"ipv4", "x"},
      {"mode", ""},     {"bridge", nullptr}, {"mtu", 0},         {"mtu", nullptr},    {"mtu", 1500.5},
      {"ipv6", {1, 2}}, {"bridge_mac", "x"}, {"bridge_mac", ""}, {"since", 5},
  };
  for (const auto& [member, value] : damage) {
    Json json = to_json(record);
    json[member] = value;
    const auto read = network_from_json(record.request.id, dump_json(json));
    ASSERT_FALSE(read.ok()) << member << " " << value;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(read.error().message, HasSubstr(member));
    EXPECT_THAT(read.error().message, HasSubstr(record.request.id));
  }
}

TEST(NetworkRecord, DamagedSubnet_IsCorruptAndNamed) {
  const auto record = full_network();
  for (const char* member : {"pool", "gateway"}) {
    Json json = to_json(record);
    json["ipv4"][0][member] = "10.1.0.0/99";
    const auto read = network_from_json(record.request.id, dump_json(json));
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(read.error().message, HasSubstr(std::string("ipv4[0].") + member));
  }
}

TEST(EndpointRecord, AnyMemberDamaged_IsCorruptAndNamed) {
  const auto record = full_endpoint();
  const auto key = endpoint_key(record.request.network_id, record.request.endpoint_id);
  const std::pair<const char*, Json> damage[] = {
      {"id", "b"},       {"network", nullptr}, {"ipv4", "10.1.0.2"},   {"ipv6", 6},
      {"mac", "x"},      {"mac", nullptr},     {"requested_mac", "x"}, {"host_link", ""},
      {"peer_link", ""}, {"options", {1}},     {"sandbox_key", 1},     {"boot_id", 1},
  };
  for (const auto& [member, value] : damage) {
    Json json = to_json(record);
    json[member] = value;
    const auto read = endpoint_from_json(key, dump_json(json));
    ASSERT_FALSE(read.ok()) << member << " " << value;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(read.error().message, HasSubstr(key));
  }
}

TEST(Records, TextThatIsNoObject_IsCorrupt) {
  for (const char* text : {"", "{", "[]", "null", "{\"id\":1,\"id\":2}", "\xff"}) {
    EXPECT_EQ(network_from_json("n", text).error().code, ErrorCode::kCorrupt) << text;
    EXPECT_EQ(endpoint_from_json("n/e", text).error().code, ErrorCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace viaduct::net
