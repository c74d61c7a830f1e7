// viaductctl: the operator's command. Exit codes: see arguments.cc.

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "tools/ctl/admin_client.h"
#include "tools/ctl/admin_socket.h"
#include "tools/ctl/arguments.h"
#include "tools/ctl/command.h"

namespace viaduct::ctl {
namespace {

int fail(const Error& error) {
  std::fputs(fmt::format("viaductctl: {}\n", error.message).c_str(), stderr);
  return exit_code_of(error);
}

int run(int argc, const char* const* argv) {
  const ArgumentsOutcome outcome = read_arguments(argc, argv);
  if (!outcome.arguments) {
    std::fputs(outcome.text.c_str(), outcome.exit_code == 0 ? stdout : stderr);
    return outcome.exit_code;
  }
  SocketSources sources;
  sources.flag = outcome.arguments->socket;
  if (const char* set = std::getenv("VIADUCT_ADMIN"))
    sources.environment = set;  // NOLINT(concurrency-mt-unsafe)
  const auto socket_path = choose_socket(sources);
  if (!socket_path.ok()) return fail(socket_path.error());
  const AdminClient client(socket_path.value());
  const auto text =
      run_command(*outcome.arguments, [&client](const std::string& path) { return client.get(path); });
  if (!text.ok()) return fail(text.error());
  // A reader that has seen enough (head) is no trouble of ours: SIGPIPE ends us as it ends any filter.
  std::signal(SIGPIPE, SIG_DFL);
  if (std::fputs(text.value().c_str(), stdout) == EOF || std::fflush(stdout) != 0)
    return fail(internal(from_errno(errno, "write to standard output").message));
  return kExitWell;
}

}  // namespace
}  // namespace viaduct::ctl

int main(int argc, char** argv) {
  return viaduct::ctl::run(argc, argv);
}
