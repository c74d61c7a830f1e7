#include "ipam/pool_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/clip.h"
#include "ipam/pool_request.h"

namespace viaduct::ipam {

namespace {

constexpr size_t kLongestSpaceName = 32;
// More than anybody writes on a command line; each costs a step of every search.
constexpr size_t kMostSpans = 256;
constexpr size_t kMostSpills = 64;
constexpr int64_t kLongestDuration = int64_t{10} * 365 * 24 * 3600;

struct PolicyName {
  std::string_view name;
  Policy policy;
};
constexpr std::array kPolicies = {PolicyName{"lru", Policy::kLru}, PolicyName{"lowest", Policy::kLowest},
                                  PolicyName{"serial", Policy::kSerial},
                                  PolicyName{"random", Policy::kRandom}};

bool mixed_in_by_engine(std::string_view key) {
  return key == "RequestAddressType" || key.starts_with("com.docker.network.");
}

Status read_space(const std::string& value, PoolSettings& out) {
  const bool fits = !value.empty() && value.size() <= kLongestSpaceName;
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!fits || !plain)
    return invalid_argument(
        fmt::format("IPAM option space=\"{}\" is no name of a space; use 1 to {} of a-z, 0-9 and '-'",
                    clipped(value), kLongestSpaceName));
  out.space = value;
  return {};
}

Status read_size(const std::string& value, PoolSettings& out) {
  int size = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), size);
  if (problem != std::errc() || end != value.data() + value.size() || size < 1 || size > 128)
    return invalid_argument(
        fmt::format("IPAM option size=\"{}\" is no prefix length; use 1 to 32 for IPv4, 33 to 128 for IPv6",
                    clipped(value)));
  out.size = size;
  return {};
}

Status read_policy(const std::string& value, PoolSettings& out) {
  const auto found = std::find_if(kPolicies.begin(), kPolicies.end(),
                                  [&](const auto& known) { return known.name == value; });
  if (found == kPolicies.end())
    return invalid_argument(fmt::format(
        "IPAM option policy=\"{}\" is not known; use lru, lowest, serial or random", clipped(value)));
  out.policy = found->policy;
  return {};
}

Status read_probe(const std::string& value, PoolSettings& out) {
  for (const Probe probe : {Probe::kAuto, Probe::kOn, Probe::kOff}) {
    if (value != to_string(probe)) continue;
    out.probe = probe;
    return {};
  }
  return invalid_argument(
      fmt::format("IPAM option probe=\"{}\" is not known; use auto, on or off", clipped(value)));
}

Status read_quarantine(const std::string& value, PoolSettings& out) {
  out.quarantine = TRY(read_duration("quarantine", value));
  return {};
}

Status read_sticky(const std::string& value, PoolSettings& out) {
  out.retention = TRY(read_duration("sticky", value));
  return {};
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  size_t from = 0;
  while (true) {
    const size_t comma = text.find(',', from);
    parts.push_back(text.substr(from, comma - from));
    if (comma == std::string::npos) return parts;
    from = comma + 1;
  }
}

// "10.1.0.5", "10.1.0.10-10.1.0.20" or "10.1.0.64/28".
Result<AddressSpan> read_span(const std::string& text) {
  const auto refuse = [&](std::string_view why) {
    return invalid_argument(fmt::format(
        "IPAM option exclude has \"{}\", which {}; write ADDRESS, FIRST-LAST or PREFIX, with commas "
        "between them",
        clipped(text), why));
  };
  if (text.find('/') != std::string::npos) {
    const auto prefix = Prefix::parse(text);
    if (!prefix.ok()) return refuse("is no prefix");
    return AddressSpan{prefix.value().first(), prefix.value().last()};
  }
  const size_t dash = text.find('-');
  const auto first = IpAddress::parse(text.substr(0, dash));
  const auto last = dash == std::string::npos ? first : IpAddress::parse(text.substr(dash + 1));
  if (!first.ok() || !last.ok()) return refuse("is no address");
  if (first.value().family() != last.value().family()) return refuse("mixes IPv4 and IPv6");
  if (last.value() < first.value()) return refuse("ends before it begins");
  return AddressSpan{first.value(), last.value()};
}

