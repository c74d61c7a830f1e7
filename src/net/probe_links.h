#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/link_types.h"

namespace viaduct::net {

// A link that neighbours can be asked on.
struct ProbeLink {
  int index = 0;
  std::string name;
  Mac mac;
  std::optional<IpAddress> link_local;  // IPv6
};

// On which links of the host a pool's addresses may belong to foreign hosts. Pure: a picture of one moment.
class ProbeLinks {
 public:
  ProbeLinks(std::vector<Link> links, std::vector<OnLink> on_link);

  enum class Reach {
    kForeign,  // links that foreign hosts may be on: no bridge whose ports are veths alone, for only containers are there
    kAny,
  };
  struct Found {
    std::vector<ProbeLink> links;
    std::string why_none;  // a part of a sentence
  };
  // The Ethernet links that reach the prefix, or a part of it, without a gateway. Where networks of several links overlap it,
  // those of the longest one, as the host would route.
  [[nodiscard]] Found find(const Prefix& pool, Reach reach) const;
  // Of the host's links: an answer from one of these is the host's own.
  [[nodiscard]] const std::set<Mac>& own_macs() const { return own_macs_; }

 private:
  [[nodiscard]] bool containers_only(const Link& link) const;

  std::map<int, Link> links_;
  std::vector<OnLink> on_link_;
  std::map<int, IpAddress> link_local_;  // by link
  std::set<int> open_bridges_;           // with a port that is no veth
  std::set<Mac> own_macs_;
};

}  // namespace viaduct::net
