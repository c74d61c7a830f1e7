#include "net/driver_bridge.h"

#include <gmock/gmock.h>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BridgeDriverTest : public testing::Test {
 protected:
  BridgeDriverTest() { context.instance = "inst"; }

  NetworkRecord accepted(const CreateNetworkRequest& asked) { return driver.accept(asked, context).value(); }
  JoinReply joined(const NetworkRecord& network, const CreateEndpointRequest& asked) {
    return driver.join_reply(network, driver.accept(network, asked, context).value());
  }

  BridgeDriver driver;
  PlanContext context;
  CreateNetworkRequest request = network_request(id_of('a'));
};

TEST_F(BridgeDriverTest, PlainNetwork_PlansBridgeGatewayAndMasquerade) {
  const auto record = accepted(request);
  const auto plan = driver.plan(record, context);
  EXPECT_EQ(plan.bridge.name, "vd-aaaaaaaaaaaa");
  EXPECT_EQ(plan.bridge.alias, "viaduct/inst/network/" + id_of('a'));
  EXPECT_EQ(plan.bridge.mtu, 1500);
  EXPECT_EQ(plan.bridge.mac, record.bridge_mac);
  EXPECT_THAT(plan.addresses, ElementsAre(address("10.1.0.1/24")));
  EXPECT_EQ(plan.rules.bridge, "vd-aaaaaaaaaaaa");
  EXPECT_EQ(plan.rules.reach, Reach::kOutside);
  EXPECT_THAT(plan.rules.masquerade, ElementsAre(prefix("10.1.0.0/24")));
}

TEST_F(BridgeDriverTest, BridgeMac_IsTheStoredOneInEveryPlan) {
  // Scenario 52.
  const auto record = accepted(request);
  EXPECT_EQ(driver.plan(record, context).bridge.mac, driver.plan(record, context).bridge.mac);
  EXPECT_EQ(record.bridge_mac.bytes()[0] & 3, 2) << "locally administered, unicast";
}

TEST_F(BridgeDriverTest, InternalNetwork_HasNoMasqueradeAndNoGatewayInJoin) {
  // Trap T39.
  request.internal = true;
  const auto record = accepted(request);
  EXPECT_EQ(driver.plan(record, context).rules.reach, Reach::kInternal);
  EXPECT_THAT(driver.plan(record, context).rules.masquerade, IsEmpty());
  const auto reply = joined(record, endpoint_request(id_of('a'), id_of('e')));
  EXPECT_FALSE(reply.gateway.has_value());
  EXPECT_EQ(reply.source_name, "vceeeeeeeeeeeee");
}

TEST_F(BridgeDriverTest, MasqueradeOff_RoutesWithoutHidingSources) {
  request.options = {{"masquerade", "false"}};
  EXPECT_THAT(driver.plan(accepted(request), context).rules.masquerade, IsEmpty());
}

TEST_F(BridgeDriverTest, InterContainerTrafficDenied_IsolatesThePorts) {
  request.options = {{"icc", "false"}};
  const auto record = accepted(request);
  const auto endpoint = driver.accept(record, endpoint_request(id_of('a'), id_of('e')), context).value();
  EXPECT_EQ(driver.plan(record, endpoint, context).isolation, PortIsolation::kOn);
  EXPECT_EQ(driver.plan(record, context).rules.inter_container, InterContainer::kDenied);
}

TEST_F(BridgeDriverTest, FurtherBridges_AreJoinedToTheFirstAndHaveNoAddress) {
  for (const char* icc : {"true", "false"}) {
    request.options = {{"icc", icc}};
    auto record = accepted(request);
    record.further = {{2, "vd-aaaa11111111", Mac::parse("02:00:00:00:00:02").value()}};
    const auto plan = driver.plan(record, context);
    ASSERT_EQ(plan.further.size(), 1U);
    const FurtherPlan& further = plan.further[0];
    EXPECT_EQ(further.bridge.name, "vd-aaaa11111111");
    EXPECT_EQ(further.bridge.alias, plan.bridge.alias);
    EXPECT_EQ(further.bridge.mtu, plan.bridge.mtu);
    EXPECT_FALSE(further.bridge.arp);
    EXPECT_EQ(further.joint.name, "vjaaaa11111111a");
    EXPECT_EQ(further.joint.other_name, "vjaaaa11111111b");
    EXPECT_EQ(further.joint.bridge, plan.bridge.name);
    EXPECT_EQ(further.joint.other_bridge, further.bridge.name);
    EXPECT_EQ(further.joint.isolation, icc == std::string("true") ? PortIsolation::kOff : PortIsolation::kOn);
    EXPECT_THAT(plan.rules.further, ElementsAre(further.bridge.name));
    auto endpoint = driver.accept(record, endpoint_request(id_of('a'), id_of('e')), context).value();
    EXPECT_EQ(driver.plan(record, endpoint, context).bridge, record.bridge);
    endpoint.bridge = 2;
    EXPECT_EQ(driver.plan(record, endpoint, context).bridge, further.bridge.name);
  }
}

