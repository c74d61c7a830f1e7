#include "server/connection_front.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "server/http_framing.h"

namespace viaduct::server {

namespace {

// epoll's user data: ids of connections begin behind those of the listeners and the wake-up descriptor.
constexpr uint64_t kWakeup = 0;
constexpr uint64_t kFirstListener = 1;
constexpr uint64_t kFirstConnection = 1000;

// How often deadlines are looked at; they are seconds long.
constexpr std::chrono::milliseconds kTick{50};

int peer_pid_of(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? std::max(peer.pid, 0) : 0;
}

}  // namespace

ConnectionFront::ConnectionFront(Run run, std::function<std::string(int, const std::string&)> refusal,
                                 HttpLimits limits)
    : run_(std::move(run)), refusal_(std::move(refusal)), limits_(limits), next_id_(kFirstConnection) {}

ConnectionFront::~ConnectionFront() {
  stop(std::chrono::milliseconds{0});
}

Status ConnectionFront::start() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  wakeup_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_.valid() || !wakeup_.valid()) return from_errno(errno, "start the socket front");
  epoll_event event{EPOLLIN, {.u64 = kWakeup}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event) != 0)
    return from_errno(errno, "start the socket front");
  for (size_t i = 0; i < listeners_.size(); ++i) {
    epoll_event listen_event{EPOLLIN, {.u64 = kFirstListener + i}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listeners_[i].get(), &listen_event) != 0)
      return from_errno(errno, "watch the listening socket");
  }
  thread_ = std::thread([this] { loop(); });
  return {};
}

bool ConnectionFront::stop(std::chrono::milliseconds grace) {
  if (!thread_.joinable()) return true;
  bool all = false;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake();
    all = changed_.wait_for(lock, grace, [this] { return quiet_ && running_ == 0; });
    ended_ = true;
  }
  wake();
  thread_.join();
  return all;
}

void ConnectionFront::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(wakeup_.get(), &one, sizeof one);
}

void ConnectionFront::loop() {
  std::array<epoll_event, 64> events{};
  bool listening = true;
  for (;;) {
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(kTick.count()));
    if (ended_) return;
    const bool stopping = stopping_;
    if (stopping && listening) {
      end_listening();
      listening = false;
    }
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<size_t>(i)];
      const uint64_t id = event.data.u64;
      if (id == kWakeup) {
        uint64_t drained = 0;
        [[maybe_unused]] const ssize_t got = ::read(wakeup_.get(), &drained, sizeof drained);
      } else if (id < kFirstConnection) {
        if (listening) accept_from(listeners_[id - kFirstListener].get());
      } else if (const auto found = connections_.find(id); found != connections_.end()) {
        if ((event.events & EPOLLOUT) != 0)
          write_more(id, found->second);
        else
          readable(id, found->second);
      }
    }
    take_finished();
    check_times();
    if (stopping) {
      close_idle();
      note_quiet();
    }
  }
}

void ConnectionFront::end_listening() {
  for (const auto& listener : listeners_) accept_from(listener.get());  // who dialled before the end
  listeners_.clear();
}

// While stopping. What was sent before is still read and answered; connections with nothing to say are closed, which
// their clients see before they use them again. Again each time: a worker that was sending when the stop began leaves
// its connection idle.
void ConnectionFront::close_idle() {
  std::vector<uint64_t> ids;
  for (auto& [id, connection] : connections_)
    if (!busy(connection)) ids.push_back(id);
  for (const uint64_t id : ids) {
    readable(id, connections_.at(id));
    const auto found = connections_.find(id);
    if (found != connections_.end() && !busy(found->second)) drop(id);
  }
}

void ConnectionFront::note_quiet() {
  const bool quiet =
      std::none_of(connections_.begin(), connections_.end(), [](auto& entry) { return busy(entry.second); });
  const std::scoped_lock lock(mutex_);
  quiet_ = quiet;
  if (quiet_) changed_.notify_all();
}

void ConnectionFront::accept_from(int listener) {
  for (;;) {
    UniqueFd fd{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!fd.valid()) {
      if (errno == EMFILE || errno == ENFILE) make_room();
      return;
    }
    if (connections_.size() >= limits_.connections) make_room();
    const uint64_t id = next_id_++;
    Connection connection;
    connection.peer_pid = peer_pid_of(fd.get());
    connection.socket = std::make_shared<const UniqueFd>(std::move(fd));
    connection.since = Deadline::Clock::now();
    epoll_event event{EPOLLIN, {.u64 = id}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.fd(), &event) != 0) continue;
    connections_.emplace(id, std::move(connection));
  }
}

// Closes the connection that has been idle longest; none is idle only when all are at work.
void ConnectionFront::make_room() {
  auto oldest = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    if (busy(it->second)) continue;
    if (oldest == connections_.end() || it->second.since < oldest->second.since) oldest = it;
  }
  if (oldest != connections_.end()) connections_.erase(oldest);
}

