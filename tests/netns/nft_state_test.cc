// What NftFirewall and FirewallKeeper leave in the kernel, as nft and iptables see it.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/guarded.h"
#include "net/fake_firewall.h"
#include "net/firewall_keeper.h"
#include "net/nft_firewall.h"
#include "netns/netns_world.h"
#include "netns/rule_set.h"

namespace viaduct::net {
namespace {

using std::chrono::milliseconds;

NetworkRules rules(const std::string& bridge, const std::string& subnet) {
  return {bridge, Reach::kOutside, InterContainer::kAllowed, {Prefix::parse(subnet).value()}};
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class NftState : public netns::FreshNetns {
 protected:
  void SetUp() override {
    FreshNetns::SetUp();
    auto opened = NftFirewall::open();
    ASSERT_TRUE(opened.ok());
    firewall_ = std::move(opened).value();
  }
  static nlohmann::json elements(const std::string& set) {
    auto listed = netns::run_json("nft -j list set inet viaduct " + set);
    for (const auto& entry : listed["nftables"]) {
      if (entry.contains("set")) return entry["set"].value("elem", nlohmann::json::array());
    }
    return {};
  }
  std::unique_ptr<NftFirewall> firewall_;
};

TEST_F(NftState, AddAndRemove_ChangeTheElementsAndTheLastOneLeavesNothing) {
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  ASSERT_TRUE(firewall_->add(rules("vd-b", "fd00:1::/64")).ok());
  EXPECT_EQ(elements("bridges").size(), 2U);
  EXPECT_EQ(elements("masquerade4").size(), 1U);
  NetworkRules other = rules("vd-a", "10.2.0.0/24");
  other.reach = Reach::kInternal;
  ASSERT_TRUE(firewall_->add(other).ok()) << "one that is there is replaced";
  EXPECT_EQ(elements("bridges").size(), 2U);
  EXPECT_EQ(elements("internal"), nlohmann::json::array({"vd-a"}));
  EXPECT_EQ(elements("masquerade4").size(), 0U);
  ASSERT_TRUE(firewall_->remove("vd-a").ok());
  ASSERT_TRUE(firewall_->remove("vd-a").ok());
  EXPECT_EQ(elements("bridges"), nlohmann::json::array({"vd-b"}));
  ASSERT_TRUE(firewall_->remove("vd-b").ok());
  EXPECT_EQ(netns::run("nft list ruleset"), "");
}

TEST_F(NftState, NestedMasqueradePrefixes_AreAccepted) {
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  ASSERT_TRUE(firewall_->add(rules("vd-b", "10.0.0.0/8")).ok());
  ASSERT_TRUE(firewall_->add(rules("vd-c", "10.1.0.0/24")).ok());
  ASSERT_TRUE(firewall_->remove("vd-b").ok());
  EXPECT_EQ(elements("masquerade4").size(), 1U);
  EXPECT_FALSE(firewall_->ensure().value());
}

TEST_F(NftState, ReplaceAll_TakesOverWhatAnEarlierProcessLeft) {
  ASSERT_TRUE(firewall_->add(rules("vd-old", "10.1.0.0/24")).ok());
  auto second = NftFirewall::open().value();
  ASSERT_TRUE(second->replace_all(rule_set({rules("vd-new", "10.1.0.0/24")})).ok());
  EXPECT_EQ(elements("bridges"), nlohmann::json::array({"vd-new"}));
  ASSERT_TRUE(second->replace_all({}).ok());
  EXPECT_EQ(netns::run("nft list ruleset"), "");
}

TEST_F(NftState, AddAfterSomebodysFlush_WritesEverythingAgain) {
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  netns::run("nft flush ruleset");
  ASSERT_TRUE(firewall_->add(rules("vd-b", "10.2.0.0/24")).ok());
  EXPECT_EQ(elements("bridges").size(), 2U);
}

TEST_F(NftState, NameThatCouldBreakOutOfTheText_IsRefused) {
  EXPECT_EQ(firewall_->add(rules("a\" }; drop", "10.1.0.0/24")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(firewall_->add(rules("vd-*", "10.1.0.0/24")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(firewall_->add(rules("vd-a", "0.0.0.0/0")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(netns::run("nft list ruleset"), "");
}

TEST_F(NftState, Ensure_RestoresWhateverIsMissing) {
  ASSERT_TRUE(
      firewall_->replace_all(rule_set({rules("vd-a", "10.1.0.0/24"), rules("vd-b", "fd00:1::/64")})).ok());
  EXPECT_FALSE(firewall_->ensure().value());
  for (const char* damage : {"nft flush ruleset", "nft delete table inet viaduct",
                             "nft flush chain inet viaduct forward", "nft flush set inet viaduct bridges",
                             "nft delete element inet viaduct masquerade6 '{ fd00:1::/64 }'"}) {
    netns::run(damage);
    EXPECT_TRUE(firewall_->ensure().value()) << damage;
    EXPECT_FALSE(firewall_->ensure().value()) << damage;
  }
}

TEST_F(NftState, EnginesOwnBridges_AreAnElementEachAndEnsureFollowsThem) {
  netns::run("ip link add docker0 type bridge; ip link add br-0123456789ab type bridge");
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  EXPECT_EQ(elements("engine_bridges").size(), 2U);
  EXPECT_FALSE(firewall_->ensure().value()) << "nothing was damaged";
  netns::run("nft delete element inet viaduct engine_bridges '{ \"docker0\" }'");
  EXPECT_TRUE(firewall_->ensure().value());
  EXPECT_EQ(elements("engine_bridges").size(), 2U);
  EXPECT_FALSE(firewall_->ensure().value());
  netns::run("ip link del br-0123456789ab");
  EXPECT_TRUE(firewall_->ensure().value());
  EXPECT_EQ(elements("engine_bridges"), nlohmann::json::array({"docker0"}));
  EXPECT_FALSE(firewall_->ensure().value());
}

TEST_F(NftState, AcceptRules_ComeOnceAtTheEndAndGoWithTheLastNetwork) {
  netns::run("iptables-nft -P FORWARD DROP; iptables-nft -A FORWARD -i eth9 -j ACCEPT");
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  ASSERT_TRUE(firewall_->add(rules("vd-b", "10.2.0.0/24")).ok());
  EXPECT_EQ(netns::run("iptables-nft -S FORWARD"),
            "-P FORWARD DROP\n-A FORWARD -i eth9 -j ACCEPT\n"
            "-A FORWARD -i vd-+ -m comment --comment viaduct -j ACCEPT\n"
            "-A FORWARD -o vd-+ -m comment --comment viaduct -j ACCEPT\n");
  EXPECT_EQ(netns::shell("nft list table ip6 filter").status, 1) << "no table is made for the sake of a rule";
  ASSERT_TRUE(firewall_->replace_all({}).ok());
  EXPECT_EQ(netns::run("iptables-nft -S FORWARD"), "-P FORWARD DROP\n-A FORWARD -i eth9 -j ACCEPT\n");
}

TEST_F(NftState, AcceptRules_SurviveIptablesSaveAndRestoreWithoutDoubling) {
  netns::run("iptables-nft -P FORWARD DROP");
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  netns::run("iptables-nft-save > /dev/null && iptables-nft-save | iptables-nft-restore");
  EXPECT_FALSE(firewall_->ensure().value());
  EXPECT_EQ(count(netns::run("iptables-nft -S FORWARD"), "vd-+"), 2U);
  ASSERT_TRUE(firewall_->remove("vd-a").ok());
  EXPECT_EQ(netns::run("iptables-nft -S FORWARD"), "-P FORWARD DROP\n");
}

TEST_F(NftState, AcceptRules_OfABridgeNamedByTheUser_BearItsName) {
  netns::run("iptables-nft -P FORWARD DROP");
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  ASSERT_TRUE(firewall_->add(rules("mybr", "10.2.0.0/24")).ok());
  EXPECT_EQ(count(netns::run("iptables-nft -S FORWARD"), "mybr"), 2U);
  ASSERT_TRUE(firewall_->remove("mybr").ok());
  EXPECT_EQ(count(netns::run("iptables-nft -S FORWARD"), "mybr"), 0U);
  EXPECT_EQ(count(netns::run("iptables-nft -S FORWARD"), "vd-+"), 2U);
}

// What judges beside viaduct what the host forwards, as "family table chain: refuses|passes[, lets pass][, jumps]".
class OthersChains : public NftState {
 protected:
  std::vector<std::string> chains() {
    std::vector<std::string> all;
    const auto found = firewall_->forward_chains().value();
    for (const ForwardChain& one : found)
      all.push_back(one.family + " " + one.table + " " + one.name + (one.refuses ? ": refuses" : ": passes") +
                    (one.lets_pass ? ", lets pass" : "") + (one.jumps ? ", jumps" : ""));
    return all;
  }
  using Strings = std::vector<std::string>;
};

TEST_F(OthersChains, OfTheEngine_RefusesByItsPolicyAndLetsViaductPass) {
  EXPECT_EQ(chains(), Strings());
  netns::run(
      "iptables-nft -N DOCKER-USER; iptables-nft -A FORWARD -j DOCKER-USER; iptables-nft -P FORWARD DROP");
  EXPECT_EQ(chains(), Strings{"ip filter FORWARD: refuses, jumps"}) << "there is no network yet";
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  EXPECT_EQ(chains(), Strings{"ip filter FORWARD: refuses, lets pass, jumps"});
  netns::run("iptables-nft -I FORWARD 2 -j REJECT");
  EXPECT_EQ(chains(), Strings{"ip filter FORWARD: refuses, jumps"}) << "before viaduct's rules";
}

TEST_F(OthersChains, OfAnAdministrator_AreToldWithWhatTheirRulesSay) {
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  ASSERT_TRUE(firewall_->add(rules("mybr", "10.2.0.0/24")).ok());
  netns::run(
      "nft add table inet own; nft add chain inet own forward "
      "'{ type filter hook forward priority 10; policy drop; }'; "
      "nft add rule inet own forward ct state established,related accept");
  EXPECT_EQ(chains(), Strings{"inet own forward: refuses"});
  netns::run(
      "nft add rule inet own forward iifname '\"vd-*\"' accept; "
      "nft add rule inet own forward oifname '\"vd-*\"' counter accept");
  EXPECT_EQ(chains(), Strings{"inet own forward: refuses"}) << "the other bridge is called mybr";
  netns::run(
      "nft add rule inet own forward iifname mybr accept; nft add rule inet own forward oifname mybr accept");
  EXPECT_EQ(chains(), Strings{"inet own forward: refuses, lets pass"});
  netns::run("nft insert rule inet own forward counter reject");
  EXPECT_EQ(chains(), Strings{"inet own forward: refuses"}) << "nothing gets to the rules after it";
  netns::run("nft insert rule inet own forward accept");
  EXPECT_EQ(chains(), Strings{"inet own forward: passes, lets pass"});
  netns::run(
      "nft flush chain inet own forward; nft add rule inet own forward iifname eth9 drop; "
      "nft 'add chain inet own forward { policy accept; }'");
  EXPECT_EQ(chains(), Strings{"inet own forward: passes"}) << "drops some, and no more";
}

class Keeper : public NftState {
 protected:
  void SetUp() override {
    NftState::SetUp();
    ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
    auto started = FirewallKeeper::start(*firewall_, log_);
    ASSERT_TRUE(started.ok());
    keeper_ = std::move(started).value();
  }
  UniqueFd null_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Logger log_{null_.get(), LogLevel::kInfo, LogFormat::kText};
  std::unique_ptr<FirewallKeeper> keeper_;
};

TEST_F(Keeper, FlushedRuleset_IsRestoredWithinASecond) {
  for (int round = 0; round < 3; ++round) {
    netns::run("nft flush ruleset");
    EXPECT_TRUE(netns::eventually(milliseconds(1000), [] {
      return netns::shell("nft list set inet viaduct bridges | grep -q vd-a").status == 0;
    })) << round;
  }
}

TEST_F(Keeper, EngineThatComesLater_GetsItsAcceptRules) {
  netns::run("iptables-nft -P FORWARD DROP");
  EXPECT_TRUE(netns::eventually(
      milliseconds(1000), [] { return count(netns::shell("iptables-nft -S FORWARD").text, "vd-+") == 2; }));
}

TEST_F(Keeper, Stop_TakesNoTime) {
  auto start = std::chrono::steady_clock::now();
  keeper_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(300));
}

// Remembers what each ensure() of the firewall behind it found to do.
class WatchedFirewall final : public Firewall {
 public:
  explicit WatchedFirewall(Firewall& inner) : inner_(inner) {}
  Status replace_all(const RuleSet& rules) override { return inner_.replace_all(rules); }
  Status add(const NetworkRules& network) override { return inner_.add(network); }
  Status remove(const std::string& bridge) override { return inner_.remove(bridge); }
  Result<std::vector<std::string>> inspect() override { return inner_.inspect(); }
  Result<std::vector<ForwardChain>> forward_chains() override { return inner_.forward_chains(); }
  Status set_endpoint(const std::string& id, const EndpointRules& rules) override {
    return inner_.set_endpoint(id, rules);
  }
  Status forget_flows(const IpAddress& container) override { return inner_.forget_flows(container); }
  Status forget_flows_to(Protocol protocol, const IpAddress& host, uint16_t port) override {
    return inner_.forget_flows_to(protocol, host, port);
  }
  Result<bool> ensure() override {
    auto restored = inner_.ensure();
    found_.lock()->push_back(!restored.ok() ? "failed" : restored.value() ? "restored" : "intact");
    return restored;
  }
  // Whether, after what was restored, the latest look found nothing to do.
  bool settled_after_restoring() {
    const auto found = *found_.lock();
    return std::find(found.begin(), found.end(), "restored") != found.end() && found.back() == "intact";
  }

 private:
  Firewall& inner_;
  Guarded<std::vector<std::string>> found_;
};

TEST_F(NftState, KeeperBesideTheEnginesBridges_ComesToRestAfterRestoring) {
  netns::run("ip link add docker0 type bridge");
  ASSERT_TRUE(firewall_->add(rules("vd-a", "10.1.0.0/24")).ok());
  WatchedFirewall watched(*firewall_);
  Logger log(::open("/dev/null", O_WRONLY | O_CLOEXEC), LogLevel::kError, LogFormat::kText);
  const auto keeper = FirewallKeeper::start(watched, log);
  ASSERT_TRUE(keeper.ok());
  netns::run("nft flush ruleset");
  // What the keeper writes is an event to itself: a look that never finds the table intact never ends.
  EXPECT_TRUE(netns::eventually(milliseconds(5000), [&] { return watched.settled_after_restoring(); }));
}

TEST_F(NftState, Keeper_TriesAgainAfterAFailureWithoutWaitingForAnEvent) {
  FakeFirewall firewall;
  ASSERT_TRUE(firewall.add(rules("vd-a", "10.1.0.0/24")).ok());
  firewall.flush();
  firewall.gate().fail_at(1);
  Logger log(::open("/dev/null", O_WRONLY | O_CLOEXEC), LogLevel::kError, LogFormat::kText);
  const auto keeper = FirewallKeeper::start(firewall, log);
  ASSERT_TRUE(keeper.ok());
  EXPECT_TRUE(netns::eventually(milliseconds(5000), [&] { return firewall.in_force().size() == 1; }));
  EXPECT_TRUE(firewall.gate().fired());
}

}  // namespace
}  // namespace viaduct::net
