#include "net/segment_keeper.h"

#include <fmt/format.h>

#include <set>

#include "net/object_id.h"

namespace viaduct::net {

Status SegmentKeeper::survey(const CreateNetworkRequest& request, const Driver& driver,
                             PlanContext& context) {
  const auto wish = TRY(driver.wanted_parent(request));
  if (!wish) return {};
  const std::string subject = "network " + short_id(request.id);
  auto uplink = find_uplink(*wish, TRY(core_.kernel.links()), core_.environment.instance);
  if (!uplink.ok()) return std::move(uplink).error().with_context(subject);
  context.uplink = std::move(uplink).value();
  const Uplink& found = *context.uplink;
  for (const NetworkRecord& other : core_.table.networks()) {
    if (other.request.id == request.id) continue;
    if (other.segment && key_of(*other.segment) == key_of(found.segment))
      context.segment_bridge = other.bridge;
    else if (found.is_bridge && other.bridge == found.parent.name)
      return conflict(fmt::format("{}: bridge {} is network {}'s; give another parent=", subject,
                                  found.parent.name, short_id(other.request.id)));
  }
  // The port of a bridge of viaduct's is past that question.
  if (found.is_bridge || !found.port || found.port->master != 0) return {};
  const auto addresses = TRY(core_.kernel.addresses(found.port->name));
  if (addresses.empty()) return {};
  return conflict(fmt::format(
      "{}: link {} has address {} of the host, which would reach nobody from a port of a bridge; give "
      "another "
      "parent= or vlan=, or put the address on a bridge with that link and give the bridge as parent=",
      subject, found.port->name, addresses.front().to_string()));
}

Status SegmentKeeper::agree(const NetworkRecord& draft) const {
  for (const NetworkRecord& other : core_.table.networks()) {
    if (other.request.id == draft.request.id || other.bridge != draft.bridge) continue;
    // Those that are there agree with one another.
    if (core_.plan(other).rules == core_.plan(draft).rules) return {};
    return conflict(fmt::format(
        "network {} shares {} with network {}, and one of the two has host_access=true; give both the same",
        short_id(draft.request.id), words_of(*draft.segment), short_id(other.request.id)));
  }
  return {};
}

bool SegmentKeeper::is_due(const NetworkRecord& network, const std::vector<Link>& links) const {
  const Segment& segment = *network.segment;
  const Link* parent = link_in_service(links, segment.parent);
  if (parent == nullptr) return false;
  const Link* bridge = link_in_service(links, network.bridge);
  const Link* port = segment.aware || segment.vlan == 0 ? parent : sub_interface_of(segment, links);
  if (bridge == nullptr || port == nullptr || !port->up) return true;
  // Another link's port is the operator's doing: said once, at a repair or at start.
  if (port->master != 0) return false;
  return true;
}

Result<std::vector<std::string>> SegmentKeeper::heal(Deadline deadline) {
  std::vector<std::string> said;
  std::set<std::string> done;
  std::optional<std::vector<Link>> links;
  for (const NetworkRecord& listed : core_.table.networks()) {
    if (!listed.segment || listed.adopted) continue;
    if (!links) links = TRY(core_.kernel.links());
    if (done.contains(listed.bridge) || !is_due(listed, *links)) continue;
    const std::string& id = listed.request.id;
    const auto lock = core_.table.lock(id, deadline);
    if (!lock.ok()) {
      said.push_back(lock.error().message);
      continue;
    }
    const auto network = core_.table.network(id);
    if (!network) continue;  // removed since the list was made
    done.insert(network->bridge);
    auto repair = core_.repair(*network);
    if (!repair.ok()) {
      said.push_back(fmt::format("network {} does not get {} back: {}", short_id(id),
                                 words_of(*network->segment), repair.error().message));
      continue;
    }
    const auto& sentences = repair.value().repaired;
    said.insert(said.end(), sentences.begin(), sentences.end());
  }
  return said;
}

}  // namespace viaduct::net
