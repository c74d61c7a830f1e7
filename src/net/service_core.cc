#include "net/service_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>

#include "base/rollback.h"
#include "net/link_names.h"
#include "net/object_id.h"
#include "net/spread.h"
#include "net/subnets.h"

namespace viaduct::net {

using store::Table;

ServiceCore::ServiceCore(store::Store& the_store, Kernel& the_kernel, Firewall& the_firewall,
                         HostPorts& the_ports, const Clock& the_clock, NetworkEnvironment the_environment)
    : store(the_store),
      kernel(the_kernel),
      clock(the_clock),
      environment(std::move(the_environment)),
      table([this](const auto& network, const auto& endpoints) { return share_of(network, endpoints); }),
      rules(the_firewall),
      publisher(the_ports),
      reaper(the_kernel),
      announcer(the_kernel, environment.announce_after, environment.cannot_announce),
      applier(the_kernel, rules, reaper, announcer) {}

Status ServiceCore::load() {
  std::vector<store::Row> rows;
  const auto keep = [&rows](const store::Row& row) { rows.push_back(row); };
  TRY(store.scan(Table::kNetwork, keep));
  for (const auto& row : rows) {
    const auto network = TRY(network_from_json(row.key, row.value));
    TRY(driver_for_mode(network.mode));
    table.put(network);
  }
  rows.clear();
  TRY(store.scan(Table::kEndpoint, keep));
  for (const auto& row : rows) {
    const auto endpoint = TRY(endpoint_from_json(row.key, row.value));
    if (!table.network(endpoint.request.network_id))
      return Error{
          ErrorCode::kCorrupt,
          fmt::format(
              "the store holds endpoint {} and not its network; restore the state folder from a copy, "
              "or remove that row",
              row.key)};
    table.put(endpoint);
  }
  return {};
}

PlanContext ServiceCore::context() const {
  PlanContext context;
  context.instance = environment.instance;
  return context;
}

const Driver& ServiceCore::driver_of(const NetworkRecord& network) {
  const auto driver = driver_for_mode(network.mode);
  assert(driver.ok());
  return *driver.value();
}

NetworkPlan ServiceCore::plan(const NetworkRecord& network) const {
  return driver_of(network).plan(network, context());
}

VethSpec ServiceCore::plan(const NetworkRecord& network, const EndpointRecord& endpoint) const {
  return driver_of(network).plan(network, endpoint, context());
}

Result<std::optional<Link>> ServiceCore::host_link(const NetworkRecord& network,
                                                   const EndpointRecord& endpoint) {
  auto link = TRY(kernel.find_link(endpoint.host_link));
  if (link && (!link->in_service() || link->alias != plan(network, endpoint).alias)) link.reset();
  return link;
}

Status ServiceCore::make_links(NetworkRecord& network, EndpointRecord& endpoint) {
  PlanContext names = context();
  bool bridge_repaired = false;
  for (int attempt = 0; attempt <= kNameAttempts + 1; ++attempt) {
    auto made = applier.create_endpoint(plan(network, endpoint));
    if (made.ok()) {
      endpoint.boot_id = environment.boot_id;
      made = set_rules(network, endpoint);
      if (!made.ok()) static_cast<void>(applier.remove_endpoint(plan(network, endpoint)));
      return made;
    }
    if (made.error().code == ErrorCode::kAlreadyExists) {
      names.taken_names.insert({endpoint.host_link, endpoint.peer_link});
      const auto renamed = TRY(driver_of(network).accept(network, endpoint.request, names));
      endpoint.host_link = renamed.host_link;
      endpoint.peer_link = renamed.peer_link;
      continue;
    }
    if (bridge_repaired || TRY(kernel.find_link(bridge_of(network, endpoint.bridge)))) return made;
    bridge_repaired = true;
    network = TRY(repair(network)).network;
  }
  return unavailable(
      fmt::format("endpoint {} gets no links: their names are taken as fast as they are chosen; try again",
                  short_id(endpoint.request.endpoint_id)));
}

Result<NetworkApplier::Ensured> ServiceCore::ensure_or_rename(NetworkRecord& network, int most_mtu) {
  const auto ensure = [&](const NetworkRecord& record) {
    NetworkPlan wanted = whole_plan(record);
    wanted.bridge.mtu = std::min(wanted.bridge.mtu, most_mtu);
    return applier.ensure(wanted);
  };
  auto ensured = ensure(network);
  const bool another_name = !driver_of(network).has_named_bridge(network.request.options);
  if (ensured.ok() || ensured.error().code != ErrorCode::kAlreadyExists || !another_name) return ensured;
  const std::string old_name = network.bridge;
  NetworkRecord renamed = network;
  PlanContext names = context();
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    names.taken_names.insert(renamed.bridge);
    renamed.bridge = TRY(driver_of(network).bridge_name_for(network, names.taken_names));
    ensured = ensure(renamed);
    if (!ensured.ok() && ensured.error().code == ErrorCode::kAlreadyExists) continue;
    if (!ensured.ok()) return ensured;
    Rollback rollback;
    rollback.add([&] { static_cast<void>(applier.remove(whole_plan(renamed), {})); });
    TRY(rules.remove(old_name));
    TRY(rules.add(plan(renamed).rules));
    TRY(store.commit({{}, {write_of(renamed)}}));
    rollback.commit();
    table.put(renamed);
    network = renamed;
    ensured.value().repaired.push_back(fmt::format("network {} now has bridge {}: another link was named {}",
                                                   short_id(network.request.id), renamed.bridge, old_name));
    return ensured;
  }
  return ensured;
}

