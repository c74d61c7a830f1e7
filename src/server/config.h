#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "ipam/ipam_types.h"

namespace viaduct::server {

// The command line and the environment, read once and checked; never changed afterwards.
struct Config {
  std::vector<std::string> listen;        // where the engine is told `scope`
  std::vector<std::string> other_listen;  // where it is told the other one
  std::string admin;
  std::string state_folder;
  std::string scope;
  [[nodiscard]] std::string other_scope() const { return scope == "local" ? "global" : "local"; }
  std::vector<ipam::PoolSource> pools;
  std::vector<Prefix> avoid;  // no automatic pool overlaps one of these
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  bool check_only = false;
};

// What main does after reading the arguments.
struct ConfigOutcome {
  std::optional<Config> config;  // empty: print `text` and exit with `exit_code`
  std::string text;
  int exit_code = 0;  // 0 after --help and --version, 2 after a mistake
};

// Each flag has a twin in the environment, VIADUCT_<FLAG>; the command line wins. An environment variable that is set to
// nothing counts as unset: a managed plugin passes its settable ones so.
ConfigOutcome read_config(int argc, const char* const* argv);

}  // namespace viaduct::server
