#include "server/admin_changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipam/pool_request.h"
#include "server/admin_json.h"
#include "server/state_check.h"
#include "server/wire.h"

namespace viaduct::server {

namespace {

// A log line holds so many addresses of a list; the rest is counted.
constexpr size_t kLoggedAddresses = 20;

std::string shown(const ipam::ReservationRecord& record) {
  return fmt::format("{}/{}", record.space, record.address.to_string());
}

Status reserve(const Services& services, const Call& call, std::vector<LogField>& about) {
  auto records = TRY(read_reservations(call.body));
  std::string list;
  for (size_t i = 0; i < std::min(records.size(), kLoggedAddresses); ++i)
    list += (i == 0 ? "" : ",") + shown(records[i]);
  about.push_back({"addresses", std::move(list)});
  about.push_back({"count", std::to_string(records.size())});
  return services.ipam.reserve(std::move(records));
}

Result<AddressInSpace> read_one(const Call& call, std::vector<LogField>& about) {
  auto wanted = TRY(read_address_in_space(call.body));
  about.push_back({"space", wanted.space});
  about.push_back({"address", wanted.address.to_string()});
  return wanted;
}

Status unreserve(const Services& services, const Call& call, std::vector<LogField>& about) {
  const auto wanted = TRY(read_one(call, about));
  return services.ipam.unreserve(wanted.space, wanted.address);
}

Status release(const Services& services, const Call& call, std::vector<LogField>& about) {
  const auto wanted = TRY(read_one(call, about));
  return services.ipam.release_by_operator(wanted.space, wanted.address, call.deadline);
}

// The engine that forgot a network will not release its pools either: each drops the reference that the network had. Of
// several pools on one subnet (--ip-range) nobody can tell which one was the network's; they stay.
Status give_back_pools(const Services& services, const net::NetworkRecord& network, Deadline deadline) {
  std::vector<net::IpamData> subnets = network.request.ipv4;
  subnets.insert(subnets.end(), network.request.ipv6.begin(), network.request.ipv6.end());
  const auto pools = services.ipam.pools();
  for (const auto& subnet : subnets) {
    const ipam::PoolView* only = nullptr;
    size_t found = 0;
    for (const auto& pool : pools) {
      if (ipam::kind_of_space(pool.space) != ipam::SpaceKind::kLocal || pool.pool != subnet.pool) continue;
      only = &pool;
      ++found;
    }
    if (found != 1) continue;
    if (subnet.gateway) TRY(services.ipam.release_address(only->id, subnet.gateway->address, deadline));
    TRY(services.ipam.release_pool(only->id, deadline));
  }
  return {};
}

Status remove_network(const Services& services, const Call& call, std::vector<LogField>& about) {
  const auto reader = TRY(JsonReader::of(call.body, "the body"));
  TRY(reader.only({"id"}));
  const std::string id = TRY(read_id(reader, "id"));
  about.push_back({"network", id});
  const auto networks = services.network.networks();
  const auto found = std::find_if(networks.begin(), networks.end(),
                                  [&](const auto& network) { return network.request.id.starts_with(id); });
  TRY(services.network.remove_by_operator(id, call.deadline));
  return found == networks.end() ? Status() : give_back_pools(services, *found, call.deadline);
}

Status remove_pool(const Services& services, const Call& call, std::vector<LogField>& about) {
  const auto reader = TRY(JsonReader::of(call.body, "the body"));
  TRY(reader.only({"id", "with_addresses"}));
  const std::string id = TRY(reader.required_string("id"));
  const bool all = TRY(reader.bool_or("with_addresses", false));
  about.push_back({"pool", id});
  using Held = ipam::IpamService::Held;
  return services.ipam.remove_pool_by_operator(id, all ? Held::kDrop : Held::kKeep, call.deadline);
}

Status import(const Services& services, const Call& call, std::vector<LogField>&) {
  return services.ipam.import_state(call.body, call.deadline);
}

Status repair(const Services& services, const Call& call, std::vector<LogField>&) {
  return repair_state(services, call.deadline);
}

}  // namespace

const std::vector<Change>& admin_changes() {
  static const std::vector<Change> kChanges = {{"/v1/reservations", "reserve", reserve},
                                               {"/v1/reservations/remove", "unreserve", unreserve},
                                               {"/v1/addresses/release", "release", release},
                                               {"/v1/import", "import", import},
                                               {"/v1/networks/remove", "network rm", remove_network},
                                               {"/v1/pools/remove", "pool rm", remove_pool},
                                               {"/v1/check/repair", "repair", repair}};
  return kChanges;
}

}  // namespace viaduct::server
