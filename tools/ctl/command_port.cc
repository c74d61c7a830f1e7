#include "tools/ctl/command_port.h"

#include <fmt/format.h>

#include <map>

#include "tools/ctl/fields.h"
#include "tools/ctl/table.h"
#include "tools/ctl/text.h"

namespace viaduct::ctl {

namespace {

struct Container {
  std::string id;
  std::string name;
};

// By id of endpoint; empty where no engine answers, so that all but the names is shown.
std::map<std::string, Container> containers_of(const Daemon& daemon) {
  std::map<std::string, Container> by_endpoint;
  if (!daemon.engine) return by_endpoint;
  const auto listed = daemon.engine("/containers/json");
  if (!listed.ok() || !listed.value().is_array()) return by_endpoint;
  for (const auto& container : listed.value()) {
    const Json& names = list_field(container, "Names");
    std::string name = !names.empty() && names[0].is_string() ? names[0].get<std::string>() : std::string();
    if (name.starts_with('/')) name.erase(0, 1);
    for (const auto& [network, settings] :
         object_field(object_field(container, "NetworkSettings"), "Networks").items())
      by_endpoint[text_field(settings, "EndpointID")] = {text_field(container, "Id"), name};
  }
  return by_endpoint;
}

bool is_meant(const std::string& word, const std::string& endpoint, const Container& container) {
  return word.empty() || container.name == word || endpoint.starts_with(word) ||
         (!container.id.empty() && container.id.starts_with(word));
}

std::string host_side(const Json& port) {
  if (count_field(port, "host_port") == 0) return "(at the container's address)";
  const std::string host = text_field(port, "host");
  const bool six = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", six ? "[" : "", host, six ? "]" : "", count_field(port, "host_port"));
}

std::string table_of(const Json& ports, IdLength length) {
  Table table({{"CONTAINER"}, {"ENDPOINT ID"}, {"ADDRESS"}, {"PORT"}, {"HOST"}});
  for (const auto& port : ports)
    table.add({ascii(text_field(port, "name")), shown_id(ascii(text_field(port, "endpoint")), length),
               ascii(text_field(port, "container")),
               fmt::format("{}/{}", count_field(port, "port"), ascii(text_field(port, "protocol"))),
               ascii(host_side(port))});
  return table.to_string();
}

}  // namespace

Result<std::string> show_ports(const Arguments& arguments, const Daemon& daemon) {
  const Json answer = TRY(daemon.get("/v1/endpoints"));
  const auto containers = containers_of(daemon);
  Json ports = Json::array();
  bool found = arguments.id.empty();
  for (const auto& endpoint : list_field(answer, "endpoints")) {
    const std::string id = text_field(endpoint, "id");
    const auto known = containers.find(id);
    const Container container = known == containers.end() ? Container{} : known->second;
    if (!is_meant(arguments.id, id, container)) continue;
    found = true;
    for (Json port : list_field(endpoint, "ports")) {
      port["endpoint"] = id;
      port["network"] = text_field(endpoint, "network");
      port["name"] = container.name;
      ports.push_back(std::move(port));
    }
  }
  if (!found)
    return not_found(fmt::format(
        "nothing on a network of viaduct's is called \"{}\"; name a container that runs, or an endpoint "
        "that viaductctl endpoint ls lists",
        ascii(arguments.id)));
  if (arguments.output == Output::kJson) return pretty({{"ports", ports}});
  return table_of(ports, arguments.id_length);
}

}  // namespace viaduct::ctl
