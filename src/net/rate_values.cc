// Values of options that say how much and where to: rates, bursts, routes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "net/option_values.h"

namespace viaduct::net {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array kBits = {Unit{"bit", 1}, Unit{"kbit", 1000}, Unit{"mbit", 1000 * 1000},
                              Unit{"gbit", 1000 * 1000 * 1000}};
constexpr std::array kBytes = {Unit{"b", 1}, Unit{"kb", 1024}, Unit{"mb", 1024 * 1024}};

// A whole number and one of the units, between the limits; empty if it is none.
template <size_t kCount>
std::optional<uint64_t> amount(std::string_view text, const std::array<Unit, kCount>& units, uint64_t least,
                               uint64_t most) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > most) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  const auto known =
      std::find_if(units.begin(), units.end(), [&](const Unit& one) { return one.name == unit; });
  if (known == units.end() || number > most / known->factor || number * known->factor < least)
    return std::nullopt;
  return number * known->factor;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Result<StaticRoute> read_route(const std::string& key, std::string_view text) {
  constexpr std::string_view kVia = " via ";
  const auto refused = [&](std::string_view why) {
    return invalid_argument(fmt::format("option {} has the route \"{}\": {}", key, shown(text), why));
  };
  const size_t via = text.find(kVia);
  const std::string_view where = trimmed(text.substr(0, via));
  auto destination = Prefix::parse(where);
  if (!destination.ok()) return refused(destination.error().message + "; give PREFIX, or PREFIX via ADDRESS");
  StaticRoute route{destination.value(), std::nullopt};
  if (route.destination.length() == 0)
    return refused("the way to everywhere is the network's gateway; give a narrower prefix");
  if (via == std::string_view::npos) return route;
  const auto hop = IpAddress::parse(trimmed(text.substr(via + kVia.size())));
  if (!hop.ok()) return refused(hop.error().message + "; give PREFIX via ADDRESS");
  if (hop.value().family() != route.destination.family())
    return refused("prefix and next hop are of two families; give both of one");
  route.next_hop = hop.value();
  return route;
}

}  // namespace

Result<std::vector<StaticRoute>> read_routes(const std::string& key, const std::string& value) {
  std::vector<StaticRoute> routes;
  const std::string_view all = value;
  for (size_t at = 0; at <= all.size();) {
    const size_t end = std::min(all.find(',', at), all.size());
    const StaticRoute route = TRY(read_route(key, trimmed(all.substr(at, end - at))));
    for (const StaticRoute& other : routes)
      if (other.destination == route.destination)
        return invalid_argument(
            fmt::format("option {} has two routes to {}; give one", key, route.destination.to_string()));
    routes.push_back(route);
    at = end + 1;
  }
  return routes;
}

std::string to_string(const StaticRoute& route) {
  std::string text = route.destination.to_string();
  if (route.next_hop) text += " via " + route.next_hop->to_string();
  return text;
}

Result<uint64_t> read_rate(const std::string& key, const std::string& value) {
  constexpr uint64_t kLeast = 8'000;
  constexpr uint64_t kMost = 100'000'000'000;
  const auto bits = amount(value, kBits, kLeast, kMost);
  if (!bits)
    return bad_value(key, value, "a whole number and bit, kbit, mbit or gbit, from 8kbit to 100gbit");
  return *bits / 8;
}

Result<uint32_t> read_burst(const std::string& key, const std::string& value) {
  constexpr uint64_t kLeast = 1024;
  constexpr uint64_t kMost = 64 * 1024 * 1024;
  const auto bytes = amount(value, kBytes, kLeast, kMost);
  if (!bytes) return bad_value(key, value, "a whole number and b, kb or mb, from 1kb to 64mb");
  return static_cast<uint32_t>(*bytes);
}

}  // namespace viaduct::net
