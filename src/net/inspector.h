#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "net/finding.h"
#include "net/service_core.h"

namespace viaduct::net {

// Compares store, kernel and packet filter, and changes nothing; Reconciler is what repairs. One dump of links, one question
// for addresses a network, one listing of the rules: its cost is that of what there is.
class Inspector {
 public:
  explicit Inspector(ServiceCore& core) : core_(core) {}

  // Every difference, networks in order of id. What a call is making at the moment is none: where something differs, there
  // is a second look, and what did not last is left out. One thread. Errors: the kernel does not even list its links.
  Result<std::vector<Finding>> look();

 private:
  using Links = std::map<std::string, Link>;
  // All but the state.
  Result<std::vector<Finding>> look_once();
  [[nodiscard]] Deadline patience() const;
  void look_at_state(std::vector<Finding>& found);
  void look_at_network(const std::string& id, const Links& links, std::vector<Finding>& found);
  void look_at_bridge(const NetworkRecord& network, const Links& links, std::vector<Finding>& found);
  void look_at_mac(const NetworkRecord& network, const Link& bridge, const Mac& wanted,
                   std::vector<Finding>& found);
  // `wanted`: the plan's MTU.
  void look_at_mtu(const NetworkRecord& network, const Link& bridge, int wanted, const Links& links,
                   std::vector<Finding>& found);
  void look_at_uplink(const NetworkRecord& network, const NetworkPlan& plan, const Link& bridge,
                      const Links& links, std::vector<Finding>& found);
  void look_at_further(const NetworkRecord& network, const FurtherPlan& plan, const Links& links,
                       std::vector<Finding>& found);
  void look_at_addresses(const NetworkRecord& network, const NetworkPlan& plan, std::vector<Finding>& found);
  void look_at_endpoint(const NetworkRecord& network, const EndpointRecord& endpoint, const Links& links,
                        std::vector<Finding>& found);
  std::vector<std::string> differing_vlans(const std::string& link, const std::optional<PortVlans>& wanted);
  std::vector<std::string> lost_rates(const VethSpec& spec);
  void look_at_stray(const Link& link, std::vector<Finding>& found);

  ServiceCore& core_;
  Deadline patience_ = Deadline::in({});  // of the look at work
  // Bridges that keep VLANs apart, of which this look has seen the uplink: all networks there want the same of it.
  std::set<std::string> vlans_seen_;
};

}  // namespace viaduct::net
