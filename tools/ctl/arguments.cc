#include "tools/ctl/arguments.h"

#include <CLI/CLI.hpp>
#include <sstream>

namespace viaduct::ctl {

namespace {

constexpr const char* kFooter =
    "Exit codes: 0 well, 1 trouble found or refused, 2 usage, 3 daemon not reachable.\n"
    "The socket: --socket, else $VIADUCT_ADMIN, else /run/viaduct/admin.sock, else that of the only managed "
    "plugin.";

struct Reading {
  Arguments arguments;
  std::optional<Command> command;
};

// No group demands a command of its own: the library would then hide which word it did not understand.
CLI::App* add_group(CLI::App& app, const char* name, const char* help) {
  CLI::App* group = app.add_subcommand(name, help);
  group->require_subcommand(0, 1);
  return group;
}

CLI::App* add_command(CLI::App& parent, const char* name, const char* help, Command command, Reading& out) {
  CLI::App* added = parent.add_subcommand(name, help);
  added->callback([command, &out] { out.command = command; });
  return added;
}

CLI::App* add_one_address(CLI::App& parent, const char* name, const char* help, Command command,
                          Reading& out) {
  CLI::App* added = add_command(parent, name, help, command, out);
  added->add_option("ADDRESS", out.arguments.address, "an IPv4 or IPv6 address, without a length")
      ->required();
  return added;
}

void add_space(CLI::App& command, const char* help, Reading& out) {
  command.add_option("--space", out.arguments.space, help);
}

void add_address_commands(CLI::App& address, Reading& out) {
  constexpr const char* kOneSpace = "the address space; \"local\" if not given";
  add_command(address, "ls", "list the addresses", Command::kAddressList, out)
      ->add_option("--pool", out.arguments.id, "only those of this pool: its id, or the beginning of it");
  add_space(
      *add_one_address(address, "why", "who has an address, since when and why", Command::kAddressWhy, out),
      "only in this address space", out);

  CLI::App* reserve =
      add_command(address, "reserve", "keep an address for one endpoint, by MAC, name or both",
                  Command::kAddressReserve, out);
  reserve->add_option("ADDRESS", out.arguments.address, "an IPv4 or IPv6 address, without a length");
  reserve->add_option("--mac", out.arguments.mac, "hardware address of the endpoint");
  reserve->add_option("--name", out.arguments.name, "name of the endpoint");
  reserve->add_option("--note", out.arguments.note, "for people");
  reserve->add_option("--file", out.arguments.file, "many, as JSON, all or none; - is standard input");
  add_space(*reserve, kOneSpace, out);

  add_space(
      *add_one_address(address, "unreserve", "take a reservation back", Command::kAddressUnreserve, out),
      kOneSpace, out);
  add_space(*add_one_address(address, "release", "give an address back that nothing uses",
                             Command::kAddressRelease, out),
            kOneSpace, out);
}

void add_commands(CLI::App& app, Reading& out) {
  add_command(app, "status", "the daemon: version, state, counts, calls", Command::kStatus, out);

  CLI::App* network = add_group(app, "network", "networks");
  add_command(*network, "ls", "list the networks", Command::kNetworkList, out);
  add_command(*network, "show", "one network and its endpoints", Command::kNetworkShow, out)
      ->add_option("ID", out.arguments.id, "id of the network, or the beginning of it")
      ->required();

  add_command(*network, "rm", "remove a network that the engine no longer has", Command::kNetworkRemove, out)
      ->add_option("ID", out.arguments.id, "id of the network, or the beginning of it")
      ->required();

  CLI::App* endpoint = add_group(app, "endpoint", "endpoints: attachments of containers");
  add_command(*endpoint, "ls", "list the endpoints", Command::kEndpointList, out)
      ->add_option("--network", out.arguments.id,
                   "only those of this network: its id, or the beginning of it");

  add_command(app, "fsck", "compare state, kernel and rules, and say every difference", Command::kCheck, out)
      ->add_flag("--repair", out.arguments.repair, "mend what can be mended");
  add_command(app, "doctor", "look at the host, and say what is amiss and what helps", Command::kDoctor, out);
  add_command(app, "port", "published ports", Command::kPort, out)
      ->add_option("CONTAINER|ENDPOINT", out.arguments.id, "only those of this container or endpoint");

  CLI::App* pool = add_group(app, "pool", "pools: subnets that addresses are given from");
  add_command(*pool, "ls", "list the pools", Command::kPoolList, out);
  add_command(*pool, "show", "one pool and its use", Command::kPoolShow, out)
      ->add_option("ID", out.arguments.id,
                   "id of the pool, or the beginning of it, with or without its space")
      ->required();

  CLI::App* pool_rm =
      add_command(*pool, "rm", "remove a pool that no network has any more", Command::kPoolRemove, out);
  pool_rm
      ->add_option("ID", out.arguments.id,
                   "id of the pool, or the beginning of it, with or without its space")
      ->required();
  pool_rm->add_flag("--with-addresses", out.arguments.with_addresses,
                    "also the addresses that are held by what nothing is left of");

  add_address_commands(*add_group(app, "address", "addresses that are held, kept or reserved"), out);

  CLI::App* reservation = add_group(app, "reservation", "addresses kept for one endpoint each");
  add_command(*reservation, "ls", "list the reservations", Command::kReservationList, out);

  add_command(app, "export", "every pool, address and reservation as JSON", Command::kExport, out);
  add_command(app, "import", "add what an export holds, or nothing of it", Command::kImport, out)
      ->add_option("FILE", out.arguments.file, "the exported JSON; - is standard input")
      ->required();
}

// What the library cannot say of the words together; empty if nothing is wrong.
std::string mistake_of(Command command, const Arguments& arguments) {
  if (command != Command::kAddressReserve) return "";
  const bool described = !arguments.mac.empty() || !arguments.name.empty() || !arguments.note.empty() ||
                         !arguments.space.empty();
  if (arguments.address.empty() == arguments.file.empty())
    return "address reserve takes either an ADDRESS or --file FILE";
  if (!arguments.file.empty() && described)
    return "--file holds MAC, name, note and space of each reservation; leave the other options out";
  if (arguments.file.empty() && arguments.mac.empty() && arguments.name.empty())
    return "an address is reserved for somebody: give --mac MAC, --name NAME or both";
  return "";
}

}  // namespace

ArgumentsOutcome read_arguments(int argc, const char* const* argv) {
  CLI::App app{"viaductctl shows what viaductd knows and has made, and changes it where operators may."};
  Reading out;
  bool json = false;
  bool whole_ids = false;
  app.add_option("--socket", out.arguments.socket, "the daemon's admin socket: unix:///path");
  app.add_flag("--json", json, "the daemon's answer as JSON");
  app.add_flag("--no-trunc", whole_ids, "whole ids instead of their first 12 characters");
  app.set_version_flag("--version", "viaductctl " VIADUCT_VERSION);
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  app.fallthrough();  // inherited by the commands: options may follow them
  add_commands(app, out);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    std::ostringstream text;
    std::ostringstream mistake;
    const int code = app.exit(problem, text, mistake);
    return {std::nullopt, text.str() + mistake.str(), code == 0 ? 0 : 2};
  }
  if (!out.command) return {std::nullopt, "no command is given\n" + app.help(), 2};
  if (const std::string mistake = mistake_of(*out.command, out.arguments); !mistake.empty())
    return {std::nullopt, mistake + "\nRun with --help for more information.\n", 2};
  out.arguments.command = *out.command;
  out.arguments.output = json ? Output::kJson : Output::kText;
  out.arguments.id_length = whole_ids ? IdLength::kWhole : IdLength::kShort;
  return {std::move(out.arguments), "", 0};
}

}  // namespace viaduct::ctl
