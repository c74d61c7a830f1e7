// viaductd: wiring, signals, exit codes. The only place that names concrete stores, kernels and firewalls.
// Exit codes: 0 ended by a signal, 1 could not start or go on, 2 usage.

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <set>
#include <string>
#include <thread>

#include "net/firewall_keeper.h"
#include "net/host_setup.h"
#include "net/netlink_kernel.h"
#include "net/netlink_watch.h"
#include "net/netns_lock.h"
#include "net/nft_firewall.h"
#include "net/packet_probe.h"
#include "net/socket_ports.h"
#include "server/config.h"
#include "server/daemon.h"
#include "store/sqlite_store.h"

namespace viaduct::server {
namespace {

// One descriptor a connection: as many as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

// Blocked in every thread, taken by sigwait() in this one. As the first process of a managed plugin's pid namespace
// viaductd would never see a signal that it has no handler for (trap T34).
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// From a signal to the end of the process, whatever is stuck.
constexpr std::chrono::milliseconds kEndWithin{1900};

// A thread that waits for the disk (a lock of another process, a device that does not answer) would hold the process.
// Everything acknowledged is durable, and what is not is done again by the next start.
void end_at(std::chrono::steady_clock::time_point moment) {
  std::thread([moment] {
    std::this_thread::sleep_until(moment);
    ::_exit(0);
  }).detach();
}

Result<std::set<std::string>> names_of_own_links(net::Kernel& kernel) {
  std::set<std::string> names;
  for (const net::Link& link : TRY(kernel.links()))
    if (link.group == net::kLiveGroup || link.group == net::kDyingGroup) names.insert(link.name);
  return names;
}

Result<bool> serve(const Config& config, Logger& log, const sigset_t& signals) {
  const UniqueFd only_one = TRY(net::lock_network_namespace());
  const auto store = TRY(store::SqliteStore::open(config.state_folder));
  net::NetlinkKernel kernel;
  const auto firewall = TRY(net::NftFirewall::open());
  net::PacketProbe neighbours;
  net::SocketPorts ports;
  const SystemClock clock;
  const std::set<std::string> own = TRY(names_of_own_links(kernel));
  const auto daemon = TRY(Daemon::start(config, {*store, kernel, *firewall, ports, neighbours, clock, log},
                                        net::set_up_host({}, own)));
  auto keeper = TRY(net::FirewallKeeper::start(*firewall, log));
  auto uplink = TRY(net::UplinkWatch::start([&daemon] { daemon->follow_uplink(); }));

  int signal = 0;
  sigwait(&signals, &signal);
  end_at(std::chrono::steady_clock::now() + kEndWithin);
  log.log(LogLevel::kInfo, "viaductd ends", {{"signal", std::to_string(signal)}});
  uplink.reset();
  keeper.reset();
  if (daemon->stop()) return true;
  // What is stuck (a disk that does not answer) would hold the process; everything acknowledged is durable.
  log.log(LogLevel::kWarning, "a call did not end in time; ending without it");
  ::_exit(0);
}

int run(int argc, const char* const* argv) {
  const sigset_t signals = block_signals();
  raise_descriptor_limit();
  const ConfigOutcome outcome = read_config(argc, argv);
  if (!outcome.config) {
    std::fputs(outcome.text.c_str(), outcome.exit_code == 0 ? stdout : stderr);
    return outcome.exit_code;
  }
  if (outcome.config->check_only) return 0;
  Logger log(STDOUT_FILENO, outcome.config->log_level, outcome.config->log_format);
  const auto served = serve(*outcome.config, log, signals);
  if (served.ok()) return 0;
  log.log(LogLevel::kError, "viaductd cannot start", {{"error", served.error().message}});
  std::fputs(fmt::format("viaductd: {}\n", served.error().message).c_str(), stderr);
  return 1;
}

}  // namespace
}  // namespace viaduct::server

int main(int argc, char** argv) {
  return viaduct::server::run(argc, argv);
}
