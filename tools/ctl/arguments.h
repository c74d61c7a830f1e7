#pragma once

#include <optional>
#include <string>

#include "tools/ctl/text.h"

namespace viaduct::ctl {

enum class Command { kStatus, kNetworkList, kNetworkShow, kEndpointList, kPoolList, kPoolShow, kAddressList };
enum class Output { kText, kJson };

struct Arguments {
  Command command = Command::kStatus;
  std::string socket;  // --socket, empty if not given
  Output output = Output::kText;
  IdLength id_length = IdLength::kShort;
  std::string id;  // of show, and of --network and --pool; empty if not given
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
