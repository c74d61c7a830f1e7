#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipam/ipam_types.h"

// What goes to and fro between the service and whoever looks at the wire for it: foreign hosts that have addresses of
// pools. Pure values.
namespace viaduct::ipam {

// Whether the addresses of a pool can be looked for.
struct Watch {
  WatchState state = WatchState::kUnknown;
  std::string detail;  // the links asked; or why none is
};

// A pool whose `probe=` does not forbid it.
struct ProbedPool {
  std::string id;
  Prefix pool;
  Probe probe = Probe::kAuto;
  bool for_swarm = false;  // its addresses are for endpoints of other hosts as well
};
// The Watch's detail for such a one, where nobody knows by which link they are reached.
inline constexpr std::string_view kForOtherHosts = "addresses of a Swarm are for other hosts' links";
enum class Survey {
  kNew,  // those whose Watch nobody has set
  kAll,
};

// Addresses of one pool at which somebody may answer.
struct ProbeTarget {
  std::string pool_id;
  std::vector<IpAddress> addresses;
};
struct ProbeAnswer {
  IpAddress address;
  Mac mac;
};
// What the answers changed, for the log.
struct ProbeOutcome {
  std::vector<ProbeAnswer> set_aside;
  std::vector<Mac> proxies;  // not believed from now on
};

// An address that was given all the same.
struct UnsureGift {
  std::string pool_id;
  IpAddress address;
  OwnerClass owner = OwnerClass::kEndpoint;
  std::optional<Mac> answered_by;  // a foreign host; absent: nobody could be asked in time
};

}  // namespace viaduct::ipam
