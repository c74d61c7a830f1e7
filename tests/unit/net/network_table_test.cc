#include "net/network_table.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "unit/net/service_world.h"

namespace viaduct::net {
namespace {

using std::chrono::milliseconds;

NetworkRecord record_of(const CreateNetworkRequest& request) {
  NetworkRecord record;
  record.request = request;
  record.bridge = "vd-" + request.id.substr(0, 12);
  return record;
}

TEST(NetworkTable, LockHeld_AnotherCallEndsBusyAtItsDeadline) {
  // Scenario 16.
  NetworkTable table;
  const auto held = table.lock(id_of('a'), soon());
  ASSERT_TRUE(held.ok());
  const auto second = table.lock(id_of('a'), Deadline::in(milliseconds(20)));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_EQ(second.error().message,
            "network aaaaaaaaaaaa is busy: another call on it has not ended; try again");
}

TEST(NetworkTable, DeadlinePassedBeforeTheCall_IsBusyAlthoughNobodyHoldsTheLock) {
  NetworkTable table;
  EXPECT_EQ(table.lock(id_of('a'), Deadline::in(milliseconds(0))).error().code, ErrorCode::kBusy);
  EXPECT_TRUE(table.lock(id_of('a'), soon()).ok());
}

TEST(NetworkTable, LockOfOneNetwork_DoesNotHoldUpAnother) {
  NetworkTable table;
  const auto held = table.lock(id_of('a'), soon());
  EXPECT_TRUE(table.lock(id_of('b'), soon()).ok());
}

TEST(NetworkTable, CallThatGaveUp_DoesNotBlockThoseBehindIt) {
  NetworkTable table;
  std::optional<NetworkTable::Lock> held = table.lock(id_of('a'), soon()).value();
  std::thread gives_up([&] { EXPECT_FALSE(table.lock(id_of('a'), Deadline::in(milliseconds(20))).ok()); });
  gives_up.join();
  std::thread waits([&] { EXPECT_TRUE(table.lock(id_of('a'), soon()).ok()); });
  held.reset();
  waits.join();
}

TEST(NetworkTable, ManyThreadsOnOneNetwork_AreInsideOneAtATime) {
  NetworkTable table;
  std::atomic<int> inside = 0;
  std::atomic<int> entered = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const auto lock = table.lock(id_of('a'), soon());
        ASSERT_TRUE(lock.ok());
        EXPECT_EQ(++inside, 1);
        ++entered;
        --inside;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(entered, 400);
}

TEST(NetworkTable, Claim_KeepsASubnetForOneNetworkUntilItsLockEnds) {
  NetworkTable table;
  std::optional<NetworkTable::Lock> lock = table.lock(id_of('a'), soon()).value();
  EXPECT_FALSE(table.claim(id_of('a'), {prefix("10.1.0.0/24")}).has_value());
  const auto lock_b = table.lock(id_of('b'), soon());
  const auto overlap = table.claim(id_of('b'), {prefix("10.1.0.0/16")});
  ASSERT_TRUE(overlap.has_value());
  EXPECT_EQ(overlap->id, id_of('a'));
  EXPECT_FALSE(overlap->record != nullptr) << "it is still being made";
  lock.reset();
  EXPECT_FALSE(table.claim(id_of('b'), {prefix("10.1.0.0/16")}).has_value());
}

TEST(NetworkTable, Holders_AreThoseWithAnAddressOrMacOfTheWantedEndpoint) {
  NetworkTable table;
  table.put(record_of(network_request(id_of('a'))));
  EndpointRecord first;
  first.request = endpoint_request(id_of('a'), id_of('1'), "10.1.0.2/24");
  first.mac = Mac::parse("02:00:00:00:00:01").value();
  EndpointRecord second = first;
  second.request = endpoint_request(id_of('a'), id_of('2'), "10.1.0.3/24");
  second.mac = Mac::parse("02:00:00:00:00:02").value();
  table.put(first);
  table.put(second);
  EndpointRecord wanted;
  wanted.request = endpoint_request(id_of('a'), id_of('3'), "10.1.0.2/24");
  wanted.mac = second.mac;
  EXPECT_EQ(table.holders(wanted).size(), 2U);
  wanted.mac = Mac::parse("02:00:00:00:00:03").value();
  EXPECT_EQ(table.holders(wanted).size(), 1U);
  EXPECT_TRUE(table.holders(first).empty()) << "an endpoint does not stand in its own way";
  wanted.request.network_id = id_of('b');
  EXPECT_TRUE(table.holders(wanted).empty()) << "another network's endpoints have nothing of it";
}

TEST(NetworkTable, Macs_AreKnownAsLongAsAnEndpointHasThem) {
  NetworkTable table;
  table.put(record_of(network_request(id_of('a'))));
  EndpointRecord first;
  first.request = endpoint_request(id_of('a'), id_of('1'), "10.1.0.2/24");
  first.mac = Mac::parse("02:00:00:00:00:01").value();
  EndpointRecord second = first;
  second.request = endpoint_request(id_of('a'), id_of('2'), "10.1.0.3/24");
  const Mac before = first.mac;
  EXPECT_FALSE(table.has_mac(id_of('a'), before));
  table.put(first);
  table.put(second);
  EXPECT_TRUE(table.has_mac(id_of('a'), before));
  EXPECT_FALSE(table.has_mac(id_of('b'), before));
  first.mac = Mac::parse("02:00:00:00:00:09").value();
  table.put(first);
  EXPECT_TRUE(table.has_mac(id_of('a'), before)) << "the second has it";
  EXPECT_EQ(table.holders(first).size(), 0U);
  table.erase_endpoint(id_of('a'), id_of('2'));
  EXPECT_FALSE(table.has_mac(id_of('a'), before));
  EXPECT_TRUE(table.has_mac(id_of('a'), first.mac));
  table.erase_network(id_of('a'));
  EXPECT_FALSE(table.has_mac(id_of('a'), first.mac));
}

EndpointRecord endpoint_record(char network, char id, const std::string& ipv4, const std::string& mac) {
  EndpointRecord record;
  record.request = endpoint_request(id_of(network), id_of(id), ipv4);
  record.mac = Mac::parse(mac).value();
  return record;
}

TEST(NetworkTable, UseOf_IsTheEndpointAndOtherwiseTheGateway) {
  NetworkTable table;
  table.put(record_of(network_request(id_of('a'))));
  const auto use = [&](const std::string& at) {
    return table.use_of(prefix("10.1.0.0/24"), address(at).address);
  };
  ASSERT_TRUE(use("10.1.0.1/24").has_value());
  EXPECT_FALSE(use("10.1.0.1/24")->endpoint.has_value());
  const auto first = endpoint_record('a', '1', "10.1.0.1/24", "02:00:00:00:00:01");
  table.put(first);
  ASSERT_TRUE(use("10.1.0.1/24")->endpoint.has_value()) << "an endpoint that took the gateway's address";
  EXPECT_EQ(use("10.1.0.1/24")->endpoint->id, id_of('1'));
  EXPECT_EQ(use("10.1.0.1/24")->endpoint->mac, first.mac);
  EXPECT_FALSE(table.use_of(prefix("10.2.0.0/24"), address("10.1.0.1/24").address).has_value());
  table.erase_endpoint(id_of('a'), id_of('1'));
  EXPECT_FALSE(use("10.1.0.1/24")->endpoint.has_value());
}

TEST(NetworkTable, UseOf_FollowsRecordsThatChange) {
  NetworkTable table;
  auto network = record_of(network_request(id_of('a')));
  table.put(network);
  const auto user = [&](const std::string& at) -> std::string {
    const auto use = table.use_of(prefix("10.1.0.0/24"), address(at).address);
    if (!use) return "nobody";
    return use->endpoint ? use->endpoint->id.substr(0, 1) : "gateway";
  };
  table.put(endpoint_record('a', '1', "10.1.0.2/24", "02:00:00:00:00:01"));
  table.put(endpoint_record('a', '1', "10.1.0.3/24", "02:00:00:00:00:01"));
  EXPECT_EQ(user("10.1.0.2/24"), "nobody");
  EXPECT_EQ(user("10.1.0.3/24"), "1");
  table.put(endpoint_record('a', '2', "10.1.0.3/24", "02:00:00:00:00:02"));
  table.erase_endpoint(id_of('a'), id_of('1'));
  EXPECT_EQ(user("10.1.0.3/24"), "2") << "its new holder was written before the old one was erased";
  network.request.ipv4.at(0).gateway = address("10.1.0.9/24");
  table.put(network);
  EXPECT_EQ(user("10.1.0.1/24"), "nobody");
  EXPECT_EQ(user("10.1.0.9/24"), "gateway");
}

TEST(NetworkTable, EraseNetwork_TakesItsEndpointsWithIt) {
  NetworkTable table;
  table.put(record_of(network_request(id_of('a'))));
  table.put(endpoint_record('a', '1', "10.1.0.2/24", "02:00:00:00:00:01"));
  EXPECT_TRUE(table.find_endpoint(id_of('1')).has_value());
  table.erase_network(id_of('a'));
  EXPECT_FALSE(table.find_endpoint(id_of('1')).has_value());
  EXPECT_EQ(table.networks().size(), 0U);
  EXPECT_FALSE(table.use_of(prefix("10.1.0.0/24"), address("10.1.0.1/24").address).has_value());
  EXPECT_FALSE(table.use_of(prefix("10.1.0.0/24"), address("10.1.0.2/24").address).has_value());
}

}  // namespace
}  // namespace viaduct::net
