#pragma once

#include <optional>
#include <string>

#include "tools/ctl/text.h"

namespace viaduct::ctl {

enum class Command {
  kStatus,
  kNetworkList,
  kNetworkShow,
  kNetworkRemove,
  kEndpointList,
  kPoolList,
  kPoolShow,
  kPoolRemove,
  kAddressList,
  kAddressWhy,
  kAddressReserve,
  kAddressUnreserve,
  kAddressRelease,
  kReservationList,
  kPort,
  kCheck,
  kDoctor,
  kExport,
  kImport
};
enum class Output { kText, kJson };

struct Arguments {
  Command command = Command::kStatus;
  std::string socket;  // --socket, empty if not given
  Output output = Output::kText;
  IdLength id_length = IdLength::kShort;
  std::string id;       // of show and rm, of --network and --pool, and what port names; empty if not given
  std::string address;  // of why, reserve, unreserve and release
  std::string space;    // --space; empty if not given
  std::string mac;      // --mac, --name, --note
  std::string name;
  std::string note;
  bool repair = false;          // --repair
  bool with_addresses = false;  // --with-addresses
  std::string file;             // of import, and --file; "-" is standard input, empty if not given
};

// What main does after reading the command line.
struct ArgumentsOutcome {
  std::optional<Arguments> arguments;  // empty: print `text` and exit with `exit_code`
  std::string text;
  int exit_code = 0;  // 0 after --help and --version, 2 after a mistake
};

// Options may stand before and after the command.
ArgumentsOutcome read_arguments(int argc, const char* const* argv);

}  // namespace viaduct::ctl
