#include "net/uplink_follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/rollback.h"
#include "net/object_id.h"
#include "net/spread.h"

namespace viaduct::net {

namespace {

std::optional<int> mtu_of(const std::string& name, const std::vector<Link>& links) {
  for (const Link& link : links)
    if (link.name == name) return link.mtu;
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::string>> UplinkFollower::run(Deadline deadline) {
  std::vector<std::string> said;
  const auto host_uplink = TRY(core_.kernel.uplink_mtu());
  const auto links = TRY(core_.kernel.links());
  for (const NetworkRecord& network : core_.table.networks()) {
    const auto uplink = network.segment ? mtu_of(network.segment->parent, links) : host_uplink;
    if (!uplink || !is_due(network, *uplink, links)) continue;
    auto followed = follow(network.request.id, *uplink, deadline);
    if (followed.ok())
      said.insert(said.end(), followed.value().begin(), followed.value().end());
    else
      said.push_back(fmt::format("network {} does not follow the uplink's MTU of {}: {}",
                                 short_id(network.request.id), *uplink, followed.error().message));
  }
  return said;
}

bool UplinkFollower::is_due(const NetworkRecord& network, int uplink_mtu,
                            const std::vector<Link>& links) const {
  const auto wanted = ServiceCore::driver_of(network).followed_mtu(network, uplink_mtu);
  if (!wanted) return false;
  if (*wanted != network.mtu) return true;
  // The MTU of a bridge with an uplink is the kernel's business.
  if (network.segment) return false;
  // An endpoint that held the bridge down may have gone.
  std::map<std::string, int> mtus;
  std::vector<int> bridges;
  const auto names = bridges_of(network);
  const std::string own = core_.plan(network).bridge.alias;
  for (const Link& link : links) {
    if (!link.in_service() || link.alias.empty()) continue;
    if (link.alias != own)
      mtus.emplace(link.alias, link.mtu);
    else if (std::find(names.begin(), names.end(), link.name) != names.end())
      bridges.push_back(link.mtu);
  }
  int bridge = *wanted;
  for (const EndpointRecord& endpoint : core_.table.endpoints_of(network.request.id)) {
    const auto end = mtus.find(core_.plan(network, endpoint).alias);
    if (end != mtus.end()) bridge = std::min(bridge, end->second);
  }
  return std::any_of(bridges.begin(), bridges.end(), [bridge](int mtu) { return mtu != bridge; });
}

Result<std::vector<std::string>> UplinkFollower::follow(const std::string& id, int uplink_mtu,
                                                        Deadline deadline) {
  const auto lock = TRY(core_.table.lock(id, deadline));
  auto network = core_.table.network(id);
  if (!network) return std::vector<std::string>();  // removed since the list was made
  const NetworkRecord before = *network;
  Rollback rollback;
  rollback.add([&] { static_cast<void>(core_.repair(before)); });
  network->mtu = ServiceCore::driver_of(*network).followed_mtu(*network, uplink_mtu).value_or(network->mtu);
  auto repair = TRY(core_.repair(*network));
  TRY(core_.store.commit({{}, {write_of(repair.network)}}));
  rollback.commit();
  core_.table.put(repair.network);
  return std::move(repair.repaired);
}

}  // namespace viaduct::net
