#include "net/port_publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace viaduct::net {

namespace {

PublishedPort port_of(const PortWish& wish, const PortWish::Way& way, uint16_t host_port) {
  return {wish.protocol, way.container, wish.port, way.host, host_port};
}

bool meet(const IpAddress& a, const IpAddress& b) {
  return a.family() == b.family() && (a == b || a.value() == 0 || b.value() == 0);
}

std::string words_of(const PortWish& wish, uint16_t host_port) {
  return host_side(port_of(wish, wish.ways.front(), host_port));
}

// The number under which these ports serve the whole wish; empty if they do not.
std::optional<uint16_t> number_that_serves(const PortWish& wish, const std::vector<PublishedPort>& ports) {
  for (const PublishedPort& candidate : ports) {
    const uint16_t number = candidate.host_port;
    if (wish.low != 0 && (number < wish.low || number > wish.high)) continue;
    const bool all = std::all_of(wish.ways.begin(), wish.ways.end(), [&](const PortWish::Way& way) {
      return std::find(ports.begin(), ports.end(), port_of(wish, way, number)) != ports.end();
    });
    if (all) return number;
  }
  return std::nullopt;
}

}  // namespace

std::string PortPublisher::holder_among_endpoints(const PortWish& wish, uint16_t host_port) const {
  for (const auto& [id, holder] : holders_)
    for (const Holding& holding : holder.ports)
      for (const PortWish::Way& way : wish.ways)
        if (holding.port.protocol == wish.protocol && holding.port.host_port == host_port &&
            meet(holding.port.host, way.host))
          return holder.label;
  return {};
}

Error PortPublisher::in_use(const PortWish& wish, uint16_t host_port) {
  std::string holder = holder_among_endpoints(wish, host_port);
  if (holder.empty()) holder = host_.holder_of(wish.protocol, host_port);
  if (holder.empty()) holder = "another program of this host";
  return conflict(fmt::format("host port {} is in use by {}; publish another one, or end what has it",
                              words_of(wish, host_port), holder));
}

Result<std::vector<PortPublisher::Holding>> PortPublisher::take(const PortWish& wish, uint16_t host_port) {
  std::vector<Holding> taken;
  for (const PortWish::Way& way : wish.ways) {
    auto held = host_.hold(wish.protocol, way.host, host_port);
    if (!held.ok() && held.error().code == ErrorCode::kNotFound)
      return not_found(
          fmt::format("port {}/{} cannot be published at {}, which is no address of this host; name one that "
                      "is, or none for all",
                      wish.port, to_string(wish.protocol), way.host.to_string()));
    if (!held.ok()) return std::move(held).error();
    taken.push_back({port_of(wish, way, host_port), std::move(held).value()});
  }
  return taken;
}

Result<std::vector<PortPublisher::Holding>> PortPublisher::choose(const PortWish& wish) {
  const bool any = wish.low == 0;
  const PortRange range = any ? host_.automatic() : PortRange{wish.low, wish.high};
  const int count = range.high - range.low + 1;
  if (any && (next_ < range.low || next_ > range.high)) next_ = range.low;
  for (int tried = 0; tried < count; ++tried) {
    const int offset = any ? (next_ - range.low + tried) % count : tried;
    const auto number = static_cast<uint16_t>(range.low + offset);
    auto taken = take(wish, number);
    if (taken.ok()) {
      if (any) next_ = static_cast<uint16_t>(number + 1);
      return taken;
    }
    if (taken.error().code != ErrorCode::kConflict) return taken;
    if (count == 1) return in_use(wish, number);
  }
  return Error{ErrorCode::kExhausted,
               fmt::format("no host port from {} to {} is free for port {}/{}; publish it at another one, or "
                           "end something that has one",
                           range.low, range.high, wish.port, to_string(wish.protocol))};
}

Result<std::vector<PublishedPort>> PortPublisher::publish(const std::string& endpoint_id,
                                                          const std::string& label,
                                                          const std::vector<PortWish>& wishes) {
  const std::lock_guard guard(mutex_);
  std::vector<PublishedPort> before;
  auto known = holders_.find(endpoint_id);
  if (known != holders_.end())
    for (const Holding& holding : known->second.ports) before.push_back(holding.port);

  // What the endpoint has and goes on having, and what is new to it. Nothing is given up before all is there.
  std::vector<PublishedPort> kept;
  std::vector<Holding> fresh;
  for (const PortWish& wish : wishes) {
    if (const auto number = number_that_serves(wish, before)) {
      for (const PortWish::Way& way : wish.ways) {
        kept.push_back(port_of(wish, way, *number));
        std::erase(before, kept.back());  // one port serves one wish
      }
      continue;
    }
    for (Holding& holding : TRY(choose(wish))) fresh.push_back(std::move(holding));
  }

  Holder now{label, {}};
  if (known != holders_.end())
    for (Holding& holding : known->second.ports)
      if (std::find(kept.begin(), kept.end(), holding.port) != kept.end())
        now.ports.push_back(std::move(holding));
  for (Holding& holding : fresh) now.ports.push_back(std::move(holding));
  std::vector<PublishedPort> published;
  for (const Holding& holding : now.ports) published.push_back(holding.port);
  std::sort(published.begin(), published.end());
  if (now.ports.empty())
    holders_.erase(endpoint_id);
  else
    holders_[endpoint_id] = std::move(now);
  return published;
}

std::vector<std::string> PortPublisher::take_back(const std::string& endpoint_id, const std::string& label,
                                                  const std::vector<PublishedPort>& ports) {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> problems;
  Holder holder{label, {}};
  auto& before = holders_[endpoint_id].ports;
  for (const PublishedPort& port : ports) {
    if (port.host_port == 0) continue;
    const auto known = std::find_if(before.begin(), before.end(), [&](const Holding& holding) {
      return holding.held && holding.port == port;
    });
    if (known != before.end()) {
      holder.ports.push_back(std::move(*known));
      continue;
    }
    auto held = host_.hold(port.protocol, port.host, port.host_port);
    if (held.ok()) {
      holder.ports.push_back({port, std::move(held).value()});
      continue;
    }
    std::string who = host_.holder_of(port.protocol, port.host_port);
    if (who.empty()) who = held.error().message;
    problems.push_back(fmt::format(
        "host port {} of {} could not be taken again ({}); what comes in for it still goes to the container",
        host_side(port), label, who));
    holder.ports.push_back({port, nullptr});
  }
  if (holder.ports.empty())
    holders_.erase(endpoint_id);
  else
    holders_[endpoint_id] = std::move(holder);
  return problems;
}

std::vector<std::string> PortPublisher::not_held() {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> sentences;
  for (const auto& [id, holder] : holders_)
    for (const Holding& holding : holder.ports)
      if (!holding.held)
        sentences.push_back(fmt::format("{} is promised to {}, and another program has it",
                                        host_side(holding.port), holder.label));
  return sentences;
}

void PortPublisher::withdraw(const std::string& endpoint_id) {
  const std::lock_guard guard(mutex_);
  holders_.erase(endpoint_id);
}

}  // namespace viaduct::net
