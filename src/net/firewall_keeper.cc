#include "net/firewall_keeper.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace viaduct::net {

namespace {

// A flush comes as many events, and iptables-restore as many transactions: let them end.
constexpr int kSettleMs = 50;
// Added to kSettleMs this bounds the rate to four a second.
constexpr int kPauseMs = 200;
// After a failure, without waiting for an event.
constexpr int kRetryMs = 250;
constexpr int kForever = -1;

Result<UniqueFd> subscribe() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd.valid()) return from_errno(errno, "cannot open a netfilter socket");
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  int group = NFNLGRP_NFTABLES;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof(self)) != 0 ||
      ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) {
    return from_errno(errno, "cannot watch the packet filter's changes");
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<FirewallKeeper>> FirewallKeeper::start(Firewall& firewall, Logger& log) {
  UniqueFd events = TRY(subscribe());
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return from_errno(errno, "cannot make an eventfd");
  return std::unique_ptr<FirewallKeeper>(
      new FirewallKeeper(firewall, log, std::move(events), std::move(stop)));
}

FirewallKeeper::FirewallKeeper(Firewall& firewall, Logger& log, UniqueFd events, UniqueFd stop)
    : firewall_(firewall), log_(log), events_(std::move(events)), stop_(std::move(stop)), thread_([this] {
        run();
      }) {}

FirewallKeeper::~FirewallKeeper() {
  (void)::eventfd_write(stop_.get(), 1);
  thread_.join();
}

bool FirewallKeeper::wait(Until until, int limit_ms) {
  std::array<pollfd, 2> watched{pollfd{stop_.get(), POLLIN, 0}, pollfd{events_.get(), POLLIN, 0}};
  nfds_t count = until == Until::kStop ? 1 : 2;
  // Interrupted by a signal, it merely returns early: the caller's loop comes back.
  (void)::poll(watched.data(), count, limit_ms);
  return watched[0].revents == 0;
}

void FirewallKeeper::drain() {
  std::array<char, 8192> buffer{};
  // A full buffer (ENOBUFS) has dropped events: that is an event as well. Bounded, so that a storm cannot
  // hold it here.
  for (int reads = 0; reads < 10000; ++reads) {
    if (::recv(events_.get(), buffer.data(), buffer.size(), 0) < 0 && errno != ENOBUFS && errno != EINTR)
      return;
  }
}

bool FirewallKeeper::ensure() {
  Result<bool> restored = firewall_.ensure();
  if (!restored.ok()) {
    if (restored.error().message == last_failure_) return false;
    last_failure_ = restored.error().message;
    log_.log(LogLevel::kError, "cannot restore the packet filter's rules; trying again",
             {{"error", last_failure_}});
    return false;
  }
  last_failure_.clear();
  if (restored.value())
    log_.log(LogLevel::kWarning, "somebody changed viaduct's packet filter rules; restored them");
  return true;
}

void FirewallKeeper::run() {
  // What happened before the subscription brought no event.
  bool intact = ensure();
  while (wait(Until::kEventOrStop, intact ? kForever : kRetryMs)) {
    if (!wait(Until::kStop, kSettleMs)) return;
    drain();
    intact = ensure();
    if (!wait(Until::kStop, kPauseMs)) return;
  }
}

}  // namespace viaduct::net