TEST_F(BridgeDriverTest, Mtu_IsTheGivenOneElseTheUplinks) {
  context.uplink_mtu = 9000;
  EXPECT_EQ(accepted(request).mtu, 9000);
  context.uplink_mtu = 65536;  // the loopback's, which no bridge can have
  EXPECT_EQ(accepted(request).mtu, 65535);
  request.options = {{"mtu", "1400"}};
  EXPECT_EQ(accepted(request).mtu, 1400);
}

TEST_F(BridgeDriverTest, Ipv6WithAnMtuBelow1280_IsRefusedWithTheReason) {
  request.options = {{"mtu", "1279"}};
  EXPECT_TRUE(driver.accept(request, context).ok());
  request.ipv6.push_back({"local", prefix("fd00::/64"), std::nullopt, {}});
  const auto refused = driver.accept(request, context);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("IPv6 needs 1280"));
  request.options = {{"mtu", "1280"}};
  EXPECT_TRUE(driver.accept(request, context).ok());
}

TEST_F(BridgeDriverTest, SeveralSubnets_GiveTheBridgeEachGateway) {
  request.ipv4.push_back({"local", prefix("10.2.0.0/24"), address("10.2.0.254/24"), {}});
  request.ipv6.push_back({"local", prefix("fd00::/64"), address("fd00::1/64"), {}});
  const auto record = accepted(request);
  EXPECT_THAT(driver.plan(record, context).addresses,
              ElementsAre(address("10.1.0.1/24"), address("10.2.0.254/24"), address("fd00::1/64")));
  auto endpoint = endpoint_request(id_of('a'), id_of('e'), "10.2.0.7/24");
  EXPECT_EQ(joined(record, endpoint).gateway->to_string(), "10.2.0.254") << "of the endpoint's own subnet";
}

TEST_F(BridgeDriverTest, Ipv6PoolInTheIpv4List_IsServedAsIpv6) {
  // Trap T27.
  request.ipv4[0] = {"local", prefix("fd00::/64"), address("fd00::1/64"), {}};
  const auto record = accepted(request);
  EXPECT_THAT(driver.plan(record, context).addresses, ElementsAre(address("fd00::1/64")));
  auto endpoint = endpoint_request(id_of('a'), id_of('e'), "");
  endpoint.ipv6 = address("fd00::2/64");
  EXPECT_EQ(joined(record, endpoint).gateway_ipv6->to_string(), "fd00::1");
}

TEST_F(BridgeDriverTest, NullIpam_MeansABridgeWithoutAddresses) {
  request.ipv4[0] = {"null", prefix("0.0.0.0/0"), std::nullopt, {}};
  const auto record = accepted(request);
  EXPECT_THAT(driver.plan(record, context).addresses, IsEmpty());
  EXPECT_THAT(driver.plan(record, context).rules.masquerade, IsEmpty());
  EXPECT_FALSE(joined(record, endpoint_request(id_of('a'), id_of('e'), "")).gateway.has_value());
  EXPECT_TRUE(driver.accept(record, endpoint_request(id_of('a'), id_of('e'), "192.0.2.5/24"), context).ok());
}

TEST_F(BridgeDriverTest, GatewayMissing_LeavesBridgeAndJoinWithoutOne) {
  // Trap T24.
  request.ipv4[0].gateway.reset();
  const auto record = accepted(request);
  EXPECT_THAT(driver.plan(record, context).addresses, IsEmpty());
  EXPECT_FALSE(joined(record, endpoint_request(id_of('a'), id_of('e'))).gateway.has_value());
}

TEST_F(BridgeDriverTest, GatewayOutsideItsSubnet_IsRefused) {
  request.ipv4[0].gateway = address("10.9.0.1/24");
  EXPECT_THAT(driver.accept(request, context).error().message,
              HasSubstr("lies outside its subnet 10.1.0.0/24"));
}

