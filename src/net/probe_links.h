#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/link_types.h"

namespace viaduct::net {

// Which of a link's frames: all of them, or, of a port of a bridge, those with one tag or those without any. What comes in at a
// port goes on to its bridge before the host looks at it.
struct Lane {
  bool is_port = false;
  uint16_t vlan = 0;  // of a port; 0: without a tag
  TagProtocol protocol = TagProtocol::k8021q;
  auto operator<=>(const Lane&) const = default;
};

// A link that neighbours can be asked on.
struct ProbeLink {
  int index = 0;
  std::string name;
  Mac mac;
  std::optional<IpAddress> link_local;  // IPv6
  Lane lane;
};
// For operators: "eth0", "VLAN 10 of eth1".
std::string words_of(const ProbeLink& link);

// A subnet whose foreign hosts are reached by a lane of a link, where the host needs neither an address nor a route for that.
struct LanSubnet {
  Prefix subnet;
  std::string link;
  Lane lane;
};

// On which links of the host a pool's addresses may belong to foreign hosts. Pure: a picture of one moment.
class ProbeLinks {
 public:
  explicit ProbeLinks(const std::vector<OnLink>& on_link);
  // Before this finds anything, and before add_lan(): all links of the host. Spared where no pool is reached.
  void set_links(std::vector<Link> links);

  // Likewise. A link that is not there is passed over.
  void add_lan(const LanSubnet& lan);

  enum class Reach {
    kForeign,  // links that foreign hosts may be on: no bridge whose ports are veths alone, for only containers are there
    kAny,
    kLans,  // what add_lan() told of, and nothing else
  };
  struct Found {
    std::vector<ProbeLink> links;
    std::string why_none;  // a part of a sentence
  };
  // The Ethernet links that reach the prefix, or a part of it, without a gateway. Where networks of several links overlap it,
  // those of the longest one, as the host would route.
  [[nodiscard]] Found find(const Prefix& pool, Reach reach) const;
  // Whether any link of whatever kind reaches it.
  [[nodiscard]] bool reached(const Prefix& pool) const { return !reaching(pool).empty(); }
  // Of the host's links: an answer from one of these is the host's own.
  [[nodiscard]] const std::set<Mac>& own_macs() const { return own_macs_; }

 private:
  struct Way {
    int link = 0;
    Lane lane;
    bool is_lan = false;
    auto operator<=>(const Way&) const = default;
  };
  [[nodiscard]] bool containers_only(const Link& link) const;
  [[nodiscard]] std::set<Way> reaching(const Prefix& pool) const;

  std::map<int, Link> links_;
  std::map<Prefix, std::set<Way>> networks_;  // and what reaches them
  std::map<int, IpAddress> link_local_;       // by link
  std::set<int> open_bridges_;                // with a port that is no veth
  std::set<Mac> own_macs_;
};

}  // namespace viaduct::net
