#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "net/option_values.h"
#include "net/segment.h"

namespace viaduct::net {

Result<uint16_t> read_vlan(const std::string& key, const std::string& value) {
  const auto vlan = parse_number(value);
  if (!vlan || *vlan < kLeastVlan || *vlan > kMostVlan)
    return bad_value(key, value, fmt::format("a VLAN from {} to {}", kLeastVlan, kMostVlan));
  return static_cast<uint16_t>(*vlan);
}

Result<uint16_t> read_native_vlan(const std::string& key, const std::string& value) {
  if (value == "none") return uint16_t{0};
  const auto vlan = read_vlan(key, value);
  if (!vlan.ok())
    return bad_value(key, value, fmt::format("a VLAN from {} to {}, or none", kLeastVlan, kMostVlan));
  return vlan.value();
}

Result<VlanSet> read_vlans(const std::string& key, const std::string& value) {
  auto vlans = VlanSet::parse(value);
  if (vlans.ok()) return vlans;
  return invalid_argument(
      fmt::format("option {}: {}; give numbers and ranges, such as 10,20-29", key, vlans.error().message));
}

Result<Prefix> read_ipv6_prefix(const std::string& key, const std::string& value) {
  constexpr int kLeastLength = 32;
  constexpr int kMostLength = 96;
  const auto prefix = Prefix::parse(value);
  if (!prefix.ok() || prefix.value().family() != Family::kIpv6 || prefix.value().length() < kLeastLength ||
      prefix.value().length() > kMostLength)
    return bad_value(
        key, value,
        fmt::format("an IPv6 prefix from /{} to /{}, such as fd00:10::/64", kLeastLength, kMostLength));
  return prefix.value();
}

Result<TagProtocol> read_tag_protocol(const std::string& key, const std::string& value) {
  std::string lower = value;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "802.1q") return TagProtocol::k8021q;
  if (lower == "802.1ad") return TagProtocol::k8021ad;
  return bad_value(key, value, "802.1Q or 802.1ad");
}

}  // namespace viaduct::net
