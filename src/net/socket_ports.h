#pragma once

#include "net/host_ports.h"

namespace viaduct::net {

// The HostPorts seam over sockets: a port is held by a socket that is bound to it and never listens, so that whoever binds it
// gets EADDRINUSE, and what is not translated is refused as on a closed port. SCTP where the kernel has no such sockets cannot be
// held; nobody can use it there either.
class SocketPorts final : public HostPorts {
 public:
  Result<std::unique_ptr<HeldPort>> hold(Protocol protocol, const IpAddress& host, uint16_t port) override;
  std::string holder_of(Protocol protocol, uint16_t port) override;
  PortRange automatic() override;
};

}  // namespace viaduct::net
