#include "net/nft_ruleset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/nft_listing.h"

namespace viaduct::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

RulesByBridge one(const std::string& bridge, Reach reach, InterContainer icc,
                  std::vector<Prefix> masquerade) {
  return {{bridge, {bridge, reach, icc, std::move(masquerade)}}};
}

TEST(NftRuleset, NetworkOfEachSort_LandsInItsSets) {
  TableSets open = sets_of(one("vd-a", Reach::kOutside, InterContainer::kAllowed,
                               {prefix("10.0.0.0/24"), prefix("fd00::/64"), prefix("10.9.9.9/32")}));
  EXPECT_THAT(open.bridges, ElementsAre("\"vd-a\""));
  EXPECT_THAT(open.icc_pairs, ElementsAre("\"vd-a\" . \"vd-a\""));
  EXPECT_THAT(open.internal, IsEmpty());
  EXPECT_THAT(open.masquerade4, ElementsAre("10.0.0.0/24", "10.9.9.9"));
  EXPECT_THAT(open.masquerade6, ElementsAre("fd00::/64"));
  TableSets closed = sets_of(one("vd-a", Reach::kInternal, InterContainer::kDenied, {prefix("10.0.0.0/24")}));
  EXPECT_THAT(closed.internal, ElementsAre("\"vd-a\""));
  EXPECT_THAT(closed.icc_pairs, IsEmpty());
  EXPECT_THAT(closed.masquerade4, IsEmpty());
}

TEST(NftRuleset, NestedPrefixes_LeaveTheWidest) {
  TableSets sets = sets_of(one("vd-a", Reach::kOutside, InterContainer::kAllowed,
                               {prefix("10.0.1.0/24"), prefix("10.0.0.0/16"), prefix("10.1.0.0/16")}));
  EXPECT_THAT(sets.masquerade4, ElementsAre("10.0.0.0/16", "10.1.0.0/16"));
}

TEST(NftRuleset, Difference_IsDeletionsThenAdditionsAndNothingForEqualSets) {
  TableSets from = sets_of(one("vd-a", Reach::kOutside, InterContainer::kDenied, {prefix("10.0.1.0/24")}));
  TableSets to = sets_of(one("vd-b", Reach::kOutside, InterContainer::kDenied, {prefix("10.0.1.0/24")}));
  EXPECT_EQ(
      difference(from, to),
      "delete element inet viaduct bridges { \"vd-a\" }\nadd element inet viaduct bridges { \"vd-b\" }\n");
  EXPECT_EQ(difference(from, from), "");
}

TEST(NftRuleset, NumberOfRules_DoesNotGrowWithNetworks) {
  RulesByBridge many;
  for (int i = 0; i < 50; ++i) {
    std::string name = "vd-" + std::to_string(i);
    many[name] = {name, Reach::kOutside, InterContainer::kAllowed, {}};
  }
  std::string text = whole_table(sets_of(many));
  EXPECT_EQ(text.find("vd-"), text.find("vd-", text.find("}\n}\n"))) << "names stand in sets only";
  EXPECT_THAT(accept_matches(many), ElementsAre("iifname \"vd-*\"", "oifname \"vd-*\""));
  EXPECT_THAT(accept_matches({}), IsEmpty());
}

TEST(NftRuleset, ABridgeOfTheHostsOwn_IsLetPassWithinAndNothingElse) {
  const RulesByBridge rules = {{"br0", {"br0", Reach::kOthers}}};
  TableSets nothing;
  EXPECT_EQ(sets_of(rules), nothing);
  EXPECT_THAT(accept_matches(rules), ElementsAre("iifname \"br0\" oifname \"br0\""));
}

TEST(NftRuleset, WhereTheHostIsNoParty_NothingOfItIsReached) {
  NetworkRules network{"vd-eth1", Reach::kBridged};
  network.uplinks = {"eth1"};
  TableSets sets = sets_of(RulesByBridge{{"vd-eth1", network}});
  EXPECT_THAT(sets.apart, ElementsAre("\"vd-eth1\""));
  EXPECT_THAT(sets.quiet, ElementsAre("\"eth1\"", "\"vd-eth1\""));
  EXPECT_THAT(sets.internal, ElementsAre("\"vd-eth1\""));
  EXPECT_THAT(sets.icc_pairs, ElementsAre("\"vd-eth1\" . \"vd-eth1\""));
  network.reach = Reach::kInternal;
  sets = sets_of(RulesByBridge{{"vd-eth1", network}});
  EXPECT_THAT(sets.apart, IsEmpty());
  EXPECT_THAT(sets.quiet, ElementsAre("\"eth1\"")) << "the host speaks by its address on the bridge";
}

TEST(NftListing, DamagedOrForeignText_IsNotIntact) {
  for (const char* text :
       {"", "{", "[]", "{\"nftables\": 3}", "{\"nftables\": [1, {\"set\": {\"name\": 3}}]}"}) {
    EXPECT_FALSE(differences_of({text}, TableSets{}).empty()) << text;
    EXPECT_THAT(accept_rule_changes("ip", text, {accept_match("vd-*", "")}),
                HasSubstr("add rule ip filter FORWARD iifname \"vd-*\""));
  }
}

TEST(NftListing, ARuleWithBothSides_IsKnownAgain) {
  const char* listing = R"({"nftables": [
    {"rule": {"handle": 7, "comment": "viaduct",
              "expr": [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "br0"}},
                       {"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": "br0"}},
                       {"counter": {"packets": 0, "bytes": 0}}, {"accept": null}]}}]})";
  EXPECT_EQ(accept_rule_changes("ip", listing, {accept_match("br0", "br0")}), "");
  EXPECT_EQ(accept_rule_changes("ip", listing, {}), "delete rule ip filter FORWARD handle 7\n");
}

TEST(NftListing, RulesOfOthers_AreNeverDeleted) {
  const char* listing = R"({"nftables": [
    {"rule": {"handle": 1, "expr": [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "br0"}},
                                    {"xt": {"type": "match", "name": "comment"}}, {"accept": null}]}},
    {"rule": {"handle": 2, "expr": [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "vd-*"}},
                                    {"accept": null}]}},
    {"rule": {"handle": 3, "comment": "viaduct",
              "expr": [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "vd-*"}}, {"drop": null}]}},
    {"rule": {"handle": 4, "comment": "viaduct",
              "expr": [{"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": "vd-*"}},
                       {"counter": {"packets": 0, "bytes": 0}}, {"accept": null}]}}]})";
  EXPECT_EQ(accept_rule_changes("ip", listing, {}), "delete rule ip filter FORWARD handle 4\n");
  std::string kept = accept_rule_changes("ip", listing, {accept_match("vd-*", ""), accept_match("", "vd-*")});
  EXPECT_EQ(kept, "add rule ip filter FORWARD iifname \"vd-*\" counter accept comment \"viaduct\"\n");
}

}  // namespace
}  // namespace viaduct::net
