// NetworkApplier's part for bridges with an uplink (segment.h), which several networks share.
#include <fmt/format.h>

#include <cerrno>

#include "base/rollback.h"
#include "net/network_applier.h"
#include "net/segment.h"

namespace viaduct::net {

namespace {

// The port to the outside, if it is there.
const Link* port_in(const std::vector<Link>& links, const UplinkPlan& uplink) {
  const auto& below = uplink.sub_interface;
  return below ? sub_interface_of({below->parent, below->vlan, below->protocol}, links)
               : link_in_service(links, uplink.parent);
}

Error cannot_be_uplink(const std::string& name, Error why) {
  if (why.sys_errno == EBUSY)
    return conflict(fmt::format(
        "link {} has a macvlan or ipvlan network on it, which takes all that comes in; remove that network, "
        "or give another parent=",
        name));
  return std::move(why).with_context("uplink " + name);
}

// A kernel that was built, or is running, without what the plan stands on.
Error lacks_vlans(const NetworkPlan& plan, Error why) {
  if (why.sys_errno != EOPNOTSUPP) return why;
  const bool aware = plan.bridge.filtering.has_value();
  return Error{why.code,
               fmt::format("{}; the kernel has no {}: load or build it in, or leave {} out", why.message,
                           aware ? "bridges that keep VLANs apart (CONFIG_BRIDGE_VLAN_FILTERING)"
                                 : "802.1Q (module 8021q)",
                           aware ? "vlan_aware= and trunk=" : "vlan="),
               why.sys_errno};
}

}  // namespace

Status NetworkApplier::create_on_segment(const NetworkPlan& plan) {
  Rollback rollback;
  rollback.add([&] { static_cast<void>(remove(plan, {})); });
  // First: a bridge that is up speaks at once.
  TRY(rules_.add(plan.rules));
  auto made = ensure(plan);
  if (!made.ok() && (plan.bridge.filtering || plan.uplink->sub_interface))
    return lacks_vlans(plan, std::move(made).error());
  const Ensured ensured = TRY(std::move(made));
  if (!ensured.problems.empty()) return unavailable(ensured.problems.front());
  rollback.commit();
  return {};
}

Result<Link> NetworkApplier::create_sub_interface(const UplinkPlan& uplink, const Link& parent) {
  // It cannot be up where its parent is not.
  if (!parent.up) TRY(kernel_.set_up(parent.name));
  VlanSpec spec = *uplink.sub_interface;
  Status made;
  for (const std::string& name : {spec.name, uplink.second_name}) {
    spec.name = name;
    made = kernel_.create_vlan(spec);
    if (made.ok() || made.error().code != ErrorCode::kAlreadyExists) break;
    // A leftover that is on its way out, of this name or of this VLAN.
    TRY(kernel_.reap());
    made = kernel_.create_vlan(spec);
    if (made.ok() || made.error().code != ErrorCode::kAlreadyExists) break;
    const auto links = TRY(kernel_.links());
    if (const Link* other = port_in(links, uplink)) return *other;  // somebody was faster
  }
  TRY(std::move(made));
  auto link = TRY(kernel_.find_link(spec.name));
  if (!link) return unavailable(fmt::format("link {} vanished while it was made; try again", spec.name));
  return std::move(*link);
}

Status NetworkApplier::ensure_uplink(const NetworkPlan& plan, int bridge, Ensured& ensured) {
  const UplinkPlan& uplink = *plan.uplink;
  const auto links = TRY(kernel_.links());
  const Link* parent = link_in_service(links, uplink.parent);
  if (parent == nullptr) {
    ensured.problems.push_back(fmt::format(
        "link {}, the parent of bridge {}, is gone; its containers reach the LAN again when it is "
        "back",
        uplink.parent, plan.bridge.name));
    return {};
  }
  const Link* found = port_in(links, uplink);
  Link port = found != nullptr ? *found : TRY(create_sub_interface(uplink, *parent));
  if (found == nullptr)
    ensured.repaired.push_back(
        fmt::format("link {}, the uplink of bridge {}, was missing, made anew", port.name, plan.bridge.name));
  const bool own = port.alias == plan.bridge.alias;
  if (own && port.mtu != parent->mtu) {
    TRY(kernel_.set_mtu(port.name, parent->mtu));
    ensured.repaired.push_back(
        fmt::format("link {} had MTU {}, set to its parent's {}", port.name, port.mtu, parent->mtu));
  }
  if (port.master != 0 && port.master != bridge) {
    ensured.problems.push_back(
        fmt::format("link {}, the uplink of bridge {}, is a port of another link; take it out of there",
                    port.name, plan.bridge.name));
    return {};
  }
  if (port.master != bridge || !port.up) {
    if (!parent->up) TRY(kernel_.set_up(parent->name));
    auto joined = kernel_.join_bridge(port.name, plan.bridge.name);
    if (!joined.ok()) return cannot_be_uplink(port.name, std::move(joined).error());
    if (found != nullptr)
      ensured.repaired.push_back(
          fmt::format("link {} was no port of bridge {}, or down; mended", port.name, plan.bridge.name));
  }
  if (uplink.vlans && TRY(kernel_.set_vlans(port.name, *uplink.vlans)))
    ensured.repaired.push_back(
        fmt::format("link {} was in other VLANs, set to {}", port.name, uplink.vlans->all().to_string()));
  return {};
}

Status NetworkApplier::ensure_host_end(const NetworkPlan& plan, Ensured& ensured) {
  PortVlans own;
  own.tagged = plan.host_vlans;
  if (plan.bridge.filtering && TRY(kernel_.set_vlans(plan.bridge.name, own)))
    ensured.repaired.push_back(fmt::format("bridge {} had other VLANs of the host's, set to {}",
                                           plan.bridge.name,
                                           plan.host_vlans.empty() ? "none" : plan.host_vlans.to_string()));
  if (!plan.host_end) return {};
  const VlanSpec& spec = plan.host_end->link;
  const auto link = TRY(kernel_.find_link(spec.name));
  const bool there = link && link->in_service();
  if (there && link->alias != spec.alias) return name_taken(spec.name);
  if (there && link->up) return {};
  if (there) {
    TRY(kernel_.set_up(spec.name));
  } else {
    if (link) TRY(kernel_.reap());
    TRY(kernel_.create_vlan(spec));
  }
  ensured.repaired.push_back(fmt::format("link {}, the host's end in VLAN {} of bridge {}, was {}", spec.name,
                                         spec.vlan, plan.bridge.name,
                                         there ? "down, set up" : "missing, made anew"));
  return {};
}

Status NetworkApplier::set_uplink_vlans(const NetworkPlan& plan) {
  if (!plan.uplink || !plan.uplink->vlans) return {};
  const auto links = TRY(kernel_.links());
  // Without a port there is nobody to speak to; ensure() sets them when it is back.
  if (const Link* port = port_in(links, *plan.uplink); port != nullptr && port->master != 0)
    TRY(kernel_.set_vlans(port->name, *plan.uplink->vlans));
  return {};
}

Status NetworkApplier::remove_from_segment(const NetworkPlan& plan, const std::vector<VethSpec>& endpoints) {
  const auto links = TRY(kernel_.links());
  std::map<std::string, std::string> aliases;
  for (const VethSpec& endpoint : endpoints) {
    aliases.emplace(endpoint.host_name, endpoint.alias);
    if (endpoint.rate_out) aliases.emplace(endpoint.rate_out->name, endpoint.rate_out->alias);
  }
  if (plan.host_end && !plan.host_end->shared)
    aliases.emplace(plan.host_end->link.name, plan.host_end->link.alias);
  const Link* bridge = link_in_service(links, plan.bridge.name);
  if (bridge != nullptr && bridge->alias != plan.bridge.alias) bridge = nullptr;
  if (!plan.shared && bridge != nullptr) {
    aliases.emplace(plan.bridge.name, plan.bridge.alias);
    const Link* port = plan.uplink ? port_in(links, *plan.uplink) : nullptr;
    if (port != nullptr && port->alias == plan.bridge.alias)
      aliases.emplace(port->name, port->alias);
    else if (port != nullptr && port->master == bridge->index)
      TRY(kernel_.leave_bridge(port->name));
  }
  if (plan.shared && bridge != nullptr && !plan.host_end)
    for (const InterfaceAddress& address : plan.addresses)
      TRY(kernel_.remove_address(plan.bridge.name, address));
  std::vector<std::string> names;
  for (const Link& link : links) {
    const auto wanted = aliases.find(link.name);
    if (wanted != aliases.end() && link.alias == wanted->second && link.in_service())
      names.push_back(link.name);
  }
  if (!names.empty()) TRY(kernel_.retire_links(names));
  reaper_.wake();
  return plan.shared ? Status() : rules_.remove(plan.bridge.name);
}

}  // namespace viaduct::net
