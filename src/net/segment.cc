#include "net/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "net/link_names.h"
#include "net/vlan_set.h"

namespace viaduct::net {

namespace {

const Link* link_of_index(const std::vector<Link>& links, int index) {
  const auto found =
      std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.index == index; });
  return index == 0 || found == links.end() ? nullptr : &*found;
}

// "eth1.10", where eth1 is a link.
std::optional<Segment> spelled_with_vlan(const std::string& name, TagProtocol protocol,
                                         const std::vector<Link>& links) {
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos || link_in_service(links, name.substr(0, dot)) == nullptr) return std::nullopt;
  int vlan = 0;
  const char* end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + dot + 1, end, vlan);
  if (read.ec != std::errc() || read.ptr != end || vlan < kLeastVlan || vlan > kMostVlan) return std::nullopt;
  return Segment{name.substr(0, dot), static_cast<uint16_t>(vlan), protocol, false};
}

Result<Segment> resolve(const ParentWish& wish, const std::vector<Link>& links) {
  const Link* parent = link_in_service(links, wish.parent);
  if (parent == nullptr) {
    const auto spelled = spelled_with_vlan(wish.parent, wish.protocol, links);
    if (spelled && !wish.vlan) {
      Segment segment = *spelled;
      segment.aware = wish.aware;
      return segment;
    }
    return not_found(fmt::format(
        "link {}, which parent= names, is not on this host; give a link that is (`ip link` lists them)",
        wish.parent));
  }
  const Link* lower = link_of_index(links, parent->lower);
  if (parent->kind == "vlan" && parent->vlan != 0 && lower != nullptr && !wish.vlan && !wish.aware)
    return Segment{lower->name, parent->vlan, parent->vlan_protocol, false};
  return Segment{parent->name, wish.vlan.value_or(0), wish.protocol, wish.aware};
}

// What keeps a link that is a port of something from being a parent, or an uplink: a part of a sentence; empty if nothing.
// A parent of a sub-interface may be the uplink of any segment: its tagged frames are the sub-interface's first.
std::string trouble_with_master(const Link& link, bool is_uplink, const Segment& segment,
                                const std::vector<Link>& links, const std::string& instance) {
  if (link.master == 0) return {};
  const Link* master = link_of_index(links, link.master);
  if (master == nullptr) return "is a port of another link";
  const auto mark = mark_from_alias(master->alias);
  if (!mark || mark->instance != instance || mark->kind != LinkMark::Kind::kSegment)
    return fmt::format("is a port of {}; give parent={}, or take it out of there", master->name,
                       master->name);
  if (!is_uplink || mark->id == key_of(segment)) return {};
  return fmt::format(
      "is the uplink of viaduct's bridge {} for networks of another kind; give all networks of {} the same "
      "vlan_aware=",
      master->name, segment.parent);
}

// They take all that comes in by a link, as a bridge does: a link has one of the three (netdev_rx_handler_register() in
// net/core/dev.c).
const Link* taker_of(const Link& port, const std::vector<Link>& links) {
  static constexpr std::array<std::string_view, 4> kKinds = {"macvlan", "macvtap", "ipvlan", "ipvtap"};
  const auto found = std::find_if(links.begin(), links.end(), [&](const Link& link) {
    return link.lower == port.index && std::find(kKinds.begin(), kKinds.end(), link.kind) != kKinds.end();
  });
  return found == links.end() ? nullptr : &*found;
}

Status check_parent(const Link& parent, const std::string& instance) {
  if (const auto mark = mark_from_alias(parent.alias); mark && mark->instance == instance)
    return conflict(fmt::format("link {}, which parent= names, is viaduct's own; give a link of the host's",
                                parent.name));
  if (!parent.mac || *parent.mac == Mac())
    return invalid_argument(
        fmt::format("link {}, which parent= names, is no Ethernet link; give one that is", parent.name));
  return {};
}

}  // namespace

uint16_t vlan_on_bridge(const Segment& segment) {
  return segment.vlan == 0 ? kUntaggedVlan : segment.vlan;
}

PortVlans on_uplink(const VlanSet& vlans) {
  PortVlans uplink;
  uplink.tagged = vlans;
  if (uplink.tagged.contains(kUntaggedVlan)) uplink.native = kUntaggedVlan;
  uplink.tagged.erase(kUntaggedVlan);
  return uplink;
}

