#include "server/wire_ipam.h"

#include <gtest/gtest.h>

#include "unit/server/body_of.h"

namespace viaduct::server {
namespace {

TEST(WireRequestPool, ExplicitPoolWithRange) {
  const auto request = decode_request_pool(body_of(
      R"({"AddressSpace":"local","Pool":"10.50.0.0/24","SubPool":"10.50.0.128/25","Options":{"size":"26"},"V6":false})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request.value().space, "local");
  EXPECT_EQ(request.value().pool->to_string(), "10.50.0.0/24");
  EXPECT_EQ(request.value().sub_pool->to_string(), "10.50.0.128/25");
  EXPECT_EQ(request.value().options.at("size"), "26");
}

TEST(WireRequestPool, FamilyIsThatOfThePoolWhateverV6Says) {  // Trap T27
  const auto request = decode_request_pool(
      body_of(R"({"AddressSpace":"global","Pool":"fd00:66::/64","SubPool":"","Options":null,"V6":false})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request.value().family, Family::kIpv6);
}

TEST(WireRequestPool, AutomaticPoolTakesItsFamilyFromV6) {
  const auto request = decode_request_pool(
      body_of(R"({"AddressSpace":"local","Pool":"","SubPool":"","Options":{},"V6":true})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_FALSE(request.value().pool.has_value());
  EXPECT_EQ(request.value().family, Family::kIpv6);
}

TEST(WireRequestAddress, EveryOptionOfTheEngineIsRead) {
  const auto request =
      decode_request_address(body_of(R"({"PoolID":"local/10.50.0.0/24","Address":"10.50.0.9","Options":{
    "RequestAddressType":"com.docker.network.gateway","com.docker.network.ipam.serial":"true",
    "com.docker.network.endpoint.macaddress":"d2:cd:00:00:00:01","com.docker.network.endpoint.name":"c1","io":"1"}})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_TRUE(request.value().gateway);
  EXPECT_TRUE(request.value().serial);
  EXPECT_EQ(request.value().name, "c1");
  EXPECT_EQ(request.value().mac->to_string(), "d2:cd:00:00:00:01");
  EXPECT_EQ(request.value().address->to_string(), "10.50.0.9");
}

TEST(WireRequestAddress, NullOptions_AreNone) {  // Trap T24
  const auto request = decode_request_address(body_of(R"({"PoolID":"p","Address":"","Options":null})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_FALSE(request.value().address.has_value());
  EXPECT_FALSE(request.value().gateway);
}

TEST(WireReleaseAddress, EmptyPoolId_IsAllowed) {
  const auto request = decode_release_address(body_of(R"({"PoolID":"","Address":"fd00::2"})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request.value().pool_id, "");
}

TEST(WireIpam, WrongTypesAndMissingMembers_AreRefusedByName) {
  const auto names = [](const auto& result, const char* member) {
    return !result.ok() && result.error().code == ErrorCode::kInvalidArgument &&
           result.error().message.find(member) != std::string::npos;
  };
  EXPECT_TRUE(names(decode_request_pool(body_of(R"({})")), "AddressSpace"));
  EXPECT_TRUE(
      names(decode_request_pool(body_of(R"({"AddressSpace":"local","Pool":"10.0.0.1/24"})")), "Pool"));
  EXPECT_TRUE(names(decode_request_pool(body_of(R"({"AddressSpace":"local","V6":"no"})")), "V6"));
  EXPECT_TRUE(
      names(decode_request_pool(body_of(R"({"AddressSpace":"local","Options":{"a":1}})")), "Options.a"));
  EXPECT_TRUE(names(decode_release_pool(body_of(R"({})")), "PoolID"));
  EXPECT_TRUE(names(decode_request_address(body_of(R"({"Address":"10.0.0.1"})")), "PoolID"));
  EXPECT_TRUE(names(decode_request_address(body_of(R"({"PoolID":"p","Address":"10.0.0"})")), "Address"));
  EXPECT_TRUE(names(decode_request_address(body_of(
                        R"({"PoolID":"p","Options":{"com.docker.network.endpoint.macaddress":"x"}})")),
                    "macaddress"));
  EXPECT_TRUE(names(decode_release_address(body_of(R"({"PoolID":"p"})")), "Address"));
}

TEST(WireIpam, RepliesCarryAMaskAndAData) {
  EXPECT_EQ(encode(ipam::AddressReply{InterfaceAddress::parse("10.50.0.2/24").value()}),
            Json::parse(R"({"Address":"10.50.0.2/24","Data":{}})"));
  EXPECT_EQ(encode(ipam::PoolReply{"local/10.50.0.0/24", Prefix::parse("10.50.0.0/24").value()}),
            Json::parse(R"({"PoolID":"local/10.50.0.0/24","Pool":"10.50.0.0/24","Data":{}})"));
}

}  // namespace
}  // namespace viaduct::server
