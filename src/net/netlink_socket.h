#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "net/netlink_message.h"

namespace viaduct::net {

// A dump that other changes overtook (NLM_F_DUMP_INTR) may miss or repeat entries: ask again.
enum class DumpEnd { kComplete, kInterrupted };

// A NETLINK_ROUTE socket with extended acks (style of the errors: "attempt: errno words (kernel: its
// sentence)"). libnl builds the messages; receiving is done here, because libnl 3.7 folds many errno values
// into one. One thread at a time. After an error of the socket itself (not the kernel's answer), broken() is
// true: throw it away.
class NetlinkSocket {
 public:
  static Result<NetlinkSocket> open();

  // Sends the message and hands every reply to `visit`, until the ack or the end of the dump.
  // Errors: the kernel's, as from_errno(); kBusy when no answer comes within 8 s.
  Result<DumpEnd> exchange(NetlinkMessage& message, std::string_view attempt,
                           const std::function<void(const nlmsghdr*)>& visit);
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  explicit NetlinkSocket(UniqueFd fd);
  Status send(NetlinkMessage& message, std::string_view attempt);
  Result<size_t> receive(std::string_view attempt);

  UniqueFd fd_;
  std::vector<char> buffer_;
  uint32_t sequence_ = 0;
  bool broken_ = false;
};

// Sockets that wait for use: as many as calls ran at once. Any thread.
class NetlinkPool {
 public:
  // As NetlinkSocket::exchange(), with an interrupted dump seen as complete. For requests and single replies.
  Status exchange(NetlinkMessage& message, std::string_view attempt,
                  const std::function<void(const nlmsghdr*)>& visit = {});
  // Dumps into what `restart` has emptied, as often as the kernel interrupts, at most 20 times; then kBusy.
  Status dump(NetlinkMessage& message, std::string_view attempt, const std::function<void()>& restart,
              const std::function<void(const nlmsghdr*)>& visit);

 private:
  Result<DumpEnd> run(NetlinkMessage& message, std::string_view attempt,
                      const std::function<void(const nlmsghdr*)>& visit);
  Guarded<std::vector<NetlinkSocket>> idle_;
};

}  // namespace viaduct::net
