#include "net/socket_ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/unique_fd.h"
#include "netns/netns_world.h"

namespace viaduct::net {
namespace {

using ::testing::HasSubstr;

IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}

class SocketPortsTest : public netns::FreshNetns {
 protected:
  ErrorCode code_of(Protocol protocol, const std::string& host, uint16_t port) {
    const auto held = ports_.hold(protocol, ip(host), port);
    return held.ok() ? ErrorCode::kInternal : held.error().code;
  }
  // A program of the host's, as it were, that listens on all addresses.
  static UniqueFd listener(uint16_t port) {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    const bool listens =
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
        ::listen(socket.get(), 8) == 0;
    return listens ? std::move(socket) : UniqueFd();
  }

  SocketPorts ports_;
};

TEST_F(SocketPortsTest, Held_IsHadByNobodyElseAndRefusesConnections) {
  {
    const auto held = ports_.hold(Protocol::kTcp, ip("0.0.0.0"), 8080);
    ASSERT_TRUE(held.ok());
    EXPECT_FALSE(listener(8080).valid()) << "not even with SO_REUSEADDR";
    EXPECT_EQ(code_of(Protocol::kTcp, "127.0.0.1", 8080), ErrorCode::kConflict);
    EXPECT_EQ(code_of(Protocol::kTcp, "::", 8080), ErrorCode::kInternal) << "the other family is free";
    EXPECT_EQ(code_of(Protocol::kUdp, "0.0.0.0", 8080), ErrorCode::kInternal) << "the other protocol is free";
    EXPECT_THAT(netns::shell("curl -s -m 3 http://127.0.0.1:8080/; echo status $?").text,
                HasSubstr("status 7"));
  }
  EXPECT_TRUE(listener(8080).valid()) << "free again";
}

TEST_F(SocketPortsTest, PortOfAProgram_IsAConflictAndItsHolderIsNamed) {
  const UniqueFd program = listener(8080);
  ASSERT_TRUE(program.valid());
  EXPECT_EQ(code_of(Protocol::kTcp, "0.0.0.0", 8080), ErrorCode::kConflict);
  EXPECT_EQ(ports_.holder_of(Protocol::kTcp, 8080),
            "process socket_ports_te (pid " + std::to_string(::getpid()) + ")");
  EXPECT_EQ(ports_.holder_of(Protocol::kTcp, 8081), "");
}

TEST_F(SocketPortsTest, ForeignAddress_IsNotFound) {
  EXPECT_EQ(code_of(Protocol::kTcp, "198.51.100.1", 8080), ErrorCode::kNotFound);
  EXPECT_EQ(code_of(Protocol::kUdp, "2001:db8::1", 8080), ErrorCode::kNotFound);
}

TEST_F(SocketPortsTest, ConnectionsThatAreRememberedOnly_DoNotHoldAPort) {
  {
    const UniqueFd program = listener(8080);
    ASSERT_TRUE(program.valid());
    UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(8080);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    // Who closes first keeps the memory of it.
    const UniqueFd accepted(::accept(program.get(), nullptr, nullptr));
    ASSERT_EQ(::shutdown(accepted.get(), SHUT_WR), 0);
    char byte = 0;
    ASSERT_EQ(::recv(client.get(), &byte, 1, 0), 0);
  }
  ASSERT_TRUE(netns::eventually(std::chrono::seconds(5), [] {
    return netns::run("ss -Htan 'sport = :8080'").find("TIME-WAIT") != std::string::npos;
  }));
  EXPECT_EQ(code_of(Protocol::kTcp, "0.0.0.0", 8080), ErrorCode::kInternal) << "held";
}

TEST_F(SocketPortsTest, AutomaticRange_IsTheHosts) {
  netns::run("echo '40000 40100' > /proc/sys/net/ipv4/ip_local_port_range");
  EXPECT_EQ(ports_.automatic().low, 40000);
  EXPECT_EQ(ports_.automatic().high, 40100);
}

}  // namespace
}  // namespace viaduct::net
