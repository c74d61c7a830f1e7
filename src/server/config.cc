#include "server/config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>

#include "server/listener.h"

namespace viaduct::server {

namespace {

constexpr const char* kVersion = "viaductd " VIADUCT_VERSION;

// Private ranges that the engine's own defaults (172.17.0.0/16 … 192.168.240.0/20) leave alone as far as can be.
constexpr const char* kDefaultPools = "10.128.0.0/10:24,172.16.0.0/12:24";

struct RawConfig {
  std::vector<std::string> listen{"unix:///run/docker/plugins/viaduct.sock"};
  std::string admin = "unix:///run/viaduct/admin.sock";
  std::string state = "/var/lib/viaduct";
  std::string scope = "local";
  std::string pools = kDefaultPools;
  std::vector<std::string> avoid;
  std::string log_level = "info";
  std::string log_format = "text";
  bool check_only = false;
};

void add_options(CLI::App& app, RawConfig& raw) {
  const auto add = [&app](const char* flag, auto& value, const char* environment, const char* help) {
    // CLI11 takes an empty variable for a value.
    const char* set = std::getenv(environment);  // NOLINT(concurrency-mt-unsafe): before there are threads
    auto* option = app.add_option(flag, value, help)->capture_default_str();
    if (set != nullptr && *set != '\0') option->envname(environment);
    return option;
  };
  add("--listen", raw.listen, "VIADUCT_LISTEN",
      "where the engine finds viaduct: unix:///path, or fd:// for sockets passed by systemd; repeatable; "
      "local=unix:///path or global=unix:///path for one that tells it that scope")
      ->delimiter(',');
  add("--admin", raw.admin, "VIADUCT_ADMIN", "where viaductctl finds viaduct: unix:///path");
  add("--state", raw.state, "VIADUCT_STATE", "folder of the state; state.db inside");
  add("--scope", raw.scope, "VIADUCT_SCOPE", "capability: local for plain engines, global for Swarm")
      ->check(CLI::IsMember({"local", "global"}));
  add("--pools", raw.pools, "VIADUCT_POOLS",
      "prefixes that automatic subnets are cut from: RANGE:LENGTH,...");
  add("--avoid", raw.avoid, "VIADUCT_AVOID",
      "prefixes that no automatic subnet overlaps: PREFIX,...; repeatable")
      ->delimiter(',');
  add("--log-level", raw.log_level, "VIADUCT_LOG_LEVEL", "least level that is logged")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  add("--log-format", raw.log_format, "VIADUCT_LOG_FORMAT", "one line an event, as text or as JSON")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_flag("--check-config", raw.check_only, "check flags and environment, and exit: 0 well, 2 not");
  app.set_version_flag("--version", kVersion);
}

// "global=unix:///path" is of that scope, whatever --scope says.
Status sort_listeners(const std::vector<std::string>& listen, Config& config) {
  for (const std::string& given : listen) {
    const size_t equals = given.find('=');
    const std::string scope = given.substr(0, equals);
    const bool scoped = equals != std::string::npos && (scope == "local" || scope == "global");
    const std::string address = scoped ? given.substr(equals + 1) : given;
    TRY(check_listen_address("--listen", address));
    if (scoped && address == kInherited)
      return invalid_argument(fmt::format(
          "--listen {} is not offered: fd:// takes every socket that systemd passed; use unix:///path",
          given));
    (scoped && scope != config.scope ? config.other_listen : config.listen).push_back(address);
  }
  if (config.listen.empty())
    return invalid_argument(fmt::format("--listen names no socket of scope {}; name one, or say --scope {}",
                                        config.scope, config.other_scope()));
  return {};
}

Result<Config> checked(const RawConfig& raw) {
  static const std::map<std::string, LogLevel> kLevels = {{"debug", LogLevel::kDebug},
                                                          {"info", LogLevel::kInfo},
                                                          {"warning", LogLevel::kWarning},
                                                          {"error", LogLevel::kError}};
  Config config;
  config.admin = raw.admin;
  config.state_folder = raw.state;
  config.scope = raw.scope;
  config.log_level = kLevels.at(raw.log_level);
  config.log_format = raw.log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  config.check_only = raw.check_only;
  TRY(sort_listeners(raw.listen, config));
  TRY(check_listen_address("--admin", raw.admin));
  // Inherited sockets are the engine's, and can be taken once.
  if (raw.admin == kInherited) return invalid_argument("--admin fd:// is not offered; use unix:///path");
  if (std::count(raw.listen.begin(), raw.listen.end(), kInherited) > 1)
    return invalid_argument(
        "--listen fd:// is given twice; it takes every socket that systemd passed, name it once");
  if (raw.state.empty() || raw.state.front() != '/')
    return invalid_argument(
        fmt::format("--state \"{}\" is no absolute path; name a folder such as /var/lib/viaduct", raw.state));
  auto pools = ipam::parse_pool_sources(raw.pools);
  if (!pools.ok()) return std::move(pools).error().with_context("--pools");
  config.pools = std::move(pools).value();
  for (const auto& text : raw.avoid) {
    auto prefix = Prefix::parse(text);
    if (!prefix.ok()) return std::move(prefix).error().with_context("--avoid");
    config.avoid.push_back(prefix.value());
  }
  return config;
}

}  // namespace

ConfigOutcome read_config(int argc, const char* const* argv) {
  CLI::App app{"viaductd serves Docker's network and IPAM plugin calls on one socket."};
  RawConfig raw;
  add_options(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(problem, out, err);
    return {std::nullopt, out.str() + err.str(), code == 0 ? 0 : 2};
  }
  auto config = checked(raw);
  if (!config.ok()) return {std::nullopt, config.error().message + "\n", 2};
  return {std::move(config).value(), "", 0};
}

}  // namespace viaduct::server
