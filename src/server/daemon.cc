#include "server/daemon.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/files.h"
#include "ipam/ipam_service.h"
#include "net/network_service.h"
#include "server/admin_api.h"
#include "server/engine_process.h"
#include "server/http_server.h"
#include "server/instance.h"
#include "server/listener.h"
#include "server/neighbour_watch.h"
#include "server/orphan_sweeper.h"
#include "server/refusal_log.h"
#include "server/router.h"
#include "server/wire.h"

namespace viaduct::server {

namespace {

// SIGTERM ends within two seconds, the rest of the process included.
constexpr std::chrono::milliseconds kStopGrace{1500};
// For what the reconciler gives back while no call waits.
constexpr std::chrono::milliseconds kBackgroundCall{5000};

// What an operator sends may be a whole state, and may take longer than the engine would wait.
HttpLimits admin_limits() {
  HttpLimits limits;
  limits.body_bytes = size_t{256} * 1024 * 1024;
  limits.transfer = std::chrono::seconds(60);
  limits.call = std::chrono::seconds(60);
  limits.late_status = 503;
  limits.connections = 64;
  limits.workers = 8;
  return limits;
}

}  // namespace

struct Daemon::Parts {
  Logger* log = nullptr;
  std::vector<std::string> followed_before;  // what the last look at the uplink had to say
  std::vector<SocketFile> socket_files;
  std::unique_ptr<ipam::IpamService> ipam;
  std::unique_ptr<net::NetworkService> network;
  std::unique_ptr<NeighbourWatch> neighbours;
  std::unique_ptr<Router> router;
  std::unique_ptr<AdminApi> admin;
  std::optional<RefusalLog> plugin_refusals;
  std::optional<RefusalLog> admin_refusals;
  std::unique_ptr<OrphanSweeper> sweeper;
  // Destroyed first: no call may reach a service that is gone.
  std::unique_ptr<HttpServer> plugin_server;
  std::unique_ptr<HttpServer> other_scope_server;  // null without a socket for it
  std::unique_ptr<HttpServer> admin_server;
};

namespace {

Result<std::vector<Listener>> open_all(const std::vector<std::string>& addresses) {
  std::vector<Listener> all;
  for (const auto& address : addresses)
    for (auto& listener : TRY(open_listeners(address))) all.push_back(std::move(listener));
  return all;
}

HttpRefusal refusing(RefusalLog& log) {
  return [&log](int status, const std::string& sentence) {
    log.note(status, sentence);
    return error_body(sentence);
  };
}

void adopt(HttpServer& server, std::vector<Listener> listeners, std::vector<SocketFile>& files) {
  for (auto& listener : listeners) {
    files.push_back(std::move(listener.file));
    server.add_listener(std::move(listener.fd));
  }
}

}  // namespace

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Daemon::~Daemon() {
  stop();
}

Result<std::unique_ptr<Daemon>> Daemon::start(const Config& config, const Seams& seams,
                                              std::vector<std::string> notes) {
  auto parts = std::make_unique<Parts>();
  auto* halves = parts.get();
  parts->log = &seams.log;

  auto plugin_listeners = TRY(open_all(config.listen));
  auto other_listeners = TRY(open_all(config.other_listen));
  auto admin_listeners = TRY(open_all({config.admin}));

  // From now on a connection waits until it is answered.
  const uint64_t served_from = ticks_now();
  const std::string boot = TRY(boot_id());
  const std::string instance = TRY(load_instance(seams.store));

  parts->ipam = TRY(ipam::IpamService::open(
      seams.store, seams.clock, {config.pools, config.avoid, boot},
      {[&kernel = seams.kernel] { return kernel.host_prefixes(); },
       [halves](const Prefix& pool, const IpAddress& address) -> std::optional<ipam::BoundTo> {
         auto user = halves->network ? halves->network->bound_to(pool, address) : std::nullopt;
         if (!user) return std::nullopt;
         return ipam::BoundTo{std::move(user->what), user->mac};
       },
       [halves](const Prefix& pool) {
         return halves->network ? halves->network->network_on(pool) : std::string();
       },
       [halves](const Prefix& pool, const IpAddress& address, Deadline deadline) {
         return halves->network->remove_unjoined(pool, address, deadline);
       },
       [boot](const ipam::EngineIdentity& engine) { return engine_alive(engine, boot); },
       [boot, served_from](const ipam::EngineIdentity& engine) {
         return engine.boot_id == boot && engine.start_ticks > served_from;
       },
       [halves] {
         if (halves->neighbours) halves->neighbours->wake();
       },
       [&log = seams.log](const ipam::UnsureGift& gift) { log_unsure_gift(log, gift); },
       [halves] {
         if (halves->sweeper) halves->sweeper->wake();
       },
       engine_listener}));
  net::NetworkEnvironment environment{
      instance,
      boot,
      [halves](const Prefix& pool, const IpAddress& address) {
        (void)halves->ipam->endpoint_gone(pool, address, Deadline::in(kBackgroundCall));
      },
      [halves](const Prefix& pool, const IpAddress& address) {
        (void)halves->ipam->endpoint_deleted(pool, address, Deadline::in(kBackgroundCall));
      },
      [halves](const std::string& space, const Prefix& pool, const std::string& since, int others) {
        if (space != ipam::kLocalSpace) return net::PoolClaim::kHeld;
        switch (halves->ipam->claim_on(pool, since, others)) {
          case ipam::PoolClaim::kReleased: return net::PoolClaim::kReleased;
          case ipam::PoolClaim::kAbandoned: return net::PoolClaim::kAbandoned;
          case ipam::PoolClaim::kHeld: break;
        }
        return net::PoolClaim::kHeld;
      },
      [&log = seams.log](const Error& error) {
        log.log(LogLevel::kWarning,
                "neighbours are not told of containers' MACs: one that knew an address may need a minute to "
                "reach its next container",
                {{"error", error.message}});
      }};
  environment.lan_joined = [halves] {
    if (halves->neighbours) halves->neighbours->lan_joined();
  };
  parts->network = TRY(net::NetworkService::open(seams.store, seams.kernel, seams.firewall, seams.ports,
                                                 seams.clock, std::move(environment)));

  const net::ReconcileReport report = TRY(parts->network->reconcile());
  notes.insert(notes.end(), report.repaired.begin(), report.repaired.end());
  notes.insert(notes.end(), report.problems.begin(), report.problems.end());
  for (const auto& note : notes) seams.log.log(LogLevel::kWarning, note);

  parts->neighbours =
      std::make_unique<NeighbourWatch>(*parts->ipam, seams.kernel, seams.neighbours, seams.log,
                                       [network = parts->network.get()] { return network->lan_subnets(); });
  const Services services{*parts->ipam, *parts->network, config.scope, Services::Registration::kCounts, boot};
  parts->router = std::make_unique<Router>(services, seams.log);
  parts->admin =
      std::make_unique<AdminApi>(services,
                                 AdminFacts{VIADUCT_VERSION, instance, config.state_folder, config.scope,
                                            config.listen, notes, seams.clock.now(), seams.clock.uptime()},
                                 *parts->router, seams.clock, seams.log);
  parts->plugin_server = std::make_unique<HttpServer>(
      [router = parts->router.get()](const HttpRequest& request, Deadline deadline) {
        return router->handle(request, deadline);
      },
      refusing(parts->plugin_refusals.emplace(seams.log, "plugin")));
  if (!other_listeners.empty()) {
    parts->other_scope_server = std::make_unique<HttpServer>(
        [router = parts->router.get()](const HttpRequest& request, Deadline deadline) {
          return router->handle(request, deadline, Router::Name::kOfOtherScope);
        },
        refusing(*parts->plugin_refusals));
    adopt(*parts->other_scope_server, std::move(other_listeners), parts->socket_files);
  }
  parts->admin_server = std::make_unique<HttpServer>(
      [admin = parts->admin.get()](const HttpRequest& request, Deadline deadline) {
        return admin->handle(request, deadline);
      },
      refusing(parts->admin_refusals.emplace(seams.log, "admin")), admin_limits());
  adopt(*parts->plugin_server, std::move(plugin_listeners), parts->socket_files);
  adopt(*parts->admin_server, std::move(admin_listeners), parts->socket_files);
  parts->sweeper = std::make_unique<OrphanSweeper>(*parts->ipam, *parts->network, seams.log);
  TRY(parts->admin_server->start());
  TRY(parts->plugin_server->start());
  if (parts->other_scope_server) TRY(parts->other_scope_server->start());
  seams.log.log(LogLevel::kInfo, "viaductd serves",
                {{"version", VIADUCT_VERSION},
                 {"listen", fmt::format("{}", fmt::join(config.listen, ","))},
                 {"state", config.state_folder},
                 {"networks", std::to_string(report.networks)},
                 {"endpoints", std::to_string(report.endpoints)}});
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

void Daemon::follow_uplink() {
  const auto followed = parts_->network->follow_uplink(Deadline::in(kBackgroundCall));
  if (!followed.ok())
    return parts_->log->log(LogLevel::kWarning, "networks do not follow the uplink's MTU",
                            {{"error", followed.error().message}});
  // A failure lasts for many looks.
  auto& before = parts_->followed_before;
  for (const auto& sentence : followed.value())
    if (std::find(before.begin(), before.end(), sentence) == before.end())
      parts_->log->log(LogLevel::kInfo, sentence);
  before = followed.value();
}

bool Daemon::stop() {
  // First the files: who dials now is refused at once and tries again, and finds the next viaductd.
  parts_->socket_files.clear();
  bool all_answered = parts_->plugin_server->stop(kStopGrace);
  if (parts_->other_scope_server) all_answered = parts_->other_scope_server->stop(kStopGrace) && all_answered;
  parts_->admin_server->stop(std::chrono::milliseconds{0});
  return all_answered;
}

}  // namespace viaduct::server
