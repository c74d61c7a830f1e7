#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/unique_fd.h"

// What tests against the kernel stand on: network namespaces that vanish with the process, and the system's
// own tools (ip, bridge, nft) as the second opinion.
namespace viaduct::netns {

struct Output {
  int status = 0;
  std::string text;  // stdout and stderr
};

// Runs a shell command in the network namespace of the calling thread.
Output shell(const std::string& command);
// The same; a command that fails is a failed test.
std::string run(const std::string& command);
// Its stdout as JSON. A command that fails, or prints something else, is a failed test and null.
nlohmann::json run_json(const std::string& command);
// `ip -j -d link show dev NAME`, null if there is no such link.
nlohmann::json link_json(const std::string& name);

// Asks until the answer is yes or the time is up.
bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& is_so);

// A second network namespace, held by a descriptor.
class Namespace {
 public:
  Namespace();
  // That of the calling thread.
  static Namespace current();
  // For `ip link set X netns PATH` and nsenter.
  [[nodiscard]] std::string path() const;
  // Runs a command in it; as run().
  std::string run(const std::string& command) const;
  // Runs `work` on a thread that has entered it. Sockets opened there stay in it.
  void enter(const std::function<void()>& work) const;

 private:
  explicit Namespace(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// A UDP socket of a namespace, bound to an address.
class Udp {
 public:
  Udp(const Namespace& space, const std::string& address, uint16_t port);
  // Returns whether the kernel took it.
  bool send(const std::string& address, uint16_t port, const std::string& text);
  struct Datagram {
    std::string source;
    uint16_t port = 0;
    std::string text;
  };
  // Waits for one, for `limit`.
  std::optional<Datagram> receive(std::chrono::milliseconds limit);

 private:
  UniqueFd fd_;
};

// Each test in a fresh network namespace, with the loopback up.
class FreshNetns : public ::testing::Test {
 protected:
  void SetUp() override;
};

}  // namespace viaduct::netns
