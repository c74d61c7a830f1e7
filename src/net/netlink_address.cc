// NetlinkKernel's part that deals with addresses and routes.
#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

#include "net/netlink_kernel.h"
#include "net/netlink_read.h"
#include "net/netlink_socket.h"

namespace viaduct::net {

namespace {

// Routes shorter than this are ways to everywhere (the halves 0.0.0.0/1 and 128.0.0.0/1 that VPN clients set,
// 2000::/3), not networks that somebody holds.
constexpr int kLeastNetworkLength = 8;

int family_number(Family family) {
  return family == Family::kIpv4 ? AF_INET : AF_INET6;
}

ifaddrmsg address_header(const Link& link, const InterfaceAddress& address) {
  ifaddrmsg header{};
  header.ifa_family = static_cast<uint8_t>(family_number(address.address.family()));
  header.ifa_prefixlen = static_cast<uint8_t>(address.length);
  header.ifa_index = static_cast<uint32_t>(link.index);
  return header;
}

Result<std::vector<LinkAddress>> dump_addresses(NetlinkPool& pool) {
  NetlinkMessage message(RTM_GETADDR, NLM_F_DUMP);
  message.put_header(ifaddrmsg{});
  std::vector<LinkAddress> all;
  TRY(pool.dump(
      message, "cannot list addresses", [&] { all.clear(); },
      [&](const nlmsghdr* header) {
        if (auto address = address_from(header)) all.push_back(*address);
      }));
  return all;
}

Result<std::vector<Route>> dump_routes(NetlinkPool& pool, Family family) {
  NetlinkMessage message(RTM_GETROUTE, NLM_F_DUMP);
  rtmsg header{};
  header.rtm_family = static_cast<uint8_t>(family_number(family));
  message.put_header(header);
  std::vector<Route> all;
  TRY(pool.dump(
      message, "cannot list routes", [&] { all.clear(); },
      [&](const nlmsghdr* reply) {
        if (auto route = route_from(reply)) all.push_back(*route);
      }));
  return all;
}

bool is_held_network(const Prefix& prefix) {
  bool multicast = prefix.family() == Family::kIpv4 ? (prefix.first().bytes()[0] & 0xf0) == 0xe0
                                                    : prefix.first().bytes()[0] == 0xff;
  return prefix.length() >= kLeastNetworkLength && !multicast && !is_link_local(prefix.first());
}

}  // namespace

Status NetlinkKernel::put_address(const Link& link, const InterfaceAddress& address) {
  NetlinkMessage message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  message.put_header(address_header(link, address));
  message.put_ip(IFA_LOCAL, address.address);
  message.put_ip(IFA_ADDRESS, address.address);
  if (address.address.family() == Family::kIpv6) {
    message.put_u32(IFA_FLAGS, IFA_F_NODAD);
  } else if (address.length <= 30) {
    message.put_ip(IFA_BROADCAST, address.network().last());
  }
  Status added = pool_->exchange(
      message, fmt::format("cannot add address {} to link {}", address.to_string(), link.name));
  // addrconf_add_dev() in net/ipv6/addrconf.c.
  if (!added.ok() && added.error().sys_errno == EACCES && address.address.family() == Family::kIpv6) {
    Error refused = std::move(added).error();
    refused.message += "; run sysctl -w net.ipv6.conf.default.disable_ipv6=0, or leave the IPv6 subnet out";
    return refused;
  }
  return added;
}

Status NetlinkKernel::add_address(const std::string& link, const InterfaceAddress& address) {
  std::string attempt = fmt::format("cannot add address {}", address.to_string());
  Link target = TRY(existing_link(link, attempt));
  bool is_ipv6 = address.address.family() == Family::kIpv6;
  if (is_ipv6 && target.group == kLiveGroup && target.mac && !is_link_local(address.address)) {
    Status added = put_address(target, {target.mac->link_local(), 64});
    if (!added.ok() && added.error().sys_errno != EEXIST) return added;
  }
  Status added = put_address(target, address);
  if (added.ok() || added.error().sys_errno != EEXIST) return added;
  // For IPv6 the kernel says EEXIST also when the length differs. Link-local ones are left out of
  // addresses().
  if (is_link_local(address.address)) return {};
  std::vector<InterfaceAddress> held = TRY(addresses(link));
  if (std::find(held.begin(), held.end(), address) != held.end()) return {};
  return added;
}

Status NetlinkKernel::remove_address(const std::string& link, const InterfaceAddress& address) {
  std::optional<Link> target = TRY(find_link(link));
  if (!target) return {};
  NetlinkMessage message(RTM_DELADDR, 0);
  message.put_header(address_header(*target, address));
  message.put_ip(IFA_LOCAL, address.address);
  message.put_ip(IFA_ADDRESS, address.address);
  Status removed = pool_->exchange(
      message, fmt::format("cannot remove address {} from link {}", address.to_string(), link));
  if (!removed.ok() && (removed.error().sys_errno == EADDRNOTAVAIL || removed.error().sys_errno == ENODEV))
    return {};
  return removed;
}

Result<std::vector<InterfaceAddress>> NetlinkKernel::addresses(const std::string& link) {
  Link target = TRY(existing_link(link, "cannot list addresses"));
  std::vector<InterfaceAddress> held;
  for (const LinkAddress& entry : TRY(dump_addresses(*pool_))) {
    if (entry.link == target.index && !is_link_local(entry.address.address)) held.push_back(entry.address);
  }
  return held;
}

Result<std::vector<Prefix>> NetlinkKernel::host_prefixes() {
  std::vector<Prefix> held;
  for (const LinkAddress& entry : TRY(dump_addresses(*pool_))) held.push_back(entry.address.network());
  for (Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const Route& route : TRY(dump_routes(*pool_, family))) held.push_back(route.destination);
  }
  std::erase_if(held, [](const Prefix& prefix) { return !is_held_network(prefix); });
  std::sort(held.begin(), held.end());
  held.erase(std::unique(held.begin(), held.end()), held.end());
  return held;
}

Result<std::vector<OnLink>> NetlinkKernel::on_link() {
  std::vector<OnLink> all;
  for (const LinkAddress& entry : TRY(dump_addresses(*pool_)))
    all.push_back({entry.link, entry.address.network(), entry.address.address});
  for (Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const Route& route : TRY(dump_routes(*pool_, family)))
      if (route.direct && route.link != 0) all.push_back({route.link, route.destination, std::nullopt});
  }
  return all;
}

Result<std::optional<int>> NetlinkKernel::uplink_mtu() {
  for (Family family : {Family::kIpv4, Family::kIpv6}) {
    std::optional<Route> best;
    for (const Route& route : TRY(dump_routes(*pool_, family))) {
      if (route.destination.length() != 0 || route.link == 0) continue;
      if (!best || route.metric < best->metric) best = route;
    }
    if (!best) continue;
    for (const Link& link : TRY(links())) {
      if (link.index == best->link) return std::optional<int>(link.mtu);
    }
  }
  return std::optional<int>();
}

}  // namespace viaduct::net
