#include "net/inspector.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "net/link_names.h"
#include "net/object_id.h"
#include "net/spread.h"

namespace viaduct::net {

namespace {

// How long calls at work may hold up the whole, all networks together.
constexpr std::chrono::seconds kLookPatience{2};
// What every network gets after that.
constexpr std::chrono::milliseconds kLeastPatience{5};
constexpr const char* kBusy = "busy";  // could not be looked at now

std::string network_of(const NetworkRecord& network) {
  return "network " + short_id(network.request.id);
}

bool is_among(const Finding& finding, const std::vector<Finding>& list) {
  return std::find(list.begin(), list.end(), finding) != list.end();
}

}  // namespace

Result<std::vector<Finding>> Inspector::look() {
  patience_ = Deadline::in(kLookPatience);
  std::vector<Finding> found = TRY(look_once());
  if (!found.empty()) {
    // The links are listed before a network is locked: what a call makes or removes in between differs in this look, and
    // no more in the next.
    std::vector<Finding> again = TRY(look_once());
    std::erase_if(again, [&](const Finding& one) { return one.kind != kBusy && !is_among(one, found); });
    // What could not be looked at twice is not known to be well.
    std::erase_if(found, [&](const Finding& one) { return one.kind != kBusy || is_among(one, again); });
    again.insert(again.end(), found.begin(), found.end());
    found = std::move(again);
  }
  look_at_state(found);
  return found;
}

Result<std::vector<Finding>> Inspector::look_once() {
  vlans_seen_.clear();
  Links links;
  for (Link& link : TRY(core_.kernel.links())) {
    std::string name = link.name;
    links.emplace(std::move(name), std::move(link));
  }
  std::vector<Finding> found;
  for (const NetworkRecord& network : core_.table.networks())
    look_at_network(network.request.id, links, found);
  for (const auto& [name, link] : links) look_at_stray(link, found);
  const auto rules = core_.rules.inspect();
  if (!rules.ok())
    found.push_back(
        {kBusy, "packet filter", "it cannot be looked at: " + rules.error().message, "look again"});
  else
    for (const std::string& text : rules.value())
      found.push_back({"rules", "packet filter", text, "a repair writes viaduct's rules anew"});
  for (const std::string& text : core_.publisher.not_held())
    found.push_back(
        {"port", "published port", text, "end the program that has the port, then start viaductd again"});
  return found;
}

Deadline Inspector::patience() const {
  return patience_.expired() ? Deadline::in(kLeastPatience) : patience_;
}

void Inspector::look_at_state(std::vector<Finding>& found) {
  if (const std::string trouble = core_.reaper.trouble(); !trouble.empty())
    found.push_back({"link", "links out of service", "they cannot be removed: " + trouble,
                     "tried again all the time; see the message"});
  const auto damages = core_.store.damages();
  if (!damages.ok())
    found.push_back(
        {"state", "state", "it cannot be looked at: " + damages.error().message, "see the message"});
  else
    for (const std::string& text : damages.value())
      found.push_back({"state", "state", "it is damaged: " + text,
                       "stop viaductd and restore a copy of the state folder (docs/state.md)"});
}

void Inspector::look_at_network(const std::string& id, const Links& links, std::vector<Finding>& found) {
  const auto lock = core_.table.lock(id, patience());
  if (!lock.ok()) {
    found.push_back({kBusy, "network " + short_id(id), "a call is at work on it", "look again"});
    return;
  }
  const auto network = core_.table.network(id);
  if (!network) return;  // removed since the list was made
  look_at_bridge(*network, links, found);
  for (const FurtherPlan& further : core_.plan(*network).further)
    look_at_further(*network, further, links, found);
  for (const EndpointRecord& endpoint : core_.table.endpoints_of(id))
    look_at_endpoint(*network, endpoint, links, found);
}

void Inspector::look_at_bridge(const NetworkRecord& network, const Links& links,
                               std::vector<Finding>& found) {
  const NetworkPlan plan = core_.plan(network);
  const std::string& name = plan.bridge.name;
  const auto tell = [&](std::string text, std::string remedy) {
    found.push_back({"bridge", network_of(network), std::move(text), std::move(remedy)});
  };
  const auto link = links.find(name);
  if (link == links.end() || !link->second.in_service()) {
    const std::string who =
        plan.adopted ? "bridge {}, which is not viaduct's, is gone" : "bridge {} is missing";
    tell(fmt::format(fmt::runtime(who), name),
         plan.adopted ? "make it again" : "a repair makes it anew, with its addresses and ports");
    return;
  }
  if (plan.adopted) return;
  if (link->second.alias != plan.bridge.alias || link->second.kind != "bridge") {
    tell(fmt::format("link {} has the name of its bridge, and is somebody else's", name),
         "a repair gives the network a bridge of another name");
    return;
  }
  if (!link->second.up) tell(fmt::format("bridge {} is down", name), "a repair sets it up");
  if (plan.bridge.mtu != 0) look_at_mtu(network, link->second, plan.bridge.mtu, links, found);
  if (plan.uplink) look_at_uplink(network, plan, link->second, links, found);
  look_at_mac(network, link->second, plan.bridge.mac, found);
  look_at_addresses(network, plan, found);
}

void Inspector::look_at_mac(const NetworkRecord& network, const Link& bridge, const Mac& wanted,
                            std::vector<Finding>& found) {
  if (bridge.mac && *bridge.mac != wanted)
    found.push_back({"bridge", network_of(network),
                     fmt::format("bridge {} has MAC {}, not {}", bridge.name, bridge.mac->to_string(),
                                 wanted.to_string()),
                     fmt::format("ip link set {} address {}", bridge.name, wanted.to_string())});
}

void Inspector::look_at_mtu(const NetworkRecord& network, const Link& bridge, int wanted, const Links& links,
                            std::vector<Finding>& found) {
  // An endpoint keeps the MTU that it was made with (UplinkFollower), and the bridges have the least of all of theirs.
  for (const EndpointRecord& endpoint : core_.table.endpoints_of(network.request.id)) {
    const auto port = links.find(endpoint.host_link);
    if (port != links.end() && port->second.group == kLiveGroup) wanted = std::min(wanted, port->second.mtu);
  }
  if (bridge.mtu != wanted)
    found.push_back({"bridge", network_of(network),
                     fmt::format("bridge {} has MTU {}, not {}", bridge.name, bridge.mtu, wanted),
                     "a repair sets it"});
}

void Inspector::look_at_uplink(const NetworkRecord& network, const NetworkPlan& plan, const Link& bridge,
                               const Links& links, std::vector<Finding>& found) {
  const auto tell = [&](std::string text, std::string remedy) {
    found.push_back({"uplink", network_of(network), std::move(text), std::move(remedy)});
  };
  std::vector<Link> all;
  for (const auto& [name, link] : links) all.push_back(link);
  const Segment& segment = *network.segment;
  const auto parent = links.find(segment.parent);
  if (parent == links.end())
    return tell(fmt::format("link {}, its parent, is gone", segment.parent),
                "plug it in, or make it again: viaduct takes it back by itself");
  const Link* port = plan.uplink->sub_interface ? sub_interface_of(segment, all) : &parent->second;
  if (port == nullptr)
    return tell(fmt::format("{} has no sub-interface", words_of(segment)), "a repair makes it");
  if (port->master != bridge.index)
    return tell(fmt::format("link {} is no port of bridge {}", port->name, bridge.name),
                port->master == 0 ? "a repair attaches it" : "take it out of the bridge or bond that has it");
  if (!port->up) tell(fmt::format("link {} is down", port->name), "a repair sets it up");
  if (plan.bridge.filtering && vlans_seen_.insert(bridge.name).second) {
    const NetworkPlan whole = core_.whole_plan(network);
    for (std::string& text : differing_vlans(port->name, whole.uplink->vlans))
      tell(std::move(text), "a repair sets it right");
    for (std::string& text : differing_vlans(bridge.name, PortVlans{0, whole.host_vlans}))
      tell(std::move(text), "a repair sets it right");
  }
  if (plan.host_end && !links.contains(plan.host_end->link.name))
    tell(fmt::format("link {}, the host's own end, is missing", plan.host_end->link.name),
         "a repair makes it anew");
}

void Inspector::look_at_further(const NetworkRecord& network, const FurtherPlan& plan, const Links& links,
                                std::vector<Finding>& found) {
  const auto tell = [&](std::string text, std::string remedy) {
    found.push_back({"bridge", network_of(network), std::move(text), std::move(remedy)});
  };
  const auto in_place = [&](const std::string& name, const std::string& master) -> bool {
    const auto link = links.find(name);
    if (link == links.end() || !link->second.in_service() || link->second.alias != plan.bridge.alias)
      return false;
    const auto bridge = links.find(master);
    return master.empty() || (bridge != links.end() && link->second.master == bridge->second.index);
  };
  const JointSpec& joint = plan.joint;
  if (!in_place(plan.bridge.name, ""))
    return tell(fmt::format("bridge {} is missing", plan.bridge.name),
                "a repair makes it anew, with its ports");
  const Link& bridge = links.at(plan.bridge.name);
  if (!bridge.up) tell(fmt::format("bridge {} is down", plan.bridge.name), "a repair sets it up");
  look_at_mtu(network, bridge, plan.bridge.mtu, links, found);
  look_at_mac(network, bridge, plan.bridge.mac, found);
  if (!in_place(joint.name, joint.bridge) || !in_place(joint.other_name, joint.other_bridge))
    tell(fmt::format("bridges {} and {} are not joined", joint.bridge, joint.other_bridge),
         "a repair joins them");
}

void Inspector::look_at_addresses(const NetworkRecord& network, const NetworkPlan& plan,
                                  std::vector<Finding>& found) {
  const std::string& holder = plan.host_end ? plan.host_end->link.name : plan.bridge.name;
  const auto present = core_.kernel.addresses(holder);
  if (!present.ok()) return;  // gone since the list was made; the next look says so
  // Other networks on the same bridge have addresses of their own there.
  const auto is_anothers = [&](const InterfaceAddress& address) {
    const auto networks = core_.table.networks();
    return std::any_of(networks.begin(), networks.end(), [&](const NetworkRecord& other) {
      const auto theirs = other.bridge == network.bridge ? core_.plan(other).addresses : plan.addresses;
      return std::find(theirs.begin(), theirs.end(), address) != theirs.end();
    });
  };
  for (const InterfaceAddress& address : plan.addresses)
    if (std::find(present.value().begin(), present.value().end(), address) == present.value().end())
      found.push_back({"address", network_of(network),
                       fmt::format("address {} is missing on {} {}", address.to_string(),
                                   plan.host_end ? "link" : "bridge", holder),
                       "a repair adds it"});
  for (const InterfaceAddress& address : present.value())
    if (!is_anothers(address))
      found.push_back({"address", network_of(network),
                       fmt::format("{} {} has address {}, which is not viaduct's",
                                   plan.host_end ? "link" : "bridge", holder, address.to_string()),
                       "left alone; whoever added it can remove it"});
}

void Inspector::look_at_endpoint(const NetworkRecord& network, const EndpointRecord& endpoint,
                                 const Links& links, std::vector<Finding>& found) {
  const VethSpec spec = core_.plan(network, endpoint);
  const auto tell = [&](std::string text, std::string remedy) {
    found.push_back({"endpoint", ServiceCore::label(endpoint), std::move(text), std::move(remedy)});
  };
  const auto link = links.find(spec.host_name);
  if (link == links.end() || !link->second.in_service() || link->second.alias != spec.alias) {
    // One that no container has joined, or has left, needs none.
    if (endpoint.sandbox_key.empty()) return;
    tell(fmt::format("its link {} is gone, and with it its container's sandbox", spec.host_name),
         "a repair forgets the endpoint and gives its addresses back");
    return;
  }
  const auto bridge = links.find(spec.bridge);
  if (bridge != links.end() && link->second.master != bridge->second.index)
    tell(fmt::format("link {} is no port of bridge {}", spec.host_name, spec.bridge), "a repair attaches it");
  else if (!link->second.up)
    tell(fmt::format("link {} is down", spec.host_name), "a repair sets it up");
  if (bridge == links.end() || link->second.master != bridge->second.index) return;
  if (link->second.isolated != (spec.isolation == PortIsolation::kOn))
    tell(fmt::format("link {} is {}isolated from other ports of bridge {}", spec.host_name,
                     link->second.isolated ? "" : "not ", spec.bridge),
         "a repair sets it right");
  if (link->second.hairpin != (spec.hairpin == Hairpin::kOn))
    tell(fmt::format("link {} is {}in hairpin mode", spec.host_name, link->second.hairpin ? "" : "not "),
         "a repair sets it right");
  for (std::string& text : differing_vlans(spec.host_name, spec.vlans))
    tell(std::move(text), "a repair sets it right");
  for (std::string& text : lost_rates(spec)) tell(std::move(text), "a repair sets it again");
}

// A link that went since the list was made is no port any more: the next look says so.
std::vector<std::string> Inspector::differing_vlans(const std::string& link,
                                                    const std::optional<PortVlans>& wanted) {
  if (!wanted) return {};
  const auto found = core_.kernel.differing_vlans(link, *wanted);
  if (!found.ok() || !found.value()) return {};
  return {fmt::format("link {} is in {}, not in {}", link, words_of(*found.value()), words_of(*wanted))};
}

std::vector<std::string> Inspector::lost_rates(const VethSpec& spec) {
  if (!spec.rate_in && !spec.rate_out) return {};
  const auto found = core_.kernel.rates_in_force(spec);
  if (!found.ok()) return {};
  const RatesInForce& now = found.value();
  std::vector<std::string> lost;
  const auto compare = [&](const std::string& link, const RateLimit& wanted, std::optional<uint64_t> rate) {
    if (!rate)
      lost.push_back(fmt::format("link {} sends without its limit of {} bytes a second", link, wanted.rate));
    else if (*rate != wanted.rate)
      lost.push_back(fmt::format("link {} sends {} bytes a second, not {}", link, *rate, wanted.rate));
  };
  if (spec.rate_in) compare(spec.host_name, *spec.rate_in, now.in);
  if (!spec.rate_out) return lost;
  const std::string& shaper = spec.rate_out->name;
  if (!now.has_shaper) {
    lost.push_back(fmt::format("link {}, through which its container sends, is missing", shaper));
    return lost;
  }
  compare(shaper, spec.rate_out->limit, now.out);
  if (!now.is_led)
    lost.push_back(fmt::format("what comes in by link {} is not led through {}", spec.host_name, shaper));
  return lost;
}

void Inspector::look_at_stray(const Link& link, std::vector<Finding>& found) {
  const auto mark = mark_from_alias(link.alias);
  if (!link.in_service() || !mark) return;
  const auto tell = [&](std::string text, std::string remedy) {
    found.push_back({"link", "link " + link.name, std::move(text), std::move(remedy)});
  };
  if (mark->instance != core_.environment.instance)
    return tell(fmt::format("it belongs to another instance of viaduct ({})", mark->instance),
                "left alone; remove it if that instance is gone for good");
  if (mark->kind == LinkMark::Kind::kNetwork) {
    // A call that is making this very network holds the lock.
    const auto lock = core_.table.lock(mark->id, patience());
    if (!lock.ok()) return;
    const auto network = core_.table.network(mark->id);
    if (network && has_link(*network, link.name)) return;
    return tell(fmt::format("it is marked as a bridge of network {}, {}", short_id(mark->id),
                            network ? "which has others" : "which is not on record"),
                "a repair removes it");
  }
  if (mark->kind == LinkMark::Kind::kSegment) {
    const auto lock = core_.lock_segments(patience());
    if (!lock.ok() || core_.is_of_segment(link)) return;
    return tell(fmt::format("it is marked as part of segment {}, on which no network stands", mark->id),
                "a repair removes it");
  }
  const auto stay = core_.endpoints_in_work.try_enter(mark->id);
  if (!stay) return;
  const auto endpoint = core_.table.find_endpoint(mark->id);
  if (!endpoint)
    return tell(fmt::format("it is marked as endpoint {}'s, which is not on record", short_id(mark->id)),
                "a repair removes it");
  if (mark->kind == LinkMark::Kind::kShaper) {
    if (shaper_name(endpoint->host_link) == link.name) return;
    return tell(fmt::format("it is marked as the shaper of endpoint {}, whose link is {}", short_id(mark->id),
                            endpoint->host_link),
                "a repair removes it");
  }
  if (endpoint->host_link != link.name)
    tell(fmt::format("it is marked as endpoint {}'s, whose link is {}", short_id(mark->id),
                     endpoint->host_link),
         "rename it back, or stop the container");
}

}  // namespace viaduct::net
