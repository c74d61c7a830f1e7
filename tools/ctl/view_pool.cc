#include <fmt/format.h>

#include <map>

#include "tools/ctl/fields.h"
#include "tools/ctl/table.h"
#include "tools/ctl/view.h"

namespace viaduct::ctl {

namespace {

constexpr int kShortBar = 12;
constexpr int kLongBar = 40;

std::string origin(const Json& pool) {
  return flag_field(pool, "automatic") == Flag::kOn ? "viaduct" : "the request";
}

std::string classes_line(const Json& addresses) {
  std::map<std::string, size_t> counts;
  for (const auto& address : addresses) ++counts[text_field(address, "class")];
  std::string line;
  for (const auto& [name, count] : counts)
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", count, name);
  return line.empty() ? "none" : line;
}

}  // namespace

Json addresses_of(const Json& addresses, const Json& pool) {
  Json out = Json::array();
  for (const auto& address : addresses)
    if (text_field(address, "space") == text_field(pool, "space") &&
        text_field(address, "pool") == text_field(pool, "pool"))
      out.push_back(address);
  return out;
}

std::string pool_table(const Json& pools) {
  Table table({{"POOL ID"},
               {"CHOSEN BY"},
               {"REFS", Align::kRight},
               {"USED", Align::kRight},
               {"CAPACITY", Align::kRight},
               {"USE"}});
  for (const auto& pool : pools) {
    const uint64_t used = count_field(pool, "used");
    const uint64_t capacity = count_field(pool, "capacity");
    table.add({text_field(pool, "id"), origin(pool), text_field(pool, "refs"), shown_count(used),
               shown_count(capacity),
               fmt::format("{} {}", bar(used, capacity, kShortBar), percent(used, capacity))});
  }
  return table.to_string();
}

std::string pool_view(const Json& pool, const Json& addresses) {
  const uint64_t used = count_field(pool, "used");
  const uint64_t capacity = count_field(pool, "capacity");
  Properties lines = {{"id", text_field(pool, "id")},
                      {"space", text_field(pool, "space")},
                      {"pool", text_field(pool, "pool")}};
  const std::string sub_pool = text_field(pool, "sub_pool");
  if (!sub_pool.empty()) lines.emplace_back("sub-pool", sub_pool);
  lines.emplace_back("chosen by", origin(pool));
  lines.emplace_back("refs", text_field(pool, "refs"));
  lines.emplace_back("since", text_field(pool, "since"));
  lines.emplace_back("use", fmt::format("{} {} of {}, {}", bar(used, capacity, kLongBar), shown_count(used),
                                        shown_count(capacity), percent(used, capacity)));
  lines.emplace_back("held", classes_line(addresses));
  return to_string(lines);
}

std::string address_table(const Json& addresses) {
  Table table({{"ADDRESS"}, {"CLASS"}, {"MAC"}, {"POOL"}, {"NAME"}});
  for (const auto& address : addresses)
    table.add({text_field(address, "address"), text_field(address, "class"), text_field(address, "mac"),
               fmt::format("{}/{}", text_field(address, "space"), text_field(address, "pool")),
               text_field(address, "name")});
  return table.to_string();
}

}  // namespace viaduct::ctl
