#include "net/vlan_set.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace viaduct::net {

namespace {

std::optional<uint16_t> vlan_from(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number < kLeastVlan || number > kMostVlan) return std::nullopt;
  return static_cast<uint16_t>(number);
}

Error no_vlans(std::string_view part) {
  return invalid_argument(
      fmt::format("\"{}\" is no VLAN (1 to 4094) and no range such as 20-29", part.substr(0, 32)));
}

}  // namespace

Result<VlanSet> VlanSet::parse(std::string_view text) {
  VlanSet all;
  for (;;) {
    const size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const size_t dash = part.find('-');
    const auto first = vlan_from(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : vlan_from(part.substr(dash + 1));
    if (!first || !last || *last < *first) return no_vlans(part);
    for (uint16_t vlan = *first; vlan <= *last; ++vlan) {
      if (all.contains(vlan)) return invalid_argument(fmt::format("VLAN {} stands in it twice", vlan));
      all.insert(vlan);
    }
    if (comma == std::string_view::npos) return all;
    text.remove_prefix(comma + 1);
  }
}

VlanSet VlanSet::without(const VlanSet& others) const {
  VlanSet rest;
  rest.bits_ = bits_ & ~others.bits_;
  return rest;
}

std::vector<std::pair<uint16_t, uint16_t>> VlanSet::ranges() const {
  std::vector<std::pair<uint16_t, uint16_t>> runs;
  for (uint16_t vlan = kLeastVlan; vlan <= kMostVlan; ++vlan) {
    if (!bits_.test(vlan)) continue;
    if (!runs.empty() && runs.back().second + 1 == vlan)
      runs.back().second = vlan;
    else
      runs.emplace_back(vlan, vlan);
  }
  return runs;
}

std::string VlanSet::to_string() const {
  std::string text;
  for (const auto& [first, last] : ranges()) {
    if (!text.empty()) text += ",";
    text += first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
  }
  return text;
}

VlanSet PortVlans::all() const {
  VlanSet vlans = tagged;
  if (native != 0) vlans.insert(native);
  return vlans;
}

std::string words_of(const PortVlans& vlans) {
  if (vlans.native == 0 && vlans.tagged.empty()) return "no VLAN";
  std::string text;
  if (vlans.native != 0) text = fmt::format("{} untagged", vlans.native);
  if (!vlans.tagged.empty())
    text += fmt::format("{}{} tagged", text.empty() ? "" : ", ", vlans.tagged.to_string());
  return "VLANs " + text;
}

}  // namespace viaduct::net
