#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/log.h"
#include "ipam/ipam_service.h"
#include "net/network_service.h"

namespace viaduct::server {

// The thread that looks, once a minute and when woken, for what the engine has lost without a word, and gives it back: endpoints that
// no container joined, and those whose container is gone; addresses whose endpoint is gone; pools, and networks on them,
// of an engine that died while it made them. It also looks until it sees that the engine has finished its start. No call
// of the engine waits for it.
class OrphanSweeper {
 public:
  // All outlive it.
  OrphanSweeper(ipam::IpamService& ipam, net::NetworkService& network, Logger& log);
  ~OrphanSweeper();
  OrphanSweeper(const OrphanSweeper&) = delete;
  OrphanSweeper& operator=(const OrphanSweeper&) = delete;

  // There is proof of something now. Any thread; does not wait.
  void wake();

 private:
  void run();
  // Logs how many were given back, where there were any, or why none could be.
  void tell(const std::string& what, const Result<uint64_t>& swept);
  void sweep();
  void sweep_endpoints();
  void sweep_addresses();
  void sweep_pools();

  ipam::IpamService& ipam_;
  net::NetworkService& network_;
  Logger& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace viaduct::server
