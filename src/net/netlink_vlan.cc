// NetlinkKernel's part that deals with VLANs: sub-interfaces, and bridges that keep VLANs apart.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "net/netlink_kernel.h"
#include "net/netlink_link.h"
#include "net/netlink_socket.h"

namespace viaduct::net {

namespace {

// A message carries one page; 3 KiB of ranges leave room for the rest.
constexpr size_t kRangesInOneMessage = 150;

struct Range {
  uint16_t first = 0;
  uint16_t last = 0;
  uint16_t flags = 0;
};

bridge_vlan_info info_of(uint16_t vlan, int flags) {
  return {static_cast<uint16_t>(flags), vlan};
}

void put_range(NetlinkMessage& message, const Range& range) {
  const auto put = [&](uint16_t vlan, int flags) {
    const bridge_vlan_info info = info_of(vlan, flags);
    message.put_raw(IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
  };
  if (range.first == range.last) return put(range.first, range.flags);
  put(range.first, range.flags | BRIDGE_VLAN_INFO_RANGE_BEGIN);
  put(range.last, range.flags | BRIDGE_VLAN_INFO_RANGE_END);
}

// RTM_NEWVLAN, one entry after another (br_vlan_fill_vids() in net/bridge/br_vlan.c).
void read_ranges(const nlmsghdr* header, std::vector<Range>& all) {
  const auto* entry = static_cast<const nlattr*>(nlmsg_attrdata(header, sizeof(br_vlan_msg)));
  int rest = nlmsg_attrlen(header, sizeof(br_vlan_msg));
  for (; nla_ok(entry, rest); entry = nla_next(entry, &rest)) {
    if (nla_type(entry) != BRIDGE_VLANDB_ENTRY) continue;
    const auto* inner = static_cast<const nlattr*>(nla_data(entry));
    const nlattr* info = nla_find(inner, nla_len(entry), BRIDGE_VLANDB_ENTRY_INFO);
    if (info == nullptr || nla_len(info) < static_cast<int>(sizeof(bridge_vlan_info))) continue;
    bridge_vlan_info vlan{};
    std::memcpy(&vlan, nla_data(info), sizeof(vlan));
    const nlattr* range = nla_find(inner, nla_len(entry), BRIDGE_VLANDB_ENTRY_RANGE);
    constexpr int kOfInterest = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
    all.push_back({vlan.vid, range == nullptr ? vlan.vid : nla_get_u16(range),
                   static_cast<uint16_t>(vlan.flags & kOfInterest)});
  }
}

constexpr uint16_t kNativeFlags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;

}  // namespace

Status NetlinkKernel::create_vlan(const VlanSpec& spec) {
  const std::string attempt =
      fmt::format("cannot create link {}, VLAN {} of {}", spec.name, spec.vlan, spec.parent);
  TRY(check_link_name(spec.name));
  const Link parent = TRY(existing_link(spec.parent, attempt));
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.put_header(link_header(0, AdminState::kUnchanged));
  message.put_string(IFLA_IFNAME, spec.name);
  message.put_u32(IFLA_LINK, as_u32(parent.index));
  message.put_u32(IFLA_GROUP, kLiveGroup);
  {
    NetlinkMessage::Nest info(message, IFLA_LINKINFO);
    message.put_string(IFLA_INFO_KIND, "vlan");
    NetlinkMessage::Nest data(message, IFLA_INFO_DATA);
    message.put_u16(IFLA_VLAN_ID, spec.vlan);
    message.put_u16(IFLA_VLAN_PROTOCOL, htons(static_cast<uint16_t>(spec.protocol)));
  }
  TRY(pool_->exchange(message, attempt));
  Status completed = complete(*pool_, {spec.name, spec.alias}, attempt);
  if (!completed.ok()) delete_link(spec.name);
  return completed;
}

Status NetlinkKernel::join_bridge(const std::string& link, const std::string& bridge) {
  const std::string attempt = fmt::format("cannot make {} a port of bridge {}", link, bridge);
  const Link master = TRY(existing_bridge(bridge, attempt));
  const Link port = TRY(existing_link(link, attempt));
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.put_header(link_header(port.index, AdminState::kUp));
  message.put_u32(IFLA_MASTER, as_u32(master.index));
  return pool_->exchange(message, attempt);
}

Status NetlinkKernel::leave_bridge(const std::string& link) {
  const std::optional<Link> port = TRY(find_link(link));
  if (!port || port->master == 0) return {};
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.put_header(link_header(port->index, AdminState::kUnchanged));
  message.put_u32(IFLA_MASTER, 0);
  const auto done = pool_->exchange(message, fmt::format("cannot take {} out of its bridge", link));
  if (!done.ok() && done.error().sys_errno == ENODEV) return {};
  return done;
}

Result<bool> NetlinkKernel::set_vlans(const std::string& link, const PortVlans& vlans) {
  return put_vlans(TRY(existing_link(link, fmt::format("cannot set the VLANs of {}", link))), vlans);
}

Result<std::optional<PortVlans>> NetlinkKernel::differing_vlans(const std::string& link,
                                                                const PortVlans& vlans) {
  const std::string attempt = fmt::format("cannot look at the VLANs of {}", link);
  const int index = TRY(existing_link(link, attempt)).index;
  auto [now, odd] = TRY(memberships(index, attempt))[index];
  if (now == vlans && odd.empty()) return std::optional<PortVlans>();
  now.tagged.insert(odd);
  return std::optional<PortVlans>(std::move(now));
}

Result<NetlinkKernel::Memberships> NetlinkKernel::memberships(int link, const std::string& attempt) {
  NetlinkMessage question(RTM_GETVLAN, NLM_F_DUMP);
  br_vlan_msg about{};
  about.family = AF_BRIDGE;
  about.ifindex = as_u32(link);
  question.put_header(about);
  std::map<int, std::vector<Range>> present;
  TRY(pool_->dump(
      question, attempt, [&] { present.clear(); },
      [&](const nlmsghdr* header) {
        const auto* of = static_cast<const br_vlan_msg*>(nlmsg_data(header));
        read_ranges(header, present[static_cast<int>(of->ifindex)]);
      }));
  Memberships all;
  for (const auto& [index, ranges] : present) {
    Membership& known = all[index];
    for (const Range& range : ranges)
      for (uint16_t vlan = range.first; vlan <= range.last && vlan <= kMostVlan; ++vlan) {
        if (range.flags == kNativeFlags)
          known.vlans.native = vlan;
        else if (range.flags == 0)
          known.vlans.tagged.insert(vlan);
        else
          known.odd.insert(vlan);
      }
  }
  return all;
}

Result<bool> NetlinkKernel::put_vlans(const Link& link, const PortVlans& vlans) {
  const std::string attempt = fmt::format("cannot set the VLANs of {}", link.name);
  const auto [now, odd] = TRY(memberships(link.index, attempt))[link.index];
  if (now == vlans && odd.empty()) return false;

  std::vector<Range> gone;
  VlanSet present_all = now.all();
  present_all.insert(odd);
  for (const auto& [first, last] : present_all.without(vlans.all()).ranges())
    gone.push_back({first, last, 0});
  std::vector<Range> wanted;
  // What is there with other flags is set anew; what is there with the right ones does not mind.
  if (vlans.native != 0) wanted.push_back({vlans.native, vlans.native, kNativeFlags});
  for (const auto& [first, last] : vlans.tagged.ranges()) wanted.push_back({first, last, 0});

  const auto send = [&](int type, const std::vector<Range>& ranges) -> Status {
    for (size_t at = 0; at < ranges.size(); at += kRangesInOneMessage) {
      NetlinkMessage message(type, 0);
      ifinfomsg header = link_header(link.index, AdminState::kUnchanged);
      header.ifi_family = AF_BRIDGE;
      message.put_header(header);
      {
        NetlinkMessage::Nest settings(message, IFLA_AF_SPEC);
        // The bridge's own membership, not that of a port of it.
        if (link.kind == "bridge") message.put_u16(IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
        for (size_t i = at; i < ranges.size() && i < at + kRangesInOneMessage; ++i)
          put_range(message, ranges[i]);
      }
      TRY(pool_->exchange(message, attempt));
    }
    return {};
  };
  TRY(send(RTM_DELLINK, gone));
  TRY(send(RTM_SETLINK, wanted));
  return true;
}

}  // namespace viaduct::net
