#pragma once

#include <set>
#include <string>
#include <vector>

#include "net/service_core.h"

namespace viaduct::net {

// Compares what the store promises with what the kernel has, and repairs the kernel. The promises stand in
// network_service.h, NetworkService::reconcile().
class Reconciler {
 public:
  explicit Reconciler(ServiceCore& core) : core_(core) {}

  Result<ReconcileReport> run();

 private:
  // The aliases of all links in service.
  using Marks = std::set<std::string>;

  void repair_network(const std::string& id, const Marks& marks, ReconcileReport& report);
  // Forgets endpoints that are proven gone.
  void judge_missing(const NetworkRecord& network, const std::vector<EndpointRecord>& missing,
                     const Marks& marks, ReconcileReport& report);
  // Why the endpoint, whose host end is missing, cannot be alive; empty if it may be.
  [[nodiscard]] std::string proof_of_end(const NetworkRecord& network, const EndpointRecord& endpoint,
                                         const Marks& marks) const;
  void judge_link(const Link& link, ReconcileReport& report);
  void judge_unmarked(const Link& link, ReconcileReport& report);
  void judge_bridge(const Link& link, const std::string& id, ReconcileReport& report);
  void judge_host_end(const Link& link, const std::string& id, ReconcileReport& report);
  void judge_shaper(const Link& link, const std::string& id, ReconcileReport& report);
  void retire(const Link& link, ReconcileReport& report);

  ServiceCore& core_;
};

}  // namespace viaduct::net
