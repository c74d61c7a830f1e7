// Networks whose MTU is the uplink's, when that changes. Scenario 51.
#include <gmock/gmock.h>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Uplink : public testing::Test, protected ServiceWorld {
 protected:
  Uplink() { kernel.set_uplink_mtu(1500); }

  void make_network(const Options& options = {}, bool internal = false) {
    CreateNetworkRequest asked = network_request(kNetwork);
    asked.options = options;
    asked.internal = internal;
    ASSERT_TRUE(service->create_network(asked, soon()).ok());
  }
  void make_endpoint(char id, const std::string& ipv4) {
    ASSERT_TRUE(service->create_endpoint(endpoint_request(kNetwork, id_of(id), ipv4), soon()).ok());
  }
  std::vector<std::string> follow(std::optional<int> mtu) {
    kernel.set_uplink_mtu(mtu);
    return service->follow_uplink(soon()).value();
  }
  int recorded() { return service->networks().front().mtu; }
  int mtu_of(const std::string& name) { return link(name)->mtu; }
  static std::string host_end(char id) { return "ve" + std::string(13, id); }
};

TEST_F(Uplink, SmallerMtu_IsTheBridgesAtOnceAndThatOfEndpointsToCome) {
  make_network();
  make_endpoint('1', "10.1.0.2/24");
  EXPECT_THAT(follow(1500), IsEmpty());
  EXPECT_THAT(follow(1400), ElementsAre(HasSubstr("bridge vd-aaaaaaaaaaaa had MTU 1500, set to 1400")));
  EXPECT_EQ(recorded(), 1400);
  EXPECT_EQ(mtu_of(kBridge), 1400);
  EXPECT_EQ(mtu_of(host_end('1')), 1500) << "smaller than its peer, it would drop what that sends";
  make_endpoint('2', "10.1.0.3/24");
  EXPECT_EQ(mtu_of(host_end('2')), 1400);
  EXPECT_THAT(follow(1400), IsEmpty());
  reopen();
  EXPECT_EQ(recorded(), 1400) << "stored";
  EXPECT_THAT(service->reconcile().value().repaired, IsEmpty());
}

TEST_F(Uplink, LargerMtu_IsTheBridgesWhenTheLastSmallerEndpointIsGone) {
  make_network();
  make_endpoint('1', "10.1.0.2/24");
  EXPECT_THAT(follow(9000), IsEmpty());
  EXPECT_EQ(recorded(), 9000);
  EXPECT_EQ(mtu_of(kBridge), 1500) << "what the bridge forwards must fit every container";
  EXPECT_TRUE(service->inspect().value().empty()) << "nothing for an operator to see to";
  make_endpoint('2', "10.1.0.3/24");
  EXPECT_EQ(mtu_of(host_end('2')), 9000);
  EXPECT_THAT(service->reconcile().value().repaired, IsEmpty());
  ASSERT_TRUE(service->delete_endpoint(kNetwork, id_of('1'), soon()).ok());
  EXPECT_THAT(follow(9000), ElementsAre(HasSubstr("had MTU 1500, set to 9000")));
  EXPECT_EQ(mtu_of(kBridge), 9000);
}

TEST_F(Uplink, ContainerThatComesBack_HasTheNewMtu) {
  make_network();
  make_endpoint('1', "10.1.0.2/24");
  follow(1400);
  ASSERT_TRUE(service->leave(kNetwork, id_of('1'), soon()).ok());
  ASSERT_TRUE(service->join({kNetwork, id_of('1'), "/sandbox"}, soon()).ok());
  EXPECT_EQ(mtu_of(host_end('1')), 1400);
}

TEST_F(Uplink, GivenMtu_Stays) {
  make_network({{"mtu", "1500"}});
  EXPECT_THAT(follow(1400), IsEmpty());
  EXPECT_EQ(mtu_of(kBridge), 1500);
}

TEST_F(Uplink, InternalNetwork_HasNone) {
  make_network({}, true);
  EXPECT_THAT(follow(1400), IsEmpty());
  EXPECT_EQ(mtu_of(kBridge), 1500);
}

TEST_F(Uplink, HostWithoutDefaultRoute_ChangesNothing) {
  make_network();
  EXPECT_THAT(follow(std::nullopt), IsEmpty());
  EXPECT_EQ(recorded(), 1500);
}

TEST_F(Uplink, TooSmallForIpv6_IsBoundedWhereTheNetworkHasIt) {
  CreateNetworkRequest asked = network_request(kNetwork);
  asked.ipv6.push_back({"local", prefix("fd00::/64"), std::nullopt, {}});
  ASSERT_TRUE(service->create_network(asked, soon()).ok());
  follow(1000);
  EXPECT_EQ(recorded(), 1280);
}

TEST_F(Uplink, FailureOfKernelOrStore_IsSaidAndTriedAgain) {
  make_network();
  store.fail_at(1);
  EXPECT_THAT(follow(1400), ElementsAre(HasSubstr("does not follow the uplink's MTU of 1400")));
  EXPECT_EQ(recorded(), 1500);
  EXPECT_EQ(mtu_of(kBridge), 1500);
  EXPECT_THAT(follow(1400), ElementsAre(HasSubstr("set to 1400")));
  EXPECT_EQ(recorded(), 1400);
}

}  // namespace
}  // namespace viaduct::net
