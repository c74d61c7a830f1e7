#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/firewall.h"

// The text of viaduct's nftables table (docs/firewall.md). Pure.
namespace viaduct::net {

// The elements of each set and map of the table, as nft writes them: "10.0.0.0/24", "key : value".
struct TableSets {
  // Of the networks.
  std::set<std::string> bridges;
  std::set<std::string> further;
  std::set<std::string> internal;
  std::set<std::string> apart;
  std::set<std::string> quiet;
  std::set<std::string> icc_pairs;
  std::set<std::string> trusted;
  std::set<std::string> routed4;
  std::set<std::string> routed6;
  std::set<std::string> unprotected4;
  std::set<std::string> unprotected6;
  std::set<std::string> subnets4;
  std::set<std::string> subnets6;
  std::set<std::string> masquerade4;
  std::set<std::string> masquerade6;
  std::set<std::string> sources4;
  std::set<std::string> sources6;
  std::set<std::string> engine_bridges;
  // Of the endpoints.
  std::set<std::string> open4;
  std::set<std::string> open6;
  std::set<std::string> ports4;
  std::set<std::string> ports6;
  std::set<std::string> any4;
  std::set<std::string> any6;
  // Of the endpoints that may send as themselves only; in a table of the bridge family, which is there when one has such rules.
  std::set<std::string> guarded;
  std::set<std::string> guard_macs;
  std::set<std::string> guard4;
  std::set<std::string> guard6;
  std::set<std::string> guard_targets;
  bool operator==(const TableSets&) const = default;
};

// The elements of the table's set or map of that name; null if the table has none of that name.
std::set<std::string>* elements_of_set(TableSets& sets, std::string_view name);
std::vector<std::string> names_of_sets();
// Whether the n-th part (from 0) of an element of that set is the name of a link.
bool is_link_name(std::string_view set, size_t part);

// How many rules each chain holds, whatever the number of networks.
std::map<std::string, size_t> rule_counts(const TableSets& sets);

// Whether the rules can be written down. Errors: kInvalidArgument: the bridge's name, a masquerade prefix of
// length 0.
Status check_rules(const NetworkRules& network);
// Errors: kInvalidArgument: an address of another family, a port or protocol that is none.
Status check_rules(const EndpointRules& endpoint);

// A masquerade prefix that lies within another one (of another network) is left out: an interval set takes
// each address once. `engine_bridges`: names of the engine's own bridges on this host.
TableSets sets_of(const RulesByBridge& networks, const std::set<std::string>& engine_bridges = {});
// Adds the elements of one endpoint.
void add_elements(TableSets& sets, const EndpointRules& endpoint);
TableSets sets_of(const RuleSet& rules, const std::set<std::string>& engine_bridges);

// Whether a bridge of that name is the engine's: docker0, docker_gwbridge, or "br-" and 12 hex digits (moby:
// daemon/libnetwork/drivers/bridge). An uplink that somebody called br-lan or br-data is none.
bool is_engine_bridge(std::string_view name);

// Whether there is a table of the bridge family now. A kernel without nf_tables for bridges knows none, and no command for one.
enum class GuardTable { kAbsent, kPresent };

// Commands of one transaction that leave exactly these tables, whatever was there.
std::string whole_table(const TableSets& sets, GuardTable guard = GuardTable::kAbsent);
// Commands that leave no table.
std::string no_table(GuardTable guard = GuardTable::kAbsent);
// Commands that turn the table of `from` into the one of `to`; empty if they are equal.
std::string difference(const TableSets& from, const TableSets& to);

// What the engine's FORWARD chain needs accept rules for, as nft writes it: both ways for "vd-*" and for each bridge that the
// user named otherwise; within it for a bridge of the host's own (Reach::kOthers). Empty without networks.
std::set<std::string> accept_matches(const RulesByBridge& networks);
// The match of one such rule; a side that is not asked is empty.
std::string accept_match(const std::string& in, const std::string& out);

}  // namespace viaduct::net
