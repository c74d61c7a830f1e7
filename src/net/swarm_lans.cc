#include "net/swarm_lans.h"

#include <utility>

#include "net/segment.h"
#include "net/subnets.h"

namespace viaduct::net {

Lane lane_of(const Segment& segment) {
  return {true, segment.vlan, segment.protocol};
}

bool SwarmLans::note(const CreateNetworkRequest& request) {
  const auto driver = driver_for(request.options);
  const auto wish =
      driver.ok() ? driver.value()->wanted_parent(request) : Result<std::optional<ParentWish>>(std::nullopt);
  const std::lock_guard guard(mutex_);
  lans_.erase(request.id);
  if (!wish.ok() || !wish.value()) return false;
  Lan lan{*wish.value(), {}};
  for (const Subnet& subnet : subnets_of(request)) lan.subnets.push_back(subnet.prefix);
  lans_.emplace(request.id, std::move(lan));
  return true;
}

void SwarmLans::forget(const std::string& network) {
  const std::lock_guard guard(mutex_);
  lans_.erase(network);
}

bool SwarmLans::empty() const {
  const std::lock_guard guard(mutex_);
  return lans_.empty();
}

std::vector<LanSubnet> SwarmLans::ways(const std::vector<Link>& links, const std::string& instance) const {
  const std::lock_guard guard(mutex_);
  std::vector<LanSubnet> all;
  for (const auto& [id, lan] : lans_) {
    const auto uplink = find_uplink(lan.wish, links, instance);
    if (!uplink.ok()) continue;
    const Segment& segment = uplink.value().segment;
    const bool is_bridge = uplink.value().is_bridge;  // of somebody's
    const std::string& link = is_bridge ? uplink.value().parent.name : segment.parent;
    for (const Prefix& subnet : lan.subnets)
      all.push_back({subnet, link, is_bridge ? Lane{} : lane_of(segment)});
  }
  return all;
}

}  // namespace viaduct::net
