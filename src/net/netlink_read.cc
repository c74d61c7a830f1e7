#include "net/netlink_read.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace viaduct::net {

namespace {

// IFF_LOWER_UP of linux/if.h, which net/if.h does not get along with.
constexpr unsigned kLowerUp = 1U << 16U;

// Indexed by attribute type; null for absent ones.
template <size_t Max>
std::array<nlattr*, Max + 1> attributes_of(const nlmsghdr* header, size_t family_header) {
  std::array<nlattr*, Max + 1> table{};
  // Reads only; libnl 3.7 merely lacks the const.
  nlmsg_parse(const_cast<nlmsghdr*>(header), static_cast<int>(family_header), table.data(),
              static_cast<int>(Max), nullptr);
  return table;
}

std::optional<IpAddress> ip_from(const nlattr* attribute) {
  if (attribute == nullptr) return std::nullopt;
  size_t size = static_cast<size_t>(nla_len(attribute));
  if (size != 4 && size != 16) return std::nullopt;
  return IpAddress::from_bytes({static_cast<const uint8_t*>(nla_data(attribute)), size});
}

std::optional<Mac> mac_from(const nlattr* attribute) {
  std::array<uint8_t, 6> bytes{};
  if (attribute == nullptr || nla_len(attribute) != static_cast<int>(bytes.size())) return std::nullopt;
  std::memcpy(bytes.data(), nla_data(attribute), bytes.size());
  return Mac(bytes);
}

std::string kind_from(nlattr* linkinfo) {
  if (linkinfo == nullptr) return {};
  const nlattr* kind =
      nla_find(static_cast<const nlattr*>(nla_data(linkinfo)), nla_len(linkinfo), IFLA_INFO_KIND);
  return kind == nullptr ? std::string() : std::string(nla_get_string(kind));
}

// IFLA_INFO_SLAVE_DATA of a port of a bridge.
void read_port(nlattr* linkinfo, Link& link) {
  const auto* inner = static_cast<const nlattr*>(nla_data(linkinfo));
  const nlattr* kind = nla_find(inner, nla_len(linkinfo), IFLA_INFO_SLAVE_KIND);
  const nlattr* data = nla_find(inner, nla_len(linkinfo), IFLA_INFO_SLAVE_DATA);
  if (kind == nullptr || data == nullptr || std::strcmp(nla_get_string(kind), "bridge") != 0) return;
  const auto flag = [data](int attribute) {
    const nlattr* found = nla_find(static_cast<const nlattr*>(nla_data(data)), nla_len(data), attribute);
    return found != nullptr && nla_get_u8(found) != 0;
  };
  link.isolated = flag(IFLA_BRPORT_ISOLATED);
  link.hairpin = flag(IFLA_BRPORT_MODE);
}

// IFLA_INFO_DATA of kind "vlan".
void read_vlan(nlattr* linkinfo, Link& link) {
  const nlattr* data =
      nla_find(static_cast<const nlattr*>(nla_data(linkinfo)), nla_len(linkinfo), IFLA_INFO_DATA);
  if (data == nullptr) return;
  const auto* inner = static_cast<const nlattr*>(nla_data(data));
  if (const nlattr* id = nla_find(inner, nla_len(data), IFLA_VLAN_ID); id != nullptr)
    link.vlan = nla_get_u16(id);
  const nlattr* protocol = nla_find(inner, nla_len(data), IFLA_VLAN_PROTOCOL);
  if (protocol != nullptr && ntohs(nla_get_u16(protocol)) == static_cast<uint16_t>(TagProtocol::k8021ad))
    link.vlan_protocol = TagProtocol::k8021ad;
}

// The link of the first hop of RTA_MULTIPATH.
int first_hop(const nlattr* multipath) {
  if (multipath == nullptr || nla_len(multipath) < static_cast<int>(sizeof(rtnexthop))) return 0;
  rtnexthop hop{};
  std::memcpy(&hop, nla_data(multipath), sizeof(hop));
  return hop.rtnh_ifindex;
}

}  // namespace

