#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/records.h"

// A network with more endpoints than a bridge has ports: it has further bridges, each joined to the first one by a pair of
// links. A star has no loops. Which bridge an endpoint is a port of is nobody's business but viaduct's. Pure.
namespace viaduct::net {

// Endpoints of one bridge. Linux gives it 1023 ports (BR_MAX_PORTS, net/bridge/br_private.h); the rest is for the joints, and
// for links that are out of service and wait to be reaped.
inline constexpr size_t kEndpointsOfBridge = 1000;
// Of somebody else's bridge, which may have ports of its own: a joint to it must still find one.
inline constexpr size_t kEndpointsOfAdoptedBridge = 500;
// A further bridge without endpoints goes when the others have so much room: not to be made again for the next one.
inline constexpr size_t kRoomToSpare = 100;

// Endpoints by bridge number; those without any may be left out.
using EndpointCounts = std::map<int, size_t>;

// Of all bridges of the network.
std::set<int> numbers_of(const NetworkRecord& network);
// Names of all bridges of the network, the first one first.
std::vector<std::string> bridges_of(const NetworkRecord& network);
// The name of one. A number that the network has not is the first one's: its record is of another viaduct's making.
const std::string& bridge_of(const NetworkRecord& network, int number);
// Whether a link that carries the network's mark is on its record: a bridge, or an end of a joint.
bool has_link(const NetworkRecord& network, const std::string& name);

// The bridge for one more endpoint: that with the fewest, the smallest number among equals, without those of `full`. Empty if
// none has room.
std::optional<int> choose_bridge(const NetworkRecord& network, const EndpointCounts& endpoints,
                                 const std::set<int>& full);
// The smallest number that the network has not.
int next_number(const NetworkRecord& network);
// Whether the network does without that bridge.
bool is_superfluous(const NetworkRecord& network, const EndpointCounts& endpoints, int number);

}  // namespace viaduct::net
