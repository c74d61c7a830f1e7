#include "net/port_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace viaduct::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

EndpointRecord endpoint(const char* ipv4, const char* ipv6 = nullptr) {
  EndpointRecord record;
  record.request.endpoint_id = std::string(64, '1');
  if (ipv4 != nullptr) record.request.ipv4 = InterfaceAddress::parse(ipv4).value();
  if (ipv6 != nullptr) record.request.ipv6 = InterfaceAddress::parse(ipv6).value();
  return record;
}

PortBinding binding(uint16_t port, const std::string& host = "", uint16_t low = 0, uint16_t high = 0,
                    Protocol protocol = Protocol::kTcp) {
  return {protocol, port, host, low, high};
}

// "80/tcp 8080-8080 0.0.0.0>10.1.0.2 ::>fd00::2"
std::vector<std::string> words(const PortPlan& plan) {
  std::vector<std::string> all;
  for (const PortWish& wish : plan.wishes) {
    std::string text = std::to_string(wish.port) + "/" + std::string(to_string(wish.protocol)) + " " +
                       std::to_string(wish.low) + "-" + std::to_string(wish.high);
    for (const auto& way : wish.ways) text += " " + way.host.to_string() + ">" + way.container.to_string();
    all.push_back(text);
  }
  return all;
}

std::vector<std::string> planned(const NetworkOptions& options, const EndpointRecord& record,
                                 const std::vector<PortBinding>& bindings) {
  const auto plan = plan_ports(options, record, bindings);
  if (!plan.ok()) return {plan.error().message};
  return words(plan.value());
}

TEST(PortPlan, WithoutHostAddress_IsAllAddressesOfTheContainersFamilies) {
  EXPECT_THAT(planned({}, endpoint("10.1.0.2/24"), {binding(80, "", 8080, 8080)}),
              ElementsAre("80/tcp 8080-8080 0.0.0.0>10.1.0.2"));
  EXPECT_THAT(planned({}, endpoint("10.1.0.2/24", "fd00::2/64"), {binding(80, "", 8080)}),
              ElementsAre("80/tcp 8080-8080 0.0.0.0>10.1.0.2 ::>fd00::2"));
  EXPECT_THAT(planned({}, endpoint(nullptr, "fd00::2/64"), {binding(80)}),
              ElementsAre("80/tcp 0-0 ::>fd00::2"));
}

TEST(PortPlan, HostAddress_IsOfOneFamily) {
  const auto both = endpoint("10.1.0.2/24", "fd00::2/64");
  EXPECT_THAT(planned({}, both, {binding(80, "127.0.0.1", 8080)}),
              ElementsAre("80/tcp 8080-8080 127.0.0.1>10.1.0.2"));
  EXPECT_THAT(planned({}, both, {binding(80, "::1", 8080)}), ElementsAre("80/tcp 8080-8080 ::1>fd00::2"));
  EXPECT_THAT(
      planned({}, endpoint("10.1.0.2/24"), {binding(80, "::1", 8080)}),
      ElementsAre(
          "port 80/tcp cannot be published at ::1: endpoint 111111111111 has no address of that family; "
          "publish it at another address, or give the network a subnet of that family"));
}

TEST(PortPlan, EntriesThatDifferInTheHostAddressAlone_GetOneNumber) {
  EXPECT_THAT(
      planned({}, endpoint("10.1.0.2/24"),
              {binding(80, "127.0.0.1"), binding(80, "192.0.2.1"), binding(81, "127.0.0.1")}),
      ElementsAre("80/tcp 0-0 127.0.0.1>10.1.0.2 192.0.2.1>10.1.0.2", "81/tcp 0-0 127.0.0.1>10.1.0.2"));
}

TEST(PortPlan, ExactPorts_ComeBeforeRangesAndThoseBeforeAny) {
  EXPECT_THAT(
      planned({}, endpoint("10.1.0.2/24"),
              {binding(80), binding(80, "", 9000, 9010), binding(90, "", 9000), binding(90, "", 9000)}),
      ElementsAre("90/tcp 9000-9000 0.0.0.0>10.1.0.2", "80/tcp 9000-9010 0.0.0.0>10.1.0.2",
                  "80/tcp 0-0 0.0.0.0>10.1.0.2"));
}

TEST(PortPlan, PresetHostAddress_IsOneOfIpv4Alone) {
  NetworkOptions options;
  options.host_binding_ipv4 = IpAddress::parse("127.0.0.1").value();
  const auto both = endpoint("10.1.0.2/24", "fd00::2/64");
  EXPECT_THAT(planned(options, both, {binding(80, "", 8080)}),
              ElementsAre("80/tcp 8080-8080 127.0.0.1>10.1.0.2"));
  EXPECT_THAT(planned(options, both, {binding(80, "0.0.0.0", 8080)}),
              ElementsAre("80/tcp 8080-8080 0.0.0.0>10.1.0.2"));
}

TEST(PortPlan, RoutedFamily_IsOpenOnTheContainersOwnAddress) {
  NetworkOptions options;
  options.gateway_mode_ipv6 = GatewayMode::kRouted;
  const auto plan =
      plan_ports(options, endpoint("10.1.0.2/24", "fd00::2/64"), {binding(80, "", 8080)}).value();
  EXPECT_THAT(words(plan), ElementsAre("80/tcp 8080-8080 0.0.0.0>10.1.0.2"));
  ASSERT_EQ(plan.open.size(), 1U);
  EXPECT_EQ(plan.open[0].container.to_string(), "fd00::2");
  EXPECT_EQ(plan.open[0].host_port, 0);
}

TEST(PortPlan, WhatCannotBePublished_SaysWhy) {
  const auto record = endpoint("10.1.0.2/24");
  EXPECT_THAT(planned({}, record, {}), IsEmpty());
  EXPECT_THAT(planned({}, record, {binding(0)}),
              ElementsAre(HasSubstr("name a TCP, UDP or SCTP port from 1 to 65535")));
  EXPECT_THAT(planned({}, record, {binding(1, "", 0, 0, Protocol::kIcmp)}),
              ElementsAre(HasSubstr("port 1/icmp cannot be published")));
  EXPECT_THAT(planned({}, record, {binding(80, "", 90, 80)}),
              ElementsAre(HasSubstr("name the lower one first")));
  EXPECT_THAT(planned({}, record, {binding(80, "localhost", 80)}),
              ElementsAre(HasSubstr("\"localhost\", which is no address")));
}

}  // namespace
}  // namespace viaduct::net
