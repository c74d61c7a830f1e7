#include "net/flow_table.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace viaduct::net {

namespace {

// net/netfilter/nf_internals.h (CTA_FILTER_F_*): which members of a tuple count.
constexpr uint32_t kSource = 1U << 0;
constexpr uint32_t kDestination = 1U << 1;
constexpr uint32_t kProtocol = 1U << 3;
constexpr uint32_t kDestinationPort = 1U << 5;

// A message that is put together in place; 256 bytes are more than the one below needs.
class Message {
 public:
  Message(uint16_t type, uint16_t flags, uint8_t family) {
    nlmsghdr head{};
    head.nlmsg_type = type;
    head.nlmsg_flags = flags;
    head.nlmsg_seq = 1;
    append(&head, sizeof(head));
    const nfgenmsg generic{family, NFNETLINK_V0, 0};
    append(&generic, sizeof(generic));
  }
  void put(uint16_t type, const void* data, size_t size) {
    const nlattr head{static_cast<uint16_t>(NLA_HDRLEN + size), type};
    append(&head, sizeof(head));
    append(data, size);
  }
  size_t begin(uint16_t type) {
    const size_t at = used_;
    put(type | NLA_F_NESTED, nullptr, 0);
    return at;
  }
  void end(size_t at) {
    const auto length = static_cast<uint16_t>(used_ - at);
    std::memcpy(&bytes_[at], &length, sizeof(length));
  }
  std::pair<const void*, size_t> done() {
    const auto length = static_cast<uint32_t>(used_);
    std::memcpy(bytes_.data(), &length, sizeof(length));
    return {bytes_.data(), used_};
  }

 private:
  void append(const void* data, size_t size) {
    if (size > 0) std::memcpy(&bytes_[used_], data, size);
    used_ += NLMSG_ALIGN(size);
  }
  std::array<char, 256> bytes_{};
  size_t used_ = 0;
};

Result<int> ask(const std::pair<const void*, size_t>& message) {
  const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket.valid()) return from_errno(errno, "open a netfilter socket");
  constexpr timeval kPatience{2, 0};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(socket.get(), message.first, message.second, 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof(kernel)) < 0)
    return from_errno(errno, "send to the connection tracking");
  alignas(nlmsghdr) std::array<char, 1024> answer{};
  const ssize_t size = ::recv(socket.get(), answer.data(), answer.size(), 0);
  if (size < 0) return from_errno(errno, "hear from the connection tracking");
  const auto* head = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (static_cast<size_t>(size) < NLMSG_LENGTH(sizeof(nlmsgerr)) || head->nlmsg_type != NLMSG_ERROR)
    return unavailable("the connection tracking gave no answer that is one");
  return -reinterpret_cast<const nlmsgerr*>(answer.data() + NLMSG_HDRLEN)->error;
}

Message deletion(Family family) {
  return {(NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK,
          static_cast<uint8_t>(family == Family::kIpv4 ? AF_INET : AF_INET6)};
}

void put_address(Message& message, uint16_t type, const IpAddress& address) {
  const auto bytes = address.bytes();
  const size_t ip = message.begin(CTA_TUPLE_IP);
  message.put(type, bytes.data(), address.byte_count());
  message.end(ip);
}

void put_filter(Message& message, uint32_t original, uint32_t answering) {
  const size_t filter = message.begin(CTA_FILTER);
  message.put(CTA_FILTER_ORIG_FLAGS, &original, sizeof(original));
  message.put(CTA_FILTER_REPLY_FLAGS, &answering, sizeof(answering));
  message.end(filter);
}

Status delete_flows(Message& message, const std::string& attempt) {
  const int refused = TRY(ask(message.done()));
  // Before Linux 5.9 it takes whole tuples only, and without ctnetlink nothing: then flows end by themselves, later.
  if (refused == 0 || refused == ENOENT || refused == EINVAL || refused == EOPNOTSUPP) return {};
  return from_errno(refused, attempt);
}

}  // namespace

Status end_flows_of(const IpAddress& container) {
  Message message = deletion(container.family());
  const size_t tuple = message.begin(CTA_TUPLE_REPLY);
  put_address(message, container.family() == Family::kIpv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, container);
  message.end(tuple);
  put_filter(message, 0, kSource);
  return delete_flows(message, "end the flows of " + container.to_string());
}

Status end_flows_to(Protocol protocol, const IpAddress& host, uint16_t port) {
  Message message = deletion(host.family());
  const size_t tuple = message.begin(CTA_TUPLE_ORIG);
  put_address(message, host.family() == Family::kIpv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, host);
  const size_t ports = message.begin(CTA_TUPLE_PROTO);
  const auto number = static_cast<uint8_t>(protocol);
  message.put(CTA_PROTO_NUM, &number, sizeof(number));
  const uint16_t network_order = htons(port);
  message.put(CTA_PROTO_DST_PORT, &network_order, sizeof(network_order));
  message.end(ports);
  message.end(tuple);
  put_filter(message, kDestination | kProtocol | kDestinationPort, 0);
  return delete_flows(message, fmt::format("end the flows to port {} of {}", port, host.to_string()));
}

}  // namespace viaduct::net
