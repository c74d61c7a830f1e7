#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace viaduct::net {

// Makes the host forward, as the engine does for its own bridges: net.ipv4.ip_forward and
// net.ipv6.conf.all.forwarding. A host that forwards IPv6 no longer learns routes from router advertisements
// where accept_ra is 1; those links get 2 first, so that it keeps its own uplink. For the start of the
// daemon, never on a call path. Returns one sentence for each thing that was changed, could not be changed (a
// managed plugin sees /proc/sys read-only) or that an operator must know of; empty if all was well. `proc` is
// /proc, elsewhere in tests.
std::vector<std::string> set_up_host(const std::filesystem::path& proc = "/proc");

}  // namespace viaduct::net
