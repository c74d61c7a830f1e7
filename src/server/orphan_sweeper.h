#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "ipam/ipam_service.h"

namespace viaduct::server {

// The thread that asks, once a minute, for addresses whose endpoint is gone without a word to be given back. No call of the
// engine waits for it.
class OrphanSweeper {
 public:
  // Both outlive it.
  OrphanSweeper(ipam::IpamService& ipam, Logger& log);
  ~OrphanSweeper();
  OrphanSweeper(const OrphanSweeper&) = delete;
  OrphanSweeper& operator=(const OrphanSweeper&) = delete;

 private:
  void run();

  ipam::IpamService& ipam_;
  Logger& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace viaduct::server
