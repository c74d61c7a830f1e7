#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/firewall.h"

// The text of viaduct's nftables table (docs/firewall.md). Pure.
namespace viaduct::net {

// In the order of iteration of the text; by name of the bridge.
using RulesByBridge = std::map<std::string, NetworkRules>;

// The elements of each set of the table that follows the networks, as nft writes them.
struct TableSets {
  std::set<std::string> bridges;
  std::set<std::string> internal;
  std::set<std::string> icc_pairs;
  std::set<std::string> masquerade4;
  std::set<std::string> masquerade6;
  std::set<std::string> engine_bridges;
  bool operator==(const TableSets&) const = default;
};

// The elements of the table's set of that name; null if the table has none of that name.
std::set<std::string>* elements_of_set(TableSets& sets, std::string_view name);

// Rules a chain of the table holds, whatever the number of networks.
size_t forward_rule_count();
size_t postrouting_rule_count();

// Whether the rules can be written down. Errors: kInvalidArgument: the bridge's name, a masquerade prefix of
// length 0.
Status check_rules(const NetworkRules& network);

// A masquerade prefix that lies within another one (of another network) is left out: an interval set takes
// each address once. `engine_bridges`: names of the engine's own bridges on this host.
TableSets sets_of(const RulesByBridge& networks, const std::set<std::string>& engine_bridges = {});

// Whether a bridge of that name is the engine's: docker0, docker_gwbridge, or "br-" and 12 hex digits (moby:
// daemon/libnetwork/drivers/bridge). An uplink that somebody called br-lan or br-data is none.
bool is_engine_bridge(std::string_view name);

// Commands of one transaction that leave exactly this table, whatever was there.
std::string whole_table(const TableSets& sets);
// Commands that leave no table.
std::string no_table();
// Commands that turn the table of `from` into the one of `to`; empty if they are equal.
std::string difference(const TableSets& from, const TableSets& to);

// Interface patterns for which the engine's FORWARD chain needs accept rules: "vd-*", and each bridge that
// the user named otherwise. Empty without networks.
std::set<std::string> accept_patterns(const RulesByBridge& networks);

}  // namespace viaduct::net
