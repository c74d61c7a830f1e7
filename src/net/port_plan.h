#pragma once

#include <vector>

#include "base/result.h"
#include "net/network_types.h"
#include "net/options.h"
#include "net/records.h"

namespace viaduct::net {

// A container's port that the host is to publish: at one address, or at several under one number, so that a client need not care
// which of them a name leads to.
struct PortWish {
  struct Way {
    IpAddress host;  // unspecified for all of the family
    IpAddress container;
  };
  Protocol protocol = Protocol::kTcp;
  uint16_t port = 0;
  uint16_t low = 0;  // of the host; 0 for any of its automatic ones
  uint16_t high = 0;
  std::vector<Way> ways;
};

struct PortPlan {
  std::vector<PortWish> wishes;     // exact ports before ranges, and those before any
  std::vector<PublishedPort> open;  // of routed families: on the container's own address, nothing to choose
};

// What an endpoint's list of ports asks for, as the engine's bridge driver reads such a list
// (daemon/libnetwork/drivers/bridge/port_mapping_linux.go): one without host address is published at all addresses of the families
// that the container has, or at `host_binding_ipv4` alone; entries that differ in nothing but the host address get one number.
// Pure. Errors: kInvalidArgument: a protocol without ports, port 0, an address that is none, a range that is none, or an address
// of a family that the container does not have.
Result<PortPlan> plan_ports(const NetworkOptions& options, const EndpointRecord& endpoint,
                            const std::vector<PortBinding>& bindings);

}  // namespace viaduct::net
