#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/link_types.h"

// Segments: the LANs that networks of mode=vlan stand on. A segment is a bridge with one port to the outside, its uplink, and
// every network of the same parent and VLAN shares it, since a sub-interface can be a port of one bridge only. Pure.
namespace viaduct::net {

// Which frames of which link.
struct Segment {
  std::string parent;  // the link's name
  uint16_t vlan = 0;   // 0: the untagged ones
  TagProtocol protocol = TagProtocol::k8021q;
  // The parent itself is the uplink of a bridge that keeps the VLANs apart; else its sub-interface is, or the parent of
  // untagged frames.
  bool aware = false;
  bool operator==(const Segment&) const = default;
};

// The VLAN that untagged frames are in on a bridge that keeps VLANs apart; the kernel's default.
inline constexpr uint16_t kUntaggedVlan = 1;
// The number by which such a bridge knows the segment's frames.
uint16_t vlan_on_bridge(const Segment& segment);

// The VLANs of a bridge that keeps them apart, as they are on the wire: tagged, but for that of the untagged frames.
PortVlans on_uplink(const VlanSet& vlans);

// Equal for segments that share a bridge: "eth1" (untagged), "eth1:10", "eth1:10:802.1ad", "eth1:aware". Link names have no ':'.
std::string key_of(const Segment& segment);
// For sentences: "VLAN 10 of eth1", "the untagged LAN of eth1".
std::string words_of(const Segment& segment);
std::string_view to_string(TagProtocol protocol);

// "vd-eth1.10" ("vd-eth1" without VLAN, and of a bridge that keeps VLANs apart). Where that is longer than a link's name, or
// taken: "vd-" and a hash. The same arguments give the same name. Errors: kExhausted, all attempts are taken.
Result<std::string> segment_bridge_name(const Segment& segment, const std::set<std::string>& taken);
// "eth1.10", by which everybody calls a sub-interface; "vn" and a hash where that is too long. `second`: the name for the case
// that another link has the first one.
std::string sub_interface_name(const Segment& segment, bool second);
// Of the host's own end in one VLAN of a bridge that keeps them apart: "vh" and a hash.
std::string host_end_name(const Segment& segment);

// What a user asks for: `parent=`, and what says more of it.
struct ParentWish {
  std::string parent;
  std::optional<uint16_t> vlan;
  TagProtocol protocol = TagProtocol::k8021q;
  bool aware = false;
};

// What is there of a wish.
struct Uplink {
  Segment segment;
  Link parent;
  std::optional<Link> port;  // the parent, or its sub-interface where there is one already
  bool is_bridge = false;    // the parent is a bridge of somebody's, which endpoints are to be ports of
};

// Finds the parent among the host's links. Docker's spelling parent=eth1.10 is that link, and its VLAN is known; without such
// a link it is VLAN 10 of eth1. Errors: kNotFound, kConflict, kInvalidArgument: there is no such link, it is no Ethernet link,
// it or its sub-interface is a port of somebody else's, or the parent of a macvlan or ipvlan link; a sentence each.
// `instance`: whose marks are this daemon's own.
Result<Uplink> find_uplink(const ParentWish& wish, const std::vector<Link>& links,
                           const std::string& instance);

// The sub-interface of a segment with a VLAN; null if there is none in service.
const Link* sub_interface_of(const Segment& segment, const std::vector<Link>& links);

}  // namespace viaduct::net
