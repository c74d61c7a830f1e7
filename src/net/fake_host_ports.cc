#include "net/fake_host_ports.h"

#include <fmt/format.h>

namespace viaduct::net {

class FakeHostPorts::Held final : public HeldPort {
 public:
  Held(FakeHostPorts& all, std::tuple<Protocol, uint16_t, IpAddress> what) : all_(all), what_(what) {}
  ~Held() override {
    auto state = all_.state_.lock();
    state->held.erase(state->held.find(what_));
  }

 private:
  FakeHostPorts& all_;
  const std::tuple<Protocol, uint16_t, IpAddress> what_;
};

void FakeHostPorts::occupy(Protocol protocol, uint16_t port, const std::string& holder) {
  state_.lock()->occupied[{protocol, port}] = holder;
}

void FakeHostPorts::give_up(Protocol protocol, uint16_t port) {
  state_.lock()->occupied.erase({protocol, port});
}

void FakeHostPorts::set_automatic(PortRange range) {
  state_.lock()->range = range;
}

std::set<std::string> FakeHostPorts::held() {
  std::set<std::string> all;
  for (const auto& [protocol, port, host] : state_.lock()->held)
    all.insert(
        host_side({.protocol = protocol, .container = {}, .port = 0, .host = host, .host_port = port}));
  return all;
}

Result<std::unique_ptr<HeldPort>> FakeHostPorts::hold(Protocol protocol, const IpAddress& host,
                                                      uint16_t port) {
  const std::tuple what(protocol, port, host);
  {
    auto state = state_.lock();
    if (state->occupied.contains({protocol, port})) return conflict("the port is in use");
    for (const auto& [held_protocol, held_port, held_host] : state->held) {
      const bool same_address = held_host == host || held_host.value() == 0 || host.value() == 0;
      if (held_protocol == protocol && held_port == port && held_host.family() == host.family() &&
          same_address)
        return conflict("the port is in use");
    }
    state->held.insert(what);
  }
  return std::unique_ptr<HeldPort>(new Held(*this, what));
}

std::string FakeHostPorts::holder_of(Protocol protocol, uint16_t port) {
  auto state = state_.lock();
  const auto found = state->occupied.find({protocol, port});
  return found == state->occupied.end() ? std::string() : found->second;
}

PortRange FakeHostPorts::automatic() {
  return state_.lock()->range;
}

}  // namespace viaduct::net
