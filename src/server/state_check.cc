#include "server/state_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "net/subnets.h"

namespace viaduct::server {

namespace {

using Held = std::set<std::pair<Prefix, IpAddress>>;

// Of local spaces: what endpoints may use.
Held addresses_held(const Services& services) {
  Held held;
  for (const auto& view : services.ipam.addresses())
    if (view.state == ipam::AddressState::kHeld) held.insert({view.pool, view.address});
  return held;
}

// Endpoints on a pool of viaduct's own whose address it does not hold. Under another IPAM driver there is no such pool.
std::vector<net::Finding> look_at_endpoints(const Services& services) {
  std::vector<net::Finding> found;
  std::set<Prefix> pools;
  for (const auto& pool : services.ipam.pools()) pools.insert(pool.pool);
  const Held held = addresses_held(services);
  for (const auto& endpoint : services.network.endpoints())
    for (const auto& address : {endpoint.request.ipv4, endpoint.request.ipv6}) {
      if (!address || endpoint.sandbox_key.empty()) continue;
      const Prefix pool = address->network();
      if (!pools.contains(pool) || held.contains({pool, address->address})) continue;
      found.push_back({"address", "endpoint " + endpoint.request.endpoint_id.substr(0, 12),
                       fmt::format("its address {} is held by nobody", address->address.to_string()),
                       "restart its container, which asks for the address again"});
    }
  return found;
}

// The two halves are read one after the other, and a container may come or go in between: what lasts counts.
void check_endpoints(const Services& services, std::vector<net::Finding>& found) {
  const auto first = look_at_endpoints(services);
  if (first.empty()) return;
  for (auto& again : look_at_endpoints(services))
    if (std::any_of(first.begin(), first.end(), [&](const net::Finding& one) {
          return one.subject == again.subject && one.text == again.text;
        }))
      found.push_back(std::move(again));
}

}  // namespace

Result<Json> check_state(const Services& services) {
  auto found = TRY(services.network.inspect());
  check_endpoints(services, found);
  if (const uint64_t orphans = services.ipam.orphans(); orphans > 0)
    found.push_back(
        {"address", "address manager",
         fmt::format("{} addresses are held, and no endpoint has them", orphans),
         "a repair puts them to rest where there is proof; viaductctl address why IP tells of one"});
  Json findings = Json::array();
  for (const auto& one : found)
    findings.push_back(
        {{"kind", one.kind}, {"subject", one.subject}, {"text", one.text}, {"remedy", one.remedy}});
  return Json{{"findings", std::move(findings)}};
}

Status repair_state(const Services& services, Deadline deadline) {
  TRY(services.network.repair(deadline));
  TRY(services.network.forget_ended(deadline));
  TRY(services.ipam.reclaim_orphans(deadline));
  return {};
}

}  // namespace viaduct::server
