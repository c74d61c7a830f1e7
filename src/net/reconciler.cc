#include "net/reconciler.h"

#include <fmt/format.h>

#include <chrono>

#include "net/bridge_spread.h"
#include "net/link_names.h"
#include "net/object_id.h"
#include "net/spread.h"

namespace viaduct::net {

namespace {

// How long one network that is in use elsewhere may hold up the rest.
constexpr std::chrono::seconds kPatience{10};

void note(std::vector<std::string>& list, std::vector<std::string> more) {
  for (auto& sentence : more) list.push_back(std::move(sentence));
}

}  // namespace

Result<ReconcileReport> Reconciler::run_at_start() {
  const std::lock_guard guard(mutex_);
  deadline_.reset();
  return compare(Calls::kNone);
}

Result<ReconcileReport> Reconciler::run(Deadline deadline) {
  const std::lock_guard guard(mutex_);
  deadline_ = deadline;
  return compare(Calls::kMayCome);
}

Deadline Reconciler::patience() const {
  return deadline_.value_or(Deadline::in(kPatience));
}

Result<ReconcileReport> Reconciler::compare(Calls calls) {
  const auto links = TRY(core_.kernel.links());
  Marks marks;
  for (const Link& link : links)
    if (link.in_service() && !link.alias.empty()) marks.insert(link.alias);
  ReconcileReport report;
  for (const NetworkRecord& network : core_.table.networks()) {
    ++report.networks;
    repair_network(network.request.id, marks, report);
  }
  for (const Link& link : links) {
    judge_link(link, report);
    if (calls == Calls::kNone) judge_unmarked(link, report);
  }
  const auto renewed = core_.rules.renew();
  if (!renewed.ok()) report.problems.push_back("the firewall's rules: " + renewed.error().message);
  const auto reaped = core_.kernel.reap();
  if (!reaped.ok()) {
    report.problems.push_back("links out of service: " + reaped.error().message);
    core_.reaper.wake();
  }
  report.endpoints = static_cast<int>(core_.table.endpoints().size());
  return report;
}

void Reconciler::repair_network(const std::string& id, const Marks& marks, ReconcileReport& report) {
  const auto problem = [&](const Error& error) {
    report.problems.push_back(fmt::format("network {}: {}", short_id(id), error.message));
  };
  const auto lock = core_.table.lock(id, patience());
  if (!lock.ok()) return problem(lock.error());
  const auto network = core_.table.network(id);
  if (!network) return;  // removed since the list was made
  core_.rules.note(core_.plan(*network).rules);
  auto repair = core_.repair(*network);
  if (!repair.ok()) return problem(repair.error());
  note(report.repaired, std::move(repair.value().repaired));
  for (const std::string& problem_found : repair.value().problems)
    report.problems.push_back(fmt::format("network {}: {}", short_id(id), problem_found));
  judge_missing(repair.value().network, repair.value().missing, marks, report);
  BridgeSpread(core_).tidy(id);
  for (const EndpointRecord& endpoint : core_.table.endpoints_of(id)) {
    core_.rules.note(endpoint.request.endpoint_id,
                     ServiceCore::driver_of(*network).rules(*network, endpoint));
    note(report.problems, core_.publisher.take_back(endpoint.request.endpoint_id,
                                                    ServiceCore::label(endpoint), endpoint.ports));
  }
}

std::string Reconciler::proof_of_end(const NetworkRecord& network, const EndpointRecord& endpoint,
                                     const Marks& marks) const {
  // Somebody renamed it: judge_host_end() says so.
  if (marks.contains(core_.plan(network, endpoint).alias)) return {};
  if (endpoint.boot_id != core_.environment.boot_id) return "was of an earlier boot";
  // A pair ends with the namespace of either end. Without sandbox the engine has yet to join the endpoint, which makes
  // its links anew, or to delete it.
  return endpoint.sandbox_key.empty() ? "" : "had been joined, and its links are gone with its sandbox";
}

void Reconciler::judge_missing(const NetworkRecord& network, const std::vector<EndpointRecord>& missing,
                               const Marks& marks, ReconcileReport& report) {
  std::vector<EndpointRecord> ended;
  std::vector<std::string> sentences;
  for (const auto& endpoint : missing) {
    const std::string name = short_id(endpoint.request.endpoint_id);
    const std::string proof = proof_of_end(network, endpoint, marks);
    if (proof.empty()) {
      report.problems.push_back(
          fmt::format("endpoint {} of network {} has no link {}; it is kept until the engine deletes it",
                      name, short_id(network.request.id), endpoint.host_link));
      continue;
    }
    ended.push_back(endpoint);
    sentences.push_back(fmt::format("endpoint {} {}", name, proof));
  }
  const auto forgotten = core_.forget(network, ended);
  for (const auto& sentence : sentences) {
    if (forgotten.ok())
      report.repaired.push_back(sentence + ", forgotten");
    else
      report.problems.push_back(fmt::format("{}: {}", sentence, forgotten.error().message));
  }
}

void Reconciler::judge_link(const Link& link, ReconcileReport& report) {
  const auto mark = mark_from_alias(link.alias);
  if (!link.in_service() || !mark) return;
  if (mark->instance != core_.environment.instance) {
    report.problems.push_back(
        fmt::format("link {} belongs to another instance of viaduct ({}) and is left alone; remove it if "
                    "that instance is "
                    "gone for good",
                    link.name, mark->instance));
    return;
  }
  if (mark->kind == LinkMark::Kind::kNetwork)
    judge_bridge(link, mark->id, report);
  else if (mark->kind == LinkMark::Kind::kSegment)
    judge_segment(link, report);
  else if (mark->kind == LinkMark::Kind::kShaper)
    judge_shaper(link, mark->id, report);
  else
    judge_host_end(link, mark->id, report);
}

// The alias comes with a second message (netlink_kernel.cc): a process that was killed between the two left a link of
// viaduct's group and naming without one. At start nobody is between the two.
void Reconciler::judge_unmarked(const Link& link, ReconcileReport& report) {
  const bool named = link.name.starts_with("vd-") || link.name.starts_with("ve") ||
                     link.name.starts_with("vf") || link.name.starts_with("vj") ||
                     link.name.starts_with("vh") || link.name.starts_with("vn");
  if (link.group == kLiveGroup && link.alias.empty() && named) retire(link, report);
}

void Reconciler::judge_bridge(const Link& link, const std::string& id, ReconcileReport& report) {
  // A call that is making this very network holds the lock.
  const auto lock = core_.table.lock(id, patience());
  if (!lock.ok()) {
    report.problems.push_back(fmt::format("link {}: {}", link.name, lock.error().message));
    return;
  }
  const auto network = core_.table.network(id);
  if (!network || !has_link(*network, link.name)) retire(link, report);
}

void Reconciler::judge_segment(const Link& link, ReconcileReport& report) {
  // Nobody makes or removes one meanwhile.
  const auto lock = core_.lock_segments(patience());
  if (!lock.ok()) {
    report.problems.push_back(fmt::format("link {}: {}", link.name, lock.error().message));
    return;
  }
  if (!core_.is_of_segment(link)) retire(link, report);
}

void Reconciler::judge_host_end(const Link& link, const std::string& id, ReconcileReport& report) {
  // A call that is making this very endpoint is in there.
  const auto stay = core_.endpoints_in_work.try_enter(id);
  if (!stay) return;
  const auto endpoint = core_.table.find_endpoint(id);
  if (!endpoint) return retire(link, report);
  if (endpoint->host_link == link.name) return;
  // Of two links with one mark the one on record is right. The only one may have been renamed, and carry
  // traffic.
  const auto recorded = core_.kernel.find_link(endpoint->host_link);
  if (recorded.ok() && recorded.value() && recorded.value()->alias == link.alias) return retire(link, report);
  report.problems.push_back(
      fmt::format("link {} carries the mark of endpoint {}, whose link is {}; rename it back, or "
                  "stop the container",
                  link.name, short_id(id), endpoint->host_link));
}

void Reconciler::judge_shaper(const Link& link, const std::string& id, ReconcileReport& report) {
  const auto stay = core_.endpoints_in_work.try_enter(id);
  if (!stay) return;
  const auto endpoint = core_.table.find_endpoint(id);
  if (!endpoint || shaper_name(endpoint->host_link) != link.name) retire(link, report);
}

void Reconciler::retire(const Link& link, ReconcileReport& report) {
  // The list may be old by now: a link of that name is retired only if it still has the mark.
  const auto current = core_.kernel.find_link(link.name);
  const auto still_there = [&](const std::optional<Link>& found) {
    return found && found->alias == link.alias && found->in_service();
  };
  if (current.ok() && !still_there(current.value())) return;
  const auto retired = current.ok() ? core_.kernel.retire_links({link.name}) : Status(current.error());
  if (retired.ok())
    report.repaired.push_back(fmt::format("link {} had no record, removed", link.name));
  else
    report.problems.push_back(fmt::format("link {} has no record: {}", link.name, retired.error().message));
}

}  // namespace viaduct::net
