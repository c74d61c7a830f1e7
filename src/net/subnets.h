#pragma once

#include <optional>
#include <vector>

#include "net/network_types.h"

// What a request for a network says about addresses. The family is that of the prefix, not of the list it
// stands in: Swarm puts IPv6 pools into the IPv4 list (trap T27).
namespace viaduct::net {

struct Subnet {
  std::string space;
  Prefix prefix;
  std::optional<IpAddress> gateway;
};

// In the request's order, IPv4 list first; without 0.0.0.0/0 and ::/0, by which the null IPAM says "none".
// Precondition: check_subnets() agreed.
std::vector<Subnet> subnets_of(const CreateNetworkRequest& request);

// Errors: kInvalidArgument: two subnets of the network overlap, or a gateway lies outside its subnet.
Status check_subnets(const CreateNetworkRequest& request);

// Of a network of Swarm's. Errors: kUnsupported: it has more than one subnet, of which Swarm gives each task an address of one at
// random, and lets its node invent that of the other (trap T28).
Status check_cluster_subnets(const CreateNetworkRequest& request);

// The subnet that contains the address; null if none does.
const Subnet* subnet_of(const std::vector<Subnet>& subnets, const IpAddress& address);

}  // namespace viaduct::net
