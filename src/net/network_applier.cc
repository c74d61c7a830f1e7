#include "net/network_applier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/rollback.h"

namespace viaduct::net {

Error NetworkApplier::name_taken(const std::string& name) {
  return Error{ErrorCode::kAlreadyExists,
               fmt::format("link {} exists and is not viaduct's for this; rename or remove it", name)};
}

Result<bool> NetworkApplier::clear_leftover(const std::string& name, const std::string& alias) {
  const auto link = TRY(kernel_.find_link(name));
  if (!link) return true;  // the reaper was faster
  if (link->alias != alias && link->in_service()) return false;
  if (link->in_service()) TRY(kernel_.retire_links({name}));
  if (kernel_.reap().ok()) return true;
  // It goes when the reaper succeeds; until then its name is not to be had.
  reaper_.wake();
  return false;
}

Status NetworkApplier::create_bridge(const BridgeSpec& spec) {
  auto created = kernel_.create_bridge(spec);
  if (created.ok() || created.error().code != ErrorCode::kAlreadyExists) return created;
  if (!TRY(clear_leftover(spec.name, spec.alias))) return name_taken(spec.name);
  return kernel_.create_bridge(spec);
}

Result<Link> NetworkApplier::adopted_bridge(const std::string& name) {
  auto link = TRY(kernel_.find_link(name));
  if (link && link->kind == "bridge" && link->in_service()) return std::move(*link);
  return unavailable(
      fmt::format("bridge {} is not viaduct's, and {}; make it again, or remove the network and create it "
                  "without that name",
                  name, link ? "is no bridge any more" : "is gone"));
}

void NetworkApplier::undo_bridge(const BridgeSpec& spec) {
  // What cannot be undone now has no record, and is removed by the next reconcile().
  static_cast<void>(kernel_.retire_links({spec.name}));
  reaper_.wake();
}

Status NetworkApplier::create(const NetworkPlan& plan) {
  if (plan.uplink) return create_on_segment(plan);
  Rollback rollback;
  if (plan.adopted) {
    TRY(adopted_bridge(plan.bridge.name));
  } else {
    TRY(create_bridge(plan.bridge));
    rollback.add([&] { undo_bridge(plan.bridge); });
  }
  for (const InterfaceAddress& address : plan.addresses) TRY(kernel_.add_address(plan.bridge.name, address));
  TRY(rules_.add(plan.rules));
  rollback.commit();
  return {};
}

Status NetworkApplier::mend_bridge(const Link& link, const BridgeSpec& spec,
                                   std::vector<std::string>& repaired) {
  if (spec.mtu != 0 && link.mtu != spec.mtu) {
    TRY(kernel_.set_mtu(spec.name, spec.mtu));
    repaired.push_back(fmt::format("bridge {} had MTU {}, set to {}", spec.name, link.mtu, spec.mtu));
  }
  if (!link.up) {
    TRY(kernel_.set_up(spec.name));
    repaired.push_back(fmt::format("bridge {} was down, set up", spec.name));
  }
  return {};
}

Result<int> NetworkApplier::ensure_bridge(const BridgeSpec& spec, std::vector<std::string>& repaired) {
  auto link = TRY(kernel_.find_link(spec.name));
  if (link && link->in_service()) {
    if (link->alias != spec.alias || link->kind != "bridge") return name_taken(spec.name);
    TRY(mend_bridge(*link, spec, repaired));
  } else {
    TRY(create_bridge(spec));
    repaired.push_back(fmt::format("bridge {} was missing, made anew", spec.name));
    link = TRY(kernel_.find_link(spec.name));
    if (!link) return unavailable(fmt::format("bridge {} vanished while it was made; try again", spec.name));
  }
  return link->index;
}

Result<NetworkApplier::Ensured> NetworkApplier::ensure(const NetworkPlan& plan) {
  Ensured ensured;
  const std::string& name = plan.bridge.name;
  if (plan.adopted) {
    ensured.bridge_index = TRY(adopted_bridge(name)).index;
    return ensured;
  }
  ensured.bridge_index = TRY(ensure_bridge(plan.bridge, ensured.repaired));
  if (plan.uplink) {
    TRY(ensure_uplink(plan, ensured.bridge_index, ensured));
    TRY(ensure_host_end(plan, ensured));
  }
  const std::string& holder = plan.host_end ? plan.host_end->link.name : name;
  const auto present =
      plan.addresses.empty() ? std::vector<InterfaceAddress>() : TRY(kernel_.addresses(holder));
  for (const InterfaceAddress& address : plan.addresses) {
    if (std::find(present.begin(), present.end(), address) != present.end()) continue;
    TRY(kernel_.add_address(holder, address));
    ensured.repaired.push_back(fmt::format("address {} was missing on {} {}, added", address.to_string(),
                                           plan.host_end ? "link" : "bridge", holder));
  }
  return ensured;
}

Status NetworkApplier::remove(const NetworkPlan& plan, const std::vector<VethSpec>& endpoints) {
  for (const VethSpec& endpoint : endpoints) announcer_.cancel(endpoint.host_name);
  if (plan.uplink || plan.shared) return remove_from_segment(plan, endpoints);
  std::vector<std::string> names;
  const auto note_if_ours = [&](const Link& link, const std::string& alias) {
    if (link.alias == alias && link.in_service()) names.push_back(link.name);
  };
  if (endpoints.empty() && plan.further.empty()) {
    const auto bridge = TRY(kernel_.find_link(plan.bridge.name));
    if (bridge) note_if_ours(*bridge, plan.bridge.alias);
  } else {
    std::map<std::string, std::string> aliases = {{plan.bridge.name, plan.bridge.alias}};
    // The other end of a joint goes with the first.
    for (const FurtherPlan& further : plan.further) {
      aliases.emplace(further.bridge.name, further.bridge.alias);
      aliases.emplace(further.joint.name, further.joint.alias);
    }
    for (const VethSpec& endpoint : endpoints) {
      aliases.emplace(endpoint.host_name, endpoint.alias);
      if (endpoint.rate_out) aliases.emplace(endpoint.rate_out->name, endpoint.rate_out->alias);
    }
    const auto links = TRY(kernel_.links());
    for (const Link& link : links) {
      const auto wanted = aliases.find(link.name);
      if (wanted != aliases.end()) note_if_ours(link, wanted->second);
    }
  }
  if (!names.empty()) TRY(kernel_.retire_links(names));
  reaper_.wake();
  return rules_.remove(plan.bridge.name);
}

Status NetworkApplier::create_endpoint(const VethSpec& spec) {
  auto created = kernel_.create_veth(spec);
  if (!created.ok() && created.error().code == ErrorCode::kAlreadyExists) {
    // The peer of a leftover goes with its host end, and need not be looked for.
    if (!TRY(clear_leftover(spec.host_name, spec.alias))) return name_taken(spec.host_name);
    if (spec.rate_out && !TRY(clear_leftover(spec.rate_out->name, spec.rate_out->alias)))
      return name_taken(spec.rate_out->name);
    created = kernel_.create_veth(spec);
  }
  // br_add_if (net/bridge/br_if.c): port numbers of a bridge end at BR_MAX_PORTS, 1024.
  if (!created.ok() && created.error().sys_errno == EXFULL)
    return Error{ErrorCode::kExhausted,
                 fmt::format("bridge {} is full: Linux gives a bridge 1023 ports", spec.bridge), EXFULL};
  return created;
}

Status NetworkApplier::remove_endpoint(const VethSpec& spec) {
  announcer_.cancel(spec.host_name);
  std::vector<std::string> names;
  const auto note_if_ours = [&](const std::string& name, const std::string& alias) -> Status {
    const auto link = TRY(kernel_.find_link(name));
    if (link && link->alias == alias && link->in_service()) names.push_back(name);
    return {};
  };
  TRY(note_if_ours(spec.host_name, spec.alias));
  if (spec.rate_out) TRY(note_if_ours(spec.rate_out->name, spec.rate_out->alias));
  if (names.empty()) return {};
  TRY(kernel_.retire_links(names));
  reaper_.wake();
  return {};
}

}  // namespace viaduct::net
