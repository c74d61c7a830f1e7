#include "unit/net/service_world.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace viaduct::net {

std::string id_of(char c) {
  return std::string(64, c);
}

Prefix prefix(const std::string& text) {
  return Prefix::parse(text).value();
}

InterfaceAddress address(const std::string& text) {
  return InterfaceAddress::parse(text).value();
}

Deadline soon() {
  return Deadline::in(std::chrono::seconds(10));
}

CreateNetworkRequest network_request(const std::string& id, const std::string& subnet) {
  CreateNetworkRequest request;
  request.id = id;
  IpamData data;
  data.space = "local";
  data.pool = prefix(subnet);
  data.gateway = InterfaceAddress{data.pool->first().plus(1), data.pool->length()};
  request.ipv4.push_back(data);
  return request;
}

CreateEndpointRequest endpoint_request(const std::string& network_id, const std::string& endpoint_id,
                                       const std::string& ipv4) {
  CreateEndpointRequest request;
  request.network_id = network_id;
  request.endpoint_id = endpoint_id;
  if (!ipv4.empty()) request.ipv4 = address(ipv4);
  return request;
}

bool eventually(const std::function<bool()>& condition) {
  const Deadline deadline = soon();
  while (!deadline.expired()) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return condition();
}

ServiceWorld::ServiceWorld() {
  reopen();
}

void ServiceWorld::reopen() {
  service.reset();
  NetworkEnvironment environment;
  environment.instance = "inst";
  environment.boot_id = boot;
  environment.endpoint_gone = [this](const Prefix& pool, const IpAddress& gone) {
    std::lock_guard guard(mutex_);
    given_back_.push_back(gone.to_string() + " of " + pool.to_string());
  };
  environment.pool_claim = [this](const std::string& space, const Prefix& pool, const std::string& since,
                                  int others) { return pool_claim(space, pool, since, others); };
  environment.announce_after = announce_after;
  auto opened = NetworkService::open(store, kernel, firewall, ports, clock, environment);
  if (opened.ok()) service = std::move(opened).value();
}

void ServiceWorld::reboot() {
  service.reset();
  for (const auto& [name, link] : kernel.contents().links) kernel.drop_link(name);
  firewall.flush();
  boot += "+";
  reopen();
}

std::vector<std::string> ServiceWorld::marked_links() {
  std::vector<std::string> names;
  for (const auto& [name, link] : kernel.contents().links) {
    const auto mark = mark_from_alias(link.alias);
    if (mark && mark->instance == "inst" && link.group == kLiveGroup) names.push_back(name);
  }
  return names;
}

bool ServiceWorld::reaped() {
  return eventually([this] {
    const auto links = kernel.contents().links;
    return std::none_of(links.begin(), links.end(),
                        [](const auto& entry) { return entry.second.group == kDyingGroup; });
  });
}

bool ServiceWorld::empty_after_reaping() {
  if (!reaped()) return false;
  const auto links = kernel.contents().links;
  return firewall.in_force().empty() && std::none_of(links.begin(), links.end(), [](const auto& entry) {
           return entry.second.group == kLiveGroup;
         });
}

std::optional<Link> ServiceWorld::link(const std::string& name) {
  const auto links = kernel.contents().links;
  const auto found = links.find(name);
  if (found == links.end()) return std::nullopt;
  return found->second;
}

int ServiceWorld::stored(store::Table table) {
  int rows = 0;
  static_cast<void>(memory.scan(table, [&rows](const store::Row&) { ++rows; }).ok());
  return rows;
}

std::vector<std::string> ServiceWorld::given_back() {
  std::lock_guard guard(mutex_);
  return given_back_;
}

}  // namespace viaduct::net
