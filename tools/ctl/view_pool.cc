#include <fmt/format.h>

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

std::string classes_line(const Json& held) {
  std::string line;
  for (const auto& [name, count] : held.items())
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", text_field(held, name.c_str()), name);
  return line.empty() ? "none" : line;
}

void add_pool_options(const Json& pool, Properties& lines) {
  const char* name = "options";
  const Json& options = object_field(pool, "options");
  for (const auto& [key, value] : options.items()) {
    lines.emplace_back(name, fmt::format("{}={}", key, text_field(options, key.c_str())));
    name = "";
  }
}

// Whether foreign hosts are looked for, and who is not believed.
void add_watch(const Json& pool, Properties& lines) {
  const std::string watch = text_field(pool, "watch");
  const std::string detail = text_field(pool, "watch_detail");
  if (watch == "watched")
    lines.emplace_back("probe", "foreign hosts are looked for on " + detail);
  else if (watch == "unknown")
    lines.emplace_back("probe", "not known yet");
  else if (!detail.empty())
    lines.emplace_back("probe", "none: " + detail);
  for (const auto& mac : list_field(pool, "disbelieved"))
    lines.emplace_back("", fmt::format("{} answers for many (proxy ARP?): not believed",
                                       mac.is_string() ? mac.get<std::string>() : ""));
}

// What is neither held nor free, where there is any.
void add_kept(const Json& pool, Properties& lines) {
  const auto add = [&](const char* name, const char* key, std::string_view meaning) {
    if (const uint64_t count = count_field(pool, key); count > 0)
      lines.emplace_back(name, fmt::format("{} {}", shown_count(count), meaning));
  };
  add("resting", "resting", "released, and kept for their former owners while others are free");
  add("reserved", "reserved", "kept for one endpoint each, and not in use");
  add("set aside", "set_aside", "for foreign hosts that answer there");
  add("excluded", "excluded", "given to requests that name them only");
  add("reused early", "early_reuses", "given before their quarantine was over, since the start");
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

std::string pool_view(const Json& pool) {
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
  lines.emplace_back("held", classes_line(object_field(pool, "held")));
  add_kept(pool, lines);
  add_watch(pool, lines);
  add_pool_options(pool, lines);
  return to_string(lines);
}

std::string address_table(const Json& addresses) {
  Table table({{"ADDRESS"}, {"STATE"}, {"CLASS"}, {"MAC"}, {"POOL"}, {"NAME"}});
  for (const auto& address : addresses)
    table.add({text_field(address, "address"), text_field(address, "state"), text_field(address, "class"),
               text_field(address, "mac"),
               fmt::format("{}/{}", text_field(address, "space"), text_field(address, "pool")),
               text_field(address, "name")});
  return table.to_string();
}

std::string reservation_table(const Json& reservations) {
  Table table({{"ADDRESS"}, {"SPACE"}, {"MAC"}, {"NAME"}, {"NOTE"}});
  for (const auto& reservation : reservations)
    table.add({text_field(reservation, "address"), text_field(reservation, "space"),
               text_field(reservation, "mac"), text_field(reservation, "name"),
               text_field(reservation, "note")});
  return table.to_string();
}

}  // namespace viaduct::ctl
