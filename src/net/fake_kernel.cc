#include "net/fake_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace viaduct::net {

namespace {

// ETH_MIN_MTU and ETH_MAX_MTU (linux/if_ether.h), the limits of bridge and veth.
constexpr int kMinMtu = 68;
constexpr int kMaxMtu = 65535;
// IPV6_MIN_MTU (linux/ipv6.h): a link with less has no IPv6, and loses what it had.
constexpr int kMinIpv6Mtu = 1280;

bool is_ipv6(const InterfaceAddress& address) {
  return address.address.family() == Family::kIpv6;
}

Status check_mtu(const std::string& attempt, int mtu) {
  if (mtu < kMinMtu || mtu > kMaxMtu) return from_errno(EINVAL, attempt);
  return {};
}

Status check_new(const std::map<std::string, Link>& links, const std::string& name) {
  TRY(check_link_name(name));
  if (links.contains(name)) return from_errno(EEXIST, fmt::format("cannot create link {}", name));
  return {};
}

// The entry of a link that must exist.
template <class Map>
Result<Link*> existing(Map& links, const std::string& name) {
  auto found = links.find(name);
  if (found == links.end()) return from_errno(ENODEV, fmt::format("cannot find link {}", name));
  return &found->second;
}

Result<Link*> existing_bridge(std::map<std::string, Link>& links, const std::string& name) {
  Link* bridge = TRY(existing(links, name));
  if (bridge->kind != "bridge") return invalid_argument(fmt::format("link {} is not a bridge", name));
  return bridge;
}

// br_add_if() in net/bridge/br_if.c.
Status check_room(const std::map<std::string, Link>& links, int bridge, int most) {
  const auto ports = std::count_if(links.begin(), links.end(),
                                   [bridge](const auto& entry) { return entry.second.master == bridge; });
  if (ports >= most) return from_errno(EXFULL, "cannot add a port");
  return {};
}

bool ours(const Link& link) {
  return link.group == kLiveGroup || link.group == kDyingGroup;
}

}  // namespace

Link& FakeKernel::State::add(Link link) {
  if (link.index == 0) link.index = next_index++;
  next_index = std::max(next_index, link.index + 1);
  return links[link.name] = link;
}

void FakeKernel::State::drop(const std::string& name) {
  int index = links.contains(name) ? links[name].index : 0;
  links.erase(name);
  addresses.erase(name);
  isolation.erase(name);
  rates.erase(name);
  hairpin.erase(name);
  vlans.erase(name);
  std::vector<std::string> above;
  for (auto& [other, link] : links) {
    if (index != 0 && link.master == index) link.master = 0;
    if (index != 0 && link.kind == "vlan" && link.lower == index) above.push_back(other);
  }
  for (const std::string& other : above) drop(other);
  auto peer = peers.find(name);
  if (peer == peers.end()) return;
  std::string other_end = peer->second;
  in_sandboxes.erase(name);
  in_sandboxes.erase(other_end);
  peers.erase(peer);
  peers.erase(other_end);
  drop(other_end);
}

FakeKernel::Contents FakeKernel::contents() {
  return *state_.lock();
}

void FakeKernel::put_link(Link link) {
  state_.lock()->add(std::move(link));
}

void FakeKernel::drop_link(const std::string& name) {
  state_.lock()->drop(name);
}

void FakeKernel::move_to_sandbox(const std::string& peer) {
  auto state = state_.lock();
  state->links.erase(peer);
  state->addresses.erase(peer);
  state->in_sandboxes.insert(peer);
}

void FakeKernel::set_host_prefixes(std::vector<Prefix> prefixes) {
  state_.lock()->host_prefixes = std::move(prefixes);
}

void FakeKernel::set_uplink_mtu(std::optional<int> mtu) {
  state_.lock()->uplink_mtu = mtu;
}

Link FakeKernel::State::seen(const Link& link) const {
  Link now = link;
  const auto known = isolation.find(link.name);
  now.isolated = link.master != 0 && known != isolation.end() && known->second == PortIsolation::kOn;
  now.hairpin = link.master != 0 && hairpin.contains(link.name);
  const auto other = peers.find(link.name);
  if (other != peers.end() && !in_sandboxes.contains(other->second))
    now.lower = links.at(other->second).index;
  return now;
}

Result<std::vector<Link>> FakeKernel::links() {
  TRY(gate_.pass("list links"));
  auto state = state_.lock();
  std::vector<Link> all;
  for (const auto& [name, link] : state->links) all.push_back(state->seen(link));
  std::sort(all.begin(), all.end(), [](const Link& a, const Link& b) { return a.index < b.index; });
  return all;
}

Result<std::optional<Link>> FakeKernel::find_link(const std::string& name) {
  TRY(gate_.pass("find link"));
  auto state = state_.lock();
  auto found = state->links.find(name);
  if (found == state->links.end()) return std::optional<Link>();
  return std::optional<Link>(state->seen(found->second));
}

Result<int> FakeKernel::link_index(const std::string& name) {
  TRY(gate_.pass("find index"));
  auto state = state_.lock();
  const auto found = state->links.find(name);
  return found == state->links.end() ? 0 : found->second.index;
}

