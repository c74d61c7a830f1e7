#include "net/netlink_socket.h"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace viaduct::net {

namespace {

// Less than the 10 s within which an engine's call must be answered.
constexpr timeval kReceiveLimit{8, 0};
// The kernel fills at most 32 KiB a dump message (netlink_dump() in net/netlink/af_netlink.c).
constexpr size_t kBufferBytes = 64 * 1024;
constexpr int kMaxDumps = 20;

// The kernel's sentence in an NLMSG_ERROR, empty if it gave none. With NETLINK_CAP_ACK the attributes follow
// the bare nlmsgerr, otherwise the whole request stands between.
std::string kernel_sentence(const nlmsghdr* header) {
  const auto* error = static_cast<const nlmsgerr*>(nlmsg_data(header));
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  size_t offset = sizeof(nlmsgerr);
  if ((header->nlmsg_flags & NLM_F_CAPPED) == 0) offset += error->msg.nlmsg_len - sizeof(nlmsghdr);
  size_t size = static_cast<size_t>(nlmsg_datalen(header));
  if (offset >= size) return {};
  const auto* first = reinterpret_cast<const nlattr*>(reinterpret_cast<const char*>(error) + offset);
  const nlattr* text = nla_find(first, static_cast<int>(size - offset), NLMSGERR_ATTR_MSG);
  return text == nullptr ? std::string() : std::string(nla_get_string(text));
}

Error error_of(const nlmsghdr* header, int sys_errno, std::string_view attempt) {
  Error error = from_errno(sys_errno, attempt);
  std::string sentence = kernel_sentence(header);
  if (!sentence.empty()) error.message += fmt::format(" (kernel: {})", sentence);
  return error;
}

bool is_dump(const nlmsghdr* request) {
  return (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

// Asks for one object, which or an error is the answer; an acknowledgement behind it would say nothing more. The types of
// rtnetlink come in fours, the third of which gets (rtnetlink_rcv_msg() in net/core/rtnetlink.c).
bool is_question(const nlmsghdr* request) {
  return !is_dump(request) && request->nlmsg_type >= RTM_BASE && (request->nlmsg_type & 3) == 2;
}

// The errno that an NLMSG_ERROR or NLMSG_DONE carries, 0 for success.
int errno_of(const nlmsghdr* header) {
  if (nlmsg_datalen(header) < static_cast<int>(sizeof(int))) return 0;
  int value = 0;
  std::memcpy(&value, nlmsg_data(header), sizeof(value));
  return -value;
}

}  // namespace

NetlinkSocket::NetlinkSocket(UniqueFd fd) : fd_(std::move(fd)), buffer_(kBufferBytes) {}

Result<NetlinkSocket> NetlinkSocket::open() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.valid()) return from_errno(errno, "cannot open a netlink socket");
  int on = 1;
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  if (::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) != 0 ||
      ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kReceiveLimit, sizeof(kReceiveLimit)) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof(self)) != 0) {
    return from_errno(errno, "cannot set up a netlink socket");
  }
  return NetlinkSocket(std::move(fd));
}

Status NetlinkSocket::send(NetlinkMessage& message, std::string_view attempt) {
  nlmsghdr* header = message.header();
  header->nlmsg_seq = ++sequence_;
  header->nlmsg_pid = 0;
  if (!is_dump(header) && !is_question(header)) header->nlmsg_flags |= NLM_F_ACK;
  ssize_t sent = 0;
  do {
    sent = ::send(fd_.get(), header, header->nlmsg_len, 0);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    broken_ = true;
    return from_errno(errno, attempt);
  }
  return {};
}

Result<size_t> NetlinkSocket::receive(std::string_view attempt) {
  ssize_t got = 0;
  do {
    got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    broken_ = true;
    return Error{ErrorCode::kBusy,
                 fmt::format("{}: the kernel did not answer within {} s; try again", attempt,
                             static_cast<long>(kReceiveLimit.tv_sec)),
                 ETIMEDOUT};
  }
  if (got < 0 || static_cast<size_t>(got) > buffer_.size()) {
    broken_ = true;
    return from_errno(got < 0 ? errno : EMSGSIZE, attempt);
  }
  return static_cast<size_t>(got);
}

Result<DumpEnd> NetlinkSocket::exchange(NetlinkMessage& message, std::string_view attempt,
                                        const std::function<void(const nlmsghdr*)>& visit) {
  TRY(send(message, attempt));
  DumpEnd end = DumpEnd::kComplete;
  while (true) {
    int left = static_cast<int>(TRY(receive(attempt)));
    auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data());
    for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
      if (header->nlmsg_seq != sequence_) continue;  // left over from a call that was given up
      if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) end = DumpEnd::kInterrupted;
      if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
        int sys_errno = errno_of(header);
        if (sys_errno != 0) return error_of(header, sys_errno, attempt);
        return end;
      }
      if (visit) visit(header);
      if (is_question(message.header())) return end;
    }
  }
}

Result<DumpEnd> NetlinkPool::run(NetlinkMessage& message, std::string_view attempt,
                                 const std::function<void(const nlmsghdr*)>& visit) {
  auto take = [this]() -> Result<NetlinkSocket> {
    auto idle = idle_.lock();
    if (idle->empty()) return NetlinkSocket::open();
    NetlinkSocket last = std::move(idle->back());
    idle->pop_back();
    return last;
  };
  NetlinkSocket socket = TRY(take());
  Result<DumpEnd> end = socket.exchange(message, attempt, visit);
  if (!socket.broken()) idle_.lock()->push_back(std::move(socket));
  return end;
}

Status NetlinkPool::exchange(NetlinkMessage& message, std::string_view attempt,
                             const std::function<void(const nlmsghdr*)>& visit) {
  TRY(run(message, attempt, visit));
  return {};
}

Status NetlinkPool::dump(NetlinkMessage& message, std::string_view attempt,
                         const std::function<void()>& restart,
                         const std::function<void(const nlmsghdr*)>& visit) {
  for (int round = 0; round < kMaxDumps; ++round) {
    restart();
    if (TRY(run(message, attempt, visit)) == DumpEnd::kComplete) return {};
  }
  return Error{ErrorCode::kBusy, fmt::format("{}: the kernel's list changed too often; try again", attempt),
               EINTR};
}

}  // namespace viaduct::net