Result<ServiceCore::Repair> ServiceCore::repair(const NetworkRecord& network) {
  Repair repair{network, {}, {}, {}};
  std::optional<NetworkTable::Lock> segments;
  if (network.segment) segments.emplace(TRY(lock_segments(Deadline::in(kSegmentPatience))));
  const auto endpoints = table.endpoints_of(network.request.id);
  std::vector<std::optional<Link>> ends;
  // An endpoint keeps the MTU that it was made with (UplinkFollower).
  int most_mtu = network.mtu;
  for (const EndpointRecord& endpoint : endpoints) {
    ends.push_back(TRY(host_link(network, endpoint)));
    if (ends.back()) most_mtu = std::min(most_mtu, ends.back()->mtu);
  }
  auto ensured = TRY(ensure_or_rename(repair.network, most_mtu));
  repair.repaired = std::move(ensured.repaired);
  repair.problems = std::move(ensured.problems);
  auto masters = TRY(ensure_further(repair, most_mtu));
  masters[kFirstBridge] = ensured.bridge_index;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const EndpointRecord& endpoint = endpoints[i];
    const auto& link = ends[i];
    if (!link) {
      repair.missing.push_back(endpoint);
      continue;
    }
    const VethSpec spec = plan(repair.network, endpoint);
    Link now = *link;
    if (link->master != masters[endpoint.bridge] || !link->up) {
      TRY(kernel.attach_port(spec.host_name, spec.bridge, spec.isolation));
      repair.repaired.push_back(fmt::format("link {} of endpoint {} was no port of bridge {}, attached",
                                            spec.host_name, short_id(endpoint.request.endpoint_id),
                                            spec.bridge));
      if (spec.hairpin == Hairpin::kOn) TRY(kernel.set_hairpin(spec.host_name, spec.hairpin));
      now.isolated = spec.isolation == PortIsolation::kOn;
      now.hairpin = spec.hairpin == Hairpin::kOn;
    }
    TRY(restore_settings(spec, now, repair));
  }
  return repair;
}

