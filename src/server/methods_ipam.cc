#include "server/methods_ipam.h"

#include "server/engine_process.h"
#include "server/wire_ipam.h"

namespace viaduct::server {

namespace {

Result<Json> ipam_capabilities(const Services& services, const Call& call) {
  note_registration(services, call);
  // The MAC is the key that makes a repeated request known; the replay is all that the engine offers after a restart.
  return Json{{"RequiresMACAddress", true}, {"RequiresRequestReplay", true}};
}

Result<Json> default_address_spaces(const Services&, const Call&) {
  return Json{{"LocalDefaultAddressSpace", ipam::kLocalSpace},
              {"GlobalDefaultAddressSpace", ipam::kGlobalSpace}};
}

Result<Json> request_pool(const Services& services, const Call& call) {
  const auto request = TRY(decode_request_pool(call.body));
  return encode(TRY(services.ipam.request_pool(request, call.deadline)));
}

Result<Json> release_pool(const Services& services, const Call& call) {
  const auto id = TRY(decode_release_pool(call.body));
  TRY(services.ipam.release_pool(id, call.deadline));
  return Json::object();
}

Result<Json> request_address(const Services& services, const Call& call) {
  const auto request = TRY(decode_request_address(call.body));
  return encode(TRY(services.ipam.request_address(request, call.deadline)));
}

Result<Json> release_address(const Services& services, const Call& call) {
  const auto request = TRY(decode_release_address(call.body));
  TRY(services.ipam.release_address(request.pool_id, request.address, call.deadline));
  return Json::object();
}

constexpr Method kIpamMethods[] = {
    {"/IpamDriver.GetCapabilities", Method::Body::kNone, ipam_capabilities},
    {"/IpamDriver.GetDefaultAddressSpaces", Method::Body::kNone, default_address_spaces},
    {"/IpamDriver.RequestPool", Method::Body::kObject, request_pool},
    {"/IpamDriver.ReleasePool", Method::Body::kObject, release_pool},
    {"/IpamDriver.RequestAddress", Method::Body::kObject, request_address},
    {"/IpamDriver.ReleaseAddress", Method::Body::kObject, release_address},
};

}  // namespace

std::span<const Method> ipam_methods() {
  return kIpamMethods;
}

void note_registration(const Services& services, const Call& call) {
  if (services.registration == Services::Registration::kCounts)
    services.ipam.registered(identify_engine(call.peer_pid, services.boot_id));
}

}  // namespace viaduct::server
