#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "net/vlan_set.h"

// Links as values, without kernel headers.
namespace viaduct::net {

// IFNAMSIZ - 1 (linux/if.h).
inline constexpr size_t kMaxLinkName = 15;

// Whether a link may bear this name: 1 to 15 bytes, stricter than the kernel (dev_valid_name() in net/core/dev.c) in that
// "%d" (a pattern to the kernel), '*' and quotes (a pattern to the packet filter) are refused. Errors: kInvalidArgument.
Status check_link_name(std::string_view name);

// Groups (IFLA_GROUP) that mark viaduct's links. A group is one number a kernel filters and deletes by:
// RTM_DELLINK with a group removes its links together, at about 1 ms each instead of 20.
inline constexpr uint32_t kLiveGroup = 0x7664;   // 30308, "vd"
inline constexpr uint32_t kDyingGroup = 0x7665;  // 30309: out of service, waits to be reaped

// Who a link belongs to, as its alias (IFLA_IFALIAS) says: "viaduct/<instance>/network/<id>",
// "viaduct/<instance>/endpoint/<id>", "viaduct/<instance>/shaper/<id of the endpoint>" or "viaduct/<instance>/segment/<key>"
// (segment.h). The instance is the state folder's, so that a daemon started on another folder by mistake touches nothing of a
// running one.
struct LinkMark {
  enum class Kind { kNetwork, kEndpoint, kShaper, kSegment };
  std::string instance;
  Kind kind = Kind::kNetwork;
  std::string id;
  bool operator==(const LinkMark&) const = default;
};
std::string to_alias(const LinkMark& mark);
std::optional<LinkMark> mark_from_alias(const std::string& alias);

// The refusal to take a link out of service that is in neither group. kPermission.
Error not_our_link(const std::string& name);

// How frames are tagged (IEEE 802.1Q, 802.1ad); the values are EtherTypes.
enum class TagProtocol : uint16_t { k8021q = 0x8100, k8021ad = 0x88a8 };

// A link as the kernel has it.
struct Link {
  int index = 0;
  std::string name;
  std::string kind;  // "bridge", "veth", …; empty for a device without one
  std::string alias;
  uint32_t group = 0;
  int master = 0;  // index of the bridge it is a port of, 0 for none
  int mtu = 0;
  std::optional<Mac> mac;
  bool up = false;
  bool ethernet = false;  // with ARP and ND: neither loopback nor point-to-point
  bool carrier = false;   // of a veth: the other end is up, too
  // Of a port of a bridge.
  bool isolated = false;
  bool hairpin = false;
  int lower = 0;      // index of the link below (of a VLAN, a macvlan; of a veth its other end), 0 for none
  uint16_t vlan = 0;  // of kind "vlan": its VLAN
  TagProtocol vlan_protocol = TagProtocol::k8021q;

  // Not on its way out.
  [[nodiscard]] bool in_service() const { return group != kDyingGroup; }
};

// The link of that name that is in service; null if there is none.
const Link* link_in_service(const std::vector<Link>& links, const std::string& name);

// What a link reaches without a gateway.
struct OnLink {
  int link = 0;                  // index
  Prefix network;                // of an address of the host, or the destination of a route
  std::optional<IpAddress> own;  // that address; absent for a route
};

struct BridgeSpec {
  std::string name;
  std::string alias;
  int mtu = 1500;  // 0: the least of its ports', whatever they are
  // Given, so that the bridge's address does not change as ports come and go.
  Mac mac;
  // What the host sends from 127.0.0.1 may go there, and answers to it come back (net.ipv4.conf.LINK.route_localnet).
  bool route_loopback = false;
  // Whether multicast goes only to ports that asked for it, and whether the bridge asks (IGMP, MLD). Empty: as the kernel
  // has it, which is yes and no.
  std::optional<bool> mcast_snooping = {};
  std::optional<bool> mcast_querier = {};
  // Whether the host answers ARP there. It has no address on a network's further bridges, and would answer for those of the
  // first one with the wrong MAC (arp_ignore=0).
  bool arp = true;
  // The host answers ARP for addresses of the bridge itself alone, not for those of its other links (arp_ignore=1).
  bool own_addresses_only = false;
  // It keeps VLANs apart by the tags of this kind: each port is in those that it is given, and in none before.
  std::optional<TagProtocol> filtering = {};
};

// A sub-interface of a link: what of it is tagged with one VLAN.
struct VlanSpec {
  std::string name;
  std::string alias;
  std::string parent;
  uint16_t vlan = 0;  // 1 to 4094
  TagProtocol protocol = TagProtocol::k8021q;
};

enum class PortIsolation { kOff, kOn };
// Whether a frame may leave by the port that it came in by: a container that reaches itself by a port that it publishes.
enum class Hairpin { kOff, kOn };

// A token bucket (tc-tbf(8)).
struct RateLimit {
  uint64_t rate = 0;   // bytes a second
  uint32_t burst = 0;  // bytes that may go at once; no packet may be larger
  bool operator==(const RateLimit&) const = default;
};

// The link that what a container sends passes through (ifb): the kernel shapes what leaves by a link, and what comes in by
// the host end must leave by one first.
struct Shaper {
  std::string name;
  std::string alias;
  RateLimit limit;
};

// A veth pair whose host end is a port of a bridge. The peer is what the engine moves into the sandbox.
struct VethSpec {
  std::string host_name;
  std::string peer_name;
  std::string alias;  // of the host end
  std::string bridge;
  int mtu = 1500;
  std::optional<Mac> peer_mac;
  PortIsolation isolation = PortIsolation::kOff;
  Hairpin hairpin = Hairpin::kOff;
  std::optional<RateLimit> rate_in = {};  // towards the peer
  std::optional<Shaper> rate_out = {};    // from it
  std::optional<PortVlans> vlans = {};    // of a port of a bridge with `filtering`
};

// A veth pair that joins two bridges, each end a port of one.
struct JointSpec {
  std::string name;
  std::string other_name;
  std::string alias;  // of both
  std::string bridge;
  std::string other_bridge;
  PortIsolation isolation = PortIsolation::kOff;  // of `name`; the other end is never isolated
};

// The MTU of a joint, the most that a link may have: ports drop what is larger without a word, and it is the links of endpoints
// that say how much that may be.
inline constexpr int kJointMtu = 65535;

// What limits a pair now: bytes a second towards the peer and from it; empty where nothing does.
struct RatesInForce {
  std::optional<uint64_t> in;
  std::optional<uint64_t> out;
  bool has_shaper = false;  // the link itself, and
  bool is_led = false;      // whether what the peer sends passes it
};

// That the endpoint behind a port has these addresses, and this MAC.
struct Announcement {
  std::string port;  // the host end
  Mac mac;
  std::vector<IpAddress> addresses;
  // On a bridge that keeps VLANs apart: the one that the addresses are in, whose neighbours alone are told. 0 elsewhere.
  uint16_t vlan = 0;
  TagProtocol protocol = TagProtocol::k8021q;
  std::string host_end = {};  // the host's own link there, if that is not the bridge
  bool operator==(const Announcement&) const = default;
};

}  // namespace viaduct::net
