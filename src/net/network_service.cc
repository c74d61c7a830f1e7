#include "net/network_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/endpoint_lifecycle.h"
#include "net/inspector.h"
#include "net/network_lifecycle.h"
#include "net/object_id.h"
#include "net/port_lifecycle.h"
#include "net/reconciler.h"
#include "net/segment_keeper.h"
#include "net/service_core.h"
#include "net/subnets.h"
#include "net/swarm_lans.h"
#include "net/uplink_follower.h"

namespace viaduct::net {

class NetworkService::Impl {
 public:
  Impl(store::Store& store, Kernel& kernel, Firewall& firewall, HostPorts& host_ports, const Clock& clock,
       NetworkEnvironment environment)
      : core(store, kernel, firewall, host_ports, clock, std::move(environment)),
        networks(core),
        endpoints(core),
        ports(core),
        reconciler(core),
        follower(core),
        segments(core) {}

  ServiceCore core;
  NetworkLifecycle networks;
  EndpointLifecycle endpoints;
  PortLifecycle ports;
  Reconciler reconciler;
  UplinkFollower follower;
  SegmentKeeper segments;
  SwarmLans swarm_lans;
};

NetworkService::NetworkService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NetworkService::~NetworkService() = default;

Result<std::unique_ptr<NetworkService>> NetworkService::open(store::Store& store, Kernel& kernel,
                                                             Firewall& firewall, HostPorts& ports,
                                                             const Clock& clock,
                                                             NetworkEnvironment environment) {
  auto impl = std::make_unique<Impl>(store, kernel, firewall, ports, clock, std::move(environment));
  TRY(impl->core.load());
  return std::unique_ptr<NetworkService>(new NetworkService(std::move(impl)));
}

Result<std::vector<std::string>> NetworkService::follow_uplink(Deadline deadline) {
  auto said = TRY(impl_->segments.heal(deadline));
  auto followed = TRY(impl_->follower.run(deadline));
  said.insert(said.end(), followed.begin(), followed.end());
  return said;
}

Result<ReconcileReport> NetworkService::reconcile() {
  return impl_->reconciler.run_at_start();
}

Result<ReconcileReport> NetworkService::repair(Deadline deadline) {
  return impl_->reconciler.run(deadline);
}

Result<std::vector<Finding>> NetworkService::inspect() {
  return Inspector(impl_->core).look();
}

Result<std::vector<ForwardChain>> NetworkService::forward_chains() {
  return impl_->core.rules.forward_chains();
}

Result<GatewayNeed> NetworkService::gateway_need(const GatewayQuestion& question) const {
  const Driver* driver = TRY(driver_for(question.options));
  return driver->gateway_need(question);
}

Result<Options> NetworkService::allocate(const CreateNetworkRequest& request) {
  TRY(check_cluster_subnets(request));
  if (impl_->swarm_lans.note(request) && impl_->core.environment.lan_joined)
    impl_->core.environment.lan_joined();
  return request.options;
}

void NetworkService::free(const std::string& network_id) {
  impl_->swarm_lans.forget(network_id);
}

Status NetworkService::create_network(const CreateNetworkRequest& request, Deadline deadline) {
  return impl_->networks.create(request, deadline);
}

Status NetworkService::delete_network(const std::string& id, Deadline deadline) {
  return impl_->networks.remove(id, deadline);
}

Status NetworkService::remove_by_operator(const std::string& id, Deadline deadline) {
  return impl_->networks.remove_by_operator(id, deadline);
}

Result<CreateEndpointReply> NetworkService::create_endpoint(const CreateEndpointRequest& request,
                                                            Deadline deadline) {
  return impl_->endpoints.create(request, deadline);
}

Status NetworkService::delete_endpoint(const std::string& network_id, const std::string& endpoint_id,
                                       Deadline deadline) {
  return impl_->endpoints.remove(network_id, endpoint_id, deadline);
}

Result<JoinReply> NetworkService::join(const JoinRequest& request, Deadline deadline) {
  return impl_->endpoints.join(request, deadline);
}

Status NetworkService::leave(const std::string& network_id, const std::string& endpoint_id,
                             Deadline deadline) {
  return impl_->endpoints.leave(network_id, endpoint_id, deadline);
}

Status NetworkService::program_external_connectivity(const ExternalConnectivityRequest& request,
                                                     Deadline deadline) {
  return impl_->ports.program(request, deadline);
}

Status NetworkService::revoke_external_connectivity(const std::string& network_id,
                                                    const std::string& endpoint_id, Deadline deadline) {
  return impl_->ports.revoke(network_id, endpoint_id, deadline);
}

std::optional<AddressUser> NetworkService::bound_to(const Prefix& pool, const IpAddress& address) const {
  const auto use = impl_->core.table.use_of(pool, address);
  if (!use) return std::nullopt;
  const std::string network = short_id(use->network_id);
  if (!use->endpoint) return AddressUser{"gateway of network " + network, std::nullopt};
  if (!use->endpoint->joined) return std::nullopt;
  return AddressUser{fmt::format("endpoint {} of network {}", short_id(use->endpoint->id), network),
                     use->endpoint->mac};
}

Result<bool> NetworkService::remove_abandoned(const Prefix& subnet, Deadline deadline) {
  return impl_->networks.remove_abandoned(subnet, deadline);
}

Status NetworkService::remove_unjoined(const Prefix& pool, const IpAddress& address, Deadline deadline) {
  return impl_->endpoints.remove_unjoined(pool, address, deadline);
}

Result<uint64_t> NetworkService::forget_ended(Deadline deadline) {
  return impl_->endpoints.forget_ended(deadline);
}

Result<uint64_t> NetworkService::sweep_unjoined(std::chrono::seconds grace, Deadline deadline) {
  return impl_->endpoints.sweep_unjoined(grace, deadline);
}

std::string NetworkService::network_on(const Prefix& pool) const {
  const auto id = impl_->core.table.network_on(pool);
  return id ? "network " + short_id(*id) : "";
}

std::vector<LanSubnet> NetworkService::lan_subnets() const {
  std::vector<LanSubnet> all;
  for (const NetworkRecord& network : impl_->core.table.networks()) {
    if (!network.segment) continue;
    const Segment& segment = *network.segment;
    // Where the bridge keeps VLANs apart, the host itself is in none of them.
    const std::string& link = segment.aware ? segment.parent : network.bridge;
    const Lane lane = segment.aware ? lane_of(segment) : Lane{};
    for (const Subnet& subnet : subnets_of(network.request)) all.push_back({subnet.prefix, link, lane});
  }
  if (impl_->swarm_lans.empty()) return all;
  const auto links = impl_->core.kernel.links();
  if (!links.ok()) return all;
  for (LanSubnet& lan : impl_->swarm_lans.ways(links.value(), impl_->core.environment.instance)) {
    // This node has it itself.
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&](const LanSubnet& other) { return other.subnet == lan.subnet; });
    if (!known) all.push_back(std::move(lan));
  }
  return all;
}

std::vector<NetworkRecord> NetworkService::networks() const {
  const auto all = impl_->core.table.networks();
  return {all.begin(), all.end()};
}

std::vector<EndpointRecord> NetworkService::endpoints() const {
  return impl_->core.table.endpoints();
}

}  // namespace viaduct::net
