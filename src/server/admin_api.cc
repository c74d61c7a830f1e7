#include "server/admin_api.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "server/admin_json.h"
#include "server/state_check.h"
#include "server/wire.h"

namespace viaduct::server {

namespace {

constexpr size_t kMostCells = 65536;
constexpr std::string_view kPoolMap = "/v1/pool-map/";
constexpr std::string_view kAddress = "/v1/address/";
constexpr std::string_view kLists[] = {"/v1/status", "/v1/networks",  "/v1/endpoints",
                                       "/v1/pools",  "/v1/addresses", "/v1/reservations",
                                       "/v1/export", "/v1/check",     "/v1/forwarding"};

bool is_read(std::string_view path) {
  return std::find(std::begin(kLists), std::end(kLists), path) != std::end(kLists) ||
         path.starts_with(kPoolMap) || path.starts_with(kAddress);
}

HttpReply refusal(const Error& error) {
  return {admin_status_of(error.code), error_body(error.message)};
}

const Change* find_change(const std::string& path) {
  const auto& changes = admin_changes();
  const auto found =
      std::find_if(changes.begin(), changes.end(), [&](const Change& change) { return change.path == path; });
  return found == changes.end() ? nullptr : &*found;
}

Error unknown_path(const std::string& path) {
  std::vector<std::string_view> posted;
  for (const auto& change : admin_changes()) posted.push_back(change.path);
  return not_found(
      fmt::format("the admin API has no {}; GET reads {}, {}CELLS/POOL and {}IP; POST changes {}",
                  path.substr(0, 100), fmt::join(kLists, ", "), kPoolMap, kAddress, fmt::join(posted, ", ")));
}

}  // namespace

int admin_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kOverlap:
    case ErrorCode::kConflict:
    case ErrorCode::kExhausted: return 409;
    case ErrorCode::kBusy:
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kPermission:
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

HttpReply AdminApi::handle(const HttpRequest& request, Deadline deadline) const {
  const Change* what = find_change(request.path);
  const bool readable = is_read(request.path);
  if (request.method == "POST" && what != nullptr) return change(*what, request, deadline);
  if (request.method == "GET" && readable) {
    const auto answer = read(request.path);
    return answer.ok() ? HttpReply{200, dump_json(answer.value())} : refusal(answer.error());
  }
  if (readable)
    return {405, error_body(fmt::format("{} is read with GET, not {}", request.path, request.method))};
  if (what != nullptr)
    return {405, error_body(fmt::format("{} changes something: POST a JSON object to it", request.path))};
  return refusal(unknown_path(request.path));
}

HttpReply AdminApi::change(const Change& what, const HttpRequest& request, Deadline deadline) const {
  std::vector<LogField> about;
  const auto body = parse_json_object(request.body);
  const Status outcome = body.ok()
                             ? what.run(services_, Call{body.value(), request.peer_pid, deadline}, about)
                             : Status(body.error());
  about.push_back({"pid", std::to_string(request.peer_pid)});
  about.push_back({"outcome", std::string(outcome.ok() ? "ok" : to_string(outcome.error().code))});
  if (!outcome.ok()) about.push_back({"error", outcome.error().message});
  log_.log(outcome.ok() ? LogLevel::kInfo : LogLevel::kWarning, fmt::format("operator: {}", what.name),
           about);
  return outcome.ok() ? HttpReply{200, "{}"} : refusal(outcome.error());
}

Result<Json> AdminApi::read(const std::string& path) const {
  if (path == "/v1/status") return status();
  if (path == "/v1/networks") return Json{{"networks", to_admin_list(services_.network.networks())}};
  if (path == "/v1/endpoints") return Json{{"endpoints", to_admin_list(services_.network.endpoints())}};
  if (path == "/v1/pools") return Json{{"pools", to_admin_list(services_.ipam.pools())}};
  if (path == "/v1/addresses") return Json{{"addresses", to_admin_list(services_.ipam.addresses())}};
  if (path == "/v1/reservations") return Json{{"reservations", to_admin_list(services_.ipam.reservations())}};
  if (path == "/v1/check") return check_state(services_);
  if (path == "/v1/forwarding")
    return Json{{"chains", to_admin_list(TRY(services_.network.forward_chains()))}};
  if (path == "/v1/export") return services_.ipam.export_state();
  const std::string_view view = path;
  if (view.starts_with(kPoolMap)) return pool_map(view.substr(kPoolMap.size()));
  if (view.starts_with(kAddress)) return address(view.substr(kAddress.size()));
  return unknown_path(path);
}

Json AdminApi::status() const {
  uint64_t calls = 0;
  uint64_t failures = 0;
  Json methods = Json::object();
  for (const auto& [method, count] : router_.counts()) {
    calls += count.calls;
    failures += count.failures;
    methods[method] = {
        {"calls", count.calls}, {"failures", count.failures}, {"slowest_us", count.slowest_us}};
  }
  const auto uptime = clock_.uptime() - facts_.uptime_at_start;
  const auto set_by = clock_.now() - facts_.started - uptime;
  const ipam::IpamCounts counts = services_.ipam.counts();
  return {{"version", facts_.version},
          {"pid", ::getpid()},
          {"instance", facts_.instance},
          {"state", facts_.state_folder},
          {"scope", facts_.scope},
          {"listen", facts_.listen},
          {"started", format_time(facts_.started)},
          {"uptime_seconds", uptime.count()},
          {"clock_set_by_seconds", set_by.count()},
          {"epoch", services_.ipam.epoch()},
          {"networks", services_.network.networks().size()},
          {"endpoints", services_.network.endpoints().size()},
          {"pools", counts.pools},
          {"addresses", counts.held},
          {"resting", counts.resting},
          {"reservations", counts.reservations},
          {"orphans", services_.ipam.orphans()},
          {"early_reuses", counts.early_reuses},
          {"watched_pools", counts.watched_pools},
          {"set_aside", counts.set_aside},
          {"calls", calls},
          {"failures", failures},
          {"methods", std::move(methods)},
          {"notes", facts_.notes}};
}

Result<Json> AdminApi::pool_map(std::string_view rest) const {
  const size_t slash = std::min(rest.find('/'), rest.size());
  size_t cells = 0;
  const char* const end = rest.data() + slash;
  const auto [stop, problem] = std::from_chars(rest.data(), end, cells);
  if (problem != std::errc{} || stop != end || cells < 1 || cells > kMostCells)
    return invalid_argument(fmt::format("\"{}\" is no number of cells from 1 to {}; ask for {}CELLS/POOL",
                                        rest.substr(0, std::min<size_t>(slash, 40)), kMostCells, kPoolMap));
  const std::string id(rest.substr(std::min(slash + 1, rest.size())));
  return to_admin_json(TRY(services_.ipam.map_of(id, cells)));
}

Result<Json> AdminApi::address(std::string_view text) const {
  const IpAddress address = TRY(IpAddress::parse(text));
  return Json{{"address", address.to_string()}, {"stories", to_admin_list(services_.ipam.why(address))}};
}

}  // namespace viaduct::server
