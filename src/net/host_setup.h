#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace viaduct::net {

// Where the host's settings are, elsewhere in tests. A managed plugin sees /proc/sys read-only; its config.json
// mounts the host's /proc/sys/net once more at `writable_net`, which nobody else has.
struct HostFiles {
  std::filesystem::path proc = "/proc";
  std::filesystem::path writable_net = "/host/proc/sys/net";
};

// Makes the host forward IPv6 (net.ipv6.conf.all.forwarding), as the engine does for its own bridges. A host that
// does no longer learns routes from router advertisements where accept_ra is 1; those links get 2 first, so that
// it keeps its own uplink. Nothing sets them back. IPv4 is left to the engine: it switches net.ipv4.ip_forward on
// at its start, and only then, finding it off, makes FORWARD drop what no rule accepts. For the start of the
// daemon, never on a call path. Returns one sentence for each thing that was changed, could not be changed or
// that an operator must know of; empty if all was well. `own` are names of viaduct's links, which believe no router: a
// container might be one.
std::vector<std::string> set_up_host(const HostFiles& host = {}, const std::set<std::string>& own = {});

}  // namespace viaduct::net
