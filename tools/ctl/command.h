#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "tools/ctl/arguments.h"
#include "tools/ctl/doctor.h"

namespace viaduct::ctl {

inline constexpr int kExitWell = 0;
inline constexpr int kExitTrouble = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;

// How to ask the daemon, and the engine: its answers to GET of a path, and to POST of a JSON text to a path.
struct Daemon {
  std::function<Result<Json>(const std::string& path)> get;
  std::function<Result<Json>(const std::string& path, const std::string& body)> post;
  // The engine's answer to GET of a path of its API; may be empty.
  std::function<Result<Json>(const std::string& path)> engine = {};
};

// What a command sees of the world, besides the daemon.
struct Surroundings {
  size_t width = 80;                      // columns of the terminal
  std::string input;                      // what the file holds that the arguments name
  std::function<HostFacts()> facts = {};  // of the host, for doctor
};

// What a command ends with when it could be run: the text to print, with its last newline, and the process's exit code.
struct Answer {
  std::string text;
  int exit_code = kExitWell;
};

// Any command. Errors: as run_command().
Result<Answer> answer_command(const Arguments& arguments, const Daemon& daemon,
                              const Surroundings& surroundings);

// A command that ends well whenever it can be run: the text to print, with its last newline.
// Errors: those of the daemon; kNotFound and kConflict for an id that names nothing, or several objects;
// kInvalidArgument for an address that is none.
Result<std::string> run_command(const Arguments& arguments, const Daemon& daemon,
                                const Surroundings& surroundings);

// The process's exit code for what a command ended with.
int exit_code_of(const Error& error);

}  // namespace viaduct::ctl
