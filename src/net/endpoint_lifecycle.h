#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "net/bridge_spread.h"
#include "net/service_core.h"

namespace viaduct::net {

// CreateEndpoint, Join, Leave and DeleteEndpoint. The promises stand in network_service.h.
class EndpointLifecycle {
 public:
  explicit EndpointLifecycle(ServiceCore& core) : core_(core) {}

  Result<CreateEndpointReply> create(const CreateEndpointRequest& request, Deadline deadline);
  Status remove(const std::string& network_id, const std::string& endpoint_id, Deadline deadline);
  Status remove_unjoined(const Prefix& pool, const IpAddress& address, Deadline deadline);
  Result<uint64_t> sweep_unjoined(std::chrono::seconds grace, Deadline deadline);
  Result<uint64_t> forget_ended(Deadline deadline);
  Result<JoinReply> join(const JoinRequest& request, Deadline deadline);
  Status leave(const std::string& network_id, const std::string& endpoint_id, Deadline deadline);

 private:
  Result<CreateEndpointReply> repeat(const NetworkRecord& network, EndpointRecord known,
                                     const CreateEndpointRequest& request);
  Status erase_unjoined(const NetworkRecord& network, const EndpointRecord& endpoint);
  Status remove_locked(const NetworkRecord& network, const EndpointRecord& endpoint);
  // The engine has been told that the call failed, and will not delete what it does not know of.
  Error take_back(const NetworkRecord& network, const EndpointRecord& endpoint);
  // Endpoints that hold an address or MAC of `wanted` on paper only, or were left behind unjoined; none of their links is
  // in service any more. Errors: kConflict, one of them is alive.
  Result<std::vector<EndpointRecord>> stale_holders(const NetworkRecord& network,
                                                    const EndpointRecord& wanted, Deadline deadline);
  // Whether the holder's links are in service. Waits for those of the same container's last life to go, for a second.
  Result<bool> outlasts(const NetworkRecord& network, const EndpointRecord& holder,
                        const EndpointRecord& wanted, Deadline deadline);
  // Makes sure that the engine finds a peer to move. Returns whether links were made.
  Result<bool> ready_links(const NetworkRecord& network, EndpointRecord& endpoint,
                           const std::string& sandbox_key);

  ServiceCore& core_;
  BridgeSpread spread_{core_};
  // What the last sweep_unjoined saw, and the uptime at which it was seen first; by network and endpoint.
  std::map<std::pair<std::string, std::string>, std::chrono::seconds> unjoined_;
};

}  // namespace viaduct::net
