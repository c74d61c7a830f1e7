#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "net/service_core.h"

namespace viaduct::net {

// Compares what the store promises with what the kernel has, and repairs the kernel. The promises stand in
// network_service.h, NetworkService::reconcile().
class Reconciler {
 public:
  explicit Reconciler(ServiceCore& core) : core_(core) {}

  // At a start nobody is making anything: links that lack what a creation's second message brings are leftovers, and a network may
  // be waited for. While calls come, such a link may be in the making, and all is looked at until `deadline`.
  Result<ReconcileReport> run_at_start();
  Result<ReconcileReport> run(Deadline deadline);

 private:
  enum class Calls { kNone, kMayCome };
  // The aliases of all links in service.
  using Marks = std::set<std::string>;

  Result<ReconcileReport> compare(Calls calls);
  [[nodiscard]] Deadline patience() const;
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
  void judge_segment(const Link& link, ReconcileReport& report);
  void judge_host_end(const Link& link, const std::string& id, ReconcileReport& report);
  void judge_shaper(const Link& link, const std::string& id, ReconcileReport& report);
  void retire(const Link& link, ReconcileReport& report);

  ServiceCore& core_;
  std::mutex mutex_;                  // one run at a time
  std::optional<Deadline> deadline_;  // of the run; empty at a start
};

}  // namespace viaduct::net