void ConnectionFront::watch(uint64_t id, int fd, uint32_t events) {
  epoll_event event{events, {.u64 = id}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void ConnectionFront::readable(uint64_t id, Connection& connection) {
  connection.note_sent();
  if (connection.dispatch) return drop(id);  // nothing is watched for now but the end of the client
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = ::recv(connection.fd(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got <= 0) return drop(id);
    if (!connection.reading) {
      connection.reading = true;
      connection.since = Deadline::Clock::now();
    }
    connection.input.append(buffer.data(), static_cast<size_t>(got));
    if (static_cast<size_t>(got) < buffer.size())
      break;  // all there was, most likely; if not, epoll says so again
    if (connection.input.size() > limits_.header_bytes + limits_.body_bytes) break;
  }
  take_request(id, connection);
}

// Hands out the request at the head of the input if it is whole. One request of a connection at a time.
void ConnectionFront::take_request(uint64_t id, Connection& connection) {
  if (connection.dispatch || !connection.output.empty() || connection.input.empty()) return;
  const Framing framing = frame(connection.input, limits_.header_bytes, limits_.body_bytes);
  if (framing.state == Framing::State::kIncomplete) return;
  if (framing.state == Framing::State::kRefused)
    return refuse(id, connection, framing.status, std::string(framing.sentence));
  ++running_;
  std::string request = connection.input.substr(0, framing.length);
  connection.input.erase(0, framing.length);
  connection.reading = !connection.input.empty();
  connection.since = Deadline::Clock::now();
  const auto dispatch = std::make_shared<Dispatch>(connection.socket);
  connection.dispatch = dispatch;
  watch(id, connection.fd(), 0);  // nothing more is read until the reply is out
  const Sender sender = connection.input.empty() ? Sender::kWorker : Sender::kFront;
  run_(std::move(request), connection.peer_pid, Deadline::in(limits_.call),
       [this, id, dispatch, sender](std::string reply, bool close) {
         answered(id, dispatch, close ? Sender::kFront : sender, {std::move(reply), 0, close});
       });
}

// On the worker's thread.
void ConnectionFront::answered(uint64_t id, const std::shared_ptr<Dispatch>& dispatch, Sender sender,
                               Reply reply) {
  if (dispatch->settle() && (sender == Sender::kFront || !send_from_worker(id, *dispatch, reply))) {
    {
      const std::scoped_lock lock(mutex_);
      finished_.push_back({id, dispatch, std::move(reply)});
    }
    wake();
  }
  if (running_.fetch_sub(1) != 1 || !stopping_) return;
  const std::scoped_lock lock(mutex_);
  changed_.notify_all();
}

// False when the front has to send the rest. On the worker's thread, which has settled the dispatch.
bool ConnectionFront::send_from_worker(uint64_t id, Dispatch& dispatch, Reply& reply) {
  const SharedSocket socket = dispatch.socket();
  if (stopping_ || socket == nullptr) return false;
  const ssize_t put = ::send(socket->get(), reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL);
  if (put > 0) reply.written = static_cast<size_t>(put);
  if (reply.written < reply.bytes.size()) return false;
  dispatch.finish(Deadline::Clock::now());
  watch(id, socket->get(), EPOLLIN);
  if (stopping_) wake();  // the front closes what is idle
  return true;
}

void ConnectionFront::refuse(uint64_t id, Connection& connection, int status, const std::string& sentence) {
  connection.input.clear();
  connection.reading = false;
  begin_write(id, connection, {.bytes = refusal_(status, sentence), .close = true});
}

void ConnectionFront::begin_write(uint64_t id, Connection& connection, Reply reply) {
  if (stopping_ && !reply.close && reply.written == 0) {
    // Announced, so that the client does not send its next request into a closing connection.
    const size_t line_end = reply.bytes.find("\r\n");
    if (line_end != std::string::npos) reply.bytes.insert(line_end + 2, "Connection: close\r\n");
    reply.close = true;
  }
  connection.dispatch.reset();
  connection.output = std::move(reply.bytes);
  connection.written = reply.written;
  connection.close_after_write = reply.close;
  connection.since = Deadline::Clock::now();
  write_more(id, connection);
}

void ConnectionFront::write_more(uint64_t id, Connection& connection) {
  bool alive = true;
  while (alive && connection.written < connection.output.size()) {
    const ssize_t put = ::send(connection.fd(), connection.output.data() + connection.written,
                               connection.output.size() - connection.written, MSG_NOSIGNAL);
    if (put > 0)
      connection.written += static_cast<size_t>(put);
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
      return watch(id, connection.fd(), EPOLLOUT);
    else if (errno != EINTR)
      alive = false;
  }
  if (!alive || connection.close_after_write) {
    // The client may still be sending a body that was refused; let it read the reply before the reset.
    ::shutdown(connection.fd(), SHUT_WR);
    return drop(id);
  }
  connection.output.clear();
  connection.since = Deadline::Clock::now();
  watch(id, connection.fd(), EPOLLIN);
  take_request(id, connection);
}

void ConnectionFront::take_finished() {
  std::vector<Finished> finished;
  {
    const std::scoped_lock lock(mutex_);
    finished.swap(finished_);
  }
  for (auto& entry : finished) {
    const auto found = connections_.find(entry.id);
    const bool client_waits = found != connections_.end() && found->second.dispatch == entry.dispatch;
    if (client_waits) begin_write(entry.id, found->second, std::move(entry.reply));
  }
}

void ConnectionFront::check_times() {
  const Time now = Deadline::Clock::now();
  if (now - looked_at_times_ < kTick) return;
  looked_at_times_ = now;
  std::vector<uint64_t> late;
  for (auto& [id, connection] : connections_) {
    connection.note_sent();
    const auto age = now - connection.since;
    if (connection.dispatch ? age > limits_.call + limits_.grace
                            : (connection.reading || !connection.output.empty()) && age > limits_.transfer)
      late.push_back(id);
  }
  for (const uint64_t id : late) {
    Connection& connection = connections_.at(id);
    if (connection.dispatch) {
      if (!connection.dispatch->settle()) continue;  // the reply is on its way
      begin_write(
          id, connection,
          {.bytes = refusal_(limits_.late_status,
                             "viaduct could not finish this call in time: the disk, the kernel or another "
                             "call on the same object is slow; look at the daemon's log and try again"),
           .close = true});
    } else if (!connection.output.empty()) {
      drop(id);
    } else {
      refuse(id, connection, 408, "the request did not arrive whole in time; send it in one piece");
    }
  }
}

}  // namespace viaduct::server
