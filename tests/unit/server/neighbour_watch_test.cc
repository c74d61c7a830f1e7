#include "server/neighbour_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>

#include "net/fake_kernel.h"
#include "store/memory_store.h"

// The thread between the IPAM half and the wire, on a wire in memory.
namespace viaduct::server {
namespace {

using std::chrono::milliseconds;

Mac mac(int number) {
  return Mac({0x52, 0x54, 0, 0, 0, static_cast<uint8_t>(number)});
}

// Answers at once for its hosts; the others are silent at once.
class FakeProbe final : public net::NeighbourProbe {
 public:
  Result<Outcome> ask(const std::vector<net::NeighbourQuestion>& questions, milliseconds) override {
    ++rounds;
    rounds.notify_all();
    if (stuck) cancelled.wait(false);
    if (forbidden)
      return from_errno(EPERM, "cannot ask for neighbours on link " + questions.front().link.name);
    Outcome outcome;
    for (const auto& [link, address] : questions) {
      if (broken) outcome.failed.emplace(link.index, from_errno(ENETDOWN, "cannot ask on " + link.name));
      if (const auto found = hosts.find(address.to_string()); found != hosts.end())
        outcome.answers.push_back({address, found->second});
    }
    return outcome;
  }
  void cancel() override {
    cancelled = true;
    cancelled.notify_all();
  }

  std::map<std::string, Mac> hosts;
  std::atomic<bool> forbidden{false};
  std::atomic<bool> stuck{false};  // until cancelled
  std::atomic<bool> broken{false};
  std::atomic<bool> cancelled{false};
  std::atomic<int> rounds{0};
};

// eth0 has 10.1.0.254/24 and the MAC of mac(200); br0, with containers alone, has 10.2.0.1/24.
class NeighbourWatchTest : public ::testing::Test {
 protected:
  NeighbourWatchTest() : log_(fileno(log_file_), LogLevel::kDebug, LogFormat::kText) {
    for (const auto& [index, name, kind] :
         {std::tuple{7, "eth0", ""}, std::tuple{8, "br0", "bridge"}, std::tuple{9, "tun0", "tun"}}) {
      net::Link link;
      link.index = index;
      link.name = name;
      link.kind = kind;
      link.mtu = 1500;
      link.mac = mac(193 + index);
      link.up = true;
      link.ethernet = index != 9;
      kernel_.put_link(link);
    }
    EXPECT_TRUE(kernel_.add_address("eth0", InterfaceAddress::parse("10.1.0.254/24").value()).ok());
    EXPECT_TRUE(kernel_.add_address("br0", InterfaceAddress::parse("10.2.0.1/24").value()).ok());
    ipam::IpamEnvironment environment{
        .host_prefixes = [] { return std::vector<Prefix>(); },
        .bound_to = [](const Prefix&, const IpAddress&) { return std::nullopt; },
        .network_on = [](const Prefix&) { return std::string(); },
        .remove_unjoined = [](const Prefix&, const IpAddress&, Deadline) { return Status(); },
        .engine_alive = [](const ipam::EngineIdentity&) { return true; },
        .engine_began_in_sight = [](const ipam::EngineIdentity&) { return true; },
        .look_at_wire =
            [this] {
              if (watch_) watch_->wake();
            },
        .unsure_gift = [this](const ipam::UnsureGift& gift) { log_unsure_gift(log_, gift); },
    };
    ipam_ = ipam::IpamService::open(store_, clock_, {}, std::move(environment)).value();
  }
  ~NeighbourWatchTest() override { std::fclose(log_file_); }

  void start() {
    watch_ = std::make_unique<NeighbourWatch>(*ipam_, kernel_, probe_, log_, [this] {
      const std::scoped_lock lock(lans_mutex_);
      return lans_;
    });
  }

  std::string pool(const std::string& prefix, const ipam::Options& options = {},
                   const char* space = ipam::kLocalSpace) {
    ipam::PoolRequest request{
        .space = space, .pool = Prefix::parse(prefix).value(), .sub_pool = {}, .options = options};
    return ipam_->request_pool(request, Deadline::in(milliseconds(5000))).value().id;
  }
  std::string give(const std::string& pool_id, int number) {
    const auto given = ipam_->request_address({.pool_id = pool_id,
                                               .address = {},
                                               .mac = Mac({2, 0, 0, 0, 0, static_cast<uint8_t>(number)}),
                                               .name = ""},
                                              Deadline::in(milliseconds(5000)));
    return given.ok() ? given.value().address.address.to_string() : given.error().message;
  }
  ipam::PoolView view(const std::string& pool_id) {
    for (const auto& each : ipam_->pools())
      if (each.id == pool_id) return each;
    return {};
  }
  std::string logged() {
    std::string text(65536, '\0');
    const ssize_t got = ::pread(fileno(log_file_), text.data(), text.size(), 0);
    return text.substr(0, got > 0 ? static_cast<size_t>(got) : 0);
  }

