#include "net/netlink_kernel.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/netlink_link.h"
#include "net/netlink_read.h"
#include "net/netlink_socket.h"

namespace viaduct::net {

namespace {

NetlinkMessage bridge_creation(const BridgeSpec& spec) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.put_header(link_header(0, AdminState::kUnchanged));
  message.put_string(IFLA_IFNAME, spec.name);
  message.put_u32(IFLA_GROUP, kLiveGroup);
  message.put_mac(IFLA_ADDRESS, spec.mac);
  NetlinkMessage::Nest info(message, IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, "bridge");
  NetlinkMessage::Nest data(message, IFLA_INFO_DATA);
  message.put_u32(IFLA_BR_STP_STATE, 0);
  message.put_u32(IFLA_BR_FORWARD_DELAY, 0);
  if (spec.mcast_snooping) message.put_u8(IFLA_BR_MCAST_SNOOPING, *spec.mcast_snooping ? 1 : 0);
  if (spec.mcast_querier) message.put_u8(IFLA_BR_MCAST_QUERIER, *spec.mcast_querier ? 1 : 0);
  if (spec.filtering) {
    message.put_u8(IFLA_BR_VLAN_FILTERING, 1);
    message.put_u16(IFLA_BR_VLAN_PROTOCOL, htons(static_cast<uint16_t>(*spec.filtering)));
    // A port has no VLAN before it is given some.
    message.put_u16(IFLA_BR_VLAN_DEFAULT_PVID, 0);
  }
  return message;
}

NetlinkMessage veth_creation(const VethSpec& spec, int bridge) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.put_header(link_header(0, AdminState::kUnchanged));
  message.put_string(IFLA_IFNAME, spec.host_name);
  message.put_u32(IFLA_MTU, as_u32(spec.mtu));
  message.put_u32(IFLA_GROUP, kLiveGroup);
  message.put_u32(IFLA_MASTER, as_u32(bridge));
  NetlinkMessage::Nest info(message, IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, "veth");
  NetlinkMessage::Nest data(message, IFLA_INFO_DATA);
  NetlinkMessage::Nest peer(message, VETH_INFO_PEER);
  message.put_header(link_header(0, AdminState::kUnchanged));
  message.put_string(IFLA_IFNAME, spec.peer_name);
  message.put_u32(IFLA_MTU, as_u32(spec.mtu));
  message.put_u32(IFLA_GROUP, kLiveGroup);
  if (spec.peer_mac) message.put_mac(IFLA_ADDRESS, *spec.peer_mac);
  return message;
}

Completion new_port_completion(const std::string& name, const std::string& alias, PortIsolation isolation) {
  Completion rest{name, alias};
  // A new port is not isolated.
  if (isolation == PortIsolation::kOn) rest.isolation = isolation;
  return rest;
}

// Of those that are gone, some may be among them.
constexpr size_t kMostKnownBridges = 4096;

bool is_gone(const Error& error) {
  return error.sys_errno == ENODEV || error.sys_errno == ESRCH || error.sys_errno == ENXIO;
}

}  // namespace

NetlinkKernel::NetlinkKernel() : pool_(std::make_unique<NetlinkPool>()) {}
NetlinkKernel::~NetlinkKernel() = default;

Result<std::vector<Link>> NetlinkKernel::links() {
  NetlinkMessage message(RTM_GETLINK, NLM_F_DUMP);
  message.put_header(link_header(0, AdminState::kUnchanged));
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  std::vector<Link> all;
  TRY(pool_->dump(
      message, "cannot list links", [&] { all.clear(); },
      [&](const nlmsghdr* header) { all.push_back(link_from(header)); }));
  return all;
}

Result<std::optional<Link>> NetlinkKernel::find_link(const std::string& name) {
  std::optional<Link> found;
  if (!check_link_name(name).ok()) return found;
  NetlinkMessage message(RTM_GETLINK, 0);
  message.put_header(link_header(0, AdminState::kUnchanged));
  message.put_string(IFLA_IFNAME, name);
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  Status asked = pool_->exchange(message, fmt::format("cannot look for link {}", name),
                                 [&](const nlmsghdr* header) { found = link_from(header); });
  if (!asked.ok() && !is_gone(asked.error())) return std::move(asked).error();
  return found;
}

