#include "net/netlink_message.h"

#include <cstdlib>
#include <cstring>

namespace viaduct::net {

namespace {

// Only lack of memory, or an attribute larger than the page, can fail here; neither can be handled.
void require(bool built) {
  if (!built) std::abort();
}

}  // namespace

NetlinkMessage::NetlinkMessage(int type, int flags)
    : message_(nlmsg_alloc_simple(type, flags | NLM_F_REQUEST)) {
  require(message_ != nullptr);
}

void NetlinkMessage::reserve(const void* data, size_t size) {
  void* room = nlmsg_reserve(message_.get(), size, NLMSG_ALIGNTO);
  require(room != nullptr);
  std::memcpy(room, data, size);
}

void NetlinkMessage::put_u8(int attribute, uint8_t value) {
  require(nla_put_u8(message_.get(), attribute, value) == 0);
}

void NetlinkMessage::put_u16(int attribute, uint16_t value) {
  require(nla_put_u16(message_.get(), attribute, value) == 0);
}

void NetlinkMessage::put_u32(int attribute, uint32_t value) {
  require(nla_put_u32(message_.get(), attribute, value) == 0);
}

void NetlinkMessage::put_string(int attribute, const std::string& value) {
  require(nla_put_string(message_.get(), attribute, value.c_str()) == 0);
}

void NetlinkMessage::put_mac(int attribute, const Mac& mac) {
  require(nla_put(message_.get(), attribute, static_cast<int>(mac.bytes().size()), mac.bytes().data()) == 0);
}

void NetlinkMessage::put_ip(int attribute, const IpAddress& address) {
  auto bytes = address.bytes();
  require(nla_put(message_.get(), attribute, static_cast<int>(address.byte_count()), bytes.data()) == 0);
}

void NetlinkMessage::put_raw(int attribute, const void* data, size_t size) {
  require(nla_put(message_.get(), attribute, static_cast<int>(size), data) == 0);
}

NetlinkMessage::Nest::Nest(NetlinkMessage& message, int attribute)
    : message_(message.message_.get()), start_(nla_nest_start(message_, attribute)) {
  require(start_ != nullptr);
}

NetlinkMessage::Nest::~Nest() {
  nla_nest_end(message_, start_);
}

}  // namespace viaduct::net
