#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "ipam/ipam_service.h"
#include "net/kernel.h"
#include "net/neighbour_probe.h"
#include "server/pool_survey.h"

namespace viaduct::server {

// The thread that looks for foreign hosts at the addresses that pools are about to give, when woken and as silence ages. The
// only one that asks the wire.
class NeighbourWatch {
 public:
  // All outlive it. `lans`: as PoolSurvey's.
  NeighbourWatch(ipam::IpamService& ipam, net::Kernel& kernel, net::NeighbourProbe& probe, Logger& log,
                 std::function<std::vector<net::LanSubnet>()> lans);
  // Ends a question that is out.
  ~NeighbourWatch();
  NeighbourWatch(const NeighbourWatch&) = delete;
  NeighbourWatch& operator=(const NeighbourWatch&) = delete;

  // There may be something new to look at. Any thread; does not wait.
  void wake();
  // A network stands on a LAN since now. Likewise.
  void lan_joined();

 private:
  enum class More { kNo, kYes };
  struct Asked {
    ipam::ProbeTarget target;
    std::vector<net::ProbeLink> links;
  };

  void run();
  void look_again();
  // One round of questions. kNo: there was nothing to ask.
  More look();
  void give_up(const std::string& pool_id, const Error& why);
  void conclude(const Asked& asked, const net::NeighbourProbe::Outcome& outcome);
  void tell(const std::string& pool_id, const ipam::ProbeOutcome& outcome);

  ipam::IpamService& ipam_;
  net::NeighbourProbe& probe_;
  Logger& log_;

  std::string last_problem_;  // the thread's own

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = true;
  bool stopping_ = false;
  PoolSurvey survey_;
  std::thread thread_;
};

// A gateway at which somebody answers may well be the subnet's router; everything else deserves a warning.
void log_unsure_gift(Logger& log, const ipam::UnsureGift& gift);

}  // namespace viaduct::server
