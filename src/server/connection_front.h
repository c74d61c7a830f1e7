#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/unique_fd.h"
#include "server/http_server.h"

namespace viaduct::server {

// One request that is being answered. Whoever settles it first (the worker, or the front at the deadline) is heard.
class Dispatch {
 public:
  // True for the first caller only.
  bool settle() { return !settled_.exchange(true); }
  [[nodiscard]] bool settled() const { return settled_; }

 private:
  std::atomic<bool> settled_{false};
};

// The thread that owns every connection: accepts, reads whole requests, hands them out, writes replies. Never closes a
// connection after a reply that did not announce it (trap T6), and lets clients keep idle ones as long as they like.
class ConnectionFront {
 public:
  // Answers `bytes`, a whole request, by calling `done` once, from any thread, with the reply and whether it announced
  // the close. Must not block.
  using Done = std::function<void(std::string reply, bool close)>;
  using Run = std::function<void(std::string bytes, int peer_pid, Deadline deadline, Done done)>;

  // `refusal` makes the bytes of a reply that closes, from a status and a sentence.
  ConnectionFront(Run run, std::function<std::string(int, const std::string&)> refusal, HttpLimits limits);
  ~ConnectionFront();

  void add_listener(UniqueFd listener) { listeners_.push_back(std::move(listener)); }
  Status start();
  bool stop(std::chrono::milliseconds grace);

 private:
  using Time = Deadline::Clock::time_point;
  struct Connection {
    UniqueFd fd;
    int peer_pid = 0;
    std::string input;
    std::string output;
    size_t written = 0;
    bool close_after_write = false;
    std::shared_ptr<Dispatch> dispatch;  // set while a request is being answered
    Time since{};                        // when the present state began: idle, reading, waiting or writing
    bool reading = false;                // a request has begun to arrive
  };
  // A request is arriving, being answered, or its reply is on its way.
  static bool busy(const Connection& connection) {
    return connection.dispatch || connection.reading || !connection.output.empty();
  }
  struct Finished {
    uint64_t id;
    std::shared_ptr<Dispatch> dispatch;
    std::string reply;
    bool close;
  };

  void loop();
  void accept_from(int listener);
  void make_room();
  void readable(uint64_t id, Connection& connection);
  void take_request(uint64_t id, Connection& connection);
  void refuse(uint64_t id, Connection& connection, int status, const std::string& sentence);
  void begin_write(uint64_t id, Connection& connection, std::string reply, bool close);
  void write_more(uint64_t id, Connection& connection);
  void take_finished();
  void check_times();
  void sweep();
  void note_quiet();
  void watch(uint64_t id, const Connection& connection, uint32_t events);
  void drop(uint64_t id) { connections_.erase(id); }
  void wake();

  const Run run_;
  const std::function<std::string(int, const std::string&)> refusal_;
  const HttpLimits limits_;
  std::vector<UniqueFd> listeners_;
  UniqueFd epoll_;
  UniqueFd wakeup_;
  std::unordered_map<uint64_t, Connection> connections_;  // of the loop's thread alone
  uint64_t next_id_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Finished> finished_;
  size_t running_ = 0;     // handed out, and not answered by a worker yet
  bool stopping_ = false;  // no new connection; the present ones end with their next reply
  bool quiet_ = false;     // while stopping: no connection has anything to say
  bool ended_ = false;     // the thread ends
  std::thread thread_;
};

}  // namespace viaduct::server
