#pragma once

#include <string>
#include <vector>

#include "net/announcer.h"
#include "net/driver.h"
#include "net/kernel.h"
#include "net/reaper.h"
#include "net/rule_book.h"

namespace viaduct::net {

// Carries plans out: the only one below the service that changes links and rules. Any thread; the caller
// holds the lock of the network that the plan is of.
class NetworkApplier {
 public:
  NetworkApplier(Kernel& kernel, RuleBook& rules, Reaper& reaper, Announcer& announcer)
      : kernel_(kernel), rules_(rules), reaper_(reaper), announcer_(announcer) {}

  // Makes bridge, addresses and rules anew; a bridge of the same mark that lies about is removed first. After
  // failure nothing of it is left. Errors: kAlreadyExists, a link that is not this network's has the name;
  // and the kernel's.
  Status create(const NetworkPlan& plan);

  // What ensure() found.
  struct Ensured {
    int bridge_index = 0;
    std::vector<std::string> repaired;  // one sentence each
    std::vector<std::string> problems;  // what keeps a bridge from its LAN: likewise
  };
  // Makes the kernel hold the plan, keeping the bridge that is there and what it carries. Rules are left
  // alone. Errors: as create().
  Result<Ensured> ensure(const NetworkPlan& plan);

  // Makes a further bridge and its joint. After failure nothing of them is left. Errors: as create(); kExhausted, the first
  // bridge has no port left.
  Status create_further(const FurtherPlan& plan);
  // As ensure().
  Result<Ensured> ensure_further(const FurtherPlan& plan);
  // Takes them out of service. What is gone is no error.
  Status remove_further(const FurtherPlan& plan);

  // The VLANs of the uplink's port alone, where the bridge keeps VLANs apart.
  Status set_uplink_vlans(const NetworkPlan& plan);

  // Takes the bridges and the host ends of the endpoints out of service, and announcements and rules away. What is gone is
  // no error.
  Status remove(const NetworkPlan& plan, const std::vector<VethSpec>& endpoints);

  // Makes the pair of links; one of the same mark that lies about is removed first. After failure no link is
  // left. Errors: kAlreadyExists, a link that is not this endpoint's has one of the names; kExhausted, the
  // bridge is full.
  Status create_endpoint(const VethSpec& spec);
  // Takes the host end, and with it the peer, out of service, and ends its announcements. What is gone, or is not this
  // endpoint's, is no error.
  Status remove_endpoint(const VethSpec& spec);

 private:
  static Error name_taken(const std::string& name);
  Status create_bridge(const BridgeSpec& spec);
  // Its index.
  Result<int> ensure_bridge(const BridgeSpec& spec, std::vector<std::string>& repaired);
  // The bridge of somebody else's that a plan stands on. Errors: kUnavailable, it is not there.
  Result<Link> adopted_bridge(const std::string& name);
  // Gets a leftover of one's own, or what is dying, out of the way of a new link. Returns whether the name is worth another
  // try.
  Result<bool> clear_leftover(const std::string& name, const std::string& alias);
  // Sets what of an existing bridge can differ.
  Status mend_bridge(const Link& link, const BridgeSpec& spec, std::vector<std::string>& repaired);
  Status ensure_joint(const JointSpec& spec, int bridge, int other_bridge,
                      std::vector<std::string>& repaired);
  Status create_joint(const JointSpec& spec);
  Status create_on_segment(const NetworkPlan& plan);
  Result<Link> create_sub_interface(const UplinkPlan& uplink, const Link& parent);
  Status ensure_uplink(const NetworkPlan& plan, int bridge, Ensured& ensured);
  Status ensure_host_end(const NetworkPlan& plan, Ensured& ensured);
  Status remove_from_segment(const NetworkPlan& plan, const std::vector<VethSpec>& endpoints);
  void undo_bridge(const BridgeSpec& spec);

  Kernel& kernel_;
  RuleBook& rules_;
  Reaper& reaper_;
  Announcer& announcer_;
};

}  // namespace viaduct::net
