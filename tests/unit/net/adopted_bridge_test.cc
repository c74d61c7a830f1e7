// A bridge that the user names: one of viaduct's making, or one that is somebody else's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using ::testing::HasSubstr;

class NamedBridge : public ::testing::Test {
 protected:
  NamedBridge() { request.options = {{"com.docker.network.bridge.name", "br-web"}}; }
  void put_foreign_bridge() {
    Link link;
    link.name = "br-web";
    link.kind = "bridge";
    link.mtu = 1450;
    link.up = true;
    world.kernel.put_link(link);
  }

  ServiceWorld world;
  CreateNetworkRequest request = network_request(kNetwork);
};

TEST_F(NamedBridge, ThatIsNotThere_IsMadeAndRemoved) {
  ASSERT_TRUE(world.service->create_network(request, soon()).ok());
  ASSERT_TRUE(world.link("br-web").has_value());
  EXPECT_EQ(world.service->networks().at(0).bridge, "br-web");
  ASSERT_TRUE(world.service->delete_network(kNetwork, soon()).ok());
  EXPECT_TRUE(world.empty_after_reaping());
}

TEST_F(NamedBridge, OfSomebodyElse_GetsPortsAndStaysAsItIs) {
  put_foreign_bridge();
  ASSERT_TRUE(world.service->create_network(request, soon()).ok());
  ASSERT_TRUE(world.service->create_endpoint(endpoint_request(kNetwork, id_of('1')), soon()).ok());
  EXPECT_EQ(world.link(kHost)->master, world.link("br-web")->index);
  EXPECT_EQ(world.link(kHost)->mtu, 1450) << "a bridge follows the least of its ports";
  world.reopen();
  ASSERT_TRUE(world.service->reconcile().ok());
  ASSERT_TRUE(world.service->delete_network(kNetwork, soon()).ok());
  ASSERT_TRUE(world.reaped());
  const auto left = world.link("br-web");
  ASSERT_TRUE(left.has_value());
  EXPECT_EQ(left->mtu, 1450);
  EXPECT_EQ(left->group, 0U);
  EXPECT_TRUE(left->alias.empty());
  EXPECT_TRUE(world.kernel.contents().addresses["br-web"].empty());
  EXPECT_TRUE(world.firewall.in_force().empty());
}

TEST_F(NamedBridge, ThatVanished_IsMissedInWords) {
  put_foreign_bridge();
  ASSERT_TRUE(world.service->create_network(request, soon()).ok());
  world.kernel.drop_link("br-web");
  const auto report = world.service->reconcile().value();
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_THAT(report.problems[0], HasSubstr("bridge br-web is not viaduct's, and is gone; make it again"));
  EXPECT_FALSE(world.link("br-web").has_value());
}

TEST_F(NamedBridge, OfAnotherNetworkOrNoBridge_IsRefused) {
  ASSERT_TRUE(world.service->create_network(request, soon()).ok());
  auto second = network_request(id_of('b'), "10.2.0.0/24");
  second.options = request.options;
  EXPECT_EQ(world.service->create_network(second, soon()).error().message,
            "bridge br-web is network aaaaaaaaaaaa's; give network bbbbbbbbbbbb another name for its bridge, "
            "or none");
  Link link;
  link.name = "eth7";
  world.kernel.put_link(link);
  second.options = {{"bridge", "eth7"}};
  EXPECT_EQ(world.service->create_network(second, soon()).error().message,
            "link eth7 is no bridge; give network bbbbbbbbbbbb another name for its bridge, or none");
}

}  // namespace
}  // namespace viaduct::net
