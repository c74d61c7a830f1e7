#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tools/ctl/fields.h"
#include "tools/ctl/table.h"
#include "tools/ctl/view.h"

namespace viaduct::ctl {

namespace {

// As the engine sends it, an address has its subnet's length; tables show it without.
std::string bare_address(const std::string& address) {
  return address.substr(0, address.find('/'));
}

std::string subnet_line(const Json& subnet) {
  std::string line = text_field(subnet, "pool");
  const std::string gateway = text_field(subnet, "gateway");
  if (!gateway.empty()) line += ", gateway " + bare_address(gateway);
  const std::string space = text_field(subnet, "space");
  if (!space.empty()) line += ", space " + space;
  return line;
}

void add_subnets(const Json& network, Properties& lines) {
  for (const auto& subnet : list_field(network, "subnets")) {
    lines.emplace_back("subnet", subnet_line(subnet));
    for (const auto& [name, address] : object_field(subnet, "auxiliary").items())
      lines.emplace_back("",
                         fmt::format("auxiliary {} {}", name,
                                     bare_address(address.is_string() ? address.get<std::string>() : "")));
  }
}

void add_network_options(const Json& network, Properties& lines) {
  const char* name = "options";
  for (const auto& [key, value] : object_field(network, "options").items()) {
    lines.emplace_back(name, fmt::format("{}={}", key, value.is_string() ? value.get<std::string>() : ""));
    name = "";
  }
}

}  // namespace

Json endpoints_of(const Json& endpoints, const std::string& network_id) {
  Json out = Json::array();
  for (const auto& endpoint : endpoints)
    if (text_field(endpoint, "network") == network_id) out.push_back(endpoint);
  return out;
}

std::string network_table(const Json& networks, const Json& endpoints, IdLength length) {
  std::map<std::string, size_t> counts;
  for (const auto& endpoint : endpoints) ++counts[text_field(endpoint, "network")];
  Table table({{"NETWORK ID"},
               {"MODE"},
               {"BRIDGE"},
               {"MTU", Align::kRight},
               {"ENDPOINTS", Align::kRight},
               {"SUBNET"}});
  for (const auto& network : networks) {
    const std::string id = text_field(network, "id");
    const Json& subnets = list_field(network, "subnets");
    table.add({shown_id(id, length), text_field(network, "mode"), text_field(network, "bridge"),
               text_field(network, "mtu"), std::to_string(counts[id]),
               subnets.empty() ? "" : text_field(subnets.front(), "pool")});
    const Json& bridges = list_field(network, "bridges");
    for (size_t i = 1; i < std::max(subnets.size(), bridges.size()); ++i)
      table.add({"", "", i < bridges.size() ? bridges[i].get<std::string>() : "", "", "",
                 i < subnets.size() ? text_field(subnets[i], "pool") : ""});
  }
  return table.to_string();
}

std::string endpoint_table(const Json& endpoints, IdLength length) {
  Table table({{"ENDPOINT ID"}, {"NETWORK ID"}, {"ADDRESS"}, {"MAC"}, {"HOST LINK"}});
  for (const auto& endpoint : endpoints) {
    const std::string first = bare_address(text_field(endpoint, "address"));
    const std::string second = bare_address(text_field(endpoint, "address6"));
    table.add({shown_id(text_field(endpoint, "id"), length),
               shown_id(text_field(endpoint, "network"), length), first.empty() ? second : first,
               text_field(endpoint, "mac"), text_field(endpoint, "host_link")});
    if (!first.empty() && !second.empty()) table.add({"", "", second, "", ""});
  }
  return table.to_string();
}

// The first one, which has the network's addresses, and those beside it.
std::string bridges_line(const Json& network) {
  std::string line = text_field(network, "bridge");
  const Json& bridges = list_field(network, "bridges");
  for (size_t i = 1; i < bridges.size(); ++i) line += ", " + bridges[i].get<std::string>();
  return line;
}

std::string network_view(const Json& network, const Json& endpoints, IdLength length) {
  Properties lines = {{"id", text_field(network, "id")},
                      {"mode", text_field(network, "mode")},
                      {"bridge", bridges_line(network)},
                      {"mtu", text_field(network, "mtu")},
                      {"internal", flag_field(network, "internal") == Flag::kOn ? "yes" : "no"},
                      {"since", text_field(network, "since")}};
  if (const std::string lan = text_field(network, "lan"); !lan.empty()) lines.emplace_back("LAN", lan);
  add_subnets(network, lines);
  add_network_options(network, lines);
  lines.emplace_back("endpoints", std::to_string(endpoints.size()));
  std::string out = to_string(lines);
  if (!endpoints.empty()) out += "\n" + endpoint_table(endpoints, length);
  return out;
}

}  // namespace viaduct::ctl