TEST_F(BridgeDriverTest, SubnetsOfOneNetworkThatOverlap_AreRefused) {
  request.ipv4.push_back({"local", prefix("10.1.0.128/25"), std::nullopt, {}});
  EXPECT_EQ(driver.accept(request, context).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(BridgeDriverTest, EndpointAddressOutsideTheSubnets_IsRefusedAndTheyAreNamed) {
  const auto record = accepted(request);
  auto outside = endpoint_request(id_of('a'), id_of('e'), "10.3.0.2/24");
  EXPECT_THAT(driver.accept(record, outside, context).error().message, HasSubstr("(10.1.0.0/24)"));
  auto other_family = endpoint_request(id_of('a'), id_of('e'), "");
  other_family.ipv6 = address("fd00::2/64");
  EXPECT_EQ(driver.accept(record, other_family, context).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(BridgeDriverTest, Mac_IsTheGivenOneElseMadeFromTheAddress) {
  const auto record = accepted(request);
  auto endpoint = endpoint_request(id_of('a'), id_of('e'));
  EXPECT_EQ(driver.accept(record, endpoint, context).value().mac.to_string(), "02:42:0a:01:00:02");
  context.is_taken = [](const Mac& mac) { return mac.to_string() == "02:42:0a:01:00:02"; };
  EXPECT_NE(driver.accept(record, endpoint, context).value().mac.to_string(), "02:42:0a:01:00:02");
  endpoint.mac = Mac::parse("02:00:00:00:00:07").value();
  EXPECT_EQ(driver.accept(record, endpoint, context).value().mac, *endpoint.mac);
}

TEST_F(BridgeDriverTest, VethPlan_CarriesNamesMarkMtuAndMac) {
  request.options = {{"mtu", "1400"}};
  const auto record = accepted(request);
  const auto endpoint = driver.accept(record, endpoint_request(id_of('a'), id_of('e')), context).value();
  const auto spec = driver.plan(record, endpoint, context);
  EXPECT_EQ(spec.host_name, "veeeeeeeeeeeeee");
  EXPECT_EQ(spec.peer_name, "vceeeeeeeeeeeee");
  EXPECT_EQ(spec.alias, "viaduct/inst/endpoint/" + id_of('e'));
  EXPECT_EQ(spec.bridge, record.bridge);
  EXPECT_EQ(spec.mtu, 1400);
  EXPECT_EQ(spec.peer_mac, endpoint.mac);
  EXPECT_EQ(spec.isolation, PortIsolation::kOff);
}

TEST_F(BridgeDriverTest, JoinWithoutIpv6Address_NamesNoIpv6Gateway) {
  request.ipv6.push_back({"local", prefix("fd00::/64"), address("fd00::1/64"), {}});
  const auto reply = joined(accepted(request), endpoint_request(id_of('a'), id_of('e')));
  EXPECT_EQ(reply.gateway->to_string(), "10.1.0.1");
  EXPECT_FALSE(reply.gateway_ipv6.has_value());
  EXPECT_EQ(reply.destination_prefix, "eth");
}

TEST_F(BridgeDriverTest, InterfacePrefixOption_IsWhatJoinAnswers) {
  request.options = {{"com.docker.network.container_iface_prefix", "lan"}};
  EXPECT_EQ(joined(accepted(request), endpoint_request(id_of('a'), id_of('e'))).destination_prefix, "lan");
}

TEST(Drivers, Mode_ChoosesTheKind) {
  EXPECT_EQ(driver_for({}).value()->mode(), "bridge");
  EXPECT_EQ(driver_for({{"viaduct.mode", "bridge"}}).value()->mode(), "bridge");
  const auto unknown = driver_for({{"mode", "carrier-pigeon"}});
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(unknown.error().message, HasSubstr("use one of: bridge"));
  EXPECT_EQ(driver_for({{"mode", "bridge"}, {"viaduct.mode", "vlan"}}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(Drivers, GatewayNeed_RefusesTheOptionsThatCreateRefuses) {
  EXPECT_FALSE(BridgeDriver().gateway_need({{{"mtuu", "1"}}, false}).ok());
  EXPECT_FALSE(BridgeDriver().gateway_need({}).value().skip_ipv4);
}

}  // namespace
}  // namespace viaduct::net
