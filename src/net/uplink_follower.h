#pragma once

#include <string>
#include <vector>

#include "net/service_core.h"

namespace viaduct::net {

// Networks without `mtu=` have the MTU of the host's uplink, also when that changes. What changes at once is the record, and
// so the links of every endpoint to come, and the bridge, which never has a larger MTU than an endpoint in service: it is
// the bridge that says "fragmentation needed". The links of endpoints in service keep theirs: the container's end cannot be
// changed from outside its sandbox, and a host end that is smaller than it would drop its packets without a word
// (is_skb_forwardable() in net/core/dev.c).
class UplinkFollower {
 public:
  explicit UplinkFollower(ServiceCore& core) : core_(core) {}

  // One sentence for each network that changed or could not be changed. Errors: the kernel does not say what its links are.
  Result<std::vector<std::string>> run(Deadline deadline);

 private:
  bool is_due(const NetworkRecord& network, int uplink_mtu, const std::vector<Link>& links) const;
  Result<std::vector<std::string>> follow(const std::string& id, int uplink_mtu, Deadline deadline);

  ServiceCore& core_;
};

}  // namespace viaduct::net
