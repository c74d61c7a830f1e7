#include "net/option_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "net/link_types.h"
#include "net/options.h"

namespace viaduct::net {

std::string shown(std::string_view text) {
  constexpr size_t kMostShown = 64;
  if (text.size() <= kMostShown) return std::string(text);
  size_t end = kMostShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
    --end;  // not within a character
  return fmt::format("{}… ({} bytes)", text.substr(0, end), text.size());
}

std::optional<bool> parse_go_bool(std::string_view text) {
  for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"})
    if (text == yes) return true;
  for (const char* no : {"0", "f", "F", "FALSE", "false", "False"})
    if (text == no) return false;
  return std::nullopt;
}

std::optional<int> parse_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Error bad_value(std::string_view key, std::string_view value, std::string_view wanted) {
  return invalid_argument(fmt::format("option {} has the value \"{}\"; give {}", key, shown(value), wanted));
}

Result<int> read_mtu(const std::string& key, const std::string& value) {
  const auto mtu = parse_number(value);
  if (!mtu || *mtu < kLeastMtu || *mtu > kMostMtu)
    return bad_value(key, value, fmt::format("a whole number of bytes from {} to {}", kLeastMtu, kMostMtu));
  return *mtu;
}

Result<bool> read_bool(const std::string& key, const std::string& value) {
  const auto yes = parse_go_bool(value);
  if (!yes) return bad_value(key, value, "true or false");
  return *yes;
}

Result<std::string> read_interface_prefix(const std::string& key, const std::string& value) {
  constexpr size_t kRoomForNumber = 3;
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (value.empty() || value.size() > kMaxLinkName - kRoomForNumber || !plain)
    return bad_value(key, value,
                     fmt::format("1 to {} letters, digits, '-' or '_'", kMaxLinkName - kRoomForNumber));
  return value;
}

Result<std::string> read_link_name(const std::string& key, const std::string& value) {
  if (check_link_name(value).ok()) return value;
  return bad_value(
      key, value,
      fmt::format("the name of a link, 1 to {} characters without spaces, '/' and ':'", kMaxLinkName));
}

Result<std::vector<std::string>> read_link_names(const std::string& key, const std::string& value) {
  std::vector<std::string> names;
  for (size_t at = 0; at <= value.size();) {
    const size_t end = std::min(value.find_first_of(":,", at), value.size());
    std::string name = TRY(read_link_name(key, value.substr(at, end - at)));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
    at = end + 1;
  }
  return names;
}

Result<GatewayMode> read_gateway_mode(const std::string& key, const std::string& value) {
  if (value == "nat" || value.empty()) return GatewayMode::kNat;
  if (value == "nat-unprotected") return GatewayMode::kNatUnprotected;
  if (value == "routed") return GatewayMode::kRouted;
  if (value == "isolated") return GatewayMode::kIsolated;
  return bad_value(key, value, "nat, nat-unprotected, routed or isolated");
}

Result<MacPolicy> read_mac_policy(const std::string& key, const std::string& value) {
  if (value == "address") return MacPolicy::kAddress;
  if (value == "random") return MacPolicy::kRandom;
  if (value == "name") return MacPolicy::kName;
  return bad_value(key, value, "address, random or name");
}

Result<IpAddress> read_address(const std::string& key, const std::string& value, Family family) {
  const auto address = IpAddress::parse(value);
  if (address.ok() && address.value().family() == family) return address.value();
  return bad_value(key, value, family == Family::kIpv4 ? "an IPv4 address" : "an IPv6 address");
}

}  // namespace viaduct::net