Status FakeKernel::create_bridge(const BridgeSpec& spec) {
  TRY(gate_.pass("create bridge"));
  auto state = state_.lock();
  TRY(check_new(state->links, spec.name));
  const int mtu = spec.mtu == 0 ? 1500 : spec.mtu;
  TRY(check_mtu(fmt::format("cannot create bridge {}", spec.name), mtu));
  state->add({0, spec.name, "bridge", spec.alias, kLiveGroup, 0, mtu, spec.mac, true, true});
  return {};
}

Status FakeKernel::create_veth(const VethSpec& spec) {
  TRY(gate_.pass("create veth pair"));
  auto state = state_.lock();
  TRY(check_new(state->links, spec.host_name));
  TRY(check_new(state->links, spec.peer_name));
  if (spec.host_name == spec.peer_name) {
    return from_errno(EEXIST, fmt::format("cannot create veth pair {}", spec.host_name));
  }
  TRY(check_mtu(fmt::format("cannot create veth pair {}", spec.host_name), spec.mtu));
  if (spec.rate_out && state->links.contains(spec.rate_out->name))
    return from_errno(EEXIST, fmt::format("cannot create link {}", spec.rate_out->name));
  int master = TRY(existing_bridge(state->links, spec.bridge))->index;
  TRY(check_room(state->links, master, most_ports_));
  Mac peer_mac = spec.peer_mac.value_or(Mac::random());
  state->add({0, spec.peer_name, "veth", "", kLiveGroup, 0, spec.mtu, peer_mac, false, true});
  state->add(
      {0, spec.host_name, "veth", spec.alias, kLiveGroup, master, spec.mtu, Mac::random(), true, true});
  state->isolation[spec.host_name] = spec.isolation;
  if (spec.vlans) state->vlans[spec.host_name] = *spec.vlans;
  if (spec.rate_in) state->rates[spec.host_name] = *spec.rate_in;
  if (spec.rate_out) {
    state->add(
        {0, spec.rate_out->name, "ifb", spec.rate_out->alias, kLiveGroup, 0, 1500, Mac::random(), true});
    state->rates[spec.rate_out->name] = spec.rate_out->limit;
  }
  state->peers[spec.host_name] = spec.peer_name;
  state->peers[spec.peer_name] = spec.host_name;
  return {};
}

Status FakeKernel::create_joint(const JointSpec& spec) {
  TRY(gate_.pass("create joint"));
  auto state = state_.lock();
  TRY(check_new(state->links, spec.name));
  TRY(check_new(state->links, spec.other_name));
  const int master = TRY(existing_bridge(state->links, spec.bridge))->index;
  const int other = TRY(existing_bridge(state->links, spec.other_bridge))->index;
  TRY(check_room(state->links, master, most_ports_));
  TRY(check_room(state->links, other, most_ports_));
  for (const auto& [name, bridge] : {std::pair(spec.name, master), std::pair(spec.other_name, other)}) {
    state->add({0, name, "veth", spec.alias, kLiveGroup, bridge, kJointMtu, Mac::random(), true, true});
    state->isolation[name] = name == spec.name ? spec.isolation : PortIsolation::kOff;
  }
  state->peers[spec.name] = spec.other_name;
  state->peers[spec.other_name] = spec.name;
  return {};
}

Status FakeKernel::attach_port(const std::string& name, const std::string& bridge, PortIsolation isolation) {
  TRY(gate_.pass("attach port"));
  auto state = state_.lock();
  int master = TRY(existing_bridge(state->links, bridge))->index;
  Link* link = TRY(existing(state->links, name));
  link->master = master;
  link->group = kLiveGroup;
  link->up = true;
  state->isolation[name] = isolation;
  return {};
}

Result<bool> FakeKernel::ensure_rates(const VethSpec& spec) {
  TRY(gate_.pass("limit rates"));
  auto state = state_.lock();
  TRY(existing(state->links, spec.host_name));
  const auto before = state->rates;
  if (spec.rate_in) state->rates[spec.host_name] = *spec.rate_in;
  if (spec.rate_out) {
    const auto known = state->links.find(spec.rate_out->name);
    if (known == state->links.end())
      state->add(
          {0, spec.rate_out->name, "ifb", spec.rate_out->alias, kLiveGroup, 0, 1500, Mac::random(), true});
    else if (known->second.alias != spec.rate_out->alias || known->second.group != kLiveGroup)
      return from_errno(EEXIST, fmt::format("cannot create link {}", spec.rate_out->name));
    state->rates[spec.rate_out->name] = spec.rate_out->limit;
  }
  return state->rates != before;
}

