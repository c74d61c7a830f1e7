#include <fmt/format.h>

#include "tools/ctl/fields.h"
#include "tools/ctl/table.h"
#include "tools/ctl/view.h"

namespace viaduct::ctl {

namespace {

std::string method_table(const Json& methods) {
  Table table({{"METHOD"}, {"CALLS", Align::kRight}, {"FAILED", Align::kRight}, {"SLOWEST", Align::kRight}});
  for (const auto& [method, count] : methods.items())
    table.add({method, text_field(count, "calls"), text_field(count, "failures"),
               microseconds(count_field(count, "slowest_us"))});
  return table.to_string();
}

}  // namespace

std::string status_view(const Json& status) {
  Properties lines = {
      {"version", text_field(status, "version")},
      {"pid", text_field(status, "pid")},
      {"started", fmt::format("{}, {} ago", text_field(status, "started"),
                              duration(count_field(status, "uptime_seconds")))},
      {"state", fmt::format("{} (instance {})", text_field(status, "state"), text_field(status, "instance"))},
      {"scope", text_field(status, "scope")},
  };
  const char* name = "listen";
  for (const auto& address : list_field(status, "listen")) {
    lines.emplace_back(name, address.is_string() ? address.get<std::string>() : "");
    name = "";
  }
  for (const char* key : {"epoch", "networks", "endpoints", "pools"})
    lines.emplace_back(key, text_field(status, key));
  lines.emplace_back("addresses",
                     fmt::format("{} held, {} resting, {} reserved", count_field(status, "addresses"),
                                 count_field(status, "resting"), count_field(status, "reservations")));
  if (const uint64_t orphans = count_field(status, "orphans"); orphans > 0)
    lines.emplace_back(
        "", fmt::format("{} orphaned: their endpoints are gone (see viaductctl address why)", orphans));
  if (const uint64_t early = count_field(status, "early_reuses"); early > 0)
    lines.emplace_back("",
                       fmt::format("{} given before their quarantine was over; pools are too small", early));
  const uint64_t watched = count_field(status, "watched_pools");
  const uint64_t aside = count_field(status, "set_aside");
  if (watched > 0 || aside > 0)
    lines.emplace_back("probe",
                       fmt::format("foreign hosts are looked for in {} of the pools; {} addresses set aside",
                                   watched, aside));
  lines.emplace_back(
      "calls", fmt::format("{}, {} failed", count_field(status, "calls"), count_field(status, "failures")));
  name = "notes";
  for (const auto& note : list_field(status, "notes")) {
    lines.emplace_back(name, note.is_string() ? note.get<std::string>() : "");
    name = "";
  }
  std::string out = to_string(lines);
  const Json& methods = object_field(status, "methods");
  if (!methods.empty()) out += "\n" + method_table(methods);
  return out;
}

}  // namespace viaduct::ctl