Result<Link> NetlinkKernel::existing_link(const std::string& name, const std::string& attempt) {
  std::optional<Link> link = TRY(find_link(name));
  if (!link) return from_errno(ENODEV, fmt::format("{}: link {}", attempt, name));
  return std::move(*link);
}

Result<Link> NetlinkKernel::existing_bridge(const std::string& name, const std::string& attempt) {
  Link bridge = TRY(existing_link(name, attempt));
  if (bridge.kind != "bridge")
    return invalid_argument(fmt::format("{}: link {} is not a bridge", attempt, name));
  return bridge;
}

Result<int> NetlinkKernel::link_index(const std::string& name) {
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) return 0;
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  auto socket = names_.lock();
  if (!socket->valid()) socket->reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::ioctl(socket->get(), SIOCGIFINDEX, &request) == 0) return request.ifr_ifindex;
  if (errno == ENODEV) return 0;
  return from_errno(errno, fmt::format("cannot look for link {}", name));
}

Result<int> NetlinkKernel::bridge_index(const std::string& name, const std::string& attempt) {
  const int index = TRY(link_index(name));
  if (bridges_.lock()->contains(index)) return index;
  const Link bridge = TRY(existing_bridge(name, attempt));
  auto known = bridges_.lock();
  if (known->size() >= kMostKnownBridges) known->clear();
  known->insert(bridge.index);
  return bridge.index;
}

// For undoing: what cannot be removed is left to the next reap's caller.
void NetlinkKernel::delete_link(const std::string& name) {
  NetlinkMessage message(RTM_DELLINK, 0);
  message.put_header(link_header(0, AdminState::kUnchanged));
  message.put_string(IFLA_IFNAME, name);
  (void)pool_->exchange(message, "cannot undo");
}

Status NetlinkKernel::create_bridge(const BridgeSpec& spec) {
  std::string attempt = spec.mtu == 0
                            ? fmt::format("cannot create bridge {}", spec.name)
                            : fmt::format("cannot create bridge {} with mtu {}", spec.name, spec.mtu);
  TRY(check_link_name(spec.name));
  NetlinkMessage creation = bridge_creation(spec);
  TRY(pool_->exchange(creation, attempt));
  // The MTU not at creation: only one that is changed counts as the user's own, and stays when ports go
  // (br_change_mtu, net/bridge/br_device.c).
  Completion rest{spec.name, spec.alias};
  if (spec.mtu != 0) rest.mtu = spec.mtu;
  rest.route_loopback = spec.route_loopback;
  rest.own_addresses_only = spec.own_addresses_only;
  rest.arp = spec.arp;
  Status completed = complete(*pool_, rest, attempt);
  if (!completed.ok()) delete_link(spec.name);
  return completed;
}

Status NetlinkKernel::create_veth(const VethSpec& spec) {
  std::string attempt = fmt::format("cannot create veth pair {} and {} with mtu {} on bridge {}",
                                    spec.host_name, spec.peer_name, spec.mtu, spec.bridge);
  TRY(check_link_name(spec.host_name));
  TRY(check_link_name(spec.peer_name));
  NetlinkMessage creation = veth_creation(spec, TRY(bridge_index(spec.bridge, attempt)));
  TRY(pool_->exchange(creation, attempt));
  Status completed;
  if (spec.vlans) {
    const auto put = put_vlans(TRY(existing_link(spec.host_name, attempt)), *spec.vlans);
    if (!put.ok()) completed = put.error();
  }
  if (completed.ok())
    completed = complete(*pool_, new_port_completion(spec.host_name, spec.alias, spec.isolation), attempt);
  if (completed.ok() && (spec.rate_in || spec.rate_out)) {
    const auto limited = ensure_rates(spec);
    if (!limited.ok()) completed = limited.error();
  }
  if (!completed.ok()) delete_link(spec.host_name);
  return completed;
}

