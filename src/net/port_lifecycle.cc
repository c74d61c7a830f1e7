#include "net/port_lifecycle.h"

#include <algorithm>

#include "base/rollback.h"

namespace viaduct::net {

Status PortLifecycle::program(const ExternalConnectivityRequest& request, Deadline deadline) {
  const auto lock = TRY(core_.table.lock(request.network_id, deadline));
  const auto network = core_.table.network(request.network_id);
  if (!network) return unknown_network(request.network_id);
  const auto known = core_.table.endpoint(request.network_id, request.endpoint_id);
  if (!known) return unknown_endpoint(request.network_id, request.endpoint_id);

  const PortPlan plan = TRY(ServiceCore::driver_of(*network).ports(*network, *known, request.ports));
  EndpointRecord endpoint = *known;
  Rollback rollback;  // Ends before what its steps read.
  endpoint.ports = TRY(core_.publisher.publish(request.endpoint_id, ServiceCore::label(*known), plan.wishes));
  rollback.add([&] {
    static_cast<void>(
        core_.publisher.take_back(request.endpoint_id, ServiceCore::label(*known), known->ports));
  });
  endpoint.ports.insert(endpoint.ports.end(), plan.open.begin(), plan.open.end());
  std::sort(endpoint.ports.begin(), endpoint.ports.end());
  if (endpoint.ports != known->ports) {
    TRY(core_.kernel.set_hairpin(endpoint.host_link, core_.plan(*network, endpoint).hairpin));
    rollback.add([&] {
      static_cast<void>(core_.kernel.set_hairpin(endpoint.host_link, core_.plan(*network, *known).hairpin));
    });
    TRY(core_.set_rules(*network, endpoint));
    rollback.add([&] { static_cast<void>(core_.set_rules(*network, *known)); });
    TRY(forget_datagrams(endpoint));
    TRY(core_.store.commit({{}, {write_of(endpoint)}}));
    core_.table.put(endpoint);
  }
  rollback.commit();
  return {};
}

// Who kept sending to a port before it was published is known as a guest of the host's own, and would stay one.
Status PortLifecycle::forget_datagrams(const EndpointRecord& endpoint) {
  std::vector<IpAddress> own;
  for (const PublishedPort& port : endpoint.ports) {
    if (port.protocol != Protocol::kUdp || port.host_port == 0) continue;
    if (port.host.value() != 0) {
      TRY(core_.rules.forget_flows_to(port.protocol, port.host, port.host_port));
      continue;
    }
    if (own.empty())
      for (const OnLink& on : TRY(core_.kernel.on_link()))
        if (on.own) own.push_back(*on.own);
    for (const IpAddress& address : own)
      if (address.family() == port.host.family())
        TRY(core_.rules.forget_flows_to(port.protocol, address, port.host_port));
  }
  return {};
}

Status PortLifecycle::revoke(const std::string& network_id, const std::string& endpoint_id,
                             Deadline deadline) {
  const auto lock = TRY(core_.table.lock(network_id, deadline));
  const auto network = core_.table.network(network_id);
  const auto known = core_.table.endpoint(network_id, endpoint_id);
  // An endpoint of before a restart must not hold the engine up (trap T14).
  if (!network || !known || known->ports.empty()) return {};
  EndpointRecord endpoint = *known;
  endpoint.ports.clear();
  TRY(core_.set_rules(*network, endpoint));
  TRY(core_.kernel.set_hairpin(endpoint.host_link, Hairpin::kOff));
  TRY(core_.store.commit({{}, {write_of(endpoint)}}));
  core_.table.put(endpoint);
  core_.publisher.withdraw(endpoint_id);
  for (const PublishedPort& port : known->ports) TRY(core_.rules.forget_flows(port.container));
  return {};
}

}  // namespace viaduct::net
