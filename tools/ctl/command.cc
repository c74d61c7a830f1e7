#include "tools/ctl/command.h"

#include <fmt/format.h>

#include "tools/ctl/command_address.h"
#include "tools/ctl/command_check.h"
#include "tools/ctl/command_doctor.h"
#include "tools/ctl/command_port.h"
#include "tools/ctl/engine_networks.h"
#include "tools/ctl/fields.h"
#include "tools/ctl/resolve.h"
#include "tools/ctl/view.h"

namespace viaduct::ctl {

namespace {

constexpr Wanted kNetwork = {"network", "network ls"};
constexpr Wanted kPool = {"pool", "pool ls"};

// The array named `key` of the answer to /v1/<key>.
Result<Json> fetch_list(const Daemon& daemon, const std::string& key) {
  const Json answer = TRY(daemon.get("/v1/" + key));
  return list_field(answer, key.c_str());
}

Result<std::string> list_networks(const Arguments& arguments, const Daemon& daemon) {
  const Json networks = TRY(fetch_list(daemon, "networks"));
  if (arguments.output == Output::kJson) return pretty({{"networks", networks}});
  const Json endpoints = TRY(fetch_list(daemon, "endpoints"));
  return network_table(networks, endpoints, arguments.id_length);
}

Result<std::string> show_network(const Arguments& arguments, const Daemon& daemon) {
  const Json networks = TRY(fetch_list(daemon, "networks"));
  const Json* network = TRY(resolve(networks, arguments.id, kNetwork));
  if (arguments.output == Output::kJson) return pretty(*network);
  const Json endpoints = TRY(fetch_list(daemon, "endpoints"));
  return network_view(*network, endpoints_of(endpoints, text_field(*network, "id")), arguments.id_length);
}

Result<std::string> remove_network(const Arguments& arguments, const Daemon& daemon) {
  const Json networks = TRY(fetch_list(daemon, "networks"));
  const Json* network = TRY(resolve(networks, arguments.id, kNetwork));
  const std::string id = text_field(*network, "id");
  const Json answer = TRY(daemon.post("/v1/networks/remove", dump_json({{"id", id}})));
  if (arguments.output == Output::kJson) return pretty(answer);
  return fmt::format("network {} is removed\n", shown_id(ascii(id), arguments.id_length));
}

Result<std::string> list_endpoints(const Arguments& arguments, const Daemon& daemon) {
  Json endpoints = TRY(fetch_list(daemon, "endpoints"));
  if (!arguments.id.empty()) {
    const Json networks = TRY(fetch_list(daemon, "networks"));
    const Json* network = TRY(resolve(networks, arguments.id, kNetwork));
    endpoints = endpoints_of(endpoints, text_field(*network, "id"));
  }
  if (arguments.output == Output::kJson) return pretty({{"endpoints", endpoints}});
  return endpoint_table(endpoints, arguments.id_length);
}

Result<std::string> list_pools(const Arguments& arguments, const Daemon& daemon) {
  const Json pools = TRY(fetch_list(daemon, "pools"));
  return arguments.output == Output::kJson ? pretty({{"pools", pools}}) : pool_table(pools);
}

Result<std::string> show_pool(const Arguments& arguments, const Daemon& daemon, size_t width) {
  const Json pools = TRY(fetch_list(daemon, "pools"));
  const Json* found = TRY(resolve(pools, arguments.id, kPool));
  const Json map =
      TRY(daemon.get(fmt::format("/v1/pool-map/{}/{}", cells_for(width), text_field(*found, "id"))));
  Json pool = object_field(map, "pool");
  if (arguments.output == Output::kText)
    return pool_view(pool) + "\n" + pool_map_view(list_field(map, "cells"), width);
  pool["cells"] = list_field(map, "cells");
  return pretty(pool);
}

// A pool that a network of the engine stands on is not removed; an engine that does not answer has no say.
Result<std::string> remove_pool(const Arguments& arguments, const Daemon& daemon) {
  const Json pools = TRY(fetch_list(daemon, "pools"));
  const Json* found = TRY(resolve(pools, arguments.id, kPool));
  const std::string id = text_field(*found, "id");
  const auto networks = daemon.engine ? daemon.engine("/networks") : Result<Json>(Json::array());
  if (networks.ok())
    if (const std::string name = network_on(networks.value(), text_field(*found, "pool")); !name.empty())
      return conflict(
          fmt::format("network {} of the engine stands on pool {}; docker network rm {} removes both",
                      ascii(name), ascii(id), ascii(name)));
  const Json answer = TRY(
      daemon.post("/v1/pools/remove", dump_json({{"id", id}, {"with_addresses", arguments.with_addresses}})));
  if (arguments.output == Output::kJson) return pretty(answer);
  return fmt::format("pool {} is removed\n", ascii(id));
}

Result<std::string> list_addresses(const Arguments& arguments, const Daemon& daemon) {
  Json addresses = TRY(fetch_list(daemon, "addresses"));
  if (!arguments.id.empty()) {
    const Json pools = TRY(fetch_list(daemon, "pools"));
    const Json* pool = TRY(resolve(pools, arguments.id, kPool));
    addresses = addresses_of(addresses, *pool);
  }
  return arguments.output == Output::kJson ? pretty({{"addresses", addresses}}) : address_table(addresses);
}

Result<std::string> show_status(const Arguments& arguments, const Daemon& daemon) {
  const Json status = TRY(daemon.get("/v1/status"));
  return arguments.output == Output::kJson ? pretty(status) : status_view(status);
}

}  // namespace

Result<std::string> run_command(const Arguments& arguments, const Daemon& daemon,
                                const Surroundings& surroundings) {
  switch (arguments.command) {
    case Command::kStatus: return show_status(arguments, daemon);
    case Command::kNetworkList: return list_networks(arguments, daemon);
    case Command::kNetworkShow: return show_network(arguments, daemon);
    case Command::kNetworkRemove: return remove_network(arguments, daemon);
    case Command::kEndpointList: return list_endpoints(arguments, daemon);
    case Command::kPoolList: return list_pools(arguments, daemon);
    case Command::kPoolShow: return show_pool(arguments, daemon, surroundings.width);
    case Command::kPoolRemove: return remove_pool(arguments, daemon);
    case Command::kAddressList: return list_addresses(arguments, daemon);
    case Command::kAddressWhy: return explain_address(arguments, daemon, surroundings.width);
    case Command::kAddressReserve: return reserve_address(arguments, daemon, surroundings.input);
    case Command::kAddressUnreserve: return unreserve_address(arguments, daemon);
    case Command::kAddressRelease: return release_address(arguments, daemon);
    case Command::kReservationList: return list_reservations(arguments, daemon);
    case Command::kCheck:
    case Command::kDoctor: break;  // of answer_command()
    case Command::kPort: return show_ports(arguments, daemon);
    case Command::kExport: return export_state(daemon);
    case Command::kImport: return import_state(arguments, daemon, surroundings.input);
  }
  return internal("a command that nothing runs; report this");
}

Result<Answer> answer_command(const Arguments& arguments, const Daemon& daemon,
                              const Surroundings& surroundings) {
  if (arguments.command == Command::kCheck) return check_state(arguments, daemon);
  if (arguments.command == Command::kDoctor)
    return doctor_answer(arguments, surroundings.facts(), surroundings.width);
  return Answer{TRY(run_command(arguments, daemon, surroundings)), kExitWell};
}

int exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnavailable: return kExitUnreachable;
    case ErrorCode::kInvalidArgument: return kExitUsage;
    default: return kExitTrouble;
  }
}

}  // namespace viaduct::ctl
