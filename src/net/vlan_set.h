#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace viaduct::net {

// VLANs of IEEE 802.1Q: 0 and 4095 are none.
inline constexpr uint16_t kLeastVlan = 1;
inline constexpr uint16_t kMostVlan = 4094;

// VLANs by their numbers. A value.
class VlanSet {
 public:
  // "10,20-29": numbers and ranges, each once. Errors: kInvalidArgument, the part that is none, without the option's name.
  static Result<VlanSet> parse(std::string_view text);

  void insert(uint16_t vlan) { bits_.set(vlan); }
  void erase(uint16_t vlan) { bits_.reset(vlan); }
  void insert(const VlanSet& others) { bits_ |= others.bits_; }
  [[nodiscard]] bool contains(uint16_t vlan) const { return bits_.test(vlan); }
  [[nodiscard]] bool contains(const VlanSet& others) const { return (others.bits_ & ~bits_).none(); }
  [[nodiscard]] bool empty() const { return bits_.none(); }
  [[nodiscard]] VlanSet without(const VlanSet& others) const;
  // First and last of each run, in order.
  [[nodiscard]] std::vector<std::pair<uint16_t, uint16_t>> ranges() const;
  // As parse() reads it.
  [[nodiscard]] std::string to_string() const;
  bool operator==(const VlanSet&) const = default;

 private:
  std::bitset<kMostVlan + 1> bits_;
};

// In which VLANs a port of a bridge is: one for untagged frames, in and out (its PVID), and those whose frames are tagged.
struct PortVlans {
  uint16_t native = 0;  // 0: none; untagged frames are dropped
  VlanSet tagged;       // without the native one
  // All of them.
  [[nodiscard]] VlanSet all() const;
  bool operator==(const PortVlans&) const = default;
};
// "VLANs 10 untagged, 20-29 tagged", "no VLAN".
std::string words_of(const PortVlans& vlans);

}  // namespace viaduct::net
