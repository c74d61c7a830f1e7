#include "tools/ctl/command.h"

#include "tools/ctl/fields.h"
#include "tools/ctl/resolve.h"
#include "tools/ctl/view.h"

namespace viaduct::ctl {

namespace {

constexpr Wanted kNetwork = {"network", "network ls"};
constexpr Wanted kPool = {"pool", "pool ls"};

// Text of another program's strings must not make this fail.
std::string pretty(const Json& value) {
  return value.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

// The array named `key` of the answer to /v1/<key>.
Result<Json> fetch_list(const Fetch& fetch, const std::string& key) {
  const Json answer = TRY(fetch("/v1/" + key));
  return list_field(answer, key.c_str());
}

Result<std::string> list_networks(const Arguments& arguments, const Fetch& fetch) {
  const Json networks = TRY(fetch_list(fetch, "networks"));
  if (arguments.output == Output::kJson) return pretty({{"networks", networks}});
  const Json endpoints = TRY(fetch_list(fetch, "endpoints"));
  return network_table(networks, endpoints, arguments.id_length);
}

Result<std::string> show_network(const Arguments& arguments, const Fetch& fetch) {
  const Json networks = TRY(fetch_list(fetch, "networks"));
  const Json* network = TRY(resolve(networks, arguments.id, kNetwork));
  if (arguments.output == Output::kJson) return pretty(*network);
  const Json endpoints = TRY(fetch_list(fetch, "endpoints"));
  return network_view(*network, endpoints_of(endpoints, text_field(*network, "id")), arguments.id_length);
}

Result<std::string> list_endpoints(const Arguments& arguments, const Fetch& fetch) {
  Json endpoints = TRY(fetch_list(fetch, "endpoints"));
  if (!arguments.id.empty()) {
    const Json networks = TRY(fetch_list(fetch, "networks"));
    const Json* network = TRY(resolve(networks, arguments.id, kNetwork));
    endpoints = endpoints_of(endpoints, text_field(*network, "id"));
  }
  if (arguments.output == Output::kJson) return pretty({{"endpoints", endpoints}});
  return endpoint_table(endpoints, arguments.id_length);
}

Result<std::string> list_pools(const Arguments& arguments, const Fetch& fetch) {
  const Json pools = TRY(fetch_list(fetch, "pools"));
  return arguments.output == Output::kJson ? pretty({{"pools", pools}}) : pool_table(pools);
}

Result<std::string> show_pool(const Arguments& arguments, const Fetch& fetch) {
  const Json pools = TRY(fetch_list(fetch, "pools"));
  const Json* pool = TRY(resolve(pools, arguments.id, kPool));
  if (arguments.output == Output::kJson) return pretty(*pool);
  const Json addresses = TRY(fetch_list(fetch, "addresses"));
  return pool_view(*pool, addresses_of(addresses, *pool));
}

Result<std::string> list_addresses(const Arguments& arguments, const Fetch& fetch) {
  Json addresses = TRY(fetch_list(fetch, "addresses"));
  if (!arguments.id.empty()) {
    const Json pools = TRY(fetch_list(fetch, "pools"));
    const Json* pool = TRY(resolve(pools, arguments.id, kPool));
    addresses = addresses_of(addresses, *pool);
  }
  return arguments.output == Output::kJson ? pretty({{"addresses", addresses}}) : address_table(addresses);
}

Result<std::string> show_status(const Arguments& arguments, const Fetch& fetch) {
  const Json status = TRY(fetch("/v1/status"));
  return arguments.output == Output::kJson ? pretty(status) : status_view(status);
}

}  // namespace

Result<std::string> run_command(const Arguments& arguments, const Fetch& fetch) {
  switch (arguments.command) {
    case Command::kStatus: return show_status(arguments, fetch);
    case Command::kNetworkList: return list_networks(arguments, fetch);
    case Command::kNetworkShow: return show_network(arguments, fetch);
    case Command::kEndpointList: return list_endpoints(arguments, fetch);
    case Command::kPoolList: return list_pools(arguments, fetch);
    case Command::kPoolShow: return show_pool(arguments, fetch);
    case Command::kAddressList: return list_addresses(arguments, fetch);
  }
  return internal("a command that nothing runs; report this");
}

int exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnavailable: return kExitUnreachable;
    case ErrorCode::kInvalidArgument: return kExitUsage;
    default: return kExitTrouble;
  }
}

}  // namespace viaduct::ctl
