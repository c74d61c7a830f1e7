#pragma once

#include <functional>

#include "base/result.h"
#include "net/link_types.h"

namespace viaduct::net {

// The seam to the kernel's links, addresses and routes, in the network namespace of the process.
// Every method may be called from any thread, and blocks until the kernel has answered. Errors carry the kernel's own
// words (extended ack) and errno; codes as from_errno() says. Creating what exists is kAlreadyExists; removing what does
// not succeeds.
class Kernel {
 public:
  virtual ~Kernel() = default;

  virtual Result<std::vector<Link>> links() = 0;
  // Empty if there is no link of that name.
  virtual Result<std::optional<Link>> find_link(const std::string& name) = 0;
  // 0 if there is no link of that name. Quicker than find_link(): the kernel needs no lock for it.
  virtual Result<int> link_index(const std::string& name) = 0;

  // Makes a bridge in kLiveGroup, with its alias, up, without IPv6 address of its own making. After failure: no link.
  // A link whose MTU is below 1280 has no IPv6 (RFC 8200, section 5): an IPv6 address for it is kInvalidArgument.
  virtual Status create_bridge(const BridgeSpec& spec) = 0;
  // Makes both ends in kLiveGroup, the host end a port of the bridge, with its alias, up; the peer down.
  // After failure: no link.
  virtual Status create_veth(const VethSpec& spec) = 0;
  // Makes both ends in kLiveGroup, ports, with their alias and kJointMtu, up. After failure: no link.
  virtual Status create_joint(const JointSpec& spec) = 0;
  // Makes an existing link a port of the bridge again, in kLiveGroup and up; its alias stays.
  virtual Status attach_port(const std::string& name, const std::string& bridge, PortIsolation isolation) = 0;
  // Makes a sub-interface in kLiveGroup, with its alias, the MTU of the parent, up. After failure: no link. Errors: kNotFound, the
  // parent; the kernel's, where it lacks 8021q, or the parent is down (ENETDOWN).
  virtual Status create_vlan(const VlanSpec& spec) = 0;
  // Makes a link of whomever a port of the bridge, and sets it up; nothing else of it changes. What it was a
  // port of before loses it. Errors: EBUSY, a macvlan or ipvlan has it; EINVAL or ELOOP, it cannot be a port.
  virtual Status join_bridge(const std::string& link, const std::string& bridge) = 0;
  // Puts a port of a bridge with `filtering`, or that bridge itself as the host's own port, into exactly these VLANs. Returns
  // whether anything differed. Errors: kNotFound, the link; EOPNOTSUPP, it is no such port.
  virtual Result<bool> set_vlans(const std::string& link, const PortVlans& vlans) = 0;
  // The VLANs that it is in, where set_vlans() would have something to change; empty where it would not. Same errors.
  virtual Result<std::optional<PortVlans>> differing_vlans(const std::string& link,
                                                           const PortVlans& vlans) = 0;
  // Of no bridge any more. One that is gone, or was of none, is no error.
  virtual Status leave_bridge(const std::string& link) = 0;
  // Makes the limits of an endpoint hold: qdiscs of its host end, and the shaper with its redirection. create_veth() does
  // so itself. Returns whether any was missing. Errors: kNotFound, the host end; kAlreadyExists, another link has the
  // shaper's name; the kernel's, where it lacks sch_tbf, sch_ingress, cls_u32, act_mirred or ifb.
  virtual Result<bool> ensure_rates(const VethSpec& spec) = 0;
  // What ensure_rates() looks at, changing nothing. Errors: kNotFound, the host end.
  virtual Result<RatesInForce> rates_in_force(const VethSpec& spec) = 0;
  // Of a port of a bridge. A link that is gone, or is no port, is no error: it is made anew or attached again with the setting.
  virtual Status set_hairpin(const std::string& name, Hairpin hairpin) = 0;
  virtual Status set_mtu(const std::string& name, int mtu) = 0;
  virtual Status set_up(const std::string& name) = 0;

  // Takes links out of service at once (down, kDyingGroup); reap() removes them. Those that are gone are left out.
  // Errors: kPermission, and nothing is touched, if one of them is in neither group: it is not viaduct's.
  virtual Status retire_links(const std::vector<std::string>& names) = 0;
  // Removes every link of kDyingGroup, together. Nothing to remove is no error.
  virtual Status reap() = 0;

  // Adds an address, usable at once (no duplicate address detection). One that is there already is no error.
  // The first IPv6 address of a link in kLiveGroup brings the link-local one of its MAC with it: without it the kernel
  // solicits no neighbours for packets that it forwards (ndisc_send_ns() in net/ipv6/ndisc.c).
  virtual Status add_address(const std::string& link, const InterfaceAddress& address) = 0;
  virtual Status remove_address(const std::string& link, const InterfaceAddress& address) = 0;
  // Without the link-local ones.
  virtual Result<std::vector<InterfaceAddress>> addresses(const std::string& link) = 0;

  // Tells the neighbours of endpoints, whoever is behind the other ports of their bridges, which MACs their addresses have
  // (neighbour_codec.h), and the host itself where it has learnt another: one that knew the address sends to that MAC at
  // once. Not behind the endpoint's own port, where it would be a stranger that claims the address. Passes over a port that
  // is none, or is out of service. Does not wait for anybody. Errors: kPermission (CAP_NET_RAW); those of looking for a link.
  virtual Status announce(const std::vector<Announcement>& all) = 0;

  // Prefixes of all routes (main table, unicast) and of all addresses, in order, each once. Without those shorter than
  // /8, which are ways to everywhere (0.0.0.0/1 of a VPN), without multicast and IPv6 link-local ones.
  virtual Result<std::vector<Prefix>> host_prefixes() = 0;
  // Every address of the host with its network, IPv6 link-local ones included, and the unicast routes of the main table that
  // lead to a link without a gateway; in any order, and one network may come twice.
  virtual Result<std::vector<OnLink>> on_link() = 0;
  // The MTU of the link that the default route leaves by (IPv4 first, then IPv6); empty without default route.
  virtual Result<std::optional<int>> uplink_mtu() = 0;
};

}  // namespace viaduct::net
