#pragma once

#include <string>
#include <vector>

#include "base/ip.h"

// Reads tables of /proc that `doctor` looks at, from their text. Pure; a line that cannot be read is passed over.
namespace viaduct::ctl {

struct HostRoute {
  Prefix destination;
  std::string link;
  bool operator==(const HostRoute&) const = default;
};

// Unicast routes in force of /proc/net/route and /proc/net/ipv6_route (net/ipv4/fib_trie.c, net/ipv6/route.c of the kernel). The host's
// own addresses, refusals and IPv6 link-local ones left out.
std::vector<HostRoute> read_ipv4_routes(const std::string& text);
std::vector<HostRoute> read_ipv6_routes(const std::string& text);

// The links of default routes, each once.
std::vector<std::string> uplinks_of(const std::vector<HostRoute>& routes);

// Of these sockets those that nobody listens at, by /proc/net/unix (unix_seq_show() in net/unix/af_unix.c).
std::vector<std::string> without_listener(const std::vector<std::string>& sockets, const std::string& text);

// Of these modules those that stand in none of the lists: /proc/modules, and modules.builtin and modules.dep of the running
// kernel. "-" and "_" are one letter to the kernel.
std::vector<std::string> without_module(const std::vector<std::string>& wanted, const std::string& loaded,
                                        const std::string& builtin, const std::string& loadable);

}  // namespace viaduct::ctl
