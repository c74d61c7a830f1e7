#pragma once

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "net/fake_gate.h"
#include "net/kernel.h"

namespace viaduct::net {

// A Kernel in memory, for tests of the layer above; passes the same contract suite as NetlinkKernel
// (tests/netns/kernel_contract_test.cc). A failed operation changes nothing.
class FakeKernel final : public Kernel {
 public:
  // Everything it holds. Peers that went into a sandbox are not in `links`.
  struct Contents {
    std::map<std::string, Link> links;
    std::map<std::string, std::vector<InterfaceAddress>> addresses;  // by link
    std::map<std::string, PortIsolation> isolation;                  // by host end
    std::map<std::string, RateLimit> rates;                          // by link: host ends, and shapers
    std::set<std::string> hairpin;                                   // ports whose frames may go back
    std::map<std::string, PortVlans> vlans;                          // by port, and by bridge for its own
    std::map<std::string, std::string> peers;                        // host end to peer, and peer to host end
  };

  FakeGate& gate() { return gate_; }
  // Of announce(), which comes from a thread of its own and must not count among the operations of a test.
  FakeGate& announcement_gate() { return announcement_gate_; }
  [[nodiscard]] Contents contents();
  // What went out, in order; and all that was asked for, with what was passed over.
  [[nodiscard]] std::vector<Announcement> announced();
  [[nodiscard]] std::vector<Announcement> asked_to_announce();

  // Somebody else's link appears, as given; an index of 0 is chosen. One of the same name is replaced.
  void put_link(Link link);
  // A link disappears as in the kernel: a veth with its other end, a bridge leaves its ports without master.
  void drop_link(const std::string& name);
  // The engine moves a peer into a sandbox: it is no longer seen here, but goes with its host end.
  void move_to_sandbox(const std::string& peer);
  // Routes and addresses of the host, besides those of links here.
  void set_host_prefixes(std::vector<Prefix> prefixes);
  void set_uplink_mtu(std::optional<int> mtu);
  // How many ports a bridge takes. Before the first one is made.
  void set_most_ports(int most) { most_ports_ = most; }

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
  struct State : Contents {
    int next_index = 2;  // 1 is the loopback's
    std::vector<Prefix> host_prefixes;
    std::optional<int> uplink_mtu;
    std::set<std::string> in_sandboxes;  // other ends that are not here
    std::vector<Announcement> announced;
    std::vector<Announcement> asked_to_announce;

    Link& add(Link link);
    void drop(const std::string& name);
    // As the kernel lists it.
    [[nodiscard]] Link seen(const Link& link) const;
  };
  FakeGate gate_;
  FakeGate announcement_gate_;
  Guarded<State> state_;
  std::atomic<int> most_ports_ = 1023;
};

}  // namespace viaduct::net
