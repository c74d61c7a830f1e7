#include "net/port_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "net/object_id.h"

namespace viaduct::net {

namespace {

IpAddress any_address(Family family) {
  return {family, 0};
}

// One binding, in one form whatever the engine's version left out.
struct Wanted {
  PortBinding binding;
  std::optional<IpAddress> host;
};

std::string words_of(const PortBinding& binding) {
  return fmt::format("port {}/{}", binding.port, to_string(binding.protocol));
}

Result<Wanted> read(const PortBinding& given) {
  Wanted wanted{given, {}};
  PortBinding& binding = wanted.binding;
  if (binding.protocol == Protocol::kIcmp || binding.port == 0)
    return invalid_argument(fmt::format(
        "{} cannot be published; name a TCP, UDP or SCTP port from 1 to 65535", words_of(binding)));
  if (binding.host_port_end == 0) binding.host_port_end = binding.host_port;
  if (binding.host_port_end < binding.host_port || (binding.host_port == 0) != (binding.host_port_end == 0))
    return invalid_argument(
        fmt::format("{} cannot be published at the host's ports {} to {}; name the lower one first",
                    words_of(binding), binding.host_port, binding.host_port_end));
  if (binding.host_ip.empty()) return wanted;
  auto host = IpAddress::parse(binding.host_ip);
  if (!host.ok())
    return invalid_argument(
        fmt::format("{} cannot be published at \"{}\", which is no address; name one of the host's",
                    words_of(binding), binding.host_ip.substr(0, 64)));
  wanted.host = host.value();
  return wanted;
}

// Exact ports first: a range must not take them.
int class_of(const PortBinding& binding) {
  if (binding.host_port == 0) return 2;
  return binding.host_port == binding.host_port_end ? 0 : 1;
}

auto rank_of(const Wanted& wanted) {
  const PortBinding& binding = wanted.binding;
  return std::tuple(class_of(binding), binding.port, binding.protocol, binding.host_port,
                    binding.host_port_end, wanted.host);
}

bool share_a_number(const PortWish& wish, const PortBinding& binding) {
  return wish.protocol == binding.protocol && wish.port == binding.port && wish.low == binding.host_port &&
         wish.high == binding.host_port_end;
}

// The ways of one binding: at most one a family.
class Ways {
 public:
  Ways(const NetworkOptions& options, const EndpointRecord& endpoint)
      : options_(options), endpoint_(endpoint) {}

  [[nodiscard]] std::vector<PortWish::Way> of(const Wanted& wanted) const {
    std::vector<PortWish::Way> ways;
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      const auto& container = family == Family::kIpv4 ? endpoint_.request.ipv4 : endpoint_.request.ipv6;
      const auto host = host_of(wanted, family);
      if (container && host) ways.push_back({*host, container->address});
    }
    return ways;
  }

  [[nodiscard]] bool routed(Family family) const {
    return (family == Family::kIpv4 ? options_.gateway_mode_ipv4 : options_.gateway_mode_ipv6) ==
           GatewayMode::kRouted;
  }

 private:
  [[nodiscard]] std::optional<IpAddress> host_of(const Wanted& wanted, Family family) const {
    if (wanted.host) return wanted.host->family() == family ? wanted.host : std::nullopt;
    const auto& preset = options_.host_binding_ipv4;
    if (!preset || preset->value() == 0) return any_address(family);
    return family == Family::kIpv4 ? preset : std::nullopt;
  }

  const NetworkOptions& options_;
  const EndpointRecord& endpoint_;
};

Error no_way(const Wanted& wanted, const EndpointRecord& endpoint) {
  return invalid_argument(
      fmt::format("{} cannot be published at {}: endpoint {} has no address of that family; publish it at "
                  "another address, or give the network a "
                  "subnet of that family",
                  words_of(wanted.binding), wanted.host ? wanted.host->to_string() : "an address of the host",
                  short_id(endpoint.request.endpoint_id)));
}

}  // namespace

Result<PortPlan> plan_ports(const NetworkOptions& options, const EndpointRecord& endpoint,
                            const std::vector<PortBinding>& bindings) {
  std::vector<Wanted> all;
  for (const PortBinding& binding : bindings) all.push_back(TRY(read(binding)));
  std::sort(all.begin(), all.end(), [](const Wanted& a, const Wanted& b) { return rank_of(a) < rank_of(b); });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const Wanted& a, const Wanted& b) { return rank_of(a) == rank_of(b); }),
            all.end());

  PortPlan plan;
  std::set<PublishedPort> open;
  const Ways ways(options, endpoint);
  for (const Wanted& wanted : all) {
    const PortBinding& binding = wanted.binding;
    const auto found = ways.of(wanted);
    if (found.empty()) return no_way(wanted, endpoint);
    for (const PortWish::Way& way : found) {
      if (ways.routed(way.host.family())) {
        open.insert({binding.protocol, way.container, binding.port, any_address(way.host.family()), 0});
        continue;
      }
      if (plan.wishes.empty() || !share_a_number(plan.wishes.back(), binding))
        plan.wishes.push_back({binding.protocol, binding.port, binding.host_port, binding.host_port_end, {}});
      plan.wishes.back().ways.push_back(way);
    }
  }
  plan.open.assign(open.begin(), open.end());
  return plan;
}

}  // namespace viaduct::net
