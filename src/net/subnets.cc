#include "net/subnets.h"

#include <fmt/format.h>

#include "net/object_id.h"

namespace viaduct::net {

std::vector<Subnet> subnets_of(const CreateNetworkRequest& request) {
  std::vector<Subnet> subnets;
  for (const auto* list : {&request.ipv4, &request.ipv6}) {
    for (const IpamData& data : *list) {
      if (!data.pool || data.pool->length() == 0) continue;
      Subnet subnet{data.space, *data.pool, std::nullopt};
      if (data.gateway) subnet.gateway = data.gateway->address;
      subnets.push_back(std::move(subnet));
    }
  }
  return subnets;
}

Status check_subnets(const CreateNetworkRequest& request) {
  const auto subnets = subnets_of(request);
  for (size_t i = 0; i < subnets.size(); ++i) {
    const Subnet& subnet = subnets[i];
    if (subnet.gateway && !subnet.prefix.contains(*subnet.gateway))
      return invalid_argument(
          fmt::format("gateway {} of network {} lies outside its subnet {}; choose a gateway within",
                      subnet.gateway->to_string(), short_id(request.id), subnet.prefix.to_string()));
    for (size_t j = 0; j < i; ++j)
      if (subnet.prefix.overlaps(subnets[j].prefix))
        return invalid_argument(
            fmt::format("subnets {} and {} of network {} overlap; choose subnets that do not",
                        subnets[j].prefix.to_string(), subnet.prefix.to_string(), short_id(request.id)));
  }
  return {};
}

Status check_cluster_subnets(const CreateNetworkRequest& request) {
  const auto subnets = subnets_of(request);
  if (subnets.size() < 2) return {};
  return unsupported(fmt::format(
      "network {} has {} subnets ({}, {}{}), of which Swarm gives each task one at random, and the "
      "same address twice of the others; make it with one --subnet, and without --ipv6",
      short_id(request.id), subnets.size(), subnets[0].prefix.to_string(), subnets[1].prefix.to_string(),
      subnets.size() > 2 ? ", …" : ""));
}

const Subnet* subnet_of(const std::vector<Subnet>& subnets, const IpAddress& address) {
  for (const Subnet& subnet : subnets)
    if (subnet.prefix.contains(address)) return &subnet;
  return nullptr;
}

}  // namespace viaduct::net