std::string_view to_string(TagProtocol protocol) {
  return protocol == TagProtocol::k8021ad ? "802.1ad" : "802.1Q";
}

std::string key_of(const Segment& segment) {
  std::string key = segment.parent;
  if (segment.aware)
    key += ":aware";
  else if (segment.vlan != 0)
    key += fmt::format(":{}", segment.vlan);
  if ((segment.aware || segment.vlan != 0) && segment.protocol != TagProtocol::k8021q)
    key += fmt::format(":{}", to_string(segment.protocol));
  return key;
}

std::string words_of(const Segment& segment) {
  if (segment.vlan == 0) return fmt::format("the untagged LAN of {}", segment.parent);
  return fmt::format("VLAN {} of {}", segment.vlan, segment.parent);
}

Result<std::string> segment_bridge_name(const Segment& segment, const std::set<std::string>& taken) {
  std::string readable = "vd-" + segment.parent;
  if (!segment.aware && segment.vlan != 0) readable += fmt::format(".{}", segment.vlan);
  if (segment.protocol == TagProtocol::k8021q && readable.size() <= kMaxLinkName && !taken.contains(readable))
    return readable;
  for (int attempt = 1; attempt <= kNameAttempts; ++attempt) {
    std::string name = "vd-" + hashed_tail(key_of(segment), attempt);
    if (!taken.contains(name)) return name;
  }
  return Error{ErrorCode::kExhausted,
               fmt::format("the bridge for {} gets no name: all that viaduct tries are in use on this host; "
                           "remove links whose names begin with vd- and that nobody needs",
                           words_of(segment))};
}

std::string sub_interface_name(const Segment& segment, bool second) {
  std::string readable = fmt::format("{}.{}", segment.parent, segment.vlan);
  if (!second && readable.size() <= kMaxLinkName) return readable;
  return "vn" + hashed_tail(key_of(segment), second ? 2 : 1);
}

std::string host_end_name(const Segment& segment) {
  return "vh" + hashed_tail(fmt::format("{}#{}", key_of(segment), vlan_on_bridge(segment)), 1);
}

const Link* sub_interface_of(const Segment& segment, const std::vector<Link>& links) {
  const Link* parent = link_in_service(links, segment.parent);
  if (parent == nullptr) return nullptr;
  const auto found = std::find_if(links.begin(), links.end(), [&](const Link& link) {
    return link.kind == "vlan" && link.lower == parent->index && link.vlan == segment.vlan &&
           link.vlan_protocol == segment.protocol && link.in_service();
  });
  return found == links.end() ? nullptr : &*found;
}

Result<Uplink> find_uplink(const ParentWish& wish, const std::vector<Link>& links,
                           const std::string& instance) {
  Uplink uplink;
  uplink.segment = TRY(resolve(wish, links));
  const Segment& segment = uplink.segment;
  const Link* parent = link_in_service(links, segment.parent);
  uplink.parent = *parent;
  TRY(check_parent(*parent, instance));
  if (parent->kind == "bridge" && segment.aware)
    return unsupported(
        fmt::format("link {}, which parent= names, is a bridge already; leave vlan_aware= out, and it gets "
                    "sub-interfaces",
                    parent->name));
  uplink.is_bridge = parent->kind == "bridge" && segment.vlan == 0;
  const Link* port = segment.aware || segment.vlan == 0 ? parent : sub_interface_of(segment, links);
  if (port != nullptr) uplink.port = *port;
  if (uplink.is_bridge) return uplink;
  for (const Link* link : {parent, port}) {
    if (link == nullptr) continue;
    const std::string trouble = trouble_with_master(*link, link == port, segment, links, instance);
    if (!trouble.empty()) return conflict(fmt::format("link {} {}", link->name, trouble));
  }
  if (const Link* taker = port == nullptr ? nullptr : taker_of(*port, links); taker != nullptr)
    return conflict(
        fmt::format("link {} has the {} link {} on it, which takes all that comes in; remove that network, "
                    "or give another parent=",
                    port->name, taker->kind, taker->name));
  return uplink;
}

}  // namespace viaduct::net
