// FakeKernel's part that deals with VLANs.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "net/fake_kernel.h"

namespace viaduct::net {

namespace {

Result<Link*> known_link(std::map<std::string, Link>& links, const std::string& name) {
  const auto found = links.find(name);
  if (found == links.end()) return from_errno(ENODEV, fmt::format("cannot find link {}", name));
  return &found->second;
}

}  // namespace

Status FakeKernel::create_vlan(const VlanSpec& spec) {
  TRY(gate_.pass("create vlan"));
  auto state = state_.lock();
  TRY(check_link_name(spec.name));
  const Link parent = *TRY(known_link(state->links, spec.parent));
  const std::string attempt = fmt::format("cannot create link {}", spec.name);
  if (state->links.contains(spec.name)) return from_errno(EEXIST, attempt);
  const bool twin = std::any_of(state->links.begin(), state->links.end(), [&](const auto& entry) {
    const Link& other = entry.second;
    return other.kind == "vlan" && other.lower == parent.index && other.vlan == spec.vlan &&
           other.vlan_protocol == spec.protocol;
  });
  if (twin) return from_errno(EEXIST, attempt);
  if (!parent.up) return from_errno(ENETDOWN, attempt);
  Link link{0, spec.name, "vlan", spec.alias, kLiveGroup, 0, parent.mtu, parent.mac, true, true};
  link.lower = parent.index;
  link.vlan = spec.vlan;
  link.vlan_protocol = spec.protocol;
  state->add(std::move(link));
  return {};
}

Status FakeKernel::join_bridge(const std::string& link, const std::string& bridge) {
  TRY(gate_.pass("join bridge"));
  auto state = state_.lock();
  const Link* master = TRY(known_link(state->links, bridge));
  if (master->kind != "bridge") return invalid_argument(fmt::format("link {} is not a bridge", bridge));
  Link* port = TRY(known_link(state->links, link));
  const std::string attempt = fmt::format("cannot make {} a port of bridge {}", link, bridge);
  if (port->kind == "bridge") return from_errno(ELOOP, attempt);
  const bool taken = std::any_of(state->links.begin(), state->links.end(), [&](const auto& entry) {
    return entry.second.kind == "macvlan" && entry.second.lower == port->index;
  });
  if (taken) return from_errno(EBUSY, attempt);
  port->master = master->index;
  port->up = true;
  return {};
}

Result<bool> FakeKernel::set_vlans(const std::string& link, const PortVlans& vlans) {
  TRY(gate_.pass("set vlans"));
  auto state = state_.lock();
  TRY(known_link(state->links, link));
  PortVlans& held = state->vlans[link];
  const bool differed = held != vlans;
  held = vlans;
  return differed;
}

Result<std::optional<PortVlans>> FakeKernel::differing_vlans(const std::string& link,
                                                             const PortVlans& vlans) {
  TRY(gate_.pass("look at vlans"));
  auto state = state_.lock();
  TRY(known_link(state->links, link));
  const PortVlans& held = state->vlans[link];
  return held == vlans ? std::nullopt : std::optional<PortVlans>(held);
}

Status FakeKernel::leave_bridge(const std::string& link) {
  TRY(gate_.pass("leave bridge"));
  auto state = state_.lock();
  const auto found = state->links.find(link);
  if (found == state->links.end()) return {};
  found->second.master = 0;
  state->vlans.erase(link);
  return {};
}

}  // namespace viaduct::net