Result<RatesInForce> FakeKernel::rates_in_force(const VethSpec& spec) {
  TRY(gate_.pass("look at rates"));
  auto state = state_.lock();
  TRY(existing(state->links, spec.host_name));
  const auto rate_of = [&](const std::string& name) {
    const auto known = state->rates.find(name);
    return known == state->rates.end() ? std::nullopt : std::optional<uint64_t>(known->second.rate);
  };
  RatesInForce found;
  found.in = rate_of(spec.host_name);
  if (!spec.rate_out) return found;
  const auto shaper = state->links.find(spec.rate_out->name);
  found.has_shaper = shaper != state->links.end() && shaper->second.alias == spec.rate_out->alias &&
                     shaper->second.in_service();
  if (found.has_shaper) found.out = rate_of(spec.rate_out->name);
  found.is_led = found.has_shaper;
  return found;
}

Status FakeKernel::set_hairpin(const std::string& name, Hairpin hairpin) {
  TRY(gate_.pass("set hairpin mode"));
  auto state = state_.lock();
  const auto link = state->links.find(name);
  if (link == state->links.end() || link->second.master == 0) return {};
  if (hairpin == Hairpin::kOn)
    state->hairpin.insert(name);
  else
    state->hairpin.erase(name);
  return {};
}

Status FakeKernel::set_mtu(const std::string& name, int mtu) {
  TRY(gate_.pass("set mtu"));
  auto state = state_.lock();
  Link* link = TRY(existing(state->links, name));
  TRY(check_mtu(fmt::format("cannot set mtu {} on {}", mtu, name), mtu));
  link->mtu = mtu;
  if (mtu < kMinIpv6Mtu) std::erase_if(state->addresses[name], is_ipv6);
  return {};
}

Status FakeKernel::set_up(const std::string& name) {
  TRY(gate_.pass("set link up"));
  auto state = state_.lock();
  TRY(existing(state->links, name))->up = true;
  return {};
}

Status FakeKernel::retire_links(const std::vector<std::string>& names) {
  TRY(gate_.pass("retire links"));
  auto state = state_.lock();
  for (const std::string& name : names) {
    if (state->links.contains(name) && !ours(state->links[name])) return not_our_link(name);
  }
  for (const std::string& name : names) {
    auto found = state->links.find(name);
    if (found == state->links.end()) continue;
    found->second.group = kDyingGroup;
    found->second.up = false;
  }
  return {};
}

Status FakeKernel::reap() {
  TRY(gate_.pass("reap links"));
  auto state = state_.lock();
  std::vector<std::string> dying;
  for (const auto& [name, link] : state->links) {
    if (link.group == kDyingGroup) dying.push_back(name);
  }
  for (const std::string& name : dying) state->drop(name);
  return {};
}

Status FakeKernel::add_address(const std::string& link, const InterfaceAddress& address) {
  TRY(gate_.pass("add address"));
  auto state = state_.lock();
  const Link* target = TRY(existing(state->links, link));
  if (is_ipv6(address) && target->mtu < kMinIpv6Mtu)
    return from_errno(EINVAL, fmt::format("cannot add address {} to link {}", address.to_string(), link));
  auto& held = state->addresses[link];
  if (std::find(held.begin(), held.end(), address) == held.end()) held.push_back(address);
  return {};
}

Status FakeKernel::remove_address(const std::string& link, const InterfaceAddress& address) {
  TRY(gate_.pass("remove address"));
  auto state = state_.lock();
  if (state->links.contains(link)) std::erase(state->addresses[link], address);
  return {};
}

Result<std::vector<InterfaceAddress>> FakeKernel::addresses(const std::string& link) {
  TRY(gate_.pass("list addresses"));
  auto state = state_.lock();
  TRY(existing(state->links, link));
  auto held = state->addresses.find(link);
  return held == state->addresses.end() ? std::vector<InterfaceAddress>() : held->second;
}

Status FakeKernel::announce(const std::vector<Announcement>& all) {
  TRY(announcement_gate_.pass("announce"));
  auto state = state_.lock();
  for (const Announcement& one : all) {
    state->asked_to_announce.push_back(one);
    const auto port = state->links.find(one.port);
    if (port != state->links.end() && port->second.group == kLiveGroup && port->second.master != 0)
      state->announced.push_back(one);
  }
  return {};
}

std::vector<Announcement> FakeKernel::announced() {
  return state_.lock()->announced;
}

std::vector<Announcement> FakeKernel::asked_to_announce() {
  return state_.lock()->asked_to_announce;
}

Result<std::vector<Prefix>> FakeKernel::host_prefixes() {
  TRY(gate_.pass("list the host's prefixes"));
  auto state = state_.lock();
  std::vector<Prefix> all = state->host_prefixes;
  for (const auto& [link, held] : state->addresses) {
    for (const InterfaceAddress& address : held) all.push_back(address.network());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Result<std::vector<OnLink>> FakeKernel::on_link() {
  TRY(gate_.pass("list what is on link"));
  auto state = state_.lock();
  std::vector<OnLink> all;
  for (const auto& [link, held] : state->addresses)
    for (const InterfaceAddress& address : held)
      all.push_back({state->links[link].index, address.network(), address.address});
  return all;
}

Result<std::optional<int>> FakeKernel::uplink_mtu() {
  TRY(gate_.pass("find the uplink's mtu"));
  return state_.lock()->uplink_mtu;
}

}  // namespace viaduct::net
