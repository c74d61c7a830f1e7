#pragma once

#include "base/json.h"
#include "net/network_types.h"

// NetworkDriver.*: JSON from and to values. Shape is checked here, meaning in the service. Source of the forms: moby,
// daemon/libnetwork/drivers/remote/api/api.go.
namespace viaduct::server {

Result<net::CreateNetworkRequest> decode_create_network(const Json& body);
// GwAllocCheck carries the same map of options as CreateNetwork, and nothing else.
Result<net::GatewayQuestion> decode_gateway_check(const Json& body);
Result<net::CreateEndpointRequest> decode_create_endpoint(const Json& body);
Result<net::JoinRequest> decode_join(const Json& body);
Result<net::ExternalConnectivityRequest> decode_external_connectivity(const Json& body);

struct NetworkKey {
  std::string network_id;
};
struct EndpointKey {
  std::string network_id;
  std::string endpoint_id;
};
// DeleteNetwork, FreeNetwork. `call` names the call in messages.
Result<NetworkKey> decode_network_key(const Json& body, const char* call);
// DeleteEndpoint, Leave, EndpointOperInfo, RevokeExternalConnectivity.
Result<EndpointKey> decode_endpoint_key(const Json& body, const char* call);

// AllocateNetwork, of Swarm's leader.
Result<net::CreateNetworkRequest> decode_allocate_network(const Json& body);

// DiscoverNew, DiscoverDelete: news of a node (type 1) has members of its own; other types are of no concern here.
Status check_discovery(const Json& body, const char* call);

Json encode(const net::GatewayNeed& need);
Json encode(const net::CreateEndpointReply& reply);
Json encode(const net::JoinReply& reply);

}  // namespace viaduct::server
