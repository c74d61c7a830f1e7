#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/options.h"

// The options of one endpoint: `docker network connect --driver-opt`, or `driver_opts` of a service's network in a compose
// file. Pure.
namespace viaduct::net {

struct EndpointOptions {
  std::vector<StaticRoute> routes;  // beside the network's, and in the place of those to the same destination
  Rates rates;                      // each in the place of the network's
  std::string interface_name;       // in the container; empty for the network's prefix and a number
  std::string name;                 // of the endpoint, for MacPolicy::kName; empty if nobody said it
  std::optional<VlanSet> trunk;     // as the network's, which they replace
  std::optional<uint16_t> native;
  bool operator==(const EndpointOptions&) const = default;
};

// Which of the engine's own labels (com.docker.network.endpoint.…) mean something to viaduct.
bool is_endpoint_label(std::string_view key);

// Other labels of the engine's are passed over. Errors: kInvalidArgument: an unknown option (naming the nearest known
// one), a value that is none, or one option said twice with two values.
Result<EndpointOptions> read_endpoint_options(const Options& options);
// The same of options that were accepted once: what is not understood is passed over.
EndpointOptions understood_endpoint_options(const Options& options);

// What engines must be told to call the link: "lan" for "lan0". They append a number of their own, counted from 0 for each
// prefix in the life of a sandbox (trap T11), so that the name comes true where its number is the next one.
std::string prefix_of(const std::string& interface_name);

}  // namespace viaduct::net
