#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "unit/net/service_world.h"

// Every call of the network half with every step failed once: the kernel's, the firewall's, the store's.
namespace viaduct::net {
namespace {

const std::string kNetwork = id_of('a');
const std::string kEndpoint = id_of('1');

enum class Seam { kKernel, kFirewall, kStore };

// One call of the engine, with what must have been called before.
struct Call {
  std::string name;
  std::function<void(ServiceWorld&)> prepare;
  std::function<bool(ServiceWorld&)> run;  // whether it succeeded
  // What must hold after the call failed, besides consistency.
  std::function<void(ServiceWorld&)> after_failure;
};

void arm(ServiceWorld& world, Seam seam, int n) {
  if (seam == Seam::kKernel) world.kernel.gate().fail_at(n);
  if (seam == Seam::kFirewall) world.firewall.gate().fail_at(n);
  if (seam == Seam::kStore) world.store.fail_at(n);
}

bool fired(ServiceWorld& world, Seam seam) {
  if (seam == Seam::kKernel) return world.kernel.gate().fired();
  if (seam == Seam::kFirewall) return world.firewall.gate().fired();
  return world.store.fired();
}

void create_network(ServiceWorld& world) {
  ASSERT_TRUE(world.service->create_network(network_request(kNetwork), soon()).ok());
}

void create_endpoint(ServiceWorld& world) {
  create_network(world);
  ASSERT_TRUE(world.service->create_endpoint(endpoint_request(kNetwork, kEndpoint), soon()).ok());
}

void join(ServiceWorld& world) {
  create_endpoint(world);
  ASSERT_TRUE(world.service->join({kNetwork, kEndpoint, "/sandbox"}, soon()).ok());
}

void leave(ServiceWorld& world) {
  join(world);
  ASSERT_TRUE(world.service->leave(kNetwork, kEndpoint, soon()).ok());
  ASSERT_TRUE(world.reaped());
}

void nothing_at_all(ServiceWorld& world) {
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_EQ(world.stored(store::Table::kNetwork), 0);
}

void only_the_network(ServiceWorld& world) {
  EXPECT_TRUE(world.reaped());
  EXPECT_EQ(world.marked_links().size(), 1U);
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 0);
}

void only_the_network_and_a_record(ServiceWorld& world) {
  EXPECT_TRUE(world.reaped());
  EXPECT_EQ(world.marked_links().size(), 1U);
  EXPECT_EQ(world.stored(store::Table::kEndpoint), 1);
}

std::vector<Call> calls() {
  const auto add_network = [](ServiceWorld& world) {
    return world.service->create_network(network_request(kNetwork), soon()).ok();
  };
  const auto replace_network = [](ServiceWorld& world) {
    return world.service->create_network(network_request(kNetwork, "10.2.0.0/24"), soon()).ok();
  };
  const auto add_endpoint = [](ServiceWorld& world) {
    return world.service->create_endpoint(endpoint_request(kNetwork, kEndpoint), soon()).ok();
  };
  const auto take_address_over = [](ServiceWorld& world) {
    return world.service->create_endpoint(endpoint_request(kNetwork, id_of('2')), soon()).ok();
  };
  const auto do_join = [](ServiceWorld& world) {
    return world.service->join({kNetwork, kEndpoint, "/sandbox"}, soon()).ok();
  };
  const auto do_leave = [](ServiceWorld& world) {
    return world.service->leave(kNetwork, kEndpoint, soon()).ok();
  };
  const auto remove_endpoint = [](ServiceWorld& world) {
    return world.service->delete_endpoint(kNetwork, kEndpoint, soon()).ok();
  };
  const auto remove_network = [](ServiceWorld& world) {
    return world.service->delete_network(kNetwork, soon()).ok();
  };
  const auto lose_links = [](ServiceWorld& world) {
    join(world);
    world.kernel.drop_link("ve1111111111111");
  };
  const auto lose_bridge = [](ServiceWorld& world) {
    create_network(world);
    world.kernel.drop_link("vd-aaaaaaaaaaaa");
  };
  const auto stranger_has_names = [](ServiceWorld& world) {
    for (const char* name : {"vd-aaaaaaaaaaaa", "ve1111111111111"}) {
      Link stranger;
      stranger.name = name;
      world.kernel.put_link(stranger);
    }
  };
  const auto stranger_and_network = [=](ServiceWorld& world) {
    stranger_has_names(world);
    create_network(world);
  };
  const auto nothing = [](ServiceWorld&) {};
  return {{"create network", nothing, add_network, nothing_at_all},
          {"create network under another name", stranger_has_names, add_network, nothing_at_all},
          {"create network again", lose_links, add_network, nothing},
          {"replace network", join, replace_network, nothing},
          {"create endpoint", create_network, add_endpoint, only_the_network},
          {"create endpoint under another name", stranger_and_network, add_endpoint, only_the_network},
          {"create endpoint without bridge", lose_bridge, add_endpoint, nothing},
          {"create endpoint with a stale one's address", lose_links, take_address_over, nothing},
          {"join", create_endpoint, do_join, nothing},
          {"join after leave", leave, do_join, only_the_network_and_a_record},
          {"leave", join, do_leave, nothing},
          {"delete endpoint", join, remove_endpoint, nothing},
          {"delete network", join, remove_network, nothing}};
}

// Store, memory, kernel and firewall agree: every record has its links, every marked link its record.
void expect_agreement(ServiceWorld& world) {
  ASSERT_TRUE(world.reaped());
  std::set<std::string> wanted;
  const auto rules = world.firewall.in_force();
  for (const auto& network : world.service->networks()) {
    wanted.insert(network.bridge);
    EXPECT_TRUE(rules.contains(network.bridge)) << network.bridge;
  }
  EXPECT_EQ(rules.size(), world.service->networks().size());
  std::set<std::string> optional;  // an endpoint that left, or lost its links, is a record without links
  for (const auto& endpoint : world.service->endpoints()) optional.insert(endpoint.host_link);
  for (const auto& name : world.marked_links()) {
    EXPECT_TRUE(wanted.contains(name) || optional.contains(name)) << name;
    wanted.erase(name);
  }
  EXPECT_THAT(wanted, testing::IsEmpty());
  EXPECT_EQ(world.stored(store::Table::kNetwork), static_cast<int>(world.service->networks().size()));
  EXPECT_EQ(world.stored(store::Table::kEndpoint), static_cast<int>(world.service->endpoints().size()));
}

// How the world goes on after the failure.
enum class Aftermath { kCallAgain, kRestart };

// Whether the n-th operation of the seam came up at all.
bool fail_once(const Call& call, Seam seam, int n, Aftermath aftermath) {
  ServiceWorld world;
  call.prepare(world);
  arm(world, seam, n);
  const bool succeeded = call.run(world);
  const bool hit = fired(world, seam);
  arm(world, seam, 0);
  EXPECT_TRUE(hit || succeeded) << "failed without a reason";
  if (!succeeded) call.after_failure(world);
  if (aftermath == Aftermath::kRestart) {
    world.reopen();
    EXPECT_TRUE(world.service->reconcile().ok());
    expect_agreement(world);
  }
  EXPECT_TRUE(call.run(world)) << "the same call again";
  if (aftermath == Aftermath::kCallAgain) expect_agreement(world);
  EXPECT_TRUE(world.service->delete_network(kNetwork, soon()).ok());
  EXPECT_TRUE(world.empty_after_reaping());
  EXPECT_EQ(world.stored(store::Table::kNetwork) + world.stored(store::Table::kEndpoint), 0);
  return hit;
}

class ServiceFault : public testing::TestWithParam<Seam> {};

TEST_P(ServiceFault, AnyStepOfAnyCallFails_NothingIsLeftBehindAndTheNextCallSucceeds) {
  // Scenarios 18 and 25.
  for (const Call& call : calls())
    for (const auto aftermath : {Aftermath::kCallAgain, Aftermath::kRestart})
      for (int n = 1; n < 100; ++n) {
        SCOPED_TRACE(call.name + ", operation " + std::to_string(n));
        if (!fail_once(call, GetParam(), n, aftermath)) break;
        ASSERT_LT(n, 99) << "a call that never ends";
      }
}

INSTANTIATE_TEST_SUITE_P(Seams, ServiceFault, testing::Values(Seam::kKernel, Seam::kFirewall, Seam::kStore),
                         [](const auto& instance) {
                           return instance.param == Seam::kKernel     ? "Kernel"
                                  : instance.param == Seam::kFirewall ? "Firewall"
                                                                      : "Store";
                         });

TEST(ServiceFaultOnce, EndpointFailsAThousandTimes_TheKernelIsAsBefore) {
  // Scenario 25.
  ServiceWorld world;
  create_network(world);
  for (int i = 0; i < 1000; ++i) {
    world.store.fail_at(1);
    ASSERT_FALSE(world.service->create_endpoint(endpoint_request(kNetwork, kEndpoint), soon()).ok());
  }
  world.store.fail_at(0);
  only_the_network(world);
}

TEST(ServiceFaultOnce, StoreThatCannotBeRead_RefusesToOpen) {
  // Scenario 22.
  for (int n = 1; n <= 2; ++n) {
    ServiceWorld world;
    create_endpoint(world);
    world.store.fail_at(n);
    world.reopen();
    EXPECT_EQ(world.service, nullptr) << n;
  }
}

}  // namespace
}  // namespace viaduct::net
