// viaductctl: the operator's command. Exit codes: see arguments.cc.

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "tools/ctl/admin_client.h"
#include "tools/ctl/admin_socket.h"
#include "tools/ctl/arguments.h"
#include "tools/ctl/command.h"
#include "tools/ctl/engine_client.h"
#include "tools/ctl/host_facts.h"

namespace viaduct::ctl {
namespace {

int fail(const Error& error) {
  std::fputs(fmt::format("viaductctl: {}\n", error.message).c_str(), stderr);
  return exit_code_of(error);
}

// 0 if standard output is no terminal, or one that does not say.
size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// The daemon takes no more at once.
constexpr size_t kMostInput = size_t{256} * 1024 * 1024;

// All of a file, or of standard input for "-". What cannot be read is trouble, whatever the reason.
Result<std::string> read_input(const std::string& name) {
  auto text = read_file(name == "-" ? "/dev/stdin" : name, kMostInput);
  if (!text.ok()) return internal(text.error().message);
  return text;
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
  // For doctor that nobody answers is a finding.
  const bool anyway = outcome.arguments->command == Command::kDoctor;
  if (!socket_path.ok() && !anyway) return fail(socket_path.error());
  Surroundings surroundings;
  if (const size_t columns = terminal_columns(); columns > 0) surroundings.width = columns;
  if (!outcome.arguments->file.empty()) {
    auto input = read_input(outcome.arguments->file);
    if (!input.ok()) return fail(input.error());
    surroundings.input = std::move(input).value();
  }
  const AdminClient client(socket_path.ok() ? socket_path.value() : "/run/viaduct/admin.sock");
  const char* docker_host = std::getenv("DOCKER_HOST");  // NOLINT(concurrency-mt-unsafe)
  const EngineClient engine(docker_host == nullptr ? "" : docker_host);
  const Daemon daemon{
      [&client](const std::string& path) { return client.get(path); },
      [&client](const std::string& path, const std::string& body) { return client.post(path, body); },
      [&engine](const std::string& path) { return engine.get(path); }};
  surroundings.facts = [&daemon] { return read_host(daemon); };
  const auto answer = answer_command(*outcome.arguments, daemon, surroundings);
  if (!answer.ok()) return fail(answer.error());
  // A reader that has seen enough (head) is no trouble of ours: SIGPIPE ends us as it ends any filter.
  std::signal(SIGPIPE, SIG_DFL);
  if (std::fputs(answer.value().text.c_str(), stdout) == EOF || std::fflush(stdout) != 0)
    return fail(internal(from_errno(errno, "write to standard output").message));
  return answer.value().exit_code;
}

}  // namespace
}  // namespace viaduct::ctl

int main(int argc, char** argv) {
  return viaduct::ctl::run(argc, argv);
}
