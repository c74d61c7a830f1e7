#pragma once

#include <vector>

#include "base/json.h"
#include "ipam/ipam_types.h"
#include "ipam/records.h"
#include "net/firewall.h"
#include "net/records.h"

// The forms of the admin API (docs/admin-api.md). Pure.
namespace viaduct::server {

Json to_admin_json(const net::NetworkRecord& network);
Json to_admin_json(const net::EndpointRecord& endpoint);
Json to_admin_json(const net::ForwardChain& chain);
Json to_admin_json(const ipam::PoolView& pool);
Json to_admin_json(const ipam::AddressView& address);
Json to_admin_json(const ipam::ReservationRecord& reservation);
Json to_admin_json(const ipam::PoolMap& map);
Json to_admin_json(const ipam::AddressStory& story);

// The array of what to_admin_json() makes of each.
template <class Items>
Json to_admin_list(const Items& items) {
  Json out = Json::array();
  for (const auto& item : items) out.push_back(to_admin_json(item));
  return out;
}

// An address and its space, which is the local one where none is named.
struct AddressInSpace {
  std::string space;
  IpAddress address;
};
// Errors, of both: kInvalidArgument, naming the member; members that are not known are refused.
Result<AddressInSpace> read_address_in_space(const Json& body);
// {"reservations": [...]}, each as to_admin_json() writes it; its `since` is not read, and left empty. At least one.
Result<std::vector<ipam::ReservationRecord>> read_reservations(const Json& body);

}  // namespace viaduct::server
