#include "net/options.h"

#include <gmock/gmock.h>

namespace viaduct::net {
namespace {

using testing::HasSubstr;

std::string refusal(const Options& options) {
  auto read = read_network_options(options);
  return read.ok() ? "accepted" : std::string(to_string(read.error().code)) + ": " + read.error().message;
}

TEST(NetworkOptions, None_HaveDockersDefaults) {
  const auto options = read_network_options({}).value();
  EXPECT_EQ(options.mode, "bridge");
  EXPECT_FALSE(options.mtu.has_value());
  EXPECT_EQ(options.inter_container, InterContainer::kAllowed);
  EXPECT_EQ(options.masquerade, Masquerade::kOn);
  EXPECT_EQ(options.interface_prefix, "eth");
}

TEST(NetworkOptions, ShortWords_AreReadWithAndWithoutPrefix) {
  for (const std::string prefix : {"", "viaduct."}) {
    const auto options = read_network_options({{prefix + "mode", "bridge"},
                                               {prefix + "mtu", "1400"},
                                               {prefix + "icc", "0"},
                                               {prefix + "masquerade", "F"},
                                               {prefix + "iface_prefix", "lan"},
                                               {prefix + "gateway_mode_ipv4", "nat"}})
                             .value();
    EXPECT_EQ(options.mtu, 1400);
    EXPECT_EQ(options.inter_container, InterContainer::kDenied);
    EXPECT_EQ(options.masquerade, Masquerade::kOff);
    EXPECT_EQ(options.interface_prefix, "lan");
  }
}

TEST(NetworkOptions, DockersLabels_KeepTheirMeaning) {
  const auto options = read_network_options({{"com.docker.network.driver.mtu", "9000"},
                                             {"com.docker.network.bridge.enable_icc", "false"},
                                             {"com.docker.network.bridge.enable_ip_masquerade", "False"},
                                             {"com.docker.network.container_iface_prefix", "web"},
                                             {"com.docker.network.bridge.gateway_mode_ipv6", "nat"}})
                           .value();
  EXPECT_EQ(options.mtu, 9000);
  EXPECT_EQ(options.inter_container, InterContainer::kDenied);
  EXPECT_EQ(options.masquerade, Masquerade::kOff);
  EXPECT_EQ(options.interface_prefix, "web");
}

TEST(NetworkOptions, LabelsThatTheEngineMixesIn_ArePassedOver) {
  // Trap T24.
  EXPECT_EQ(refusal({{"com.docker.network.enable_ipv6", "true"},
                     {"com.docker.network.enable_ipv4", "true"},
                     {"com.docker.network.internal", "true"},
                     {"com.docker.network.generic", ""},
                     {"com.docker.network.ipam.serial", "true"},
                     {"com.docker.network.advertise_addr_nmsgs", "3"},
                     {"com.docker.network.driver.overlay.vxlanid_list", "4097"}}),
            "accepted");
}

TEST(NetworkOptions, Booleans_AreReadAsGoReadsThem) {
  for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"})
    EXPECT_EQ(read_network_options({{"icc", yes}}).value().inter_container, InterContainer::kAllowed) << yes;
  for (const char* no : {"0", "f", "F", "FALSE", "false", "False"})
    EXPECT_EQ(read_network_options({{"icc", no}}).value().inter_container, InterContainer::kDenied) << no;
  for (const char* neither : {"", "yes", "tRUE", "2", " true"})
    EXPECT_THAT(refusal({{"icc", neither}}), HasSubstr("give true or false")) << neither;
}

TEST(NetworkOptions, MtuOutsideItsRange_IsRefusedWithTheRange) {
  EXPECT_EQ(refusal({{"mtu", "68"}}), "accepted");
  EXPECT_EQ(refusal({{"mtu", "65535"}}), "accepted");
  for (const char* bad : {"67", "65536", "", "1400x", "-1", "99999999999999999999", " 1400", "0x5dc"})
    EXPECT_THAT(refusal({{"mtu", bad}}), HasSubstr("from 68 to 65535")) << bad;
}

TEST(NetworkOptions, UnknownOption_NamesTheNearestKnownOne) {
  const std::pair<const char*, const char*> cases[] = {
      {"mtuu", "nearest known one is mtu"},
      {"viaduct.ic", "nearest known one is viaduct.icc"},
      {"masqerade", "nearest known one is masquerade"},
      {"com.docker.network.driver.mut", "nearest known one is com.docker.network.driver.mtu"},
      {"com.docker.network.bridge.enable_ic", "nearest known one is com.docker.network.bridge.enable_icc"},
      {"com.docker.network.bridge.something_else", "nearest known one is com.docker.network.bridge."},
      {"com.docker.network.something_new", "is not known"},
      {"com.docker.network.driver.speed", "nearest known one is com.docker.network.driver.mtu"},
      {"com.docker.network.endpoint.ifname", "is not known"},
      {"com.example.vni", "is not known"},
      {"", "is not known"},
  };
  for (const auto& [key, words] : cases) {
    EXPECT_THAT(refusal({{key, "1"}}), HasSubstr("invalid_argument")) << key;
    EXPECT_THAT(refusal({{key, "1"}}), HasSubstr(words)) << key;
  }
}

TEST(NetworkOptions, LongTexts_AreNotRepeatedInTheSentence) {
  const std::string digits(50000, '7');
  EXPECT_THAT(refusal({{"mtu", digits}}), HasSubstr(std::string(64, '7') + "… (50000 bytes)"));
  // 63 bytes and then characters of three: the cut is between two of them.
  EXPECT_THAT(refusal({{"icc", std::string(63, 'x') + "€€€"}}),
              HasSubstr("\"" + std::string(63, 'x') + "… (72 bytes)"));
  const std::string key = "com.example." + std::string(200, 'k');
  for (const Options& options :
       {Options{{"mtu", digits}}, Options{{"icc", digits}}, Options{{"iface_prefix", digits}},
        Options{{"gateway_mode_ipv4", digits}}, Options{{key, "1"}},
        Options{{"mtu", "00" + std::string(200, '0') + "1400"}, {"viaduct.mtu", "1500"}}})
    EXPECT_LT(refusal(options).size(), 350U) << options.begin()->first;
  EXPECT_LT(read_mode({{"mode", digits}, {"viaduct.mode", "bridge"}}).error().message.size(), 250U);
}

TEST(NetworkOptions, NameOfAMegabyte_IsRefusedWithoutLookingForNeighbours) {
  EXPECT_THAT(refusal({{std::string(1 << 20, 'x'), "1"}}), HasSubstr("1048576 characters"));
}

TEST(NetworkOptions, OptionsOfTheEnginesBridgeThatAreNotOffered_SaySo) {
  const std::string label = "com.docker.network.bridge.default_bridge";
  EXPECT_EQ(refusal({{label, "x"}}),
            "unsupported: option " + label +
                " is one of the engine's bridge driver that viaduct does not offer; leave it out");
}

TEST(NetworkOptions, GatewayModes_AreReadForEachFamily) {
  const auto options = read_network_options({{"com.docker.network.bridge.gateway_mode_ipv4", "routed"},
                                             {"gateway_mode_ipv6", "nat-unprotected"}})
                           .value();
  EXPECT_EQ(options.gateway_mode_ipv4, GatewayMode::kRouted);
  EXPECT_EQ(options.gateway_mode_ipv6, GatewayMode::kNatUnprotected);
  EXPECT_EQ(refusal({{"gateway_mode_ipv6", "nonsense"}}),
            "invalid_argument: option gateway_mode_ipv6 has the value \"nonsense\"; give nat, "
            "nat-unprotected, routed or isolated");
}

TEST(NetworkOptions, LinksAndAddressesOfTheHost_AreReadStrictly) {
  const auto options = read_network_options({{"com.docker.network.bridge.name", "br-web"},
                                             {"com.docker.network.bridge.host_binding_ipv4", "127.0.0.1"},
                                             {"com.docker.network.host_ipv4", "192.0.2.7"},
                                             {"host_ipv6", "2001:db8::7"},
                                             {"trusted_host_interfaces", "eth0:eth1,eth0"}})
                           .value();
  EXPECT_EQ(options.bridge, "br-web");
  EXPECT_EQ(options.host_binding_ipv4->to_string(), "127.0.0.1");
  EXPECT_EQ(options.host_ipv4->to_string(), "192.0.2.7");
  EXPECT_EQ(options.host_ipv6->to_string(), "2001:db8::7");
  EXPECT_FALSE(options.antispoof);
  EXPECT_TRUE(read_network_options({{"antispoof", "true"}}).value().antispoof);
  EXPECT_EQ(options.trusted_host_interfaces, (std::vector<std::string>{"eth0", "eth1"}));
  for (const Options& bad :
       {Options{{"bridge", "a/b"}}, Options{{"bridge", "sixteen-letters-"}}, Options{{"bridge", ""}},
        Options{{"host_binding_ipv4", "::1"}}, Options{{"host_ipv6", "192.0.2.7"}},
        Options{{"trusted_host_interfaces", "eth0::eth1"}}})
    EXPECT_THAT(refusal(bad), HasSubstr("invalid_argument")) << bad.begin()->first;
}

TEST(NetworkOptions, OneOptionUnderTwoNames_MustSayOneThing) {
  EXPECT_THAT(refusal({{"mtu", "1400"}, {"com.docker.network.driver.mtu", "1500"}}), HasSubstr("contradict"));
  EXPECT_EQ(refusal({{"mtu", "1400"}, {"com.docker.network.driver.mtu", "1400"}}), "accepted");
  EXPECT_EQ(refusal({{"icc", "true"}, {"viaduct.icc", "1"}}), "accepted");
  EXPECT_THAT(refusal({{"icc", "true"}, {"viaduct.icc", "0"}}), HasSubstr("contradict"));
}

TEST(NetworkOptions, InterfacePrefix_LeavesRoomForTheNumber) {
  EXPECT_EQ(refusal({{"iface_prefix", "twelve-chars"}}), "accepted");
  for (const char* bad : {"", "thirteen-char", "a/b", "a b", "eth:"})
    EXPECT_THAT(refusal({{"iface_prefix", bad}}), HasSubstr("invalid_argument")) << bad;
}

TEST(UnderstoodOptions, PassOverWhatThisVersionWouldRefuse) {
  const Options options = {
      {"icc", "false"}, {"com.docker.network.newer", "1"}, {"mtu", "much"}, {"speed", "1"}};
  EXPECT_FALSE(read_network_options(options).ok());
  EXPECT_EQ(understood_network_options(options).inter_container, InterContainer::kDenied);
  EXPECT_FALSE(understood_network_options(options).mtu.has_value());
}

TEST(EditDistance, CountsInsertionsRemovalsAndReplacements) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("mtu", ""), 3U);
  EXPECT_EQ(edit_distance("mtu", "mut"), 2U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(nearest_word("mod", {"icc", "mode", "mtu"}), "mode");
}

}  // namespace
}  // namespace viaduct::net
