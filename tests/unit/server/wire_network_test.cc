#include "server/wire_network.h"

#include <gtest/gtest.h>

#include "server/wire.h"
#include "unit/server/body_of.h"

// The bodies are those of real engines (26.1, 28.5, head), with short ids.
namespace viaduct::server {
namespace {

TEST(WireCreateNetwork, RequestOfEngine28_IsReadWhole) {
  const auto request = decode_create_network(body_of(R"({"NetworkID":"e4ce",
    "Options":{"com.docker.network.enable_ipv4":true,"com.docker.network.enable_ipv6":true,
               "com.docker.network.internal":true,"com.docker.network.generic":{"mtu":"1400"}},
    "IPv4Data":[{"AddressSpace":"local","AuxAddresses":{"host":"10.50.0.7/24"},"Gateway":"10.50.0.254/24",
                 "Pool":"10.50.0.0/24"}],
    "IPv6Data":[{"AddressSpace":"local","Gateway":"fd00:50::1/64","Pool":"fd00:50::/64"}]})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request.value().id, "e4ce");
  EXPECT_TRUE(request.value().internal);
  EXPECT_EQ(request.value().options.at("mtu"), "1400");
  ASSERT_EQ(request.value().ipv4.size(), 1U);
  EXPECT_EQ(request.value().ipv4[0].pool->to_string(), "10.50.0.0/24");
  EXPECT_EQ(request.value().ipv4[0].gateway->to_string(), "10.50.0.254/24");
  EXPECT_EQ(request.value().ipv4[0].auxiliary.at("host").to_string(), "10.50.0.7/24");
  ASSERT_EQ(request.value().ipv6.size(), 1U);
  EXPECT_EQ(request.value().ipv6[0].gateway->to_string(), "fd00:50::1/64");
}

TEST(WireCreateNetwork, NullAndMissingMembers_AreEmpty) {  // Trap T24
  const auto request = decode_create_network(body_of(
      R"({"NetworkID":"qhp27jyitnjje4gzo4ickpymw","Options":null,
          "IPv4Data":[{"AddressSpace":"null","Pool":"0.0.0.0/0","AuxAddresses":null}],"IPv6Data":null})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_FALSE(request.value().internal);
  EXPECT_TRUE(request.value().ipv6.empty());
  EXPECT_FALSE(request.value().ipv4[0].gateway.has_value());
}

TEST(WireCreateEndpoint, MacIsBase64InOptionsAndTextInInterface) {  // Trap T10
  const auto request = decode_create_endpoint(body_of(R"({"NetworkID":"a","EndpointID":"b",
    "Interface":{"Address":"10.50.0.200/24","AddressIPv6":"fd00:50::2/64","MacAddress":"02:42:ac:11:00:99"},
    "Options":{"com.docker.network.endpoint.dnsservers":["8.8.8.8"],
      "com.docker.network.endpoint.exposedports":[{"Proto":6,"Port":9000}],
      "com.docker.network.endpoint.macaddress":"AkKsEQCZ",
      "com.docker.network.portmap":[{"Proto":17,"IP":"","Port":53,"HostIP":"127.0.0.1","HostPort":53,"HostPortEnd":53}],
      "com.docker.network.endpoint.sysctls":"net.ipv4.conf.IFNAME.log_martians=1",
      "com.docker.network.endpoint.ifname":"lan0",
      "com.example.ep":"zz"}})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request.value().mac->to_string(), "02:42:ac:11:00:99");
  EXPECT_EQ(request.value().ipv4->to_string(), "10.50.0.200/24");
  EXPECT_EQ(request.value().ipv6->to_string(), "fd00:50::2/64");
  EXPECT_EQ(request.value().driver_options,
            (net::Options{{"com.docker.network.endpoint.ifname", "lan0"}, {"com.example.ep", "zz"}}));
}

TEST(WireCreateEndpoint, TwoDifferentMacs_AreRefused) {
  const auto request = decode_create_endpoint(body_of(R"({"NetworkID":"a","EndpointID":"b",
    "Interface":{"Address":"","AddressIPv6":"","MacAddress":"02:42:ac:11:00:98"},
    "Options":{"com.docker.network.endpoint.macaddress":"AkKsEQCZ"}})"));
  ASSERT_FALSE(request.ok());
  EXPECT_EQ(request.error().code, ErrorCode::kInvalidArgument);
}

TEST(WireProgramExternalConnectivity, PortsAreRead) {
  const auto request = decode_external_connectivity(body_of(R"({"NetworkID":"a","EndpointID":"b","Options":{
    "com.docker.driver.private.no_proxy_6to4":false,
    "com.docker.network.portmap":[{"Proto":6,"IP":"","Port":80,"HostIP":"","HostPort":8080,"HostPortEnd":8090}]}})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  ASSERT_EQ(request.value().ports.size(), 1U);
  EXPECT_EQ(request.value().ports[0].port, 80);
  EXPECT_EQ(request.value().ports[0].host_port_end, 8090);
}

TEST(WireAllocateNetwork, ReadsOptionsAndSubnets) {  // Trap T26
  const auto request = decode_allocate_network(body_of(R"({"NetworkID":"wghod2qepiecg00n2fret9vtj",
    "Options":{"no":"2"},"IPv4Data":[{"AddressSpace":"","Gateway":"10.60.0.1/24","Pool":"10.60.0.0/24"}],
    "IPv6Data":null})"));
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request.value().options, (net::Options{{"no", "2"}}));
  ASSERT_EQ(request.value().ipv4.size(), 1U);
  EXPECT_EQ(request.value().ipv4[0].pool->to_string(), "10.60.0.0/24");
}