Status NetlinkKernel::create_joint(const JointSpec& spec) {
  const std::string attempt = fmt::format("cannot join bridges {} and {} by {} and {}", spec.bridge,
                                          spec.other_bridge, spec.name, spec.other_name);
  TRY(check_link_name(spec.name));
  TRY(check_link_name(spec.other_name));
  const Link bridge = TRY(existing_bridge(spec.bridge, attempt));
  const Link other = TRY(existing_bridge(spec.other_bridge, attempt));
  VethSpec pair;
  pair.host_name = spec.name;
  pair.peer_name = spec.other_name;
  pair.mtu = kJointMtu;
  NetlinkMessage creation = veth_creation(pair, bridge.index);
  TRY(pool_->exchange(creation, attempt));
  // The other end first: what is isolated is so before anything comes through.
  Completion rest{spec.other_name, spec.alias};
  rest.master = other.index;
  Status completed = complete(*pool_, rest, attempt);
  if (completed.ok())
    completed = complete(*pool_, new_port_completion(spec.name, spec.alias, spec.isolation), attempt);
  if (!completed.ok()) delete_link(spec.name);
  return completed;
}

Status NetlinkKernel::attach_port(const std::string& name, const std::string& bridge,
                                  PortIsolation isolation) {
  std::string attempt = fmt::format("cannot attach {} to bridge {}", name, bridge);
  Link master = TRY(existing_bridge(bridge, attempt));
  Link port = TRY(existing_link(name, attempt));
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.put_header(link_header(port.index, AdminState::kUnchanged));
  message.put_u32(IFLA_MASTER, as_u32(master.index));
  message.put_u32(IFLA_GROUP, kLiveGroup);
  TRY(pool_->exchange(message, attempt));
  Completion rest{name, {}};
  rest.isolation = isolation;
  return complete(*pool_, rest, attempt);
}

Status NetlinkKernel::set_hairpin(const std::string& name, Hairpin hairpin) {
  const std::string attempt = fmt::format("cannot set hairpin mode of {}", name);
  const std::optional<Link> port = TRY(find_link(name));
  if (!port || port->master == 0) return {};
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.put_header(link_header(port->index, AdminState::kUnchanged));
  {
    NetlinkMessage::Nest info(message, IFLA_LINKINFO);
    message.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
    NetlinkMessage::Nest settings(message, IFLA_INFO_SLAVE_DATA);
    message.put_u8(IFLA_BRPORT_MODE, hairpin == Hairpin::kOn ? 1 : 0);
  }
  return pool_->exchange(message, attempt);
}

Status NetlinkKernel::set_mtu(const std::string& name, int mtu) {
  TRY(check_link_name(name));
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.put_header(link_header(0, AdminState::kUnchanged));
  message.put_string(IFLA_IFNAME, name);
  message.put_u32(IFLA_MTU, as_u32(mtu));
  return pool_->exchange(message, fmt::format("cannot set mtu {} on link {}", mtu, name));
}

Status NetlinkKernel::set_up(const std::string& name) {
  TRY(check_link_name(name));
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.put_header(link_header(0, AdminState::kUp));
  message.put_string(IFLA_IFNAME, name);
  return pool_->exchange(message, fmt::format("cannot set link {} up", name));
}

Status NetlinkKernel::retire_links(const std::vector<std::string>& names) {
  // By index, so that a name which another link takes over in the meantime does not hit that one.
  std::vector<Link> found;
  for (const std::string& name : names) {
    std::optional<Link> link = TRY(find_link(name));
    if (!link) continue;
    if (link->group != kLiveGroup && link->group != kDyingGroup) return not_our_link(name);
    found.push_back(std::move(*link));
  }
  for (const Link& link : found) {
    NetlinkMessage message(RTM_NEWLINK, 0);
    message.put_header(link_header(link.index, AdminState::kDown));
    message.put_u32(IFLA_GROUP, kDyingGroup);
    Status retired = pool_->exchange(message, fmt::format("cannot take link {} out of service", link.name));
    if (!retired.ok() && !is_gone(retired.error())) return retired;
  }
  return {};
}

Status NetlinkKernel::reap() {
  NetlinkMessage message(RTM_DELLINK, 0);
  message.put_header(link_header(0, AdminState::kUnchanged));
  message.put_u32(IFLA_GROUP, kDyingGroup);
  Status reaped = pool_->exchange(message, "cannot remove the links that are out of service");
  if (!reaped.ok() && !is_gone(reaped.error())) return reaped;
  return {};
}

}  // namespace viaduct::net
