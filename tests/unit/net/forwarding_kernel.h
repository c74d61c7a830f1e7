#pragma once

#include <string>
#include <vector>

#include "net/kernel.h"

namespace viaduct::net {

// Hands every call on to another kernel; a test overrides the one that shall misbehave.
class ForwardingKernel : public Kernel {
 public:
  explicit ForwardingKernel(Kernel& inner) : inner_(inner) {}

  Result<std::vector<Link>> links() override { return inner_.links(); }
  Result<std::optional<Link>> find_link(const std::string& name) override { return inner_.find_link(name); }
  Result<int> link_index(const std::string& name) override { return inner_.link_index(name); }
  Status create_bridge(const BridgeSpec& spec) override { return inner_.create_bridge(spec); }
  Status create_veth(const VethSpec& spec) override { return inner_.create_veth(spec); }
  Status create_joint(const JointSpec& spec) override { return inner_.create_joint(spec); }
  Status attach_port(const std::string& name, const std::string& bridge, PortIsolation isolation) override {
    return inner_.attach_port(name, bridge, isolation);
  }
  Status create_vlan(const VlanSpec& spec) override { return inner_.create_vlan(spec); }
  Status join_bridge(const std::string& link, const std::string& bridge) override {
    return inner_.join_bridge(link, bridge);
  }
  Result<bool> set_vlans(const std::string& link, const PortVlans& vlans) override {
    return inner_.set_vlans(link, vlans);
  }
  Result<std::optional<PortVlans>> differing_vlans(const std::string& link, const PortVlans& vlans) override {
    return inner_.differing_vlans(link, vlans);
  }
  Status leave_bridge(const std::string& link) override { return inner_.leave_bridge(link); }
  Result<bool> ensure_rates(const VethSpec& spec) override { return inner_.ensure_rates(spec); }
  Result<RatesInForce> rates_in_force(const VethSpec& spec) override { return inner_.rates_in_force(spec); }
  Status set_hairpin(const std::string& name, Hairpin hairpin) override {
    return inner_.set_hairpin(name, hairpin);
  }
  Status set_mtu(const std::string& name, int mtu) override { return inner_.set_mtu(name, mtu); }
  Status set_up(const std::string& name) override { return inner_.set_up(name); }
  Status retire_links(const std::vector<std::string>& names) override { return inner_.retire_links(names); }
  Status reap() override { return inner_.reap(); }
  Status add_address(const std::string& link, const InterfaceAddress& address) override {
    return inner_.add_address(link, address);
  }
  Status remove_address(const std::string& link, const InterfaceAddress& address) override {
    return inner_.remove_address(link, address);
  }
  Result<std::vector<InterfaceAddress>> addresses(const std::string& link) override {
    return inner_.addresses(link);
  }
  Status announce(const std::vector<Announcement>& all) override { return inner_.announce(all); }
  Result<std::vector<Prefix>> host_prefixes() override { return inner_.host_prefixes(); }
  Result<std::vector<OnLink>> on_link() override { return inner_.on_link(); }
  Result<std::optional<int>> uplink_mtu() override { return inner_.uplink_mtu(); }

 private:
  Kernel& inner_;
};

}  // namespace viaduct::net