Status read_exclude(const std::string& value, PoolSettings& out) {
  for (const auto& part : split_list(value)) out.exclude.push_back(TRY(read_span(part)));
  if (out.exclude.size() > kMostSpans)
    return invalid_argument(
        fmt::format("IPAM option exclude names {} ranges; {} at most are accepted: join those "
                    "that touch",
                    out.exclude.size(), kMostSpans));
  return {};
}

Status read_spill(const std::string& value, PoolSettings& out) {
  for (const auto& part : split_list(value)) {
    const auto prefix = Prefix::parse(part);
    if (!prefix.ok())
      return invalid_argument(fmt::format(
          "IPAM option spill has \"{}\", which is no subnet ({}); name further --subnet values of the "
          "network, with commas between them",
          clipped(part), prefix.error().message));
    out.spill.push_back(prefix.value());
  }
  if (out.spill.size() > kMostSpills)
    return invalid_argument(fmt::format("IPAM option spill names {} subnets; {} at most are accepted",
                                        out.spill.size(), kMostSpills));
  return {};
}

Status read_slice(const std::string& value, PoolSettings& out) {
  const auto number = [](std::string_view text) -> std::optional<uint32_t> {
    uint32_t parsed = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return parsed;
  };
  const std::string_view text = value;
  const size_t slash = std::min(text.find('/'), text.size());
  const auto part = number(text.substr(0, slash));
  const auto parts = slash < text.size() ? number(text.substr(slash + 1)) : std::nullopt;
  if (!part || !parts || *part < 1 || *part > *parts || *parts > kMostParts)
    return invalid_argument(fmt::format(
        "IPAM option slice=\"{}\" is no part of a whole; write K/N with K from 1 to N and N to {}, such as "
        "slice=2/3 on the second of three nodes",
        clipped(value), kMostParts));
  out.slice = PoolSettings::Slice{*part, *parts};
  return {};
}

struct KnownOption {
  std::string_view name;
  Status (*read)(const std::string& value, PoolSettings& out);
};
constexpr std::array kKnownOptions = {
    KnownOption{"exclude", read_exclude}, KnownOption{"policy", read_policy},
    KnownOption{"probe", read_probe},     KnownOption{"quarantine", read_quarantine},
    KnownOption{"size", read_size},       KnownOption{"slice", read_slice},
    KnownOption{"space", read_space},     KnownOption{"spill", read_spill},
    KnownOption{"sticky", read_sticky},
};

Error unknown_option(const std::string& key) {
  const std::string shown = clipped(key);
  const auto& nearest =
      *std::min_element(kKnownOptions.begin(), kKnownOptions.end(), [&](const auto& left, const auto& right) {
        return edit_distance(shown, left.name) < edit_distance(shown, right.name);
      });
  std::string names;
  for (const auto& known : kKnownOptions) names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
  const bool close = edit_distance(shown, nearest.name) <= 2;
  return invalid_argument(fmt::format("unknown IPAM option \"{}\"; {}the known ones are {}", shown,
                                      close ? fmt::format("did you mean \"{}\"? ", nearest.name) : "",
                                      names));
}

}  // namespace

Result<std::chrono::seconds> read_duration(const std::string& option, const std::string& text) {
  int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const int64_t scale = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : 0;
  const bool zero = number == 0 && unit.empty();
  if (problem != std::errc() || number < 0 || (scale == 0 && !zero) ||
      (scale != 0 && number > kLongestDuration / scale))
    return invalid_argument(fmt::format(
        "IPAM option {}=\"{}\" is no span of time; write a number with s, m, h or d, such as 60s, or 0 "
        "for none",
        option, clipped(text)));
  return std::chrono::seconds(number * scale);
}

Result<PoolSettings> read_pool_settings(const Options& options) {
  PoolSettings out;
  for (const auto& entry : options) {
    const std::string& key = entry.first;
    if (mixed_in_by_engine(key)) continue;
    const auto known = std::find_if(kKnownOptions.begin(), kKnownOptions.end(),
                                    [&](const auto& option) { return option.name == key; });
    if (known == kKnownOptions.end()) return unknown_option(key);
    TRY(known->read(entry.second, out));
  }
  return out;
}

}  // namespace viaduct::ipam
