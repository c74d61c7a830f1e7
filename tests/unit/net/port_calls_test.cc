// ProgramExternalConnectivity and what takes it back, on the service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PortCalls : public ::testing::Test {
 protected:
  PortCalls() {
    EXPECT_TRUE(world.service->create_network(network_request(kNetwork), soon()).ok());
    endpoint('1', "10.1.0.2/24");
  }
  void endpoint(char id, const std::string& address) {
    EXPECT_TRUE(world.service->create_endpoint(endpoint_request(kNetwork, id_of(id), address), soon()).ok());
    EXPECT_TRUE(world.service->join({kNetwork, id_of(id), "/sandbox/" + std::string(1, id)}, soon()).ok());
  }
  Status program(char id, std::vector<PortBinding> ports) {
    return world.service->program_external_connectivity({kNetwork, id_of(id), std::move(ports)}, soon());
  }
  Status revoke(char id) { return world.service->revoke_external_connectivity(kNetwork, id_of(id), soon()); }
  static PortBinding web(uint16_t host_port) { return {Protocol::kTcp, 80, "", host_port, host_port}; }
  // Nothing is published, held, open or remembered.
  void expect_nothing_published() {
    EXPECT_TRUE(world.reaped());
    EXPECT_THAT(world.ports.held(), IsEmpty());
    EXPECT_THAT(world.firewall.endpoints_in_force(), IsEmpty());
    EXPECT_THAT(world.kernel.contents().hairpin, IsEmpty());
    for (const auto& record : world.service->endpoints()) EXPECT_THAT(record.ports, IsEmpty());
  }

  ServiceWorld world;
};

TEST_F(PortCalls, Programmed_IsHeldOpenAndOnRecord) {
  ASSERT_TRUE(program('1', {web(8080)}).ok());
  EXPECT_THAT(world.ports.held(), ElementsAre("0.0.0.0:8080/tcp"));
  const auto rules = world.firewall.endpoints_in_force();
  ASSERT_EQ(rules.size(), 1U);
  ASSERT_EQ(rules.at(id_of('1')).ports.size(), 1U);
  EXPECT_EQ(rules.at(id_of('1')).ports[0].container.to_string(), "10.1.0.2");
  EXPECT_THAT(world.kernel.contents().hairpin, ElementsAre(kHost));
  EXPECT_EQ(world.service->endpoints().at(0).ports.size(), 1U);
}

TEST_F(PortCalls, ProgrammedTwice_KeepsTheAutomaticPort) {
  ASSERT_TRUE(program('1', {web(0)}).ok());
  const auto first = world.service->endpoints().at(0).ports;
  ASSERT_TRUE(program('1', {web(0)}).ok());
  EXPECT_EQ(world.service->endpoints().at(0).ports, first);
}

TEST_F(PortCalls, EveryWayOut_TakesThePortsBackAndEndsTheFlows) {
  // Trap T14: Revoke may never come.
  const std::vector<std::pair<const char*, std::function<Status()>>> ways = {
      {"revoke", [&] { return revoke('1'); }},
      {"leave", [&] { return world.service->leave(kNetwork, id_of('1'), soon()); }},
      {"delete endpoint", [&] { return world.service->delete_endpoint(kNetwork, id_of('1'), soon()); }},
      {"delete network", [&] { return world.service->delete_network(kNetwork, soon()); }}};
  for (const auto& [name, way] : ways) {
    ASSERT_TRUE(program('1', {web(8080)}).ok()) << name;
    ASSERT_TRUE(way().ok()) << name;
    expect_nothing_published();
    EXPECT_EQ(world.firewall.forgotten_flows().back().to_string(), "10.1.0.2") << name;
    EXPECT_TRUE(way().ok()) << name << ", repeated";
    static_cast<void>(world.service->create_network(network_request(kNetwork), soon()));
    static_cast<void>(world.service->delete_endpoint(kNetwork, id_of('1'), soon()));
    endpoint('1', "10.1.0.2/24");
  }
}

TEST_F(PortCalls, PortInUse_IsRefusedNamingTheHolderAndChangesNothing) {
  endpoint('2', "10.1.0.3/24");
  ASSERT_TRUE(program('1', {web(8080)}).ok());
  EXPECT_EQ(program('2', {web(8080)}).error().message,
            "host port 0.0.0.0:8080/tcp is in use by endpoint 111111111111 of network aaaaaaaaaaaa; publish "
            "another one, or end "
            "what has it");
  EXPECT_EQ(world.firewall.endpoints_in_force().size(), 1U);
  ASSERT_TRUE(revoke('1').ok());
  EXPECT_TRUE(program('2', {web(8080)}).ok());
}

TEST_F(PortCalls, EveryFailureOfAStep_LeavesWhatWasThere) {
  endpoint('2', "10.1.0.3/24");
  ASSERT_TRUE(program('2', {web(9000)}).ok());
  int failures = 0;
  for (auto* gate : {&world.kernel.gate(), &world.firewall.gate()}) {
    for (int step = 1; step < 20; ++step) {
      gate->fail_at(step);
      const bool done = program('2', {web(9001)}).ok();
      gate->fail_at(0);
      if (done) break;
      ++failures;
      EXPECT_THAT(world.ports.held(), ElementsAre("0.0.0.0:9000/tcp")) << step;
      EXPECT_EQ(world.firewall.endpoints_in_force().at(id_of('2')).ports.at(0).host_port, 9000) << step;
      EXPECT_EQ(world.kernel.contents().hairpin.size(), 1U) << step;
    }
    if (gate == &world.kernel.gate()) {
      ASSERT_TRUE(program('2', {web(9000)}).ok());
    }
  }
  EXPECT_GT(failures, 0);
  EXPECT_THAT(world.ports.held(), ElementsAre("0.0.0.0:9001/tcp"));
}

TEST_F(PortCalls, RestartOfTheDaemon_HoldsAndOpensThemAgain) {
  ASSERT_TRUE(program('1', {web(8080)}).ok());
  world.reopen();
  world.firewall.flush();
  ASSERT_TRUE(world.service->reconcile().ok());
  EXPECT_THAT(world.ports.held(), ElementsAre("0.0.0.0:8080/tcp"));
  EXPECT_EQ(world.firewall.endpoints_in_force().size(), 1U);
  EXPECT_TRUE(program('1', {web(8080)}).ok()) << "the engine says it again";
  ASSERT_TRUE(world.service->reconcile().ok());
  EXPECT_THAT(world.ports.held(), ElementsAre("0.0.0.0:8080/tcp"))
      << "a repair while all is well changes nothing";
  EXPECT_TRUE(world.service->inspect().value().empty());
}

TEST_F(PortCalls, Reboot_ForgetsThem) {
  ASSERT_TRUE(program('1', {web(8080)}).ok());
  world.reboot();
  ASSERT_TRUE(world.service->reconcile().ok());
  expect_nothing_published();
}

TEST_F(PortCalls, UnknownEndpoint_IsToldApart) {
  EXPECT_EQ(program('9', {web(8080)}).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(revoke('9').ok());
}

}  // namespace
}  // namespace viaduct::net