  bool is_watched_soon(const std::string& pool_id) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (view(pool_id).watch != ipam::WatchState::kWatched)
      if (std::chrono::steady_clock::now() > end) return false;
    return true;
  }

  // The log follows the verdict, which the call may have seen before.
  bool logs(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (logged().find(text) == std::string::npos)
      if (std::chrono::steady_clock::now() > end) return false;
    return true;
  }

  FILE* log_file_ = std::tmpfile();
  Logger log_;
  store::MemoryStore store_;
  ManualClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 1 / 31)};
  net::FakeKernel kernel_;
  FakeProbe probe_;
  std::mutex lans_mutex_;
  std::vector<net::LanSubnet> lans_;
  std::unique_ptr<ipam::IpamService> ipam_;
  std::unique_ptr<NeighbourWatch> watch_;  // ends first
};

TEST_F(NeighbourWatchTest, LanThatTheHostHasNoAddressIn_IsWatchedAsSoonAsANetworkStandsOnIt) {
  // Scenario 31, in a network of mode=vlan: the pool comes before the network.
  start();
  const std::string id = pool("10.3.0.0/24");
  EXPECT_EQ(give(id, 1), "10.3.0.1") << "nobody can be asked yet";
  probe_.hosts["10.3.0.2"] = mac(1);
  {
    const std::scoped_lock lock(lans_mutex_);
    lans_ = {{Prefix::parse("10.3.0.0/24").value(), "br0", {}}};
  }
  watch_->lan_joined();
  ASSERT_TRUE(is_watched_soon(id)) << view(id).watch_detail;
  EXPECT_EQ(view(id).watch_detail, "br0");
  EXPECT_EQ(give(id, 2), "10.3.0.3");
}

// Scenario 31, on a Swarm's leader: by the LAN that it was told of, and not by what its own routes say of the subnet.
TEST_F(NeighbourWatchTest, PoolOfASwarm_IsWatchedByItsLanAlone) {
  probe_.hosts = {{"10.1.0.2", mac(1)}};
  start();
  const std::string id = pool("10.1.0.0/24", {}, ipam::kGlobalSpace);
  EXPECT_EQ(give(id, 1), "10.1.0.1");
  EXPECT_EQ(give(id, 2), "10.1.0.2");
  EXPECT_EQ(view(id).watch_detail, ipam::kForOtherHosts);
  EXPECT_EQ(probe_.rounds, 0);
  probe_.hosts["10.1.0.3"] = mac(1);
  {
    const std::scoped_lock lock(lans_mutex_);
    lans_ = {{Prefix::parse("10.1.0.0/24").value(), "eth0", {true, 10}}};
  }
  watch_->lan_joined();
  ASSERT_TRUE(is_watched_soon(id)) << view(id).watch_detail;
  EXPECT_EQ(view(id).watch_detail, "VLAN 10 of eth0");
  EXPECT_EQ(give(id, 3), "10.1.0.4");
}

// Scenario 31.
TEST_F(NeighbourWatchTest, ForeignHost_IsPassedAndLogged) {
  probe_.hosts = {{"10.1.0.1", mac(1)}};
  start();
  const std::string id = pool("10.1.0.0/24");
  EXPECT_EQ(give(id, 1), "10.1.0.2");
  EXPECT_EQ(view(id).watch_detail, "eth0");
  EXPECT_TRUE(logs("a foreign host answers")) << logged();
  EXPECT_TRUE(logs("52:54:00:00:00:01"));
}

// Scenario 31: the host's own links answer for each other (one host with two of them on one LAN).
TEST_F(NeighbourWatchTest, MacOfTheHostsOwnLinks_IsNoForeignHost) {
  probe_.hosts = {{"10.1.0.1", mac(200)}};
  start();
  EXPECT_EQ(give(pool("10.1.0.0/24"), 1), "10.1.0.1");
}

