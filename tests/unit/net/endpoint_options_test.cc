// Options of one endpoint, and those of a network that say how much and where to.
#include "net/endpoint_options.h"

#include <gmock/gmock.h>

#include "net/driver_bridge.h"
#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kIfname = "com.docker.network.endpoint.ifname";
constexpr const char* kEndpointName = "com.docker.network.endpoint.name";

std::string endpoint_refusal(const Options& options) {
  const auto read = read_endpoint_options(options);
  return read.ok() ? "accepted" : std::string(to_string(read.error().code)) + ": " + read.error().message;
}

std::string network_refusal(const Options& options) {
  const auto read = read_network_options(options);
  return read.ok() ? "accepted" : read.error().message;
}

TEST(EndpointOptions, WordsAndLabels_AreRead) {
  for (const std::string prefix : {"", "viaduct."}) {
    const auto options = read_endpoint_options({{prefix + "route", "10.9.0.0/16 via 10.1.0.9"},
                                                {prefix + "rate_in", "8mbit"},
                                                {prefix + "rate_out", "800kbit"},
                                                {prefix + "rate_burst", "32kb"},
                                                {prefix + "ifname", "lan0"}})
                             .value();
    ASSERT_EQ(options.routes.size(), 1U);
    EXPECT_EQ(options.routes[0].destination, net::prefix("10.9.0.0/16"));
    EXPECT_EQ(options.rates, (Rates{1'000'000, 100'000, 32 * 1024}));
    EXPECT_EQ(options.interface_name, "lan0");
  }
  EXPECT_EQ(read_endpoint_options({{kIfname, "lan0"}, {kEndpointName, "web"}}).value().interface_name,
            "lan0");
  EXPECT_EQ(read_endpoint_options({{kEndpointName, "web"}}).value().name, "web");
  EXPECT_EQ(endpoint_refusal({{"com.docker.network.endpoint.sysctls", "net.ipv4.x=1"}}), "accepted");
}

TEST(EndpointOptions, UnknownAndContradicting_AreRefusedWithTheRemedy) {
  EXPECT_THAT(endpoint_refusal({{"rate_im", "1mbit"}}), HasSubstr("nearest known one is rate_in"));
  EXPECT_THAT(endpoint_refusal({{std::string(1 << 20, 'x'), "1"}}), HasSubstr("1048576 characters"));
  EXPECT_LT(endpoint_refusal({{std::string(250, '7'), "x"}}).size(), 250U);
  EXPECT_THAT(endpoint_refusal({{"ifname", "lan0"}, {kIfname, "lan1"}}), HasSubstr("contradict"));
  EXPECT_EQ(endpoint_refusal({{"rate_in", "1mbit"}, {"viaduct.rate_in", "1000kbit"}}), "accepted");
  EXPECT_TRUE(understood_endpoint_options({{"speed", "fast"}}) == EndpointOptions());
}

TEST(EndpointOptions, InterfaceNames_AreLinkNamesWithMoreThanDigits) {
  for (const char* bad : {"", "sixteencharacter", "a b", "a/b", "42"})
    EXPECT_THAT(endpoint_refusal({{"ifname", bad}}), HasSubstr("option ifname has the value")) << bad;
}

TEST(Rates, UnitsAndLimits) {
  const auto rate = [](const char* text) {
    return read_network_options({{"rate_in", text}}).value().rates.in;
  };
  EXPECT_EQ(rate("8000bit"), 1000U);
  EXPECT_EQ(rate("8kbit"), 1000U);
  EXPECT_EQ(rate("100mbit"), 12'500'000U);
  EXPECT_EQ(rate("100gbit"), 12'500'000'000U);
  for (const char* bad : {"", "100", "mbit", "7999bit", "101gbit", "1.5mbit", "-1mbit", "100 mbit", "100MBIT",
                          "18446744073709551616bit", "18446744073709551615gbit"})
    EXPECT_THAT(network_refusal({{"rate_out", bad}}), HasSubstr("from 8kbit to 100gbit")) << bad;
  EXPECT_EQ(read_network_options({{"rate_burst", "2mb"}}).value().rates.burst, 2U * 1024 * 1024);
  for (const char* bad : {"1023b", "65mb", "64", "64kbit"})
    EXPECT_THAT(network_refusal({{"rate_burst", bad}}), HasSubstr("from 1kb to 64mb")) << bad;
}

TEST(Routes, WhatIsNone_IsRefusedWithTheReason) {
  const auto routes =
      read_network_options({{"route", " 10.9.0.0/16 via  10.1.0.9 ,fd09::/64"}}).value().routes;
  EXPECT_THAT(routes, ElementsAre(StaticRoute{prefix("10.9.0.0/16"), address("10.1.0.9/32").address},
                                  StaticRoute{prefix("fd09::/64"), std::nullopt}));
  // Trap T13: an empty destination never gets as far as an engine.
  for (const char* bad : {"", ",", "10.9.0.0/16,", "via 10.1.0.9", "10.9.0.1/16", "10.9.0.0"})
    EXPECT_THAT(network_refusal({{"route", bad}}), HasSubstr("has the route")) << bad;
  EXPECT_THAT(network_refusal({{"route", "0.0.0.0/0 via 10.1.0.9"}}), HasSubstr("the way to everywhere"));
  EXPECT_THAT(network_refusal({{"route", "10.9.0.0/16 via fd00::1"}}), HasSubstr("two families"));
  EXPECT_THAT(network_refusal({{"route", "10.9.0.0/16 via router"}}), HasSubstr("PREFIX via ADDRESS"));
  EXPECT_THAT(network_refusal({{"route", "10.9.0.0/16, 10.9.0.0/16 via 10.1.0.9"}}), HasSubstr("two routes"));
}

class PlannedEndpoint : public testing::Test {
 protected:
  PlannedEndpoint() { context.instance = "inst"; }

  Result<EndpointRecord> accepted(const Options& network, const Options& endpoint) {
    request.options = network;
    ask.driver_options = endpoint;
    record = driver.accept(request, context).value();
    return driver.accept(record, ask, context);
  }
  JoinReply joined(const Options& network, const Options& endpoint) {
    auto made = accepted(network, endpoint);
    return driver.join_reply(record, made.value());
  }
  VethSpec planned(const Options& network, const Options& endpoint) {
    auto made = accepted(network, endpoint);
    return driver.plan(record, made.value(), context);
  }
  std::string refused(const Options& network, const Options& endpoint) {
    auto made = accepted(network, endpoint);
    return made.ok() ? "accepted" : made.error().message;
  }

  BridgeDriver driver;
  PlanContext context;
  CreateNetworkRequest request = network_request(id_of('a'));
  CreateEndpointRequest ask = endpoint_request(id_of('a'), id_of('e'));
  NetworkRecord record;
};

TEST_F(PlannedEndpoint, InterfaceName_BecomesNameAndPrefix) {
  // Scenario 13, trap T11: the name for an engine that reads it, the prefix that makes it for one that does not.
  EXPECT_EQ(joined({}, {}).destination_name, "");
  EXPECT_EQ(joined({}, {}).destination_prefix, "eth");
  EXPECT_EQ(joined({{"iface_prefix", "web"}}, {}).destination_prefix, "web");
  for (const auto& [name, wanted] : std::map<std::string, std::string>{
           {"lan0", "lan"}, {"lan", "lan"}, {"lan12", "lan"}, {"a1b2", "a1b"}, {"0x0", "0x"}}) {
    EXPECT_EQ(joined({}, {{kIfname, name}}).destination_name, name);
    EXPECT_EQ(joined({{"iface_prefix", "web"}}, {{"ifname", name}}).destination_prefix, wanted);
  }
}

TEST_F(PlannedEndpoint, Routes_AreTheNetworksAndItsOwnInTheirPlace) {
  const auto reply = joined({{"route", "10.9.0.0/16 via 10.1.0.9, 10.8.0.0/16"}},
                            {{"route", "10.9.0.0/16 via 10.1.0.7, 10.7.0.0/16"}});
  EXPECT_THAT(reply.routes, ElementsAre(StaticRoute{prefix("10.9.0.0/16"), address("10.1.0.7/32").address},
                                        StaticRoute{prefix("10.7.0.0/16"), std::nullopt},
                                        StaticRoute{prefix("10.8.0.0/16"), std::nullopt}));
  EXPECT_THAT(refused({}, {{"route", "10.9.0.0/16 via 10.2.0.1"}}),
              HasSubstr("outside the network's subnets"));
  EXPECT_THAT(refused({}, {{"route", "fd09::/64"}}), HasSubstr("no IPv6 subnet"));
  request.options = {{"route", "fd09::/64 via fd00::1"}};
  EXPECT_THAT(driver.accept(request, context).error().message, HasSubstr("no IPv6 subnet"));
}

TEST_F(PlannedEndpoint, RoutesOfAFamilyThatItHasNoAddressOf_AreLeftOut) {
  request.ipv6.push_back({"local", prefix("fd00::/64"), std::nullopt, {}});
  const Options options = {{"route", "10.9.0.0/16, fd09::/64 via fd00::9"}};
  EXPECT_EQ(joined(options, {}).routes.size(), 1U);
  ask.ipv6 = address("fd00::2/64");
  EXPECT_EQ(joined(options, {}).routes.size(), 2U);
}

TEST_F(PlannedEndpoint, Rates_AreTheNetworksUnlessItHasItsOwn) {
  EXPECT_FALSE(planned({}, {}).rate_in || planned({}, {}).rate_out);
  auto spec = planned({{"rate_in", "80mbit"}, {"rate_out", "8mbit"}}, {{"rate_out", "16mbit"}});
  EXPECT_EQ(spec.rate_in, (RateLimit{10'000'000, 64 * 1024}));
  ASSERT_TRUE(spec.rate_out);
  EXPECT_EQ(spec.rate_out->limit, (RateLimit{2'000'000, 64 * 1024}));
  EXPECT_EQ(spec.rate_out->name, "vfeeeeeeeeeeeee");
  EXPECT_EQ(spec.rate_out->alias, "viaduct/inst/shaper/" + id_of('e'));
  // A burst of 4 ms at high rates; and no packet larger than the bucket ever passes.
  EXPECT_EQ(planned({{"rate_in", "1gbit"}}, {}).rate_in->burst, 500'000U);
  EXPECT_EQ(planned({{"rate_in", "1gbit"}, {"rate_burst", "1kb"}}, {}).rate_in->burst, 1518U);
}

TEST_F(PlannedEndpoint, MacPolicies) {
  const Mac of_address = Mac::from_ipv4(ask.ipv4->address);
  const auto mac = [&](const std::string& policy, const Options& endpoint) {
    return accepted({{"mac", policy}}, endpoint).value().mac;
  };
  EXPECT_EQ(mac("address", {}), of_address);
  EXPECT_EQ(mac("name", {}), of_address) << "an engine that does not say the name";
  EXPECT_NE(mac("random", {}), of_address);
  EXPECT_NE(mac("random", {}), mac("random", {}));
  const Mac web = mac("name", {{kEndpointName, "web"}});
  EXPECT_EQ(web.to_string(), "c6:a8:f9:4d:8f:dd") << "the same in every version";
  EXPECT_EQ(web.bytes()[0] & 3, 2);
  ask.ipv4 = address("10.1.0.77/24");
  EXPECT_EQ(mac("name", {{"name", "web"}}), web);
  EXPECT_NE(mac("name", {{"name", "db"}}), web);
  context.is_taken = [&web](const Mac& other) { return other == web; };
  EXPECT_EQ(mac("name", {{"name", "web"}}), Mac::from_ipv4(ask.ipv4->address));
  ask.mac = of_address;
  EXPECT_EQ(mac("random", {}), of_address) << "what the engine gives stands";
  EXPECT_THAT(network_refusal({{"mac", "eui64"}}), HasSubstr("give address, random or name"));
}

TEST_F(PlannedEndpoint, Multicast_IsTheKernelsChoiceUnlessSaid) {
  ASSERT_TRUE(accepted({}, {}).ok());
  EXPECT_FALSE(driver.plan(record, context).bridge.mcast_snooping.has_value());
  ASSERT_TRUE(accepted({{"mcast_snooping", "false"}, {"mcast_querier", "true"}}, {}).ok());
  EXPECT_EQ(driver.plan(record, context).bridge.mcast_snooping, false);
  EXPECT_EQ(driver.plan(record, context).bridge.mcast_querier, true);
}

class LimitedEndpoint : public testing::Test, protected ServiceWorld {
 protected:
  LimitedEndpoint() {
    CreateNetworkRequest asked = network_request(kNetwork);
    asked.options = {{"rate_in", "8mbit"}, {"rate_out", "8mbit"}};
    EXPECT_TRUE(service->create_network(asked, soon()).ok());
    EXPECT_TRUE(service->create_endpoint(endpoint_request(kNetwork, id_of('1')), soon()).ok());
  }
  const std::string shaper = "vf1111111111111";
};

TEST_F(LimitedEndpoint, HasItsShaperUntilItIsDeleted) {
  EXPECT_EQ(kernel.contents().rates.size(), 2U);
  EXPECT_TRUE(service->inspect().value().empty()) << "nothing for an operator to see to";
  EXPECT_TRUE(service->leave(kNetwork, id_of('1'), soon()).ok());
  EXPECT_TRUE(service->join({kNetwork, id_of('1'), "/sandbox"}, soon()).ok());
  EXPECT_EQ(kernel.contents().rates.size(), 2U);
  EXPECT_TRUE(service->delete_endpoint(kNetwork, id_of('1'), soon()).ok());
  EXPECT_TRUE(service->delete_network(kNetwork, soon()).ok());
  EXPECT_TRUE(empty_after_reaping());
}

TEST_F(LimitedEndpoint, LostLimits_AreToldOf) {
  EXPECT_TRUE(service->join({kNetwork, id_of('1'), "/sandbox"}, soon()).ok());
  const auto told = [&] {
    std::vector<std::string> texts;
    const auto found = service->inspect().value();
    for (const Finding& one : found) texts.push_back(one.text);
    return texts;
  };
  EXPECT_THAT(told(), IsEmpty());
  VethSpec other;
  other.host_name = kHost;
  other.rate_in = RateLimit{5000, 1518};
  EXPECT_TRUE(kernel.ensure_rates(other).value());
  EXPECT_THAT(told(), ElementsAre(std::string("link ") + kHost + " sends 5000 bytes a second, not 1000000"));
  kernel.drop_link(shaper);
  EXPECT_THAT(told(), ElementsAre(HasSubstr("sends 5000"),
                                  "link " + shaper + ", through which its container sends, is missing"));
  EXPECT_TRUE(service->repair(soon()).ok());
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(LimitedEndpoint, LostLimits_ComeBackAndItsShaperGoesWithIt) {
  kernel.drop_link(shaper);
  const auto report = service->reconcile().value();
  EXPECT_THAT(report.repaired, ElementsAre(HasSubstr("had lost a rate limit")));
  EXPECT_TRUE(link(shaper).has_value());
  EXPECT_THAT(service->reconcile().value().repaired, IsEmpty());
  // The container ended while nobody looked: its pair went, its shaper did not.
  EXPECT_TRUE(service->join({kNetwork, id_of('1'), "/sandbox"}, soon()).ok());
  kernel.drop_link(kHost);
  EXPECT_TRUE(service->reconcile().ok());
  EXPECT_TRUE(reaped());
  EXPECT_FALSE(link(shaper).has_value());
}

TEST_F(LimitedEndpoint, StrangersLinkOfTheShapersName_MovesBothNames) {
  EXPECT_TRUE(service->delete_endpoint(kNetwork, id_of('1'), soon()).ok());
  ASSERT_TRUE(reaped());
  Link stranger;
  stranger.name = shaper;
  kernel.put_link(stranger);
  ASSERT_TRUE(service->create_endpoint(endpoint_request(kNetwork, id_of('1')), soon()).ok());
  EXPECT_NE(service->endpoints().front().host_link, kHost);
  EXPECT_EQ(link(shaper)->alias, "");
}

}  // namespace
}  // namespace viaduct::net
