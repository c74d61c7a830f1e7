#pragma once

#include "net/service_core.h"
#include "net/subnets.h"

namespace viaduct::net {

// CreateNetwork and DeleteNetwork. The promises stand in network_service.h.
class NetworkLifecycle {
 public:
  explicit NetworkLifecycle(ServiceCore& core) : core_(core) {}

  Status create(const CreateNetworkRequest& request, Deadline deadline);
  Status remove(const std::string& id, Deadline deadline);
  Status remove_by_operator(const std::string& id, Deadline deadline);
  Result<bool> remove_abandoned(const Prefix& subnet, Deadline deadline);

 private:
  // The one network whose id begins so.
  Result<std::string> whole_id(const std::string& beginning) const;
  // A known network, asked for again with equal parameters.
  Status take_back(const NetworkRecord& network);
  Status make(const CreateNetworkRequest& request, const Driver& driver, PlanContext context,
              Deadline deadline);
  Status remove_locked(const NetworkRecord& network);
  // Removes networks that are in the way and of which the engine knows no more; refuses for the others.
  Status clear_the_way(const CreateNetworkRequest& request, Deadline deadline);
  // `wanted`: the subnets of the network that is in the making, whose pools it has claimed itself.
  bool is_leftover(const NetworkRecord& network, const std::vector<Subnet>& wanted);
  // An address of the host in the subnet would be cut off from its own link.
  Status refuse_subnets_of_host(const NetworkRecord& draft);
  // The bridge that the user named, if it is there and somebody else's. Errors: kConflict: it is another network's, or no
  // bridge.
  Result<std::optional<Link>> adopted_bridge(const CreateNetworkRequest& request, const Driver& driver,
                                             const PlanContext& context);

  ServiceCore& core_;
};

}  // namespace viaduct::net
