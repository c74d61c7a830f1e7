#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "net/vlan_set.h"

namespace viaduct::net {

// What one network wants of the bridge that it shares with others of its segment (segment.h).
struct SegmentShare {
  std::string segment;  // key_of()
  VlanSet vlans;        // that its uplink's port is in, those of its endpoints among them
  VlanSet host_vlans;   // in which the host has an end
  std::set<std::string>
      links;  // names of all that is viaduct's there: the bridge, its sub-interface, the host's end
};

// The shares of all networks, by segment, so that what is done for one network looks at no other: a segment may have thousands.
// Not for several threads at once.
class SegmentBook {
 public:
  // In the place of what the network had.
  void put(const std::string& network, SegmentShare share);
  void erase(const std::string& network);

  // What the others of the network's segment want together, whether it stands in the book itself or not.
  struct Others {
    bool any = false;
    VlanSet vlans;
    VlanSet host_vlans;
    std::set<std::string> links;  // of those that were asked about
  };
  [[nodiscard]] Others others(const std::string& network, const std::string& segment,
                              const std::set<std::string>& links) const;
  // Whether any network of the segment has the link.
  [[nodiscard]] bool has_link(const std::string& segment, const std::string& link) const;

 private:
  // How many networks want each.
  using Counts = std::vector<uint32_t>;
  struct Sum {
    size_t networks = 0;
    Counts vlans = Counts(kMostVlan + 1);
    Counts host_vlans = Counts(kMostVlan + 1);
    std::map<std::string, uint32_t> links;
  };

  std::map<std::string, SegmentShare> shares_;
  std::map<std::string, Sum> sums_;
};

}  // namespace viaduct::net
