#pragma once

#include <memory>

#include "base/ip.h"
#include "base/result.h"
#include "net/network_types.h"

namespace viaduct::net {

// A port of the host that nobody else gets as long as this exists.
class HeldPort {
 public:
  HeldPort() = default;
  HeldPort(const HeldPort&) = delete;
  HeldPort& operator=(const HeldPort&) = delete;
  virtual ~HeldPort() = default;
};

struct PortRange {
  uint16_t low = 0;
  uint16_t high = 0;  // included
};

// The seam to the host's ports, in the network namespace of the process. Any thread.
class HostPorts {
 public:
  virtual ~HostPorts() = default;

  // Takes a port on an address of the host, or on all of them with the unspecified one, so that no program of the host gets it and
  // none that has it is cut off. Precondition: TCP, UDP or SCTP; port is not 0. Errors: kConflict, somebody has it (who, is for
  // holder_of() to say); kNotFound, the address is none of this host's; kPermission; kUnavailable.
  virtual Result<std::unique_ptr<HeldPort>> hold(Protocol protocol, const IpAddress& host, uint16_t port) = 0;
  // Words for who has a port: "process nginx (pid 1234)"; empty if that cannot be seen, as from a namespace of processes of one's
  // own. Slow: for an error's sentence.
  virtual std::string holder_of(Protocol protocol, uint16_t port) = 0;
  // Where the host takes ports from for whoever does not care (net.ipv4.ip_local_port_range).
  virtual PortRange automatic() = 0;
};

}  // namespace viaduct::net
