#include "ipam/ipam_types.h"

#include <fmt/format.h>

#include <charconv>

#include "base/clip.h"

namespace viaduct::ipam {

std::string_view to_string(OwnerClass owner) {
  switch (owner) {
    case OwnerClass::kGateway: return "gateway";
    case OwnerClass::kAuxiliary: return "auxiliary";
    case OwnerClass::kEndpoint: return "endpoint";
    case OwnerClass::kSwarm: return "swarm";
  }
  return "endpoint";
}

std::string_view to_string(AddressState state) {
  switch (state) {
    case AddressState::kFree: return "free";
    case AddressState::kHeld: return "held";
    case AddressState::kResting: return "resting";
    case AddressState::kAside: return "aside";
  }
  return "held";
}

std::string_view to_string(Probe probe) {
  switch (probe) {
    case Probe::kAuto: return "auto";
    case Probe::kOn: return "on";
    case Probe::kOff: return "off";
  }
  return "auto";
}

std::string_view to_string(WatchState state) {
  switch (state) {
    case WatchState::kUnknown: return "unknown";
    case WatchState::kNone: return "none";
    case WatchState::kWatched: return "watched";
  }
  return "unknown";
}

std::string_view to_string(Policy policy) {
  switch (policy) {
    case Policy::kLru: return "lru";
    case Policy::kLowest: return "lowest";
    case Policy::kSerial: return "serial";
    case Policy::kRandom: return "random";
  }
  return "lru";
}

namespace {

Result<PoolSource> parse_source(std::string_view entry) {
  const auto refuse = [&](std::string_view why) {
    return invalid_argument(
        fmt::format("pool source \"{}\" {}; write it as 172.16.0.0/12:24", clipped(entry), why));
  };
  // IPv6 text holds colons; the one that counts follows the slash.
  const size_t slash = entry.find('/');
  const size_t colon = slash == std::string_view::npos ? slash : entry.find(':', slash);
  if (colon == std::string_view::npos) return refuse("has no prefix length of its pools");
  auto range = Prefix::parse(entry.substr(0, colon));
  if (!range.ok()) return refuse(fmt::format("has no usable range ({})", range.error().message));
  const std::string_view digits = entry.substr(colon + 1);
  int length = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (problem != std::errc() || end != digits.data() + digits.size())
    return refuse("has a length that is no number");
  const int most = address_bits(range.value().family());
  if (length < range.value().length() || length > most)
    return refuse(
        fmt::format("has the length {}, which is not from {} to {}", length, range.value().length(), most));
  return PoolSource{range.value(), length};
}

}  // namespace

Result<std::vector<PoolSource>> parse_pool_sources(std::string_view text) {
  std::vector<PoolSource> sources;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    sources.push_back(TRY(parse_source(text.substr(0, comma))));
    if (comma == std::string_view::npos) return sources;
    text.remove_prefix(comma + 1);
    if (text.empty()) return invalid_argument("the pool sources end with a comma; remove it");
  }
  return sources;
}

}  // namespace viaduct::ipam
