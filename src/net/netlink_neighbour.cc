// NetlinkKernel's part that tells neighbours of an address.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/unique_fd.h"
#include "net/neighbour_codec.h"
#include "net/netlink_kernel.h"
#include "net/netlink_read.h"
#include "net/netlink_socket.h"

namespace viaduct::net {

namespace {

struct Port {
  Link link;
  bool carrier = false;
};

// Of all bridges.
Result<std::vector<Port>> dump_ports(NetlinkPool& pool) {
  NetlinkMessage message(RTM_GETLINK, NLM_F_DUMP);
  message.put_header(ifinfomsg{});
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  std::vector<Port> ports;
  TRY(pool.dump(
      message, "cannot list links", [&] { ports.clear(); },
      [&](const nlmsghdr* header) {
        Link link = link_from(header);
        const auto* info = static_cast<const ifinfomsg*>(nlmsg_data(header));
        const bool carrier = (info->ifi_flags & IFF_RUNNING) != 0;
        if (link.master != 0) ports.push_back({std::move(link), carrier});
      }));
  return ports;
}

// A socket that sends and receives nothing.
Result<UniqueFd> packet_socket() {
  UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return from_errno(errno, "cannot open a packet socket");
  return fd;
}

// Nobody is told of a port that just went, or whose queue is full: the next announcement makes up for it.
void send_from(const UniqueFd& socket, const Link& port, const IpAddress& address,
               const std::vector<uint8_t>& frame) {
  sockaddr_ll out{};
  out.sll_family = AF_PACKET;
  out.sll_protocol = htons(ether_type_of(address));
  out.sll_ifindex = port.index;
  (void)::sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&out),
                 sizeof(out));
}

NetlinkMessage about_neighbour(int type, int flags, int bridge, const IpAddress& address, uint16_t state) {
  NetlinkMessage message(type, flags);
  ndmsg header{};
  header.ndm_family = address.family() == Family::kIpv4 ? AF_INET : AF_INET6;
  header.ndm_ifindex = bridge;
  header.ndm_state = state;
  message.put_header(header);
  message.put_ip(NDA_DST, address);
  return message;
}

// An entry of an operator's own stays. Kernels before 5.0 cannot be asked for one entry: there the host learns as any
// host does, by asking again.
void correct_host(NetlinkPool& pool, int bridge, const IpAddress& address, const Mac& mac) {
  std::optional<Neighbour> known;
  NetlinkMessage question = about_neighbour(RTM_GETNEIGH, 0, bridge, address, 0);
  (void)pool.exchange(question, "cannot look for a neighbour",
                      [&](const nlmsghdr* header) { known = neighbour_from(header); });
  if (!known || known->fixed || known->mac == mac) return;
  // Without NLM_F_CREATE: one that is gone meanwhile is not made.
  NetlinkMessage correction = about_neighbour(RTM_NEWNEIGH, NLM_F_REPLACE, bridge, address, NUD_STALE);
  correction.put_mac(NDA_LLADDR, mac);
  (void)pool.exchange(correction, "cannot correct a neighbour");
}

}  // namespace

Status NetlinkKernel::announce(const std::vector<Announcement>& all) {
  const UniqueFd socket = TRY(packet_socket());
  const std::vector<Port> ports = TRY(dump_ports(*pool_));
  for (const Announcement& one : all) {
    const auto own = std::find_if(ports.begin(), ports.end(), [&](const Port& port) {
      return port.link.name == one.port && port.link.group == kLiveGroup;
    });
    if (own == ports.end()) continue;
    for (const IpAddress& address : one.addresses) {
      const auto frame = announcement(one.mac, address);
      for (const Port& port : ports)
        if (port.carrier && port.link.master == own->link.master && port.link.index != own->link.index)
          send_from(socket, port.link, address, frame);
      correct_host(*pool_, own->link.master, address, one.mac);
    }
  }
  return {};
}

}  // namespace viaduct::net
