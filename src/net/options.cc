#include "net/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "net/link_types.h"

namespace viaduct::net {

namespace {

constexpr std::string_view kOwnPrefix = "viaduct.";
constexpr std::string_view kEnginePrefix = "com.docker.network.";
// The longest hostile option must not cost quadratic time.
constexpr size_t kLongestOption = 256;

struct Known {
  std::string_view word;
  std::string_view label;  // of Docker, empty if it has none
};

constexpr std::array kOffered = {
    Known{"mode", ""},
    Known{"mtu", "com.docker.network.driver.mtu"},
    Known{"icc", "com.docker.network.bridge.enable_icc"},
    Known{"masquerade", "com.docker.network.bridge.enable_ip_masquerade"},
    Known{"iface_prefix", "com.docker.network.container_iface_prefix"},
    Known{"gateway_mode_ipv4", "com.docker.network.bridge.gateway_mode_ipv4"},
    Known{"gateway_mode_ipv6", "com.docker.network.bridge.gateway_mode_ipv6"},
};

// What Docker's bridge driver offers (daemon/libnetwork/drivers/bridge/labels.go, netlabel/labels.go) and
// viaduct does not.
constexpr std::array<std::string_view, 7> kNotOffered = {
    "com.docker.network.bridge.name",
    "com.docker.network.bridge.host_binding_ipv4",
    "com.docker.network.bridge.inhibit_ipv4",
    "com.docker.network.bridge.trusted_host_interfaces",
    "com.docker.network.bridge.default_bridge",
    "com.docker.network.host_ipv4",
    "com.docker.network.host_ipv6",
};

// What the engine itself reads of a network's options, or mixes into them for every driver (netlabel/labels.go). Means
// nothing to viaduct.
constexpr std::array<std::string_view, 9> kOfTheEngine = {
    "com.docker.network.generic",
    "com.docker.network.internal",
    "com.docker.network.gateway",
    "com.docker.network.enable_ipv4",
    "com.docker.network.enable_ipv6",
    "com.docker.network.advertise_addr_nmsgs",
    "com.docker.network.advertise_addr_ms",
    "com.docker.network.ipam.serial",
    "com.docker.network.driver.overlay.vxlanid_list",
};

bool is_among(const auto& labels, std::string_view key) {
  return std::find(labels.begin(), labels.end(), key) != labels.end();
}

// What a user wrote, short enough for a sentence.
std::string shown(std::string_view text) {
  constexpr size_t kMostShown = 64;
  if (text.size() <= kMostShown) return std::string(text);
  size_t end = kMostShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
    --end;  // not within a character
  return fmt::format("{}… ({} bytes)", text.substr(0, end), text.size());
}

// strconv.ParseBool of Go, by which the engine's bridge driver reads the same labels.
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

std::vector<std::string_view> known_names(std::string_view like) {
  std::vector<std::string_view> names;
  const bool label = like.starts_with(kEnginePrefix);
  for (const Known& known : kOffered)
    if (!label || !known.label.empty()) names.push_back(label ? known.label : known.word);
  if (label) names.insert(names.end(), kNotOffered.begin(), kNotOffered.end());
  return names;
}

Error unknown_option(std::string_view key) {
  const bool own = key.starts_with(kOwnPrefix);
  const std::string_view word = own ? key.substr(kOwnPrefix.size()) : key;
  return invalid_argument(fmt::format("option {} is not known; the nearest known one is {}{}", shown(key),
                                      own ? kOwnPrefix : "", nearest_word(word, known_names(word))));
}

// The word of an offered option for the key as it was given; empty for a label of the engine's that means
// nothing here.
Result<std::string_view> word_of(std::string_view key) {
  if (key.size() > kLongestOption)
    return invalid_argument(fmt::format(
        "an option's name has {} characters; none that viaduct knows is longer than 60", key.size()));
  const std::string_view bare = key.starts_with(kOwnPrefix) ? key.substr(kOwnPrefix.size()) : key;
  for (const Known& known : kOffered)
    if (bare == known.word || (!known.label.empty() && key == known.label)) return known.word;
  if (is_among(kNotOffered, key))
    return unsupported(fmt::format(
        "option {} is one of the engine's bridge driver that viaduct does not offer; leave it out", key));
  if (is_among(kOfTheEngine, key)) return std::string_view();
  return unknown_option(key);
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

// The engine appends a number, so that the name must leave room for it.
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

Status read_gateway_mode(const std::string& key, const std::string& value) {
  if (value == "nat" || value.empty()) return {};
  for (const char* docker : {"nat-unprotected", "routed", "isolated"})
    if (value == docker)
      return unsupported(fmt::format(
          "option {}={} is not offered; viaduct offers nat here, and masquerade=false for routed networks",
          key, value));
  return bad_value(key, value, "nat");
}

Status read_option(std::string_view word, const std::string& key, const std::string& value,
                   BridgeOptions& out) {
  if (word == "mode") {
    out.mode = value;
  } else if (word == "mtu") {
    out.mtu = TRY(read_mtu(key, value));
  } else if (word == "icc") {
    out.inter_container = TRY(read_bool(key, value)) ? InterContainer::kAllowed : InterContainer::kDenied;
  } else if (word == "masquerade") {
    out.masquerade = TRY(read_bool(key, value)) ? Masquerade::kOn : Masquerade::kOff;
  } else if (word == "iface_prefix") {
    out.interface_prefix = TRY(read_interface_prefix(key, value));
  } else {
    TRY(read_gateway_mode(key, value));
  }
  return {};
}

// One option under two of its names must say one thing. Compared as meant, so that "1" and "true" agree.
bool same_meaning(std::string_view word, const std::string& a, const std::string& b) {
  if (word == "icc" || word == "masquerade") return parse_go_bool(a) == parse_go_bool(b);
  if (word == "mtu") return parse_number(a) == parse_number(b);
  return a == b;
}

}  // namespace

Result<BridgeOptions> read_bridge_options(const Options& options) {
  BridgeOptions out;
  std::map<std::string_view, std::string> said;  // word to the key that said it
  for (const auto& [key, value] : options) {
    const std::string_view word = TRY(word_of(key));
    if (word.empty()) continue;
    TRY(read_option(word, key, value, out));
    const auto [first, fresh] = said.emplace(word, key);
    if (!fresh && !same_meaning(word, options.at(first->second), value))
      return invalid_argument(fmt::format("options {}={} and {}={} contradict each other; give one of them",
                                          first->second, shown(options.at(first->second)), key,
                                          shown(value)));
  }
  return out;
}

BridgeOptions understood_options(const Options& options) {
  BridgeOptions out;
  for (const auto& [key, value] : options) {
    const auto word = word_of(key);
    if (word.ok() && !word.value().empty()) static_cast<void>(read_option(word.value(), key, value, out));
  }
  return out;
}

Result<std::string> read_mode(const Options& options) {
  const auto plain = options.find("mode");
  const auto prefixed = options.find("viaduct.mode");
  if (plain != options.end() && prefixed != options.end() && plain->second != prefixed->second)
    return invalid_argument(
        fmt::format("options mode={} and viaduct.mode={} contradict each other; give one of them",
                    shown(plain->second), shown(prefixed->second)));
  if (plain != options.end()) return plain->second;
  if (prefixed != options.end()) return prefixed->second;
  return BridgeOptions().mode;
}

Status check_endpoint_options(const Options& options) {
  for (const auto& [key, value] : options) {
    if (key.starts_with(kEnginePrefix)) continue;
    return invalid_argument(
        fmt::format("endpoint option {} is not known; viaduct has none for endpoints: leave --driver-opt out",
                    shown(key)));
  }
  return {};
}

}  // namespace viaduct::net