Result<std::map<int, int>> ServiceCore::ensure_further(Repair& repair, int most_mtu) {
  std::map<int, int> masters;
  // Endpoints know their bridge by its number: another name changes the network's record alone.
  for (size_t i = 0; i < repair.network.further.size(); ++i) {
    PlanContext names = context();
    NetworkRecord tried = repair.network;
    for (int attempt = 0;; ++attempt) {
      FurtherPlan wanted = plan(tried).further[i];
      wanted.bridge.mtu = std::min(wanted.bridge.mtu, most_mtu);
      const FurtherBridge& old = repair.network.further[i];
      auto ensured = applier.ensure_further(wanted);
      if (!ensured.ok() && ensured.error().code == ErrorCode::kAlreadyExists && attempt < kNameAttempts) {
        names.taken_names.insert(tried.further[i].name);
        tried.further[i].name = TRY(further_bridge_name(tried.request.id, old.number, names.taken_names));
        continue;
      }
      auto done = TRY(std::move(ensured));
      masters[old.number] = done.bridge_index;
      std::move(done.repaired.begin(), done.repaired.end(), std::back_inserter(repair.repaired));
      if (tried.further[i].name == old.name) break;
      repair.repaired.push_back(fmt::format("network {} now has bridge {}: another link was named {}",
                                            short_id(tried.request.id), tried.further[i].name, old.name));
      // What has no record is removed by the next reconcile().
      TRY(rules.add(plan(tried).rules));
      TRY(store.commit({{}, {write_of(tried)}}));
      table.put(tried);
      repair.network = std::move(tried);
      break;
    }
  }
  return masters;
}

Status ServiceCore::restore_settings(const VethSpec& spec, const Link& link, Repair& repair) {
  if (link.isolated != (spec.isolation == PortIsolation::kOn)) {
    TRY(kernel.attach_port(spec.host_name, spec.bridge, spec.isolation));
    repair.repaired.push_back(fmt::format("link {} was {}isolated from other ports, set right",
                                          spec.host_name, link.isolated ? "" : "not "));
  }
  if (link.hairpin != (spec.hairpin == Hairpin::kOn)) {
    TRY(kernel.set_hairpin(spec.host_name, spec.hairpin));
    repair.repaired.push_back(
        fmt::format("link {} was {}in hairpin mode, set right", spec.host_name, link.hairpin ? "" : "not "));
  }
  if (spec.vlans && TRY(kernel.set_vlans(spec.host_name, *spec.vlans)))
    repair.repaired.push_back(
        fmt::format("link {} was in other VLANs, set to {}", spec.host_name, spec.vlans->all().to_string()));
  return restore_rates(spec, repair);
}

Status ServiceCore::restore_rates(const VethSpec& spec, Repair& repair) {
  if (!spec.rate_in && !spec.rate_out) return {};
  if (TRY(kernel.ensure_rates(spec)))
    repair.repaired.push_back(fmt::format("link {} had lost a rate limit, set again", spec.host_name));
  return {};
}

void ServiceCore::announce(const NetworkRecord& network, const EndpointRecord& endpoint) {
  Announcement what{endpoint.host_link, endpoint.mac, {}};
  if (const auto vlans = plan(network, endpoint).vlans) {
    // On a trunk without a native VLAN nobody knows which of the tagged ones the addresses are used in.
    if (vlans->native == 0) return;
    what.vlan = vlans->native;
    what.protocol = network.segment->protocol;
    if (const auto host_end = plan(network).host_end; host_end && host_end->link.vlan == what.vlan)
      what.host_end = host_end->link.name;
  }
  for (const InterfaceAddress& address : all_addresses_of(endpoint))
    what.addresses.push_back(address.address);
  if (!what.addresses.empty()) announcer.announce(std::move(what));
}

Result<std::set<std::string>> ServiceCore::aliases_in_service() {
  std::set<std::string> aliases;
  for (const Link& link : TRY(kernel.links()))
    if (!link.alias.empty() && link.in_service()) aliases.insert(link.alias);
  return aliases;
}

std::string ServiceCore::label(const EndpointRecord& endpoint) {
  return fmt::format("endpoint {} of network {}", short_id(endpoint.request.endpoint_id),
                     short_id(endpoint.request.network_id));
}

