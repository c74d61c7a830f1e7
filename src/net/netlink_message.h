#pragma once

#include <netlink/msg.h>

#include <cstdint>
#include <string>

#include "base/c_handle.h"
#include "base/ip.h"

namespace viaduct::net {

// One netlink message under construction. Attributes land in the order of the calls; nested ones close with
// their scope. A message takes one page (libnl's default), many times what viaduct sends.
class NetlinkMessage {
 public:
  // `type` and `flags` of linux/rtnetlink.h; NLM_F_REQUEST is added.
  NetlinkMessage(int type, int flags);

  // Appends a family header such as ifinfomsg.
  template <class Header>
  void put_header(const Header& header) {
    reserve(&header, sizeof(header));
  }

  void put_u8(int attribute, uint8_t value);
  void put_u16(int attribute, uint16_t value);
  void put_u32(int attribute, uint32_t value);
  void put_string(int attribute, const std::string& value);
  void put_mac(int attribute, const Mac& mac);
  void put_ip(int attribute, const IpAddress& address);
  // A structure of the kernel's, as it lies in memory.
  void put_raw(int attribute, const void* data, size_t size);

  // An attribute that holds others, until it goes out of scope.
  class Nest {
   public:
    Nest(NetlinkMessage& message, int attribute);
    ~Nest();
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;

   private:
    // Not the NetlinkMessage: that may be moved out of a function before its nests close.
    nl_msg* message_;
    nlattr* start_;
  };

  [[nodiscard]] nlmsghdr* header() { return nlmsg_hdr(message_.get()); }

 private:
  void reserve(const void* data, size_t size);

  CHandle<nl_msg, nlmsg_free> message_;
};

}  // namespace viaduct::net
