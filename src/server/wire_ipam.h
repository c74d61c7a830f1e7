#pragma once

#include "base/json.h"
#include "ipam/ipam_types.h"

// IpamDriver.*: JSON from and to values. Shape is checked here, meaning in the service. Source of the forms: moby,
// daemon/libnetwork/ipams/remote/api/api.go.
namespace viaduct::server {

Result<ipam::PoolRequest> decode_request_pool(const Json& body);
// The id may be empty: an address that the driver supplied itself is released with none.
Result<std::string> decode_release_pool(const Json& body);
Result<ipam::AddressRequest> decode_request_address(const Json& body);

struct ReleaseAddress {
  std::string pool_id;
  IpAddress address;
};
Result<ReleaseAddress> decode_release_address(const Json& body);

Json encode(const ipam::PoolReply& reply);
Json encode(const ipam::AddressReply& reply);

}  // namespace viaduct::server
