#include "net/netlink_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "net/netlink_read.h"

namespace viaduct::net {

namespace {

// A link that comes up brings its routes along: let them come.
constexpr int kLetSettleMs = 200;
constexpr int kTogetherMs = 20;
constexpr int kEventBytes = 1 << 20;
constexpr int kBetweenCallsMs = 800;
constexpr std::chrono::minutes kAnyway{1};

Result<UniqueFd> subscribe_to_uplinks() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd.valid()) return from_errno(errno, "cannot open a netlink socket");
  // Without room an event is lost, and then all links are looked at.
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kEventBytes, sizeof kEventBytes);
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  self.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof(self)) != 0)
    return from_errno(errno, "cannot watch the host's links and routes");
  return fd;
}

// Of viaduct's own links there are many events, and none of them is of the uplink.
bool is_of_concern(const nlmsghdr* event) {
  if (event->nlmsg_type == RTM_NEWLINK) {
    const Link link = link_from(event);
    return link.group != kLiveGroup && link.group != kDyingGroup;
  }
  if (event->nlmsg_type != RTM_NEWROUTE && event->nlmsg_type != RTM_DELROUTE) return false;
  const auto route = route_from(event);
  return route && route->destination.length() == 0;
}

}  // namespace

Result<std::unique_ptr<UplinkWatch>> UplinkWatch::start(std::function<void()> changed) {
  UniqueFd events = TRY(subscribe_to_uplinks());
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return from_errno(errno, "cannot make an eventfd");
  return std::unique_ptr<UplinkWatch>(
      new UplinkWatch(std::move(changed), std::move(events), std::move(stop)));
}

UplinkWatch::UplinkWatch(std::function<void()> changed, UniqueFd events, UniqueFd stop)
    : changed_(std::move(changed)),
      events_(std::move(events)),
      stop_(std::move(stop)),
      thread_([this] { run(); }) {}

UplinkWatch::~UplinkWatch() {
  (void)::eventfd_write(stop_.get(), 1);
  thread_.join();
}

bool UplinkWatch::wait(bool for_events, int limit_ms) {
  std::array<pollfd, 2> watched{pollfd{stop_.get(), POLLIN, 0}, pollfd{events_.get(), POLLIN, 0}};
  // Interrupted by a signal, it merely returns early: the caller's loop comes back.
  (void)::poll(watched.data(), for_events ? 2 : 1, limit_ms);
  return watched[0].revents == 0;
}

bool UplinkWatch::concerned() {
  alignas(nlmsghdr) std::array<char, 32768> buffer{};
  bool any = false;
  // Bounded, so that a storm cannot hold it here.
  for (int reads = 0; reads < 10000; ++reads) {
    const ssize_t got = ::recv(events_.get(), buffer.data(), buffer.size(), 0);
    // A full buffer (ENOBUFS) has dropped events: that may have been one of concern.
    if (got < 0 && errno == ENOBUFS) any = true;
    if (got < 0 && errno != ENOBUFS && errno != EINTR) break;
    if (got <= 0) continue;
    auto left = static_cast<uint32_t>(got);
    for (auto* event = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(event, left);
         event = NLMSG_NEXT(event, left))
      any = any || is_of_concern(event);
  }
  return any;
}

void UplinkWatch::run() {
  using Clock = std::chrono::steady_clock;
  for (;;) {
    changed_();
    if (!wait(false, kBetweenCallsMs)) return;
    for (const auto next = Clock::now() + kAnyway; !concerned();) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
      if (left.count() <= 0) break;
      if (!wait(true, static_cast<int>(left.count()))) return;
      // Events of links come by the half dozen, each of which would wake this thread: one look at them all.
      if (!wait(false, kTogetherMs)) return;
    }
    if (!wait(false, kLetSettleMs)) return;
    (void)concerned();  // what came meanwhile is seen by the call that follows
  }
}

}  // namespace viaduct::net
