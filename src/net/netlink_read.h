#pragma once

#include <optional>

#include "net/link_types.h"

struct nlmsghdr;

// Kernel messages into values. Pure. Attributes that the kernel leaves out leave the member's default.
namespace viaduct::net {

// RTM_NEWLINK (linux/if_link.h).
Link link_from(const nlmsghdr* header);

// RTM_NEWADDR (linux/if_addr.h).
struct LinkAddress {
  int link = 0;  // index
  InterfaceAddress address;
};
std::optional<LinkAddress> address_from(const nlmsghdr* header);

// RTM_NEWROUTE (linux/rtnetlink.h) of the main table and type unicast; empty for the others.
struct Route {
  Prefix destination;
  int link = 0;  // index of the first way out, 0 if there is none
  uint32_t metric = 0;
  bool direct = false;  // without a gateway
};
std::optional<Route> route_from(const nlmsghdr* header);

// RTM_NEWNEIGH (linux/neighbour.h).
struct Neighbour {
  std::optional<Mac> mac;  // empty while it is not known
  bool fixed = false;      // set by hand, or needs no resolution: nothing that is heard changes it
};
Neighbour neighbour_from(const nlmsghdr* header);

// fe80::/10.
bool is_link_local(const IpAddress& address);

}  // namespace viaduct::net
