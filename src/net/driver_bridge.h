#pragma once

#include "net/driver_parts.h"

namespace viaduct::net {

// mode=bridge: a Linux bridge of its own for each network, or one that the user names, the gateway's addresses on it, and the
// gateway modes of the engine's bridge driver.
class BridgeDriver final : public PairDriver {
 public:
  using PairDriver::plan;
  [[nodiscard]] std::string mode() const override;
  [[nodiscard]] Result<GatewayNeed> gateway_need(const GatewayQuestion& question) const override;
  [[nodiscard]] Result<NetworkRecord> accept(const CreateNetworkRequest& request,
                                             const PlanContext& context) const override;
  [[nodiscard]] Result<std::optional<ParentWish>> wanted_parent(
      const CreateNetworkRequest& request) const override;
  [[nodiscard]] Result<std::string> bridge_name_for(const NetworkRecord& network,
                                                    const std::set<std::string>& taken) const override;
  [[nodiscard]] bool has_named_bridge(const Options& options) const override;
  [[nodiscard]] NetworkPlan plan(const NetworkRecord& network, const PlanContext& context) const override;
  [[nodiscard]] std::optional<int> followed_mtu(const NetworkRecord& network, int uplink_mtu) const override;
  [[nodiscard]] Result<EndpointRecord> accept(const NetworkRecord& network,
                                              const CreateEndpointRequest& request,
                                              const PlanContext& context) const override;
  [[nodiscard]] Result<PortPlan> ports(const NetworkRecord& network, const EndpointRecord& endpoint,
                                       const std::vector<PortBinding>& bindings) const override;
};

}  // namespace viaduct::net