Link link_from(const nlmsghdr* header) {
  const auto* info = static_cast<const ifinfomsg*>(nlmsg_data(header));
  auto table = attributes_of<IFLA_MAX>(header, sizeof(*info));
  Link link;
  link.index = info->ifi_index;
  link.up = (info->ifi_flags & IFF_UP) != 0;
  link.ethernet =
      info->ifi_type == ARPHRD_ETHER && (info->ifi_flags & (IFF_LOOPBACK | IFF_POINTOPOINT | IFF_NOARP)) == 0;
  link.carrier = (info->ifi_flags & kLowerUp) != 0;
  if (table[IFLA_IFNAME] != nullptr) link.name = nla_get_string(table[IFLA_IFNAME]);
  if (table[IFLA_IFALIAS] != nullptr) link.alias = nla_get_string(table[IFLA_IFALIAS]);
  if (table[IFLA_GROUP] != nullptr) link.group = nla_get_u32(table[IFLA_GROUP]);
  if (table[IFLA_MASTER] != nullptr) link.master = static_cast<int>(nla_get_u32(table[IFLA_MASTER]));
  if (table[IFLA_MTU] != nullptr) link.mtu = static_cast<int>(nla_get_u32(table[IFLA_MTU]));
  link.mac = mac_from(table[IFLA_ADDRESS]);
  // Where the one below is in another network namespace, its index says nothing here.
  if (table[IFLA_LINK] != nullptr && table[IFLA_LINK_NETNSID] == nullptr)
    link.lower = static_cast<int>(nla_get_u32(table[IFLA_LINK]));
  link.kind = kind_from(table[IFLA_LINKINFO]);
  if (table[IFLA_LINKINFO] != nullptr) read_port(table[IFLA_LINKINFO], link);
  if (link.kind == "vlan") read_vlan(table[IFLA_LINKINFO], link);
  return link;
}

std::optional<LinkAddress> address_from(const nlmsghdr* header) {
  const auto* info = static_cast<const ifaddrmsg*>(nlmsg_data(header));
  auto table = attributes_of<IFA_MAX>(header, sizeof(*info));
  // On a point-to-point link IFA_ADDRESS is the other side's.
  auto address = ip_from(table[IFA_LOCAL] != nullptr ? table[IFA_LOCAL] : table[IFA_ADDRESS]);
  if (!address) return std::nullopt;
  return LinkAddress{static_cast<int>(info->ifa_index), {*address, info->ifa_prefixlen}};
}

std::optional<Route> route_from(const nlmsghdr* header) {
  const auto* info = static_cast<const rtmsg*>(nlmsg_data(header));
  auto table = attributes_of<RTA_MAX>(header, sizeof(*info));
  uint32_t routes = table[RTA_TABLE] != nullptr ? nla_get_u32(table[RTA_TABLE]) : info->rtm_table;
  if (routes != RT_TABLE_MAIN || info->rtm_type != RTN_UNICAST) return std::nullopt;
  if (info->rtm_family != AF_INET && info->rtm_family != AF_INET6) return std::nullopt;
  Family family = info->rtm_family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  Route route;
  route.destination = Prefix(ip_from(table[RTA_DST]).value_or(IpAddress(family, 0)), info->rtm_dst_len);
  if (table[RTA_PRIORITY] != nullptr) route.metric = nla_get_u32(table[RTA_PRIORITY]);
  route.link = table[RTA_OIF] != nullptr ? static_cast<int>(nla_get_u32(table[RTA_OIF]))
                                         : first_hop(table[RTA_MULTIPATH]);
  route.direct =
      table[RTA_GATEWAY] == nullptr && table[RTA_VIA] == nullptr && table[RTA_MULTIPATH] == nullptr;
  return route;
}

Neighbour neighbour_from(const nlmsghdr* header) {
  const auto* info = static_cast<const ndmsg*>(nlmsg_data(header));
  auto table = attributes_of<NDA_MAX>(header, sizeof(*info));
  return {mac_from(table[NDA_LLADDR]), (info->ndm_state & (NUD_PERMANENT | NUD_NOARP)) != 0};
}

bool is_link_local(const IpAddress& address) {
  return address.family() == Family::kIpv6 && address.bytes()[0] == 0xfe &&
         (address.bytes()[1] & 0xc0) == 0x80;
}

}  // namespace viaduct::net
