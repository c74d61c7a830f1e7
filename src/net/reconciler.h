#pragma once

#include "net/service_core.h"

namespace viaduct::net {

// Compares what the store promises with what the kernel has, and repairs the kernel. The promises stand in
// network_service.h, NetworkService::reconcile().
class Reconciler {
 public:
  explicit Reconciler(ServiceCore& core) : core_(core) {}

  Result<ReconcileReport> run();

 private:
  void repair_network(const std::string& id, ReconcileReport& report);
  void judge_missing(const NetworkRecord& network, const std::vector<EndpointRecord>& missing,
                     ReconcileReport& report);
  void judge_link(const Link& link, ReconcileReport& report);
  void judge_unmarked(const Link& link, ReconcileReport& report);
  void judge_bridge(const Link& link, const std::string& id, ReconcileReport& report);
  void judge_host_end(const Link& link, const std::string& id, ReconcileReport& report);
  void retire(const Link& link, ReconcileReport& report);

  ServiceCore& core_;
};

}  // namespace viaduct::net
