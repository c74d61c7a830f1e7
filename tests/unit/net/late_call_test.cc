#include <gtest/gtest.h>

#include "unit/net/service_world.h"
#include "unit/slow_store.h"

// Calls whose commit ends after their deadline: the engine has been told that they failed (Scenario 16).
namespace viaduct::net {
namespace {

constexpr std::chrono::milliseconds kShort{30};

class LateNetworkCall : public testing::Test {
 protected:
  LateNetworkCall() : slow_(world_.memory) {
    NetworkEnvironment environment;
    environment.instance = "0123abcd";
    environment.boot_id = "boot-1";
    auto opened = NetworkService::open(slow_, world_.kernel, world_.firewall, world_.ports, world_.clock,
                                       std::move(environment));
    EXPECT_TRUE(opened.ok());
    service_ = std::move(opened).value();
  }
  Deadline late() {
    const Deadline deadline = Deadline::in(kShort);
    slow_.outlast(deadline);
    return deadline;
  }

  ServiceWorld world_;
  store::SlowStore slow_;
  std::unique_ptr<NetworkService> service_;
};

TEST_F(LateNetworkCall, NewNetwork_LeavesNothing) {
  const auto created = service_->create_network(network_request(id_of('a')), late());
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.error().code, ErrorCode::kBusy);
  EXPECT_EQ(world_.stored(store::Table::kNetwork), 0);
  EXPECT_TRUE(service_->networks().empty());
  EXPECT_TRUE(world_.empty_after_reaping());
  EXPECT_TRUE(service_->create_network(network_request(id_of('a')), soon()).ok());
}

TEST_F(LateNetworkCall, NewEndpoint_LeavesNothing) {
  ASSERT_TRUE(service_->create_network(network_request(id_of('a')), soon()).ok());
  const auto created = service_->create_endpoint(endpoint_request(id_of('a'), id_of('1')), late());
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.error().code, ErrorCode::kBusy);
  EXPECT_EQ(world_.stored(store::Table::kEndpoint), 0);
  EXPECT_TRUE(service_->endpoints().empty());
  EXPECT_TRUE(service_->create_endpoint(endpoint_request(id_of('a'), id_of('1')), soon()).ok());
}

}  // namespace
}  // namespace viaduct::net
