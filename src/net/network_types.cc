#include "net/network_types.h"

#include <fmt/format.h>

namespace viaduct::net {

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::kIcmp: return "icmp";
    case Protocol::kTcp: return "tcp";
    case Protocol::kUdp: return "udp";
    case Protocol::kSctp: return "sctp";
  }
  return "?";
}

std::string host_side(const PublishedPort& port) {
  const bool six = port.host.family() == Family::kIpv6;
  return fmt::format("{}{}{}:{}/{}", six ? "[" : "", port.host.to_string(), six ? "]" : "", port.host_port,
                     to_string(port.protocol));
}

}  // namespace viaduct::net
