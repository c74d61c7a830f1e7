#pragma once

#include <set>
#include <string>

#include "net/service_core.h"

namespace viaduct::net {

// Which bridge of its network an endpoint is a port of (spread.h), and the making and taking away of further ones. Any thread;
// the caller holds the network's lock.
class BridgeSpread {
 public:
  explicit BridgeSpread(ServiceCore& core) : core_(core) {}

  // Makes the endpoint's links on the bridge with the most room, and writes names, boot and bridge into the records. Where none
  // has room, the kernel's word for it included, a further bridge is made first, and stands in `network` on return: the caller
  // commits it. After failure nothing is left that was not there before, in the records neither. Errors: as
  // ServiceCore::make_links().
  Status make_links(NetworkRecord& network, EndpointRecord& endpoint);
  // Undoes it: `before` is the network's record as it was, the other two were written by make_links().
  void undo(const NetworkRecord& before, NetworkRecord& network, const EndpointRecord& endpoint);

  // Takes further bridges away that nobody needs. Costs nothing where there are none; a failure leaves them for the next time.
  void tidy(const std::string& network_id);

 private:
  // Adds one to kernel, firewall and record. Returns its number.
  Result<int> add_bridge(NetworkRecord& network);
  // Takes bridges out of kernel, firewall and record.
  void remove_bridges(NetworkRecord& network, const std::set<int>& numbers);

  ServiceCore& core_;
};

}  // namespace viaduct::net
