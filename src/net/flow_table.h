#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "net/network_types.h"

namespace viaduct::net {

// Takes the flows out of the connection tracking of this network namespace whose answers come from `container`: those that were
// translated to it, and those that it took at its own address. One message, whatever their number; the kernel walks over its
// table (ctnetlink_flush_conntrack() with CTA_FILTER in net/netfilter/nf_conntrack_netlink.c, from Linux 5.9 on; an older one
// ends nothing, which is no error: an endpoint must be removable there, too).
// Errors: kPermission, kUnavailable. Any thread.
Status end_flows_of(const IpAddress& container);
// Likewise those that somebody began towards this port of this address.
Status end_flows_to(Protocol protocol, const IpAddress& host, uint16_t port);

}  // namespace viaduct::net
