#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/driver.h"
#include "net/endpoint_options.h"
#include "net/options.h"
#include "net/subnets.h"

// What kinds of network have in common: an endpoint is a veth pair whose host end is a port of a bridge. Pure.
namespace viaduct::net {

// What the user said, as it was understood when the network was made.
NetworkOptions stored_options(const NetworkRecord& network);
bool has_family(const std::vector<Subnet>& subnets, Family family);
// Of all lists of the request: what a user says with --aux-address NAME=ADDRESS.
std::optional<IpAddress> auxiliary_address(const CreateNetworkRequest& request, const std::string& name);
// The MTU given, or the uplink's: packets that fit the bridge must fit the way out. Errors: kInvalidArgument, too small for the
// network's IPv6.
Result<int> choose_mtu(const CreateNetworkRequest& request, const NetworkOptions& options, int uplink_mtu);
// What an uplink's MTU of now means to the network; empty if the user gave one.
std::optional<int> clamped_mtu(const NetworkRecord& network, int uplink_mtu);
PortIsolation isolation_of(const NetworkOptions& options);

// A kind whose endpoints are such pairs, with what these have in common.
class PairDriver : public Driver {
 public:
  using Driver::plan;
  [[nodiscard]] VethSpec plan(const NetworkRecord& network, const EndpointRecord& endpoint,
                              const PlanContext& context) const override;
  [[nodiscard]] EndpointRules rules(const NetworkRecord& network,
                                    const EndpointRecord& endpoint) const override;
  [[nodiscard]] JoinReply join_reply(const NetworkRecord& network,
                                     const EndpointRecord& endpoint) const override;

 protected:
  // accept(), for options that the kind has looked at.
  static Result<EndpointRecord> new_endpoint(const NetworkRecord& network,
                                             const CreateEndpointRequest& request,
                                             const EndpointOptions& options, const PlanContext& context);
};

}  // namespace viaduct::net