TEST_F(NeighbourWatchTest, BridgeOfContainers_IsNotAskedUnlessWanted) {
  probe_.hosts = {{"10.2.0.2", mac(1)}};
  start();
  const std::string id = pool("10.2.0.0/24");
  EXPECT_EQ(give(id, 1), "10.2.0.1");
  EXPECT_EQ(give(id, 2), "10.2.0.2");
  EXPECT_EQ(view(id).watch_detail, "only containers are on bridge br0");
  EXPECT_EQ(probe_.rounds, 0);
}

TEST_F(NeighbourWatchTest, ProbeOn_AsksOnABridgeOfContainersToo) {
  probe_.hosts = {{"10.2.0.1", mac(1)}};
  start();
  const std::string id = pool("10.2.0.0/24", {{"probe", "on"}});
  EXPECT_EQ(give(id, 1), "10.2.0.2");
}

// Scenario 31: without the right to ask nothing is declined, nobody waits, and it can be seen.
TEST_F(NeighbourWatchTest, WithoutTheRight_AddressesAreGivenAndThePoolSaysWhy) {
  probe_.forbidden = true;
  start();
  const std::string id = pool("10.1.0.0/24");
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(give(id, 1), "10.1.0.1");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, ipam::kVerdictPatience);
  EXPECT_EQ(view(id).watch, ipam::WatchState::kNone);
  EXPECT_NE(view(id).watch_detail.find("link eth0"), std::string::npos) << view(id).watch_detail;
  EXPECT_TRUE(logs("not looked for")) << logged();
}

TEST_F(NeighbourWatchTest, LinkThatFails_IsNotWaitedFor) {
  probe_.broken = true;
  start();
  const std::string id = pool("10.1.0.0/24");
  EXPECT_EQ(give(id, 1), "10.1.0.1");
  EXPECT_NE(view(id).watch_detail.find("cannot ask on eth0"), std::string::npos) << view(id).watch_detail;
}

TEST_F(NeighbourWatchTest, UnreadableLinks_AreNotWaitedFor) {
  kernel_.gate().fail_at(1);
  const std::string id = pool("10.1.0.0/24");
  start();
  EXPECT_EQ(give(id, 1), "10.1.0.1");
  EXPECT_FALSE(view(id).watch_detail.empty());
}

// Scenario 31: a question takes its time, and nobody waits for it who has no part in it.
TEST_F(NeighbourWatchTest, WhileTheWireIsAsked_PoolsThatItDoesNotReachDoNotWait) {
  probe_.stuck = true;
  start();
  const std::string reached = pool("10.1.0.0/24");
  probe_.rounds.wait(0);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(give(pool("10.2.0.0/24"), 1), "10.2.0.1");
  EXPECT_EQ(give(pool("10.3.0.0/24"), 1), "10.3.0.1");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, ipam::kVerdictPatience);
  EXPECT_EQ(give(reached, 1), "10.1.0.1");
  EXPECT_TRUE(logs("could not be asked in time")) << logged();
}

TEST_F(NeighbourWatchTest, ProxyArp_IsLoggedOnce) {
  for (int number = 1; number < 255; ++number)
    probe_.hosts.emplace("10.1.0." + std::to_string(number), mac(1));
  start();
  const std::string id = pool("10.1.0.0/24");
  for (int number = 1; number <= 20; ++number)
    EXPECT_EQ(give(id, number), "10.1.0." + std::to_string(number));
  ASSERT_TRUE(logs("proxy ARP")) << logged();
  watch_.reset();
  const std::string text = logged();
  const size_t first = text.find("proxy ARP");
  EXPECT_EQ(text.find("proxy ARP", first + 1), std::string::npos) << text;
}

TEST_F(NeighbourWatchTest, End_CancelsTheQuestion) {
  start();
  watch_.reset();
  EXPECT_TRUE(probe_.cancelled);
}

TEST(UnsureGift, OfAGateway_IsNoWarning) {
  FILE* file = std::tmpfile();
  Logger log(fileno(file), LogLevel::kDebug, LogFormat::kText);
  log_unsure_gift(log, {"local/10.1.0.0/24", IpAddress(), ipam::OwnerClass::kGateway, mac(1)});
  log_unsure_gift(log, {"local/10.1.0.0/24", IpAddress(), ipam::OwnerClass::kEndpoint, std::nullopt});
  std::string text(4096, '\0');
  text.resize(static_cast<size_t>(::pread(fileno(file), text.data(), text.size(), 0)));
  std::fclose(file);
  EXPECT_NE(text.find("level=info"), std::string::npos) << text;
  EXPECT_NE(text.find("level=warning"), std::string::npos) << text;
}

}  // namespace
}  // namespace viaduct::server
