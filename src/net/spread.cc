#include "net/spread.h"

#include <algorithm>

#include "net/link_names.h"

namespace viaduct::net {

namespace {

size_t count_of(const EndpointCounts& endpoints, int number) {
  const auto found = endpoints.find(number);
  return found == endpoints.end() ? 0 : found->second;
}

// How many more endpoints a bridge takes.
size_t room_of(const NetworkRecord& network, const EndpointCounts& endpoints, int number) {
  const bool adopted = network.adopted && number == kFirstBridge;
  const size_t most = adopted ? kEndpointsOfAdoptedBridge : kEndpointsOfBridge;
  return most - std::min(most, count_of(endpoints, number));
}

}  // namespace

std::set<int> numbers_of(const NetworkRecord& network) {
  std::set<int> numbers = {kFirstBridge};
  for (const FurtherBridge& bridge : network.further) numbers.insert(bridge.number);
  return numbers;
}

std::vector<std::string> bridges_of(const NetworkRecord& network) {
  std::vector<std::string> names = {network.bridge};
  for (const FurtherBridge& bridge : network.further) names.push_back(bridge.name);
  return names;
}

const std::string& bridge_of(const NetworkRecord& network, int number) {
  for (const FurtherBridge& bridge : network.further)
    if (bridge.number == number) return bridge.name;
  return network.bridge;
}

bool has_link(const NetworkRecord& network, const std::string& name) {
  if (network.bridge == name) return true;
  return std::any_of(network.further.begin(), network.further.end(), [&](const FurtherBridge& bridge) {
    const JointNames joint = joint_names(bridge.name);
    return bridge.name == name || joint.first == name || joint.further == name;
  });
}

std::optional<int> choose_bridge(const NetworkRecord& network, const EndpointCounts& endpoints,
                                 const std::set<int>& full) {
  std::optional<int> best;
  for (const int number : numbers_of(network)) {
    if (full.contains(number) || room_of(network, endpoints, number) == 0) continue;
    if (!best || count_of(endpoints, number) < count_of(endpoints, *best)) best = number;
  }
  return best;
}

int next_number(const NetworkRecord& network) {
  const auto numbers = numbers_of(network);
  int number = kFirstBridge;
  while (numbers.contains(number)) ++number;
  return number;
}

bool is_superfluous(const NetworkRecord& network, const EndpointCounts& endpoints, int number) {
  if (number == kFirstBridge || count_of(endpoints, number) > 0) return false;
  size_t room = 0;
  for (const int other : numbers_of(network))
    if (other != number) room += room_of(network, endpoints, other);
  return room >= kRoomToSpare;
}

}  // namespace viaduct::net
