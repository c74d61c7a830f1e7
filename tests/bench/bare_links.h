#pragma once

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// The kernel's share of an endpoint's life, without anything around it. One thread.
namespace bench {

[[noreturn]] inline void die(const std::string& what) {
  std::fprintf(stderr, "call_timer: %s\n", what.c_str());
  std::_Exit(1);
}

[[noreturn]] inline void die_errno(const std::string& what) {
  die(what + ": " + std::strerror(errno));
}

// A request to rtnetlink, put together by hand.
class LinkRequest {
 public:
  LinkRequest(uint16_t type, uint16_t flags) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    put(&header, sizeof(header));
  }
  void put_link(unsigned flags) {
    ifinfomsg link{};
    link.ifi_flags = flags;
    link.ifi_change = flags;
    put(&link, sizeof(link));
  }
  void attribute(uint16_t type, const void* value, size_t size) {
    const size_t at = open(type);
    put(value, size);
    close(at);
  }
  void text(uint16_t type, const std::string& value) { attribute(type, value.c_str(), value.size() + 1); }
  void number(uint16_t type, uint32_t value) { attribute(type, &value, sizeof(value)); }
  size_t open(uint16_t type) {
    const size_t at = used_;
    const rtattr head{0, type};
    put(&head, sizeof(head));
    return at;
  }
  void close(size_t at) {
    const auto length = static_cast<uint16_t>(used_ - at);
    std::memcpy(bytes_.data() + at, &length, sizeof(length));
    used_ = (used_ + 3) & ~size_t{3};
  }
  // Errno of the kernel's answer, 0 for success.
  int ask(int fd) {
    const auto length = static_cast<uint32_t>(used_);
    std::memcpy(bytes_.data(), &length, sizeof(length));
    if (::send(fd, bytes_.data(), used_, 0) < 0) die_errno("netlink send");
    std::array<char, 8192> answer;
    if (::recv(fd, answer.data(), answer.size(), 0) < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(int)))
      die_errno("netlink recv");
    int code = 0;
    std::memcpy(&code, answer.data() + sizeof(nlmsghdr), sizeof(code));
    return -code;
  }

 private:
  void put(const void* value, size_t size) {
    if (used_ + size > bytes_.size()) die("netlink request too large");
    std::memcpy(bytes_.data() + used_, value, size);
    used_ += size;
  }
  std::array<char, 1024> bytes_{};
  size_t used_ = 0;
};

// The bare kernel work of an endpoint, and its opposite.
class Links {
 public:
  Links() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    if (fd_ < 0) die_errno("netlink socket");
  }
  ~Links() { ::close(fd_); }
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  void make_bridge() {
    LinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    request.put_link(IFF_UP);
    request.text(IFLA_IFNAME, kBridge);
    const size_t info = request.open(IFLA_LINKINFO);
    request.text(IFLA_INFO_KIND, "bridge");
    request.close(info);
    check(request.ask(fd_), "create the bridge");
    bridge_ = if_nametoindex(kBridge);
  }
  // A pair with its bridge port set, in one message.
  void make_veth(uint32_t number) {
    LinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    request.put_link(0);
    request.text(IFLA_IFNAME, "bh" + std::to_string(number));
    request.number(IFLA_MASTER, bridge_);
    request.number(IFLA_GROUP, kGroup);
    const size_t info = request.open(IFLA_LINKINFO);
    request.text(IFLA_INFO_KIND, "veth");
    const size_t data = request.open(IFLA_INFO_DATA);
    const size_t peer = request.open(VETH_INFO_PEER);
    request.put_link(0);
    request.text(IFLA_IFNAME, "bp" + std::to_string(number));
    request.close(peer);
    request.close(data);
    request.close(info);
    check(request.ask(fd_), "create a veth pair");
  }
  // Sets its bridge port up: no creation does.
  void raise_veth(uint32_t number) {
    LinkRequest request(RTM_NEWLINK, 0);
    request.put_link(IFF_UP);
    request.text(IFLA_IFNAME, "bh" + std::to_string(number));
    check(request.ask(fd_), "set a veth pair up");
  }
  void remove_veth(uint32_t number) { remove("bh" + std::to_string(number)); }
  // All pairs at once.
  void remove_veths() {
    LinkRequest request(RTM_DELLINK, 0);
    request.put_link(0);
    request.number(IFLA_GROUP, kGroup);
    check(request.ask(fd_), "remove the pairs");
  }
  void remove_bridge() { remove(kBridge); }

 private:
  static constexpr const char* kBridge = "bench-br";
  static constexpr uint32_t kGroup = 30300;
  void remove(const std::string& name) {
    LinkRequest request(RTM_DELLINK, 0);
    request.put_link(0);
    request.text(IFLA_IFNAME, name);
    check(request.ask(fd_), "remove a link");
  }
  static void check(int code, const char* what) {
    if (code != 0) die(std::string(what) + ": " + std::strerror(code));
  }
  int fd_;
  unsigned bridge_ = 0;
};

}  // namespace bench
