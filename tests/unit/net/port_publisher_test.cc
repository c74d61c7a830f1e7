#include "net/port_publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/fake_host_ports.h"

namespace viaduct::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Publishing : public ::testing::Test {
 protected:
  static PortWish wish(uint16_t low, uint16_t high, std::vector<std::string> hosts = {"0.0.0.0"}) {
    PortWish wanted{Protocol::kTcp, 80, low, high, {}};
    for (const auto& host : hosts) {
      const IpAddress address = IpAddress::parse(host).value();
      wanted.ways.push_back(
          {address, IpAddress::parse(address.family() == Family::kIpv4 ? "10.1.0.2" : "fd00::2").value()});
    }
    return wanted;
  }
  // The host's sides, or the error's message.
  std::vector<std::string> publish(const std::string& id, const std::vector<PortWish>& wishes) {
    const auto published = publisher_.publish(id, "endpoint " + id, wishes);
    if (!published.ok()) return {published.error().message};
    std::vector<std::string> sides;
    for (const auto& port : published.value()) sides.push_back(host_side(port));
    return sides;
  }

  FakeHostPorts host_;
  PortPublisher publisher_{host_};
};

TEST_F(Publishing, ExactPort_IsHeldUntilItIsWithdrawn) {
  EXPECT_THAT(publish("a", {wish(8080, 8080)}), ElementsAre("0.0.0.0:8080/tcp"));
  EXPECT_THAT(host_.held(), ElementsAre("0.0.0.0:8080/tcp"));
  publisher_.withdraw("a");
  EXPECT_THAT(host_.held(), IsEmpty());
}

TEST_F(Publishing, PortOfAnotherEndpoint_IsRefusedNamingIt) {
  publish("a", {wish(8080, 8080)});
  EXPECT_THAT(
      publish("b", {wish(8080, 8080, {"127.0.0.1"})}),
      ElementsAre(
          "host port 127.0.0.1:8080/tcp is in use by endpoint a; publish another one, or end what has it"));
  EXPECT_THAT(publish("b", {wish(8080, 8080, {"::1"})}), ElementsAre("[::1]:8080/tcp"))
      << "of the other family";
}

TEST_F(Publishing, PortOfAProgram_IsRefusedNamingItOrNobody) {
  host_.occupy(Protocol::kTcp, 8080, "process nginx (pid 7)");
  host_.occupy(Protocol::kTcp, 8081, "");
  EXPECT_THAT(publish("a", {wish(8080, 8080)}),
              ElementsAre("host port 0.0.0.0:8080/tcp is in use by process nginx (pid 7); publish another "
                          "one, or end what has it"));
  EXPECT_THAT(publish("a", {wish(8081, 8081)}),
              ElementsAre("host port 0.0.0.0:8081/tcp is in use by another program of this host; publish "
                          "another one, or end what has it"));
}

TEST_F(Publishing, OneRefused_LeavesNothingOfTheOthers) {
  host_.occupy(Protocol::kTcp, 8081, "");
  publish("a", {wish(8080, 8080), wish(8081, 8081)});
  EXPECT_THAT(host_.held(), IsEmpty());
}

TEST_F(Publishing, Range_TakesTheFirstThatIsFreeOnAllAddresses) {
  host_.occupy(Protocol::kTcp, 9000, "");
  publish("other", {wish(9001, 9001, {"::"})});
  EXPECT_THAT(publish("a", {wish(9000, 9003, {"0.0.0.0", "::"})}),
              ElementsAre("0.0.0.0:9002/tcp", "[::]:9002/tcp"));
  EXPECT_THAT(publish("b", {wish(9000, 9002)}), ElementsAre("0.0.0.0:9001/tcp"));
  EXPECT_THAT(publish("c", {wish(9000, 9002)}),
              ElementsAre("no host port from 9000 to 9002 is free for port 80/tcp; publish it at another "
                          "one, or end something that has one"));
}

TEST_F(Publishing, Automatic_IsOfTheHostsRangeAndGoesOnBehindTheLast) {
  host_.set_automatic({40000, 40002});
  EXPECT_THAT(publish("a", {wish(0, 0)}), ElementsAre("0.0.0.0:40000/tcp"));
  publisher_.withdraw("a");
  EXPECT_THAT(publish("b", {wish(0, 0)}), ElementsAre("0.0.0.0:40001/tcp"));
  EXPECT_THAT(publish("c", {wish(0, 0)}), ElementsAre("0.0.0.0:40002/tcp"));
  EXPECT_THAT(publish("d", {wish(0, 0)}), ElementsAre("0.0.0.0:40000/tcp"));
  EXPECT_EQ(publisher_.publish("e", "e", {wish(0, 0)}).error().code, ErrorCode::kExhausted);
}

TEST_F(Publishing, Repeated_KeepsWhatWasChosenAndGivesUpWhatIsNotWantedAnyMore) {
  host_.set_automatic({40000, 40009});
  for (int time = 0; time < 2; ++time)
    EXPECT_THAT(publish("a", {wish(8080, 8080), wish(0, 0)}),
                ElementsAre("0.0.0.0:8080/tcp", "0.0.0.0:40000/tcp"))
        << time;
  EXPECT_THAT(publish("a", {wish(0, 0)}), ElementsAre("0.0.0.0:8080/tcp")) << "any port serves who wants any";
  EXPECT_THAT(host_.held(), ElementsAre("0.0.0.0:8080/tcp"));
}

TEST_F(Publishing, TakenBackAtStart_IsHeldAndSaysWhatSomebodyElseHas) {
  const PublishedPort port{Protocol::kTcp, IpAddress::parse("10.1.0.2").value(), 80,
                           IpAddress::parse("0.0.0.0").value(), 8080};
  EXPECT_THAT(publisher_.take_back("a", "endpoint a", {port}), IsEmpty());
  EXPECT_THAT(host_.held(), ElementsAre("0.0.0.0:8080/tcp"));
  publisher_.withdraw("a");
  host_.occupy(Protocol::kTcp, 8080, "process nginx (pid 7)");
  EXPECT_THAT(publisher_.take_back("a", "endpoint a", {port}),
              ElementsAre("host port 0.0.0.0:8080/tcp of endpoint a could not be taken again (process nginx "
                          "(pid 7)); what comes in "
                          "for it still goes to the container"));
  host_.give_up(Protocol::kTcp, 8080);
  EXPECT_THAT(publish("b", {wish(8080, 8080)}), ElementsAre("0.0.0.0:8080/tcp"));
}

}  // namespace
}  // namespace viaduct::net
