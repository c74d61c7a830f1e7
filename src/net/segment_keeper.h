#pragma once

#include <string>
#include <vector>

#include "net/service_core.h"

namespace viaduct::net {

// The segments under networks that stand on one (segment.h): finding the uplink of a new one, and healing them when a parent comes
// back. Any thread.
class SegmentKeeper {
 public:
  explicit SegmentKeeper(ServiceCore& core) : core_(core) {}

  // Puts the uplink that the request asks for into the context, and the bridge that its segment has already; nothing for kinds
  // that stand on none. Errors: as find_uplink(); kConflict: the uplink has addresses of the host's, or the bridge is another
  // network's own.
  Status survey(const CreateNetworkRequest& request, const Driver& driver, PlanContext& context);
  // Errors: kConflict: a network of the same segment wants other rules of the packet filter for the bridge that they share.
  Status agree(const NetworkRecord& draft) const;

  // Puts those segments right whose parent is there and whose uplink is not as it should be. One sentence for what was done or
  // could not be done. Errors: the kernel does not say what its links are.
  Result<std::vector<std::string>> heal(Deadline deadline);

 private:
  [[nodiscard]] bool is_due(const NetworkRecord& network, const std::vector<Link>& links) const;

  ServiceCore& core_;
};

}  // namespace viaduct::net
