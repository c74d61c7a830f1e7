#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "net/driver.h"
#include "net/probe_links.h"

namespace viaduct::net {

// A segment's frames at its parent.
Lane lane_of(const Segment& segment);

// The LANs of a Swarm's networks, as its leader is told of them (AllocateNetwork): it gives addresses there, whether it has a
// bridge of the network or not. In memory alone, since a leader's term begins with all networks that live; what is not told
// of again in a later term stays, and is nobody's pool any more. Any thread.
class SwarmLans {
 public:
  // In the place of what was noted of the network. One that stands on no link, or whose options are not understood, is passed
  // over: the nodes have the words for that. Returns whether it was noted.
  bool note(const CreateNetworkRequest& request);
  void forget(const std::string& network);

  [[nodiscard]] bool empty() const;
  // How their foreign hosts are reached from here: at the parent itself, in the VLAN. A parent that is not here has no way.
  [[nodiscard]] std::vector<LanSubnet> ways(const std::vector<Link>& links,
                                            const std::string& instance) const;

 private:
  struct Lan {
    ParentWish wish;
    std::vector<Prefix> subnets;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Lan> lans_;
};

}  // namespace viaduct::net
