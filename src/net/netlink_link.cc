#include "net/netlink_link.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <net/if.h>

#include <cerrno>

#include "net/netlink_socket.h"

namespace viaduct::net {

ifinfomsg link_header(int index, AdminState state) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = index;
  header.ifi_change = state == AdminState::kUnchanged ? 0 : IFF_UP;
  header.ifi_flags = state == AdminState::kUp ? IFF_UP : 0;
  return header;
}

uint32_t as_u32(int value) {
  return static_cast<uint32_t>(value);
}

namespace {

void put_port_settings(NetlinkMessage& message, PortIsolation isolation) {
  NetlinkMessage::Nest info(message, IFLA_LINKINFO);
  message.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
  NetlinkMessage::Nest port(message, IFLA_INFO_SLAVE_DATA);
  message.put_u8(IFLA_BRPORT_ISOLATED, isolation == PortIsolation::kOn ? 1 : 0);
}

enum class Ipv6Settings { kPut, kLeaveOut };

void put_family_settings(NetlinkMessage& message, const Completion& rest, Ipv6Settings ipv6_settings) {
  NetlinkMessage::Nest families(message, IFLA_AF_SPEC);
  if (rest.route_loopback || rest.own_addresses_only) {
    NetlinkMessage::Nest ipv4(message, AF_INET);
    NetlinkMessage::Nest settings(message, IFLA_INET_CONF);
    if (rest.route_loopback) message.put_u32(IPV4_DEVCONF_ROUTE_LOCALNET, 1);
    if (rest.own_addresses_only) message.put_u32(IPV4_DEVCONF_ARP_IGNORE, 1);
  }
  if (ipv6_settings == Ipv6Settings::kLeaveOut) return;
  NetlinkMessage::Nest ipv6(message, AF_INET6);
  message.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
}

NetlinkMessage completion(const Completion& rest) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  ifinfomsg header = link_header(0, AdminState::kUp);
  if (!rest.arp) header.ifi_flags |= IFF_NOARP;
  if (!rest.arp) header.ifi_change |= IFF_NOARP;
  message.put_header(header);
  message.put_string(IFLA_IFNAME, rest.name);
  if (rest.master != 0) message.put_u32(IFLA_MASTER, as_u32(rest.master));
  if (!rest.alias.empty()) message.put_string(IFLA_IFALIAS, rest.alias);
  if (rest.mtu) message.put_u32(IFLA_MTU, as_u32(*rest.mtu));
  if (rest.isolation) put_port_settings(message, *rest.isolation);
  return message;
}

}  // namespace

// Without a link-local address of its own, the host neither answers nor announces on an end that it does not use. A
// link that has no IPv6 makes none either, and refuses to be told (inet6_set_link_af() in net/ipv6/addrconf.c): below
// an MTU of 1280, and on a host that was booted without IPv6. It gets the rest in a message of its own.
Status complete(NetlinkPool& pool, const Completion& rest, const std::string& attempt) {
  NetlinkMessage all = completion(rest);
  put_family_settings(all, rest, Ipv6Settings::kPut);
  Status done = pool.exchange(all, attempt);
  if (done.ok() || done.error().sys_errno != EAFNOSUPPORT) return done;
  NetlinkMessage without_ipv6 = completion(rest);
  put_family_settings(without_ipv6, rest, Ipv6Settings::kLeaveOut);
  return pool.exchange(without_ipv6, attempt);
}

}  // namespace viaduct::net
