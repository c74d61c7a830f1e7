// NetworkApplier's part for the bridges that a network has beside its first one (spread.h).
#include <fmt/format.h>

#include <cerrno>

#include "base/rollback.h"
#include "net/network_applier.h"

namespace viaduct::net {

namespace {

bool in_service(const std::optional<Link>& link) {
  return link && link->in_service();
}

}  // namespace

Status NetworkApplier::create_joint(const JointSpec& spec) {
  auto created = kernel_.create_joint(spec);
  if (!created.ok() && created.error().code == ErrorCode::kAlreadyExists) {
    // The other end of a leftover goes with it.
    if (!TRY(clear_leftover(spec.name, spec.alias))) return name_taken(spec.name);
    created = kernel_.create_joint(spec);
  }
  if (!created.ok() && created.error().sys_errno == EXFULL)
    return Error{ErrorCode::kExhausted,
                 fmt::format("bridge {} is full: Linux gives a bridge 1023 ports, and none is left to join a "
                             "further bridge to it; use another network",
                             spec.bridge),
                 EXFULL};
  return created;
}

Status NetworkApplier::create_further(const FurtherPlan& plan) {
  Rollback rollback;
  TRY(create_bridge(plan.bridge));
  rollback.add([&] { undo_bridge(plan.bridge); });
  TRY(create_joint(plan.joint));
  rollback.commit();
  return {};
}

Result<NetworkApplier::Ensured> NetworkApplier::ensure_further(const FurtherPlan& plan) {
  Ensured ensured;
  ensured.bridge_index = TRY(ensure_bridge(plan.bridge, ensured.repaired));
  const auto first = TRY(kernel_.find_link(plan.joint.bridge));
  if (!first)
    return unavailable(
        fmt::format("bridge {} vanished while it was looked at; try again", plan.joint.bridge));
  TRY(ensure_joint(plan.joint, first->index, ensured.bridge_index, ensured.repaired));
  return ensured;
}

Status NetworkApplier::ensure_joint(const JointSpec& spec, int bridge, int other_bridge,
                                    std::vector<std::string>& repaired) {
  const auto end = TRY(kernel_.find_link(spec.name));
  const auto other = TRY(kernel_.find_link(spec.other_name));
  const bool whole =
      in_service(end) && in_service(other) && end->alias == spec.alias && other->alias == spec.alias;
  if (!whole) {
    // Half of one is no way; a leftover of the mark is cleared by create_joint().
    TRY(create_joint(spec));
    repaired.push_back(fmt::format("bridges {} and {} were not joined, joined by {} and {}", spec.bridge,
                                   spec.other_bridge, spec.name, spec.other_name));
    return {};
  }
  const auto mend = [&](const Link& link, int master, const std::string& to,
                        PortIsolation isolation) -> Status {
    if (link.master == master && link.up) return {};
    TRY(kernel_.attach_port(link.name, to, isolation));
    repaired.push_back(fmt::format("link {} was no port of bridge {}, attached", link.name, to));
    return {};
  };
  TRY(mend(*end, bridge, spec.bridge, spec.isolation));
  return mend(*other, other_bridge, spec.other_bridge, PortIsolation::kOff);
}

Status NetworkApplier::remove_further(const FurtherPlan& plan) {
  std::vector<std::string> names;
  for (const auto& [name, alias] :
       {std::pair(plan.joint.name, plan.joint.alias), std::pair(plan.bridge.name, plan.bridge.alias)}) {
    const auto link = TRY(kernel_.find_link(name));
    if (in_service(link) && link->alias == alias) names.push_back(name);
  }
  if (names.empty()) return {};
  TRY(kernel_.retire_links(names));
  reaper_.wake();
  return {};
}

}  // namespace viaduct::net