TEST(WireJoin, ReplyHasEverythingThatKeepsTheEngineFromSurprises) {  // Traps T11, T12, T13
  net::JoinReply reply{"vc0123456789abc", "eth", IpAddress::parse("10.50.0.1").value(), std::nullopt};
  EXPECT_EQ(encode(reply), Json::parse(R"({"InterfaceName":{"SrcName":"vc0123456789abc","DstPrefix":"eth"},
    "Gateway":"10.50.0.1","DisableGatewayService":true})"));
  reply.gateway.reset();
  EXPECT_FALSE(encode(reply).contains("Gateway"));
  EXPECT_FALSE(encode(reply).contains("StaticRoutes"));
}

TEST(WireJoin, RoutesAndNameAreAnsweredAsTheEngineReadsThem) {  // Scenario 13; traps T11, T13
  net::JoinReply reply{"vc0123456789abc", "lan", std::nullopt, std::nullopt};
  reply.destination_name = "lan0";
  reply.routes = {{Prefix::parse("10.9.0.0/16").value(), IpAddress::parse("10.50.0.9").value()},
                  {Prefix::parse("fd08::/64").value(), std::nullopt}};
  EXPECT_EQ(encode(reply), Json::parse(R"({
    "InterfaceName":{"SrcName":"vc0123456789abc","DstPrefix":"lan","DstName":"lan0"},
    "StaticRoutes":[{"Destination":"10.9.0.0/16","RouteType":0,"NextHop":"10.50.0.9"},
                    {"Destination":"fd08::/64","RouteType":1,"NextHop":""}],
    "DisableGatewayService":true})"));
}

TEST(WireCreateEndpoint, ReplyHoldsOnlyWhatWasMade) {  // Trap T9
  EXPECT_EQ(encode(net::CreateEndpointReply{}), Json::parse(R"({"Interface":{}})"));
  EXPECT_EQ(encode(net::CreateEndpointReply{Mac::parse("02:42:0a:00:00:02").value()}),
            Json::parse(R"({"Interface":{"MacAddress":"02:42:0a:00:00:02"}})"));
}

struct BadBody {
  const char* what;
  const char* body;
};
class WireNetworkRefusal : public testing::TestWithParam<BadBody> {};

TEST_P(WireNetworkRefusal, NamesTheMember) {
  const auto request = decode_create_network(body_of(GetParam().body));
  ASSERT_FALSE(request.ok()) << GetParam().what;
  EXPECT_EQ(request.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(request.error().message.find(GetParam().what), std::string::npos) << request.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, WireNetworkRefusal,
    testing::Values(
        BadBody{"NetworkID", R"({})"}, BadBody{"NetworkID", R"({"NetworkID":""})"},
        BadBody{"NetworkID", R"({"NetworkID":7})"}, BadBody{"NetworkID", R"({"NetworkID":"a/b"})"},
        BadBody{"NetworkID", R"({"NetworkID":"../../etc"})"},
        BadBody{"Options", R"({"NetworkID":"a","Options":[]})"},
        BadBody{"generic", R"({"NetworkID":"a","Options":{"com.docker.network.generic":{"mtu":1400}}})"},
        BadBody{"internal", R"({"NetworkID":"a","Options":{"com.docker.network.internal":"yes"}})"},
        BadBody{"IPv4Data", R"({"NetworkID":"a","IPv4Data":{}})"},
        BadBody{"IPv4Data[0]", R"({"NetworkID":"a","IPv4Data":["x"]})"},
        BadBody{"Gateway", R"({"NetworkID":"a","IPv4Data":[{"Gateway":"10.0.0.1"}]})"},
        BadBody{"Pool", R"({"NetworkID":"a","IPv6Data":[{"Pool":"fd00::/129"}]})"},
        BadBody{"AuxAddresses", R"({"NetworkID":"a","IPv4Data":[{"AuxAddresses":{"h":"x"}}]})"}));

TEST(WireError, BothHalvesFindTheirField) {  // Trap T5
  EXPECT_EQ(Json::parse(error_body("m \"x\"")), (Json{{"Err", "m \"x\""}, {"Error", "m \"x\""}}));
}

TEST(WireDiscovery, NewsOfANode_IsCheckedMemberByMember) {
  EXPECT_TRUE(check_discovery(body_of(R"({"DiscoveryType":1,"DiscoveryData":
    {"Address":"192.168.77.1","BindAddress":"","Self":true}})"),
                              "DiscoverNew")
                  .ok());
  EXPECT_TRUE(check_discovery(body_of(R"({"DiscoveryType":1,"DiscoveryData":null})"), "DiscoverNew").ok());
  for (const char* wrong : {R"({"Address":7})", R"({"BindAddress":[]})", R"({"Self":"yes"})", R"("x")", "7"})
    EXPECT_FALSE(
        check_discovery({{"DiscoveryType", 1}, {"DiscoveryData", Json::parse(wrong)}}, "DiscoverNew").ok())
        << wrong;
}

TEST(WireDiscovery, TypesOfOtherNews_AreAcceptedAndNotLookedInto) {
  for (const int64_t type : {int64_t{-1}, int64_t{0}, int64_t{2}, int64_t{99}})
    EXPECT_TRUE(
        check_discovery({{"DiscoveryType", type}, {"DiscoveryData", {{"Address", 7}}}}, "DiscoverNew").ok());
}

TEST(WireDiscovery, TypeThatIsNoNumber_IsRefusedByName) {
  for (const char* body : {"{}", R"({"DiscoveryType":"x","DiscoveryData":{}})", R"({"DiscoveryType":1.5})"}) {
    const auto checked = check_discovery(body_of(body), "DiscoverDelete");
    ASSERT_FALSE(checked.ok()) << body;
    EXPECT_NE(checked.error().message.find("DiscoverDelete.DiscoveryType"), std::string::npos);
  }
}

}  // namespace
}  // namespace viaduct::server
