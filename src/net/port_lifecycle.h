#pragma once

#include <string>

#include "net/service_core.h"

namespace viaduct::net {

// ProgramExternalConnectivity and RevokeExternalConnectivity: published ports, while an endpoint is its container's way to the
// outside. The promises stand in network_service.h.
class PortLifecycle {
 public:
  explicit PortLifecycle(ServiceCore& core) : core_(core) {}

  Status program(const ExternalConnectivityRequest& request, Deadline deadline);
  Status revoke(const std::string& network_id, const std::string& endpoint_id, Deadline deadline);

 private:
  Status forget_datagrams(const EndpointRecord& endpoint);

  ServiceCore& core_;
};

}  // namespace viaduct::net
