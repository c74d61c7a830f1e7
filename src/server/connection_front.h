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

using SharedSocket = std::shared_ptr<const UniqueFd>;

// One request that is being answered. Whoever settles it first (the worker, or the front at the deadline) is heard. From
// then on nobody else writes to the connection until finish(), or until the worker gives the reply to the front.
class Dispatch {
 public:
  using Time = Deadline::Clock::time_point;
  explicit Dispatch(const SharedSocket& socket) : socket_(socket) {}

  // True for the first caller only.
  bool settle() { return !settled_.exchange(true); }
  // Null when the client is gone. Holding it keeps the descriptor's number from being given to another connection.
  [[nodiscard]] SharedSocket socket() const { return socket_.lock(); }

  // The worker wrote the whole reply itself: the connection has been idle since `at`.
  void finish(Time at) {
    finished_at_ = at;
    finished_ = true;
  }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] Time finished_at() const { return finished_at_; }  // once finished()

 private:
  const std::weak_ptr<const UniqueFd> socket_;
  std::atomic<bool> settled_{false};
  std::atomic<bool> finished_{false};
  Time finished_at_{};
};

// The thread that owns every connection: accepts, reads whole requests, hands them out. A reply is sent by the thread that
// made it when that is all there is to do; what is left of it, replies that close and pipelined requests come back to the
// front. Never closes a connection after a reply that did not announce it (trap T6), and lets clients keep idle ones as
// long as they like.
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
    SharedSocket socket;
    int peer_pid = 0;
    std::string input;
    std::string output;
    size_t written = 0;
    bool close_after_write = false;
    std::shared_ptr<Dispatch> dispatch;  // set while a request is being answered; see note_sent()
    Time since{};                        // when the present state began: idle, reading, waiting or writing
    bool reading = false;                // a request has begun to arrive

    [[nodiscard]] int fd() const { return socket->get(); }
    // Takes note of a reply that a worker sent.
    void note_sent() {
      if (!dispatch || !dispatch->finished()) return;
      since = dispatch->finished_at();
      dispatch.reset();
    }
  };
  // A request is arriving, being answered, or its reply is on its way.
  static bool busy(Connection& connection) {
    connection.note_sent();
    return connection.dispatch || connection.reading || !connection.output.empty();
  }
  struct Reply {
    std::string bytes;
    size_t written = 0;  // of the bytes, by the worker
    bool close = false;
  };
  struct Finished {
    uint64_t id;
    std::shared_ptr<Dispatch> dispatch;
    Reply reply;
  };
  // Who can take a reply to the end. kFront: there is more to do than to send it.
  enum class Sender { kWorker, kFront };

  void loop();
  void accept_from(int listener);
  void make_room();
  void readable(uint64_t id, Connection& connection);
  void take_request(uint64_t id, Connection& connection);
  void refuse(uint64_t id, Connection& connection, int status, const std::string& sentence);
  void answered(uint64_t id, const std::shared_ptr<Dispatch>& dispatch, Sender sender, Reply reply);
  bool send_from_worker(uint64_t id, Dispatch& dispatch, Reply& reply);
  void begin_write(uint64_t id, Connection& connection, Reply reply);
  void write_more(uint64_t id, Connection& connection);
  void take_finished();
  void check_times();
  void end_listening();
  void close_idle();
  void note_quiet();
  void watch(uint64_t id, int fd, uint32_t events);
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

  Time looked_at_times_{};

  // Both are looked at by the worker that changes the other side's answer: it sends, then asks whether the front is
  // stopping; the front begins to stop, then asks who has sent.
  std::atomic<size_t> running_{0};     // handed out, and not answered by a worker yet
  std::atomic<bool> stopping_{false};  // no new connection; the present ones end with their next reply
  std::atomic<bool> ended_{false};     // the thread ends

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Finished> finished_;
  bool quiet_ = false;  // while stopping: no connection has anything to say
  std::thread thread_;
};

}  // namespace viaduct::server
