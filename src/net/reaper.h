#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "net/kernel.h"

namespace viaduct::net {

// The thread that removes retired links. The kernel needs about 20 ms for it, whether one link or many, hence
// no call of the engine waits for it, and what is retired meanwhile goes together in the next round.
class Reaper {
 public:
  explicit Reaper(Kernel& kernel);
  // After a last round.
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  // Something was retired. Returns at once. A round that fails is tried again until it succeeds.
  void wake();

  // Why the last round failed, in the kernel's words; empty if it did not. Any thread.
  [[nodiscard]] std::string trouble() const;

 private:
  void run();

  Kernel& kernel_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stopping_ = false;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace viaduct::net