Status ServiceCore::set_rules(const NetworkRecord& network, const EndpointRecord& endpoint) {
  return rules.set_endpoint(endpoint.request.endpoint_id, driver_of(network).rules(network, endpoint));
}

Status ServiceCore::drop_rules(const EndpointRecord& endpoint) {
  TRY(rules.set_endpoint(endpoint.request.endpoint_id, {}));
  std::set<IpAddress> containers;
  for (const PublishedPort& port : endpoint.ports) containers.insert(port.container);
  for (const IpAddress& container : containers) TRY(rules.forget_flows(container));
  return {};
}

Status ServiceCore::take_down(const NetworkRecord& network, const EndpointRecord& endpoint) {
  TRY(drop_rules(endpoint));
  return applier.remove_endpoint(plan(network, endpoint));
}

void ServiceCore::erase(const EndpointRecord& endpoint) {
  table.erase_endpoint(endpoint.request.network_id, endpoint.request.endpoint_id);
  publisher.withdraw(endpoint.request.endpoint_id);
  if (endpoint.request.driver_options.empty()) return;
  // The VLANs that it alone had; what this cannot do a repair does.
  if (const auto network = table.network(endpoint.request.network_id))
    static_cast<void>(refresh_uplink(*network, nullptr));
}

Status ServiceCore::forget(const NetworkRecord& network, const std::vector<EndpointRecord>& endpoints) {
  if (endpoints.empty()) return {};
  for (const auto& endpoint : endpoints) {
    TRY(drop_rules(endpoint));
    // Its pair is gone, and took no shaper with it.
    if (plan(network, endpoint).rate_out) TRY(applier.remove_endpoint(plan(network, endpoint)));
  }
  store::Transaction transaction;
  for (const auto& endpoint : endpoints) transaction.writes.push_back(removal_of(endpoint));
  TRY(store.commit(transaction));
  for (const auto& endpoint : endpoints) {
    erase(endpoint);
    give_back(network, endpoint, nullptr);
  }
  return {};
}

void ServiceCore::give_back(const NetworkRecord& network, const EndpointRecord& endpoint,
                            const EndpointRecord* kept) {
  tell_addresses(network, endpoint, kept, environment.endpoint_gone);
}

void ServiceCore::tell_addresses(const NetworkRecord& network, const EndpointRecord& endpoint,
                                 const EndpointRecord* kept,
                                 const std::function<void(const Prefix&, const IpAddress&)>& tell) {
  if (!tell) return;
  const auto subnets = subnets_of(network.request);
  for (const auto& address : {endpoint.request.ipv4, endpoint.request.ipv6}) {
    if (!address) continue;
    if (kept != nullptr && (kept->request.ipv4 == address || kept->request.ipv6 == address)) continue;
    const Subnet* subnet = subnet_of(subnets, address->address);
    if (subnet != nullptr) tell(subnet->prefix, address->address);
  }
}

store::Write write_of(const NetworkRecord& record) {
  return store::put_object(Table::kNetwork, record.request.id, to_json(record));
}

store::Write write_of(const EndpointRecord& record) {
  return store::put_object(
      Table::kEndpoint, endpoint_key(record.request.network_id, record.request.endpoint_id), to_text(record));
}

store::Write removal_of(const EndpointRecord& record) {
  return {Table::kEndpoint, endpoint_key(record.request.network_id, record.request.endpoint_id),
          std::nullopt};
}

Error unknown_network(const std::string& id) {
  return not_found(fmt::format(
      "network {} is not known to viaduct; remove it from the engine and create it again", short_id(id)));
}

Error unknown_endpoint(const std::string& network_id, const std::string& endpoint_id) {
  return not_found(fmt::format("endpoint {} of network {} is not known to viaduct; start the container again",
                               short_id(endpoint_id), short_id(network_id)));
}

}  // namespace viaduct::net
