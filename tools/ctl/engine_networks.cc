#include "tools/ctl/engine_networks.h"

#include "base/ip.h"
#include "tools/ctl/fields.h"

namespace viaduct::ctl {

std::string network_on(const Json& networks, const std::string& subnet) {
  const auto wanted = Prefix::parse(subnet);
  if (!wanted.ok()) return "";
  for (const auto& network : networks)
    for (const auto& config : list_field(object_field(network, "IPAM"), "Config")) {
      // As the user wrote it, who may have named any address of it.
      const auto own = InterfaceAddress::parse(text_field(config, "Subnet"));
      if (own.ok() && own.value().network() == wanted.value()) return text_field(network, "Name");
    }
  return "";
}

}  // namespace viaduct::ctl
