#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "net/firewall.h"
#include "net/link_types.h"
#include "net/network_types.h"
#include "net/port_plan.h"
#include "net/records.h"

namespace viaduct::net {

// A bridge beside the first one, without address, and the pair that joins the two: its named end is on the first.
struct FurtherPlan {
  BridgeSpec bridge;
  JointSpec joint;
};

// What makes a bridge part of a LAN (segment.h).
struct UplinkPlan {
  std::string parent;
  std::optional<VlanSpec>
      sub_interface;        // the port, or one of other name for the same VLAN; without it the parent is
  std::string second_name;  // of the sub-interface, if another link has the first
  std::optional<PortVlans> vlans;  // of the port, where the bridge keeps VLANs apart
};

// The host's own end in one VLAN of a bridge that keeps them apart: a sub-interface of the bridge.
struct HostEndPlan {
  VlanSpec link;
  bool shared = false;  // another network has it as well
};

// What the kernel and the firewall must hold for a network. Made anew from the record at every start.
struct NetworkPlan {
  BridgeSpec bridge;
  bool adopted =
      false;  // it is somebody else's: it must be there, and nothing of it is made, changed or removed
  std::vector<InterfaceAddress> addresses;  // of the bridge, or of the host's end where there is one
  std::vector<FurtherPlan> further;
  std::optional<UplinkPlan> uplink;
  std::optional<HostEndPlan> host_end;
  VlanSet host_vlans;  // in which the host has an end, of whatever network
  bool shared =
      false;  // another network stands on the same bridge: it, its uplink and rules stay when this one goes
  NetworkRules rules;
};

// What a plan needs to know of its surroundings.
struct PlanContext {
  std::string instance;  // for link marks
  int uplink_mtu = 1500;
  bool adopts = false;           // a bridge of the name that the user gave is there, and is somebody else's
  std::optional<Uplink> uplink;  // of a kind that asks for one
  std::string segment_bridge;    // the name that its bridge has already; empty for none
  std::set<std::string> taken_names;  // links on the host that are not this object's
  // Whether another endpoint of the network has it: not to be made for this one.
  std::function<bool(const Mac&)> is_taken = [](const Mac&) { return false; };
};

// One kind of network. Pure: plans, and leaves the doing to NetworkApplier. One file a kind; the table of
// kinds is in drivers.cc (ARCHITECTURE.md, "How to add a kind of network").
class Driver {
 public:
  virtual ~Driver() = default;

  // The value of `mode=`.
  [[nodiscard]] virtual std::string mode() const = 0;
  // Which gateway addresses the engine need not ask for. Errors: kInvalidArgument, kUnsupported, as check().
  [[nodiscard]] virtual Result<GatewayNeed> gateway_need(const GatewayQuestion& question) const = 0;
  // The record of a new network: options understood, names and MTU chosen. `since` is left to the caller.
  // Errors: kInvalidArgument, kUnsupported: an option (naming the nearest known one), a subnet that this kind
  // cannot serve.
  [[nodiscard]] virtual Result<NetworkRecord> accept(const CreateNetworkRequest& request,
                                                     const PlanContext& context) const = 0;
  // The link of the host's that the network is to stand on; empty for kinds that stand on none. Errors: as accept().
  [[nodiscard]] virtual Result<std::optional<ParentWish>> wanted_parent(
      const CreateNetworkRequest& request) const = 0;
  // A name for the network's bridge that is not among `taken`. Errors: kExhausted.
  [[nodiscard]] virtual Result<std::string> bridge_name_for(const NetworkRecord& network,
                                                            const std::set<std::string>& taken) const = 0;
  // Whether the user named the network's bridge, so that no other name will do.
  [[nodiscard]] virtual bool has_named_bridge(const Options& options) const = 0;
  [[nodiscard]] virtual NetworkPlan plan(const NetworkRecord& network, const PlanContext& context) const = 0;
  // The MTU that the network should have now that this is the uplink's; empty for one that does not follow it.
  [[nodiscard]] virtual std::optional<int> followed_mtu(const NetworkRecord& network,
                                                        int uplink_mtu) const = 0;

  // The record of a new endpoint: MAC made if none was given, names chosen. `since` and `boot_id` are left to
  // the caller. Errors: kInvalidArgument: an address outside the network's subnets, an unknown driver option.
  [[nodiscard]] virtual Result<EndpointRecord> accept(const NetworkRecord& network,
                                                      const CreateEndpointRequest& request,
                                                      const PlanContext& context) const = 0;
  [[nodiscard]] virtual VethSpec plan(const NetworkRecord& network, const EndpointRecord& endpoint,
                                      const PlanContext& context) const = 0;
  // What the firewall must know of the endpoint, its published ports among it.
  [[nodiscard]] virtual EndpointRules rules(const NetworkRecord& network,
                                            const EndpointRecord& endpoint) const = 0;
  // Which ports it is to publish. Errors: kInvalidArgument, as plan_ports().
  [[nodiscard]] virtual Result<PortPlan> ports(const NetworkRecord& network, const EndpointRecord& endpoint,
                                               const std::vector<PortBinding>& bindings) const = 0;
  [[nodiscard]] virtual JoinReply join_reply(const NetworkRecord& network,
                                             const EndpointRecord& endpoint) const = 0;
};

// The driver for options that may hold `mode=`; bridge without it. Errors: kInvalidArgument, naming the known
// modes.
Result<const Driver*> driver_for(const Options& options);
// The driver of a stored record. Errors: kUnsupported: a newer viaduct wrote it.
Result<const Driver*> driver_for_mode(const std::string& mode);

}  // namespace viaduct::net
