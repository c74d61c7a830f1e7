// What every Kernel promises: the fake keeps the same promises as the real one.
#include <gtest/gtest.h>

#include <algorithm>
#include <type_traits>

#include "net/fake_kernel.h"
#include "net/netlink_kernel.h"
#include "netns/netns_world.h"

namespace viaduct::net {
namespace {

constexpr Mac kBridgeMac({0x02, 0x42, 0x0a, 0, 0, 1});
constexpr Mac kPeerMac({0x02, 0x42, 0x0a, 0, 0, 2});

template <class T>
class KernelContract : public netns::FreshNetns {
 protected:
  T kernel_;

  void make_bridge(const std::string& name) {
    ASSERT_TRUE(kernel_.create_bridge({name, "viaduct/i/network/" + name, 1500, kBridgeMac}).ok());
  }
  VethSpec veth(const std::string& host, const std::string& peer) {
    return {host, peer, "viaduct/i/endpoint/" + host, "vd-a", 1400, kPeerMac, PortIsolation::kOn};
  }
  std::optional<Link> find(const std::string& name) {
    auto found = kernel_.find_link(name);
    EXPECT_TRUE(found.ok());
    return found.ok() ? found.value() : std::nullopt;
  }
  ErrorCode code_of(const Status& status) {
    EXPECT_FALSE(status.ok());
    return status.ok() ? ErrorCode::kInternal : status.error().code;
  }
  // A bridge that somebody else has made.
  void make_foreign_bridge(const std::string& name) {
    if constexpr (std::is_same_v<T, FakeKernel>) {
      kernel_.put_link({0, name, "bridge", "", 0, 0, 1500, kBridgeMac, true});
    } else {
      netns::run("ip link add " + name + " type bridge && ip link set " + name + " up");
    }
  }
  InterfaceAddress address(const std::string& text) { return InterfaceAddress::parse(text).value(); }
};

using Kernels = ::testing::Types<FakeKernel, NetlinkKernel>;
TYPED_TEST_SUITE(KernelContract, Kernels);

TYPED_TEST(KernelContract, SettingsOfAPort_AreSeen) {
  this->make_bridge("vd-a");
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve1", "vc1")).ok());
  EXPECT_TRUE(this->find("ve1")->isolated);
  EXPECT_FALSE(this->find("ve1")->hairpin);
  ASSERT_TRUE(this->kernel_.attach_port("ve1", "vd-a", PortIsolation::kOff).ok());
  ASSERT_TRUE(this->kernel_.set_hairpin("ve1", Hairpin::kOn).ok());
  const auto links = this->kernel_.links().value();
  for (const Link& link : links) {
    EXPECT_EQ(link.hairpin, link.name == "ve1") << link.name;
    EXPECT_FALSE(link.isolated) << link.name;
  }
}

TYPED_TEST(KernelContract, CreateBridge_IsFoundAsItWasAsked) {
  this->make_bridge("vd-a");
  auto link = this->find("vd-a");
  ASSERT_TRUE(link);
  EXPECT_EQ(link->kind, "bridge");
  EXPECT_EQ(link->alias, "viaduct/i/network/vd-a");
  EXPECT_EQ(link->group, kLiveGroup);
  EXPECT_EQ(link->mtu, 1500);
  EXPECT_EQ(link->mac, kBridgeMac);
  EXPECT_TRUE(link->up);
}

TYPED_TEST(KernelContract, CreateJoint_MakesTwoPortsThatAreUpAndMarked) {
  this->make_bridge("vd-a");
  this->make_bridge("vd-b");
  const JointSpec spec{"vja", "vjb", "viaduct/i/network/a", "vd-a", "vd-b", PortIsolation::kOn};
  ASSERT_TRUE(this->kernel_.create_joint(spec).ok());
  EXPECT_EQ(this->code_of(this->kernel_.create_joint(spec)), ErrorCode::kAlreadyExists);
  for (const auto& [name, bridge] : {std::pair("vja", "vd-a"), std::pair("vjb", "vd-b")}) {
    const auto end = this->find(name);
    ASSERT_TRUE(end) << name;
    EXPECT_EQ(end->alias, spec.alias);
    EXPECT_EQ(end->group, kLiveGroup);
    EXPECT_EQ(end->mtu, kJointMtu);
    EXPECT_EQ(end->master, this->find(bridge)->index);
    EXPECT_TRUE(end->up);
  }
  // One end takes the other along.
  ASSERT_TRUE(this->kernel_.retire_links({"vja"}).ok());
  ASSERT_TRUE(this->kernel_.reap().ok());
  EXPECT_FALSE(this->find("vjb"));
  // A name that is taken, and a bridge that is none: nothing is left.
  this->make_foreign_bridge("vjb");
  EXPECT_EQ(this->code_of(this->kernel_.create_joint(spec)), ErrorCode::kAlreadyExists);
  EXPECT_FALSE(this->find("vja"));
  JointSpec lost = spec;
  lost.other_name = "vjc";
  lost.other_bridge = "vd-c";
  EXPECT_FALSE(this->kernel_.create_joint(lost).ok());
  EXPECT_FALSE(this->find("vja"));
}

TYPED_TEST(KernelContract, CreateVeth_MakesAPortThatIsUpAndAPeerThatIsDown) {
  this->make_bridge("vd-a");
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve1", "vp1")).ok());
  auto host = this->find("ve1");
  auto peer = this->find("vp1");
  ASSERT_TRUE(host && peer);
  EXPECT_EQ(host->kind, "veth");
  EXPECT_EQ(host->alias, "viaduct/i/endpoint/ve1");
  EXPECT_EQ(host->master, this->find("vd-a")->index);
  EXPECT_EQ(host->mtu, 1400);
  EXPECT_EQ(host->group, kLiveGroup);
  EXPECT_TRUE(host->up);
  EXPECT_EQ(peer->mac, kPeerMac);
  EXPECT_EQ(peer->mtu, 1400);
  EXPECT_EQ(peer->group, kLiveGroup);
  EXPECT_EQ(peer->master, 0);
  EXPECT_FALSE(peer->up);
  EXPECT_FALSE(host->carrier);
}

TYPED_TEST(KernelContract, EnsureRates_SaysWhetherAnyWasMissing) {
  this->make_bridge("vd-a");
  VethSpec spec = this->veth("ve1", "vp1");
  EXPECT_EQ(this->kernel_.ensure_rates(spec).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(this->kernel_.rates_in_force(spec).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(this->kernel_.create_veth(spec).ok());
  spec.rate_in = RateLimit{1'000'000, 64 * 1024};
  spec.rate_out = Shaper{"vf1", "viaduct/i/shaper/1", {2'000'000, 64 * 1024}};
  const auto in_force = [&] { return this->kernel_.rates_in_force(spec).value(); };
  EXPECT_FALSE(in_force().in || in_force().out || in_force().has_shaper || in_force().is_led);
  EXPECT_TRUE(this->kernel_.ensure_rates(spec).value());
  EXPECT_FALSE(this->kernel_.ensure_rates(spec).value());
  EXPECT_EQ(in_force().in, 1'000'000U);
  EXPECT_EQ(in_force().out, 2'000'000U);
  EXPECT_TRUE(in_force().has_shaper && in_force().is_led);
  const auto shaper = this->find("vf1");
  ASSERT_TRUE(shaper);
  EXPECT_EQ(shaper->kind, "ifb");
  EXPECT_EQ(shaper->alias, "viaduct/i/shaper/1");
  EXPECT_EQ(shaper->group, kLiveGroup);
  EXPECT_TRUE(shaper->up);
  ASSERT_TRUE(this->kernel_.retire_links({"vf1"}).ok());
  EXPECT_FALSE(in_force().has_shaper) << "one that is dying";
  EXPECT_EQ(this->kernel_.ensure_rates(spec).error().code, ErrorCode::kAlreadyExists) << "one that is dying";
  ASSERT_TRUE(this->kernel_.reap().ok());
  EXPECT_TRUE(this->kernel_.ensure_rates(spec).value());
}

TYPED_TEST(KernelContract, CreateVethWithRates_HasThemAtOnce) {
  this->make_bridge("vd-a");
  VethSpec spec = this->veth("ve1", "vp1");
  spec.rate_in = RateLimit{1'000'000, 64 * 1024};
  spec.rate_out = Shaper{"vf1", "viaduct/i/shaper/1", {2'000'000, 64 * 1024}};
  ASSERT_TRUE(this->kernel_.create_veth(spec).ok());
  EXPECT_FALSE(this->kernel_.ensure_rates(spec).value());
  VethSpec other = this->veth("ve2", "vp2");
  other.rate_out = Shaper{"vf1", "viaduct/i/shaper/2", {2'000'000, 64 * 1024}};
  EXPECT_EQ(this->code_of(this->kernel_.create_veth(other)), ErrorCode::kAlreadyExists);
  for (const char* name : {"ve2", "vp2"}) EXPECT_FALSE(this->find(name)) << name;
}

TYPED_TEST(KernelContract, CreateWithANameInUse_IsRefusedAndLeavesTheOtherAsItWas) {
  this->make_bridge("vd-a");
  EXPECT_EQ(this->code_of(this->kernel_.create_bridge({"vd-a", "x", 1400, kPeerMac})),
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(this->find("vd-a")->mtu, 1500);
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve1", "vp1")).ok());
  EXPECT_EQ(this->code_of(this->kernel_.create_veth(this->veth("ve1", "vp2"))), ErrorCode::kAlreadyExists);
  EXPECT_EQ(this->code_of(this->kernel_.create_veth(this->veth("ve2", "vp1"))), ErrorCode::kAlreadyExists);
  EXPECT_FALSE(this->find("ve2"));
  EXPECT_FALSE(this->find("vp2"));
}

TYPED_TEST(KernelContract, CreateWithWhatCannotBe_IsRefusedAndLeavesNothing) {
  this->make_bridge("vd-a");
  EXPECT_EQ(this->code_of(this->kernel_.create_bridge({"sixteen-bytes-xx", "", 1500, kPeerMac})),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(this->code_of(this->kernel_.create_bridge({"vd-%d", "", 1500, kPeerMac})),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(this->code_of(this->kernel_.create_bridge({"vd-b", "", 9999999, kPeerMac})),
            ErrorCode::kInvalidArgument);
  VethSpec no_bridge = this->veth("ve1", "vp1");
  no_bridge.bridge = "vd-none";
  EXPECT_EQ(this->code_of(this->kernel_.create_veth(no_bridge)), ErrorCode::kNotFound);
  VethSpec too_large = this->veth("ve1", "vp1");
  too_large.mtu = 70000;
  EXPECT_EQ(this->code_of(this->kernel_.create_veth(too_large)), ErrorCode::kInvalidArgument);
  for (const char* name : {"vd-b", "ve1", "vp1"}) EXPECT_FALSE(this->find(name)) << name;
}

TYPED_TEST(KernelContract, CreateVethOnALinkThatIsNoBridge_IsRefused) {
  this->make_bridge("vd-a");
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve1", "vp1")).ok());
  VethSpec spec = this->veth("ve2", "vp2");
  spec.bridge = "ve1";
  EXPECT_EQ(this->code_of(this->kernel_.create_veth(spec)), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(this->find("ve2"));
}

TYPED_TEST(KernelContract, VethHere_NamesItsOtherEndByIndex) {
  this->make_bridge("vd-a");
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve1", "vp1")).ok());
  const auto host = this->find("ve1");
  const auto peer = this->find("vp1");
  ASSERT_TRUE(host && peer);
  EXPECT_EQ(host->lower, peer->index);
  EXPECT_EQ(peer->lower, host->index);
  EXPECT_EQ(this->kernel_.link_index("vp1").value(), peer->index);
  EXPECT_EQ(this->kernel_.link_index("vp2").value(), 0);
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("fifteen-letters", "vp2")).ok());
  EXPECT_EQ(this->kernel_.link_index("fifteen-letters-and-more").value(), 0);
}

TYPED_TEST(KernelContract, FindLink_UnknownOrImpossibleName_IsEmpty) {
  EXPECT_FALSE(this->find("vd-none"));
  EXPECT_FALSE(this->find(""));
  EXPECT_FALSE(this->find("a-name-far-too-long-for-a-link"));
}

TYPED_TEST(KernelContract, RetireAndReap_RemoveExactlyTheNamedLinksAndTheirPeers) {
  this->make_bridge("vd-a");
  for (int i = 0; i < 3; ++i) {
    std::string number = std::to_string(i);
    ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve" + number, "vp" + number)).ok());
  }
  ASSERT_TRUE(this->kernel_.retire_links({"ve0", "ve2", "ve-gone"}).ok());
  EXPECT_EQ(this->find("ve0")->group, kDyingGroup);
  EXPECT_FALSE(this->find("ve0")->up);
  EXPECT_TRUE(this->find("ve1")->up);
  ASSERT_TRUE(this->kernel_.reap().ok());
  for (const char* name : {"ve0", "vp0", "ve2", "vp2"}) EXPECT_FALSE(this->find(name)) << name;
  for (const char* name : {"ve1", "vp1", "vd-a"}) EXPECT_TRUE(this->find(name)) << name;
  EXPECT_TRUE(this->kernel_.reap().ok()) << "nothing to remove is no error";
}

TYPED_TEST(KernelContract, RetireTwiceAndReviveByAttach_Work) {
  this->make_bridge("vd-a");
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve1", "vp1")).ok());
  ASSERT_TRUE(this->kernel_.retire_links({"ve1"}).ok());
  ASSERT_TRUE(this->kernel_.retire_links({"ve1"}).ok());
  ASSERT_TRUE(this->kernel_.attach_port("ve1", "vd-a", PortIsolation::kOff).ok());
  ASSERT_TRUE(this->kernel_.reap().ok());
  auto link = this->find("ve1");
  ASSERT_TRUE(link);
  EXPECT_EQ(link->group, kLiveGroup);
  EXPECT_TRUE(link->up);
  EXPECT_EQ(link->alias, "viaduct/i/endpoint/ve1") << "attaching keeps the mark";
}

TYPED_TEST(KernelContract, RetireSomebodyElsesLink_IsRefusedAndTouchesNone) {
  this->make_bridge("vd-a");
  this->make_foreign_bridge("br0");
  EXPECT_EQ(this->code_of(this->kernel_.retire_links({"vd-a", "br0"})), ErrorCode::kPermission);
  EXPECT_EQ(this->find("br0")->group, 0U);
  EXPECT_TRUE(this->find("br0")->up);
  EXPECT_EQ(this->find("vd-a")->group, kLiveGroup);
  EXPECT_TRUE(this->find("vd-a")->up);
}

TYPED_TEST(KernelContract, Announce_PassesOverWhatIsNoPortInService) {
  this->make_bridge("vd-a");
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve1", "vp1")).ok());
  const std::vector<IpAddress> addresses = {this->address("10.1.0.2/24").address,
                                            this->address("fd01::2/64").address};
  EXPECT_TRUE(this->kernel_.announce({}).ok());
  EXPECT_TRUE(this->kernel_.announce({{"ve1", kPeerMac, addresses}}).ok());
  ASSERT_TRUE(this->kernel_.retire_links({"ve1"}).ok());
  for (const char* port : {"ve1", "vp1", "vd-a", "ve-none", ""})
    EXPECT_TRUE(this->kernel_.announce({{port, kPeerMac, addresses}}).ok()) << port;
}

TYPED_TEST(KernelContract, AttachPort_MovesTheLinkToAnotherBridge) {
  this->make_bridge("vd-a");
  this->make_bridge("vd-b");
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve1", "vp1")).ok());
  ASSERT_TRUE(this->kernel_.attach_port("ve1", "vd-b", PortIsolation::kOff).ok());
  EXPECT_EQ(this->find("ve1")->master, this->find("vd-b")->index);
  EXPECT_EQ(this->code_of(this->kernel_.attach_port("ve1", "vd-none", PortIsolation::kOff)),
            ErrorCode::kNotFound);
  EXPECT_EQ(this->code_of(this->kernel_.attach_port("ve-none", "vd-a", PortIsolation::kOff)),
            ErrorCode::kNotFound);
}

TYPED_TEST(KernelContract, SetMtuAndSetUp_ChangeTheLinkOrSayWhyNot) {
  this->make_bridge("vd-a");
  ASSERT_TRUE(this->kernel_.create_veth(this->veth("ve1", "vp1")).ok());
  ASSERT_TRUE(this->kernel_.set_mtu("ve1", 1300).ok());
  EXPECT_EQ(this->find("ve1")->mtu, 1300);
  EXPECT_EQ(this->code_of(this->kernel_.set_mtu("ve1", 9999999)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(this->code_of(this->kernel_.set_mtu("ve-none", 1300)), ErrorCode::kNotFound);
  ASSERT_TRUE(this->kernel_.set_up("vp1").ok());
  EXPECT_TRUE(this->find("vp1")->up);
  EXPECT_EQ(this->code_of(this->kernel_.set_up("ve-none")), ErrorCode::kNotFound);
}

TYPED_TEST(KernelContract, EveryMtuOfTheRange_IsTakenByBridgesPairsAndPorts) {
  // 1280 is the least with which the kernel gives a link IPv6.
  for (const int mtu : {68, 1000, 1279, 1280, 65535}) {
    ASSERT_TRUE(this->kernel_.create_bridge({"vd-a", "viaduct/i/network/a", mtu, kBridgeMac}).ok()) << mtu;
    ASSERT_TRUE(this->kernel_.create_bridge({"vd-b", "viaduct/i/network/b", mtu, kBridgeMac}).ok()) << mtu;
    VethSpec spec = this->veth("ve1", "vp1");
    spec.mtu = mtu;
    ASSERT_TRUE(this->kernel_.create_veth(spec).ok()) << mtu;
    ASSERT_TRUE(this->kernel_.attach_port("ve1", "vd-b", PortIsolation::kOff).ok()) << mtu;
    ASSERT_TRUE(this->kernel_.add_address("vd-b", this->address("10.1.0.1/24")).ok()) << mtu;
    for (const char* name : {"vd-a", "vd-b", "ve1", "vp1"}) EXPECT_EQ(this->find(name)->mtu, mtu) << name;
    for (const char* name : {"vd-a", "vd-b", "ve1"}) {
      EXPECT_TRUE(this->find(name)->up) << name << " " << mtu;
      EXPECT_EQ(this->find(name)->group, kLiveGroup) << name << " " << mtu;
    }
    EXPECT_EQ(this->find("vd-a")->alias, "viaduct/i/network/a") << mtu;
    EXPECT_EQ(this->find("ve1")->alias, "viaduct/i/endpoint/ve1") << mtu;
    EXPECT_EQ(this->find("ve1")->master, this->find("vd-b")->index) << mtu;
    ASSERT_TRUE(this->kernel_.retire_links({"ve1", "vd-a", "vd-b"}).ok());
    ASSERT_TRUE(this->kernel_.reap().ok());
  }
}

TYPED_TEST(KernelContract, MtuBelow1280_HasNoRoomForIpv6Addresses) {
  this->make_bridge("vd-a");
  ASSERT_TRUE(this->kernel_.add_address("vd-a", this->address("10.1.0.1/24")).ok());
  ASSERT_TRUE(this->kernel_.add_address("vd-a", this->address("fd01::1/64")).ok());
  ASSERT_TRUE(this->kernel_.set_mtu("vd-a", 1279).ok());
  EXPECT_EQ(this->kernel_.addresses("vd-a").value(),
            std::vector<InterfaceAddress>{this->address("10.1.0.1/24")});
  EXPECT_EQ(this->code_of(this->kernel_.add_address("vd-a", this->address("fd01::1/64"))),
            ErrorCode::kInvalidArgument);
  ASSERT_TRUE(this->kernel_.set_mtu("vd-a", 1280).ok());
  EXPECT_TRUE(this->kernel_.add_address("vd-a", this->address("fd01::1/64")).ok());
}

TYPED_TEST(KernelContract, Addresses_AreAddedOnceAndRemovedOnce) {
  this->make_bridge("vd-a");
  for (const char* text : {"10.1.0.1/24", "10.1.0.1/24", "fd01::1/64", "fd01::1/64"}) {
    EXPECT_TRUE(this->kernel_.add_address("vd-a", this->address(text)).ok()) << text;
  }
  auto held = this->kernel_.addresses("vd-a").value();
  ASSERT_EQ(held.size(), 2U);
  EXPECT_NE(std::find(held.begin(), held.end(), this->address("10.1.0.1/24")), held.end());
  EXPECT_NE(std::find(held.begin(), held.end(), this->address("fd01::1/64")), held.end());
  for (const char* text : {"10.1.0.1/24", "10.1.0.1/24", "fd01::1/64", "fd01::1/64"}) {
    EXPECT_TRUE(this->kernel_.remove_address("vd-a", this->address(text)).ok()) << text;
  }
  EXPECT_TRUE(this->kernel_.addresses("vd-a").value().empty());
}

TYPED_TEST(KernelContract, AddressesOfAMissingLink_AreRefusedExceptForRemoval) {
  auto address = this->address("10.1.0.1/24");
  EXPECT_EQ(this->code_of(this->kernel_.add_address("vd-none", address)), ErrorCode::kNotFound);
  EXPECT_EQ(this->kernel_.addresses("vd-none").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(this->kernel_.remove_address("vd-none", address).ok());
}

TYPED_TEST(KernelContract, HostPrefixes_HoldTheNetworksOfAddresses) {
  this->make_bridge("vd-a");
  ASSERT_TRUE(this->kernel_.add_address("vd-a", this->address("10.1.0.1/24")).ok());
  ASSERT_TRUE(this->kernel_.add_address("vd-a", this->address("fd01::1/64")).ok());
  auto prefixes = this->kernel_.host_prefixes().value();
  for (const char* text : {"10.1.0.0/24", "fd01::/64"}) {
    EXPECT_EQ(std::count(prefixes.begin(), prefixes.end(), Prefix::parse(text).value()), 1) << text;
  }
  EXPECT_TRUE(std::is_sorted(prefixes.begin(), prefixes.end()));
}

TYPED_TEST(KernelContract, UplinkMtu_WithoutDefaultRoute_IsEmpty) {
  EXPECT_FALSE(this->kernel_.uplink_mtu().value());
}

}  // namespace
}  // namespace viaduct::net
