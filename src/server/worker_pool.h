#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace viaduct::server {

// Runs jobs on threads that are made as they are needed, `most` of them at the most, so that calls which wait (for a disk,
// for another call on the same network) do not keep others from running.
class WorkerPool {
 public:
  explicit WorkerPool(size_t most) : most_(most) {}
  // Waits for every job that was submitted.
  ~WorkerPool();

  void submit(std::function<void()> job);

 private:
  void work();

  const size_t most_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool ending_ = false;
};

}  // namespace viaduct::server
