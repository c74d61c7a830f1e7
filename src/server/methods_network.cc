#include "server/methods_network.h"

#include "server/methods_ipam.h"
#include "server/wire_network.h"

namespace viaduct::server {

namespace {

Result<Json> activate(const Services& services, const Call& call) {
  note_registration(services, call);
  return Json{{"Implements", {"NetworkDriver", "IpamDriver"}}};
}

Result<Json> network_capabilities(const Services& services, const Call&) {
  return Json{{"Scope", services.scope}, {"ConnectivityScope", services.scope}, {"GwAllocChecker", true}};
}

Result<Json> gateway_check(const Services& services, const Call& call) {
  const auto question = TRY(decode_gateway_check(call.body));
  return encode(TRY(services.network.gateway_need(question)));
}

Result<Json> create_network(const Services& services, const Call& call) {
  const auto request = TRY(decode_create_network(call.body));
  TRY(services.network.create_network(request, call.deadline));
  return Json::object();
}

Result<Json> delete_network(const Services& services, const Call& call) {
  const auto key = TRY(decode_network_key(call.body, "DeleteNetwork"));
  TRY(services.network.delete_network(key.network_id, call.deadline));
  return Json::object();
}

Result<Json> create_endpoint(const Services& services, const Call& call) {
  const auto request = TRY(decode_create_endpoint(call.body));
  return encode(TRY(services.network.create_endpoint(request, call.deadline)));
}

Result<Json> delete_endpoint(const Services& services, const Call& call) {
  const auto key = TRY(decode_endpoint_key(call.body, "DeleteEndpoint"));
  TRY(services.network.delete_endpoint(key.network_id, key.endpoint_id, call.deadline));
  return Json::object();
}

Result<Json> join(const Services& services, const Call& call) {
  const auto request = TRY(decode_join(call.body));
  return encode(TRY(services.network.join(request, call.deadline)));
}

Result<Json> leave(const Services& services, const Call& call) {
  const auto key = TRY(decode_endpoint_key(call.body, "Leave"));
  TRY(services.network.leave(key.network_id, key.endpoint_id, call.deadline));
  return Json::object();
}

Result<Json> program_external(const Services& services, const Call& call) {
  const auto request = TRY(decode_external_connectivity(call.body));
  TRY(services.network.program_external_connectivity(request, call.deadline));
  return Json::object();
}

Result<Json> revoke_external(const Services& services, const Call& call) {
  const auto key = TRY(decode_endpoint_key(call.body, "RevokeExternalConnectivity"));
  TRY(services.network.revoke_external_connectivity(key.network_id, key.endpoint_id, call.deadline));
  return Json::object();
}

// Frequent, and its content is ignored by every engine (trap T37): nothing is looked up.
Result<Json> endpoint_info(const Services&, const Call& call) {
  TRY(decode_endpoint_key(call.body, "EndpointOperInfo"));
  return Json{{"Value", Json::object()}};
}

// What it answers replaces the user's options on the workers (trap T26).
Result<Json> allocate_network(const Services& services, const Call& call) {
  const auto request = TRY(decode_allocate_network(call.body));
  const auto options = TRY(services.network.allocate(request));
  return Json{{"Options", options}};
}

Result<Json> free_network(const Services& services, const Call& call) {
  services.network.free(TRY(decode_network_key(call.body, "FreeNetwork")).network_id);
  return Json::object();
}

// A single host needs no news of other nodes; the engine ignores the answer.
Result<Json> discover_new(const Services&, const Call& call) {
  TRY(check_discovery(call.body, "DiscoverNew"));
  return Json::object();
}

Result<Json> discover_delete(const Services&, const Call& call) {
  TRY(check_discovery(call.body, "DiscoverDelete"));
  return Json::object();
}

constexpr Method kNetworkMethods[] = {
    {"/Plugin.Activate", Method::Body::kNone, activate},
    {"/NetworkDriver.GetCapabilities", Method::Body::kNone, network_capabilities},
    {"/NetworkDriver.GwAllocCheck", Method::Body::kObject, gateway_check},
    {"/NetworkDriver.AllocateNetwork", Method::Body::kObject, allocate_network},
    {"/NetworkDriver.FreeNetwork", Method::Body::kObject, free_network},
    {"/NetworkDriver.CreateNetwork", Method::Body::kObject, create_network},
    {"/NetworkDriver.DeleteNetwork", Method::Body::kObject, delete_network},
    {"/NetworkDriver.CreateEndpoint", Method::Body::kObject, create_endpoint},
    {"/NetworkDriver.DeleteEndpoint", Method::Body::kObject, delete_endpoint, Method::Answers::kApart},
    {"/NetworkDriver.EndpointOperInfo", Method::Body::kObject, endpoint_info},
    {"/NetworkDriver.Join", Method::Body::kObject, join},
    {"/NetworkDriver.Leave", Method::Body::kObject, leave},
    {"/NetworkDriver.ProgramExternalConnectivity", Method::Body::kObject, program_external},
    {"/NetworkDriver.RevokeExternalConnectivity", Method::Body::kObject, revoke_external},
    {"/NetworkDriver.DiscoverNew", Method::Body::kObject, discover_new},
    {"/NetworkDriver.DiscoverDelete", Method::Body::kObject, discover_delete},
};

}  // namespace

std::span<const Method> network_methods() {
  return kNetworkMethods;
}

}  // namespace viaduct::server
