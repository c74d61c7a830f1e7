#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace viaduct::net {

// Where the host's settings are, elsewhere in tests. A managed plugin sees /proc/sys read-only; its config.json
// mounts the host's /proc/sys/net once more at `writable_net`, which nobody else has.
struct HostFiles {
  std::filesystem::path proc = "/proc";
  std::filesystem::path writable_net = "/host/proc/sys/net";
};

// Makes the host forward, as the engine does for its own bridges: net.ipv4.ip_forward and
// net.ipv6.conf.all.forwarding. A host that forwards IPv6 no longer learns routes from router advertisements
// where accept_ra is 1; those links get 2 first, so that it keeps its own uplink. Nothing sets them back. For
// the start of the daemon, never on a call path. Returns one sentence for each thing that was changed, could
// not be changed or that an operator must know of; empty if all was well.
std::vector<std::string> set_up_host(const HostFiles& host = {});

}  // namespace viaduct::net
