#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "ipam/ipam_service.h"
#include "net/kernel.h"
#include "net/neighbour_probe.h"

namespace viaduct::server {

// The thread that looks for foreign hosts at the addresses that pools are about to give: which pools' subnets are on links
// of the host, every 15 s and when there is a new one; who has the next addresses, when woken and as silence ages. The only
// one that asks the wire.
class NeighbourWatch {
 public:
  // All outlive it.
  NeighbourWatch(ipam::IpamService& ipam, net::Kernel& kernel, net::NeighbourProbe& probe, Logger& log);
  // Ends a question that is out.
  ~NeighbourWatch();
  NeighbourWatch(const NeighbourWatch&) = delete;
  NeighbourWatch& operator=(const NeighbourWatch&) = delete;

  // There may be something new to look at. Any thread; does not wait.
  void wake();

 private:
  enum class More { kNo, kYes };

  void run();
  void survey(ipam::Survey which);
  // One round of questions. kNo: there was nothing to ask.
  More look();
  void give_up(const std::vector<ipam::ProbeTarget>& targets, const Error& why);
  void conclude(const std::vector<ipam::ProbeTarget>& targets, const net::NeighbourProbe::Outcome& outcome);
  void tell(const std::string& pool_id, const ipam::ProbeOutcome& outcome);

  ipam::IpamService& ipam_;
  net::Kernel& kernel_;
  net::NeighbourProbe& probe_;
  Logger& log_;

  // The thread's own.
  std::map<std::string, std::vector<net::ProbeLink>> links_;  // of watched pools, by id
  std::set<Mac> own_macs_;
  std::string last_problem_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = true;
  bool stopping_ = false;
  std::thread thread_;
};

// A gateway at which somebody answers may well be the subnet's router; everything else deserves a warning.
void log_unsure_gift(Logger& log, const ipam::UnsureGift& gift);

}  // namespace viaduct::server
