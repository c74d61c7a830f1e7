#pragma once

#include <linux/rtnetlink.h>

#include <optional>
#include <string>

#include "net/link_types.h"
#include "net/netlink_message.h"

namespace viaduct::net {

class NetlinkPool;

// What messages about links have in common.

enum class AdminState { kUnchanged, kUp, kDown };

ifinfomsg link_header(int index, AdminState state);

// An index of a link, as attributes have it.
uint32_t as_u32(int value);

// What the kernel ignores at creation (rtnl_newlink_create() in net/core/rtnetlink.c).
struct Completion {
  std::string name;
  std::string alias;            // empty: as it is
  std::optional<int> mtu = {};  // empty: as it is
  std::optional<PortIsolation> isolation = {};
  bool route_loopback = false;
  bool own_addresses_only = false;
  bool arp = true;
  int master = 0;  // 0: as it is
};

// Sets the rest of a link that was just made, and sets it up: last, so that a port is never up before its isolation is set.
Status complete(NetlinkPool& pool, const Completion& rest, const std::string& attempt);

}  // namespace viaduct::net
