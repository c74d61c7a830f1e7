#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "net/network_applier.h"
#include "net/network_service.h"
#include "net/network_table.h"
#include "net/port_publisher.h"
#include "net/work_set.h"

namespace viaduct::net {

// How long a step of one network waits for another one's that shares a bridge with it.
inline constexpr std::chrono::seconds kSegmentPatience{5};

// What the parts of the network service share, and the steps that more than one of them takes.
// Any thread; a method that is given a network's record wants that network's lock held.
class ServiceCore {
 public:
  ServiceCore(store::Store& the_store, Kernel& the_kernel, Firewall& the_firewall, HostPorts& the_ports,
              const Clock& the_clock, NetworkEnvironment the_environment);

  // Fills the table from the store. Errors: as NetworkService::open().
  Status load();

  [[nodiscard]] PlanContext context() const;
  [[nodiscard]] std::string now() const { return format_time(clock.now()); }

  // Precondition: the record came from load() or Driver::accept(), so that its kind is known.
  [[nodiscard]] static const Driver& driver_of(const NetworkRecord& network);
  [[nodiscard]] NetworkPlan plan(const NetworkRecord& network) const;
  // The same with what other networks of its segment need of the bridge that they share.
  [[nodiscard]] NetworkPlan whole_plan(const NetworkRecord& network) const;
  [[nodiscard]] VethSpec plan(const NetworkRecord& network, const EndpointRecord& endpoint) const;

  // The host end of the endpoint's pair; empty if it is gone or on its way out.
  Result<std::optional<Link>> host_link(const NetworkRecord& network, const EndpointRecord& endpoint);

  // Makes the endpoint's links, under other names if a stranger has them, and writes names and boot into the
  // record. A bridge that somebody removed is made anew first, under another name if a stranger has its own, which `network`
  // then has as well. After failure no link is left.
  Status make_links(NetworkRecord& network, EndpointRecord& endpoint);

  struct Repair {
    NetworkRecord network;                // with other names of bridges, if a stranger had the old ones
    std::vector<std::string> repaired;    // one sentence each
    std::vector<std::string> problems;    // what could not be put right: likewise
    std::vector<EndpointRecord> missing;  // endpoints without host link
  };
  // Makes bridges (their MTU no larger than that of an endpoint), joints and addresses as they should be and the living
  // endpoints ports of them. The firewall is only touched when a bridge had to be renamed.
  Result<Repair> repair(const NetworkRecord& network);

  // The right to make, share and remove segments, from looking who has one to being on record as one who has; before the
  // kernel is touched, after the network's own lock. Errors: kBusy, the deadline passed.
  Result<NetworkTable::Lock> lock_segments(Deadline deadline);
  // Whether a link that carries a segment's mark belongs to one on record: its bridge, its sub-interface, a host's end.
  [[nodiscard]] bool is_of_segment(const Link& link) const;
  // Makes the uplink carry the VLANs that networks and endpoints have of their own, with those of `endpoint`, which is not on
  // record yet (null for none). Nothing to do for most. Takes the right above; put_uplink_vlans() wants it held.
  Status refresh_uplink(const NetworkRecord& network, const EndpointRecord* endpoint);
  Status put_uplink_vlans(const NetworkRecord& network, const EndpointRecord* endpoint);

  // Has neighbours told of the endpoint's addresses, after the call. Neighbours may know them from another container.
  void announce(const NetworkRecord& network, const EndpointRecord& endpoint);

  // Brings the firewall in line with the endpoint's record.
  Status set_rules(const NetworkRecord& network, const EndpointRecord& endpoint);
  // Nobody reaches it any more by published ports: its rules go, its flows end. Costs nothing where there were none.
  Status drop_rules(const EndpointRecord& endpoint);
  // Takes rules and links away. What is gone is no error.
  Status take_down(const NetworkRecord& network, const EndpointRecord& endpoint);
  // Out of memory, with its hold on the host's ports, once the store no longer has it.
  void erase(const EndpointRecord& endpoint);
  // "endpoint 3f2a… of network 9c1b…", for others' messages.
  [[nodiscard]] static std::string label(const EndpointRecord& endpoint);

  // Drops the records of endpoints whose links are proven gone, and has their addresses given back.
  // Of all links but those that are on their way out; other instances' among them.
  Result<std::set<std::string>> aliases_in_service();
  Status forget(const NetworkRecord& network, const std::vector<EndpointRecord>& endpoints);
  // Has the addresses given back that no record in `kept` still needs.
  void give_back(const NetworkRecord& network, const EndpointRecord& endpoint, const EndpointRecord* kept);
  // Calls `tell` for each address of the endpoint, but those that `kept` (may be null) has as well.
  static void tell_addresses(const NetworkRecord& network, const EndpointRecord& endpoint,
                             const EndpointRecord* kept,
                             const std::function<void(const Prefix&, const IpAddress&)>& tell);

  store::Store& store;
  Kernel& kernel;
  const Clock& clock;
  const NetworkEnvironment environment;
  NetworkTable table;
  WorkSet endpoints_in_work;  // endpoints whose links are being made, and stand in no record yet
  RuleBook rules;
  PortPublisher publisher;
  Reaper reaper;
  Announcer announcer;
  NetworkApplier applier;

 private:
  Result<NetworkApplier::Ensured> ensure_or_rename(NetworkRecord& network, int most_mtu);
  // The index of each further bridge, by number.
  Result<std::map<int, int>> ensure_further(Repair& repair, int most_mtu);
  Status restore_rates(const VethSpec& spec, Repair& repair);
  // What a link that was found attached may lack.
  Status restore_settings(const VethSpec& spec, const Link& link, Repair& repair);
  void add_own_vlans(const NetworkRecord& network, const EndpointRecord& endpoint, VlanSet& vlans) const;
  [[nodiscard]] std::optional<SegmentShare> share_of(
      const NetworkRecord& network, const std::map<std::string, EndpointRecord>& endpoints) const;
};

store::Write write_of(const NetworkRecord& record);
store::Write write_of(const EndpointRecord& record);
store::Write removal_of(const EndpointRecord& record);

// kNotFound, in words.
Error unknown_network(const std::string& id);
Error unknown_endpoint(const std::string& network_id, const std::string& endpoint_id);

}  // namespace viaduct::net
