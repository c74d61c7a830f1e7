// What every Kernel promises about VLANs: sub-interfaces, uplinks, and bridges that keep VLANs apart. The real one needs a
// kernel with 802.1Q (tests/README.md, tier vlan).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <type_traits>

#include "net/fake_kernel.h"
#include "net/netlink_kernel.h"
#include "net/packet_probe.h"
#include "netns/netns_world.h"

namespace viaduct::net {
namespace {

using std::chrono::seconds;

constexpr Mac kVlanBridgeMac({0x02, 0x42, 0x0a, 0, 0, 1});

template <class T>
class VlanKernel : public netns::FreshNetns {
 protected:
  static constexpr bool kIsReal = std::is_same_v<T, NetlinkKernel>;
  T kernel_;

  void SetUp() override {
    netns::FreshNetns::SetUp();
    if constexpr (kIsReal) {
      netns::run("ip link add eth1 type veth peer name far1");
    } else {
      Link nic{0, "eth1", "veth", "", 0, 0, 1500, kVlanBridgeMac, false, true};
      kernel_.put_link(nic);
    }
  }
  Status make_bridge(const std::string& name, std::optional<TagProtocol> filtering = std::nullopt) {
    BridgeSpec spec{name, "viaduct/i/segment/eth1", 0, kVlanBridgeMac};
    spec.filtering = filtering;
    spec.own_addresses_only = true;
    return kernel_.create_bridge(spec);
  }
  Link find(const std::string& name) {
    auto found = kernel_.find_link(name);
    EXPECT_TRUE(found.ok() && found.value()) << name;
    return found.ok() ? found.value().value_or(Link()) : Link();
  }
  static VlanSpec vlan(uint16_t number, TagProtocol protocol = TagProtocol::k8021q) {
    return {"eth1." + std::to_string(number), "viaduct/i/segment/eth1", "eth1", number, protocol};
  }
  static VethSpec pair() {
    VethSpec spec;
    spec.host_name = "ve1";
    spec.peer_name = "vc1";
    spec.alias = "viaduct/i/endpoint/1";
    spec.bridge = "vd-eth1";
    spec.vlans = PortVlans{10, {}};
    return spec;
  }
  // As bridge(8) lists them: "10 PVID Egress Untagged" of a port, ranges as such.
  static std::string listed(const std::string& port) {
    std::string text;
    for (const auto& entry : netns::run_json("bridge -j -compressvlans vlan show dev " + port)) {
      for (const auto& one : entry["vlans"]) {
        text += (text.empty() ? "" : " ") + std::to_string(one["vlan"].get<int>());
        if (one.contains("vlanEnd")) text += "-" + std::to_string(one["vlanEnd"].get<int>());
        if (one.contains("flags"))
          for (const auto& flag : one["flags"]) text += "/" + flag.get<std::string>();
      }
    }
    return text;
  }
};

using VlanKernels = ::testing::Types<FakeKernel, NetlinkKernel>;
TYPED_TEST_SUITE(VlanKernel, VlanKernels);

TYPED_TEST(VlanKernel, SubInterface_IsFoundAsItWasAsked) {
  EXPECT_EQ(this->kernel_.create_vlan(this->vlan(10)).error().sys_errno, ENETDOWN) << "its parent is down";
  EXPECT_FALSE(this->kernel_.find_link("eth1.10").value().has_value());
  ASSERT_TRUE(this->kernel_.set_up("eth1").ok());
  ASSERT_TRUE(this->kernel_.create_vlan(this->vlan(10)).ok());
  ASSERT_TRUE(this->kernel_.create_vlan(this->vlan(20, TagProtocol::k8021ad)).ok());
  const Link link = this->find("eth1.10");
  EXPECT_EQ(link.kind, "vlan");
  EXPECT_EQ(link.vlan, 10);
  EXPECT_EQ(link.vlan_protocol, TagProtocol::k8021q);
  EXPECT_EQ(link.lower, this->find("eth1").index);
  EXPECT_EQ(link.alias, "viaduct/i/segment/eth1");
  EXPECT_EQ(link.group, kLiveGroup);
  EXPECT_TRUE(link.up);
  EXPECT_EQ(this->find("eth1.20").vlan_protocol, TagProtocol::k8021ad);
  if constexpr (TestFixture::kIsReal) {
    const auto seen = netns::link_json("eth1.20")["linkinfo"]["info_data"];
    EXPECT_EQ(seen["protocol"], "802.1ad");
    EXPECT_EQ(seen["id"], 20);
  }
}

TYPED_TEST(VlanKernel, TwinOfASubInterface_IsRefused) {
  ASSERT_TRUE(this->kernel_.set_up("eth1").ok());
  ASSERT_TRUE(this->kernel_.create_vlan(this->vlan(10)).ok());
  VlanSpec twin = this->vlan(10);
  EXPECT_EQ(this->kernel_.create_vlan(twin).error().code, ErrorCode::kAlreadyExists);
  twin.name = "other";
  EXPECT_EQ(this->kernel_.create_vlan(twin).error().code, ErrorCode::kAlreadyExists) << "of the same VLAN";
  twin.parent = "nothing";
  EXPECT_EQ(this->kernel_.create_vlan(twin).error().code, ErrorCode::kNotFound);
}

TYPED_TEST(VlanKernel, SubInterface_GoesWithItsParentAndByGroup) {
  ASSERT_TRUE(this->kernel_.set_up("eth1").ok());
  ASSERT_TRUE(this->kernel_.create_vlan(this->vlan(10)).ok());
  ASSERT_TRUE(this->kernel_.retire_links({"eth1.10"}).ok());
  ASSERT_TRUE(this->kernel_.reap().ok());
  EXPECT_FALSE(this->kernel_.find_link("eth1.10").value().has_value());
  ASSERT_TRUE(this->kernel_.create_vlan(this->vlan(10)).ok());
  if constexpr (TestFixture::kIsReal)
    netns::run("ip link del eth1");
  else
    this->kernel_.drop_link("eth1");
  EXPECT_FALSE(this->kernel_.find_link("eth1.10").value().has_value());
}

TYPED_TEST(VlanKernel, Uplink_JoinsAndLeavesAndKeepsTheRest) {
  ASSERT_TRUE(this->make_bridge("vd-eth1").ok());
  const Link before = this->find("eth1");
  ASSERT_TRUE(this->kernel_.join_bridge("eth1", "vd-eth1").ok());
  ASSERT_TRUE(this->kernel_.join_bridge("eth1", "vd-eth1").ok()) << "again";
  Link now = this->find("eth1");
  EXPECT_EQ(now.master, this->find("vd-eth1").index);
  EXPECT_TRUE(now.up);
  EXPECT_EQ(now.alias, before.alias);
  EXPECT_EQ(now.group, before.group);
  EXPECT_EQ(now.mtu, before.mtu);
  ASSERT_TRUE(this->kernel_.leave_bridge("eth1").ok());
  ASSERT_TRUE(this->kernel_.leave_bridge("eth1").ok()) << "again";
  EXPECT_EQ(this->find("eth1").master, 0);
  EXPECT_TRUE(this->kernel_.leave_bridge("nothing").ok());
  EXPECT_EQ(this->kernel_.join_bridge("nothing", "vd-eth1").error().code, ErrorCode::kNotFound);
  if constexpr (TestFixture::kIsReal) {
    EXPECT_EQ(netns::run("cat /proc/sys/net/ipv4/conf/vd-eth1/arp_ignore"), "1\n");
    netns::run("ip link add mv0 link eth1 type macvlan");
    EXPECT_EQ(this->kernel_.join_bridge("eth1", "vd-eth1").error().sys_errno, EBUSY);
  }
}

TYPED_TEST(VlanKernel, PortsOfAFilteringBridge_AreInTheVlansThatTheyWereGiven) {
  ASSERT_TRUE(this->make_bridge("vd-eth1", TagProtocol::k8021q).ok());
  ASSERT_TRUE(this->kernel_.join_bridge("eth1", "vd-eth1").ok());
  PortVlans uplink;
  uplink.native = 1;
  uplink.tagged = VlanSet::parse("10,20-29,4000-4094").value();
  EXPECT_TRUE(this->kernel_.set_vlans("eth1", uplink).value());
  EXPECT_FALSE(this->kernel_.differing_vlans("eth1", uplink).value().has_value());
  EXPECT_FALSE(this->kernel_.set_vlans("eth1", uplink).value()) << "nothing differs";
  VethSpec pair = this->pair();
  ASSERT_TRUE(this->kernel_.create_veth(pair).ok());
  EXPECT_FALSE(this->kernel_.set_vlans("ve1", *pair.vlans).value()) << "from the beginning";
  if constexpr (TestFixture::kIsReal) {
    EXPECT_EQ(this->listed("eth1"), "1/PVID/Egress Untagged 10 20-29 4000-4094");
    EXPECT_EQ(this->listed("ve1"), "10/PVID/Egress Untagged");
    EXPECT_EQ(this->listed("vd-eth1"), "") << "the host is in none";
    const auto bridge = netns::link_json("vd-eth1")["linkinfo"]["info_data"];
    EXPECT_EQ(bridge["vlan_filtering"], 1);
    EXPECT_EQ(bridge["vlan_default_pvid"], 0);
  }
  // Other ones, another native one, none.
  uplink.native = 20;
  uplink.tagged = VlanSet::parse("1,10,22,30").value();
  const auto differing = this->kernel_.differing_vlans("eth1", uplink).value();
  ASSERT_TRUE(differing.has_value());
  EXPECT_EQ(words_of(*differing), "VLANs 1 untagged, 10,20-29,4000-4094 tagged");
  EXPECT_TRUE(this->kernel_.set_vlans("eth1", uplink).value());
  EXPECT_FALSE(this->kernel_.set_vlans("eth1", uplink).value());
  if constexpr (TestFixture::kIsReal) {
    EXPECT_EQ(this->listed("eth1"), "1 10 20/PVID/Egress Untagged 22 30");
    netns::run("bridge vlan add dev eth1 vid 30 untagged; bridge vlan add dev eth1 vid 77 pvid");
    EXPECT_TRUE(this->kernel_.differing_vlans("eth1", uplink).value().has_value());
    EXPECT_TRUE(this->kernel_.set_vlans("eth1", uplink).value()) << "somebody's hand";
    EXPECT_EQ(this->listed("eth1"), "1 10 20/PVID/Egress Untagged 22 30");
  }
  EXPECT_TRUE(this->kernel_.set_vlans("eth1", {}).value());
  if constexpr (TestFixture::kIsReal) {
    EXPECT_EQ(this->listed("eth1"), "");
  }
  PortVlans host;
  host.tagged.insert(10);
  EXPECT_TRUE(this->kernel_.set_vlans("vd-eth1", host).value()) << "the bridge's own";
  EXPECT_FALSE(this->kernel_.set_vlans("vd-eth1", host).value());
  if constexpr (TestFixture::kIsReal) {
    EXPECT_EQ(this->listed("vd-eth1"), "10");
  }
  EXPECT_EQ(this->kernel_.set_vlans("nothing", host).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(this->kernel_.differing_vlans("nothing", host).error().code, ErrorCode::kNotFound);
}

TYPED_TEST(VlanKernel, EveryOtherVlan_FitsIntoTheMessages) {
  ASSERT_TRUE(this->make_bridge("vd-eth1", TagProtocol::k8021q).ok());
  ASSERT_TRUE(this->kernel_.join_bridge("eth1", "vd-eth1").ok());
  PortVlans many;
  for (uint16_t number = 2; number <= kMostVlan; number = static_cast<uint16_t>(number + 2))
    many.tagged.insert(number);
  EXPECT_TRUE(this->kernel_.set_vlans("eth1", many).value());
  EXPECT_FALSE(this->kernel_.set_vlans("eth1", many).value());
  EXPECT_TRUE(this->kernel_.set_vlans("eth1", {}).value());
  EXPECT_FALSE(this->kernel_.set_vlans("eth1", {}).value());
}

TYPED_TEST(VlanKernel, AttachedAgain_APortHasNoVlansUntilItIsGivenThem) {
  ASSERT_TRUE(this->make_bridge("vd-eth1", TagProtocol::k8021ad).ok());
  VethSpec pair = this->pair();
  ASSERT_TRUE(this->kernel_.create_veth(pair).ok());
  ASSERT_TRUE(this->kernel_.leave_bridge("ve1").ok());
  ASSERT_TRUE(this->kernel_.attach_port("ve1", "vd-eth1", PortIsolation::kOff).ok());
  EXPECT_TRUE(this->kernel_.set_vlans("ve1", *pair.vlans).value());
  if constexpr (TestFixture::kIsReal) {
    EXPECT_EQ(this->listed("ve1"), "10/PVID/Egress Untagged");
    EXPECT_EQ(netns::link_json("vd-eth1")["linkinfo"]["info_data"]["vlan_protocol"], "802.1ad");
  }
}

using VlanAnnouncement = netns::FreshNetns;
using VlanProbe = netns::FreshNetns;

// On a bridge that keeps VLANs apart: the LAN behind the uplink, with the tag, and a port of the same VLAN, without; nobody
// in another one, and not the LAN that is untagged.
TEST_F(VlanAnnouncement, ReachesNeighboursOfItsVlanAlone) {  // Scenario 29
  const std::string stale = "02:00:00:00:00:11";
  NetlinkKernel kernel;
  const netns::Namespace lan;
  const netns::Namespace same;
  const netns::Namespace other;
  netns::run("ip link add eth1 type veth peer name lan netns " + lan.path());
  lan.run("ip link set lan up; ip link add lan.10 link lan up type vlan id 10");
  BridgeSpec bridge{"vd-eth1", "viaduct/i/segment/eth1", 0, kVlanBridgeMac};
  bridge.filtering = TagProtocol::k8021q;
  ASSERT_TRUE(kernel.create_bridge(bridge).ok());
  ASSERT_TRUE(kernel.join_bridge("eth1", "vd-eth1").ok());
  ASSERT_TRUE(kernel.set_vlans("eth1", {1, VlanSet::parse("10,20").value()}).ok());
  const auto add = [&](const std::string& number, uint16_t vlan, const netns::Namespace& space) {
    VethSpec pair{"ve" + number, "vc" + number, "mark", "vd-eth1", 1500, kVlanBridgeMac};
    pair.vlans = PortVlans{vlan, {}};
    ASSERT_TRUE(kernel.create_veth(pair).ok());
    netns::run("ip link set vc" + number + " name eth0 netns " + space.path());
    space.run("ip link set eth0 up");
  };
  add("2", 10, same);
  add("3", 20, other);
  VethSpec own{"ve1", "vc1", "mark", "vd-eth1", 1500, kVlanBridgeMac};
  own.vlans = PortVlans{10, {}};
  ASSERT_TRUE(kernel.create_veth(own).ok());
  const std::vector<std::pair<const netns::Namespace*, std::string>> all{
      {&lan, "lan.10"}, {&lan, "lan"}, {&same, "eth0"}, {&other, "eth0"}};
  for (const char* port : {"eth1", "ve2", "ve3"})
    ASSERT_TRUE(netns::eventually(seconds(5), [&] { return netns::link_json(port)["operstate"] == "UP"; }));
  for (const auto& [space, link] : all)
    space->run("ip addr add 10.1.0.9/24 dev " + link + "; ip neigh replace 10.1.0.2 lladdr " + stale +
               " dev " + link + " nud reachable");

  const Mac fresh({0x02, 0, 0, 0, 0, 0x22});
  Announcement what{"ve1", fresh, {IpAddress::parse("10.1.0.2").value()}};
  what.vlan = 10;
  ASSERT_TRUE(kernel.announce({what}).ok());
  const auto known = [&](size_t at) {
    return all[at].first->run("ip neigh show 10.1.0.2 dev " + all[at].second);
  };
  for (const size_t at : {size_t{0}, size_t{2}})
    EXPECT_TRUE(netns::eventually(seconds(1), [&] {
      return known(at).find(fresh.to_string()) != std::string::npos;
    })) << known(at);
  for (const size_t at : {size_t{1}, size_t{3}})
    EXPECT_NE(known(at).find(stale), std::string::npos) << known(at);
}

// The host is in no VLAN of the bridge, and asks at the port. Scenario 31.
TEST_F(VlanProbe, ForeignHostsOfEachVlan_AnswerForTheirOwn) {
  const netns::Namespace lan;
  netns::run("ip link add eth1 type veth peer name lan netns " + lan.path());
  lan.run("ip link set lan address 52:54:00:12:34:56 up; ip addr add 10.1.0.7/24 dev lan");
  for (const char* vlan : {"10", "20"})
    lan.run(fmt::format(
        "ip link add lan.{0} link lan up type vlan id {0}; ip addr add 10.1.0.{0}/24 dev lan.{0}; "
        "ip addr add fd01::{0}/64 dev lan.{0} nodad",
        vlan));
  lan.run(
      "ip link add lan.30 link lan up type vlan proto 802.1ad id 30; ip addr add 10.1.0.30/24 dev lan.30");
  lan.run("sysctl -qw net.ipv4.conf.all.arp_ignore=1");
  NetlinkKernel kernel;
  ASSERT_TRUE(kernel.set_up("eth1").ok());
  BridgeSpec bridge{"vd-eth1", "viaduct/i/segment/eth1", 0, kVlanBridgeMac};
  bridge.filtering = TagProtocol::k8021q;
  ASSERT_TRUE(kernel.create_bridge(bridge).ok());
  ASSERT_TRUE(kernel.join_bridge("eth1", "vd-eth1").ok());
  ASSERT_TRUE(kernel.set_vlans("eth1", {1, VlanSet::parse("10,20").value()}).ok());
  const auto port = kernel.find_link("eth1").value().value();
  PacketProbe probe;
  using Texts = std::set<std::string>;
  const auto answering = [&](uint16_t vlan, TagProtocol protocol, const Texts& asked) {
    const ProbeLink way{port.index, port.name, *port.mac, {}, {true, vlan, protocol}};
    std::vector<NeighbourQuestion> questions;
    for (const std::string& address : asked) questions.push_back({way, IpAddress::parse(address).value()});
    const auto outcome = probe.ask(questions, seconds(2));
    EXPECT_TRUE(outcome.ok() && outcome.value().failed.empty());
    Texts answers;
    for (const NeighbourAnswer& one : outcome.value().answers) {
      EXPECT_EQ(one.mac.to_string(), "52:54:00:12:34:56");
      answers.insert(one.address.to_string());
    }
    return answers;
  };
  const Texts all{"10.1.0.7", "10.1.0.10", "10.1.0.20", "10.1.0.30", "fd01::10", "fd01::20"};
  EXPECT_EQ(answering(10, TagProtocol::k8021q, all), (Texts{"10.1.0.10", "fd01::10"}));
  EXPECT_EQ(answering(20, TagProtocol::k8021q, all), (Texts{"10.1.0.20", "fd01::20"}));
  EXPECT_EQ(answering(30, TagProtocol::k8021ad, all), (Texts{"10.1.0.30"}));
  EXPECT_EQ(answering(0, TagProtocol::k8021q, all), (Texts{"10.1.0.7"}));
}

}  // namespace
}  // namespace viaduct::net
