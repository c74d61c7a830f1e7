#pragma once

#include <set>
#include <string>
#include <vector>

#include "net/firewall.h"
#include "net/nft_ruleset.h"

// What nft lists (libnftables-json(5)), into values. Pure.
namespace viaduct::net {

// Where the listings of viaduct's tables, together, do not hold these sets, and each chain its number of rules: a sentence
// each.
std::vector<std::string> differences_of(const std::vector<std::string>& listings, const TableSets& wanted);

// Commands that make a FORWARD chain (of `family`, "ip" or "ip6") hold one accept rule per pattern and
// direction, given the listing of that chain: adds missing ones at the end, deletes stale and repeated ones.
// Empty if nothing is to do. A rule is viaduct's by its comment. iptables-nft-restore turns that into a match
// of its own, whose text nft does not tell; a commented accept rule for "vd-*" alone is therefore taken for
// viaduct's as well.
std::string accept_rule_changes(const std::string& family, const std::string& listing,
                                const std::set<std::string>& matches);

// The chains in a listing of all of them that see what is forwarded, in its order; viaduct's own left out, and those
// whose names nft would not take back.
std::vector<ForwardChain> forward_chains_in(const std::string& listing);
// What its listing says of one of them. `matches`: what must be accepted for viaduct's networks.
void judge(ForwardChain& chain, const std::string& listing, std::set<std::string> matches);

}  // namespace viaduct::net
