#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "ipam/ipam_service.h"
#include "net/kernel.h"
#include "net/network_service.h"
#include "net/probe_links.h"

namespace viaduct::server {

// The thread that finds out which pools' subnets are on links of the host: at once for a new pool, whose first request may
// wait for it, and every 15 s for all. It asks the kernel alone, never the wire.
class PoolSurvey {
 public:
  // All outlive it. `lans`: subnets of LANs that the host has no address in. `found` is called on its thread after each look,
  // when pools may have come to be watched.
  PoolSurvey(ipam::IpamService& ipam, net::Kernel& kernel, std::function<std::vector<net::LanSubnet>()> lans,
             std::function<void()> found);
  ~PoolSurvey();
  PoolSurvey(const PoolSurvey&) = delete;
  PoolSurvey& operator=(const PoolSurvey&) = delete;

  // There may be a new pool. Any thread; does not wait.
  void wake();
  // What links reach has changed: all pools are looked at. Likewise.
  void wake_for_all();
  // Where neighbours can be asked for addresses of the pool; none if it is not watched. Any thread, as the next.
  [[nodiscard]] std::vector<net::ProbeLink> links_of(const std::string& pool_id) const;
  // Whether a link of the host has that MAC.
  [[nodiscard]] bool is_own(const Mac& mac) const;

 private:
  void run();
  void look(ipam::Survey which);

  ipam::IpamService& ipam_;
  net::Kernel& kernel_;
  const std::function<std::vector<net::LanSubnet>()> lans_;
  const std::function<void()> found_;

  mutable std::mutex mutex_;                                  // guards all below
  std::map<std::string, std::vector<net::ProbeLink>> links_;  // of watched pools, by id
  std::set<Mac> own_macs_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool woken_for_all_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace viaduct::server
