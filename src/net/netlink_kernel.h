#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "base/guarded.h"
#include "base/unique_fd.h"
#include "net/kernel.h"

namespace viaduct::net {

class NetlinkPool;

// The Kernel seam over rtnetlink, in the network namespace of the thread that calls. All traffic is netlink, but for
// announcements, which are packets: nothing is read from or written to /proc or /sys. Any thread; calls run side by
// side, each on a socket of its own.
class NetlinkKernel final : public Kernel {
 public:
  NetlinkKernel();
  ~NetlinkKernel() override;

  Result<std::vector<Link>> links() override;
  Result<std::optional<Link>> find_link(const std::string& name) override;
  Result<int> link_index(const std::string& name) override;
  Status create_bridge(const BridgeSpec& spec) override;
  Status create_veth(const VethSpec& spec) override;
  Status create_joint(const JointSpec& spec) override;
  Status attach_port(const std::string& name, const std::string& bridge, PortIsolation isolation) override;
  Status create_vlan(const VlanSpec& spec) override;
  Status join_bridge(const std::string& link, const std::string& bridge) override;
  Result<bool> set_vlans(const std::string& link, const PortVlans& vlans) override;
  Result<std::optional<PortVlans>> differing_vlans(const std::string& link, const PortVlans& vlans) override;
  Status leave_bridge(const std::string& link) override;
  Result<bool> ensure_rates(const VethSpec& spec) override;
  Result<RatesInForce> rates_in_force(const VethSpec& spec) override;
  Status set_hairpin(const std::string& name, Hairpin hairpin) override;
  Status set_mtu(const std::string& name, int mtu) override;
  Status set_up(const std::string& name) override;
  Status retire_links(const std::vector<std::string>& names) override;
  Status reap() override;
  Status add_address(const std::string& link, const InterfaceAddress& address) override;
  Status remove_address(const std::string& link, const InterfaceAddress& address) override;
  Result<std::vector<InterfaceAddress>> addresses(const std::string& link) override;
  Status announce(const std::vector<Announcement>& all) override;
  Result<std::vector<Prefix>> host_prefixes() override;
  Result<std::vector<OnLink>> on_link() override;
  Result<std::optional<int>> uplink_mtu() override;

 private:
  // Fails with kNotFound, beginning with `attempt`, if there is none.
  Result<Link> existing_link(const std::string& name, const std::string& attempt);
  Result<Link> existing_bridge(const std::string& name, const std::string& attempt);
  // Of what existing_bridge() finds, in most cases without waiting for the kernel's lock of links: which index a name has is
  // asked without it, and what kind of link an index stands for never changes.
  Result<int> bridge_index(const std::string& name, const std::string& attempt);
  // The bridge that it is a port of; empty if there is none.
  Result<std::optional<Link>> bridge_of(const Link& port);
  // Of each port and bridge that keeps VLANs apart, by index; with `link` of that one alone. Flags that viaduct never sets are
  // not in it: VLANs with such ones are in `odd`.
  struct Membership {
    PortVlans vlans;
    VlanSet odd;
  };
  using Memberships = std::map<int, Membership>;
  Result<Memberships> memberships(int link, const std::string& attempt);
  // Where frames for neighbours in the VLAN go out, and which of these tagged: ports of the bridge. `known`: read when it is
  // wanted, if it is empty.
  struct Way {
    int link = 0;
    bool is_tagged = false;
  };
  Result<std::vector<Way>> ways_of(const UniqueFd& socket, const Announcement& what, const Link& own,
                                   const Link& bridge, std::optional<Memberships>& known);
  Result<bool> put_vlans(const Link& link, const PortVlans& vlans);
  void delete_link(const std::string& name);
  // Bytes a second of the token bucket that a link sends through; empty without one.
  std::optional<uint64_t> rate_of(const Link& link);
  // Whether what comes in by the link is led elsewhere.
  bool is_redirected(const Link& link, const std::string& attempt);
  Result<bool> ensure_bucket(const Link& link, const RateLimit& limit);
  Result<Link> make_shaper(const Shaper& shaper);
  Result<bool> ensure_redirection(const Link& from, const Link& to, bool anew);
  Status put_address(const Link& link, const InterfaceAddress& address);

  std::unique_ptr<NetlinkPool> pool_;
  Guarded<UniqueFd> names_;         // for ioctl() alone; opened when first needed
  Guarded<std::set<int>> bridges_;  // indices
  // Sends, and receives nothing. Opened when first needed, and kept: closing one waits some 20 ms (synchronize_net() in
  // packet_release(), net/packet/af_packet.c).
  Guarded<UniqueFd> packets_;
};

}  // namespace viaduct::net
