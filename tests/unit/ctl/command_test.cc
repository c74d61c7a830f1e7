#include "tools/ctl/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/ctl/answers.h"

namespace viaduct::ctl {
namespace {

using testing::HasSubstr;

Result<Json> answer(const std::string& path) {
  if (path == "/v1/status") return status();
  if (path == "/v1/networks") return Json{{"networks", networks()}};
  if (path == "/v1/endpoints") return Json{{"endpoints", endpoints()}};
  if (path == "/v1/pools") return Json{{"pools", pools()}};
  if (path == "/v1/addresses") return Json{{"addresses", addresses()}};
  return not_found(path);
}

Arguments arguments(Command command, const std::string& id = "", Output output = Output::kText) {
  Arguments out;
  out.command = command;
  out.id = id;
  out.output = output;
  return out;
}

Json json_of(Command command, const std::string& id = "") {
  const auto text = run_command(arguments(command, id, Output::kJson), answer);
  return text.ok() ? Json::parse(text.value(), nullptr, false) : Json(text.error().message);
}

TEST(Command, JsonOfLists_IsTheDaemonsAnswer) {
  EXPECT_EQ(json_of(Command::kStatus), status());
  EXPECT_EQ(json_of(Command::kNetworkList), (Json{{"networks", networks()}}));
  EXPECT_EQ(json_of(Command::kEndpointList), (Json{{"endpoints", endpoints()}}));
  EXPECT_EQ(json_of(Command::kPoolList), (Json{{"pools", pools()}}));
  EXPECT_EQ(json_of(Command::kAddressList), (Json{{"addresses", addresses()}}));
}

TEST(Command, JsonOfShow_IsTheOneObject) {
  EXPECT_EQ(json_of(Command::kNetworkShow, "bb"), networks()[1]);
  EXPECT_EQ(json_of(Command::kPoolShow, "fd00"), pools()[2]);
}

TEST(Command, Filters_LeaveTheRestOut) {
  EXPECT_EQ(json_of(Command::kEndpointList, "bb"), (Json{{"endpoints", Json::array()}}));
  EXPECT_EQ(json_of(Command::kEndpointList, "aa")["endpoints"].size(), 2U);
  EXPECT_EQ(json_of(Command::kAddressList, "local/fd00:1::/64"), (Json{{"addresses", {addresses()[4]}}}));
}

TEST(Command, EveryCommand_HasATextOfItsOwn) {
  const auto text = [](Command command, const std::string& id = "") {
    const auto outcome = run_command(arguments(command, id), answer);
    return outcome.ok() ? outcome.value() : outcome.error().message;
  };
  EXPECT_THAT(text(Command::kStatus), HasSubstr("0badcafe"));
  EXPECT_THAT(text(Command::kNetworkList), HasSubstr("NETWORK ID"));
  EXPECT_THAT(text(Command::kNetworkShow, "a"), HasSubstr("auxiliary router"));
  EXPECT_THAT(text(Command::kEndpointList), HasSubstr("HOST LINK"));
  EXPECT_THAT(text(Command::kPoolList), HasSubstr("CAPACITY"));
  EXPECT_THAT(text(Command::kPoolShow, "local/10.128.0.0/24"), HasSubstr("12 of 254"));
  EXPECT_THAT(text(Command::kAddressList), HasSubstr("CLASS"));
}

TEST(Command, UnknownAndAmbiguousIds_AreTrouble) {
  for (const Command command :
       {Command::kNetworkShow, Command::kEndpointList, Command::kPoolShow, Command::kAddressList}) {
    const auto outcome = run_command(arguments(command, "zz"), answer);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(exit_code_of(outcome.error()), 1);
  }
  const auto outcome = run_command(arguments(Command::kPoolShow, "local/"), answer);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(exit_code_of(outcome.error()), 1);
}

TEST(Command, DaemonAway_IsPassedOnByEveryCommand) {
  const Fetch away = [](const std::string&) -> Result<Json> { return unavailable("nobody there"); };
  for (const Command command :
       {Command::kStatus, Command::kNetworkList, Command::kNetworkShow, Command::kEndpointList,
        Command::kPoolList, Command::kPoolShow, Command::kAddressList}) {
    const auto outcome = run_command(arguments(command, "x"), away);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(exit_code_of(outcome.error()), 3);
  }
}

TEST(ExitCode, Errors_MapToTheDocumentedOnes) {
  EXPECT_EQ(exit_code_of(invalid_argument("")), 2);
  EXPECT_EQ(exit_code_of(not_found("")), 1);
  EXPECT_EQ(exit_code_of(conflict("")), 1);
  EXPECT_EQ(exit_code_of(unavailable("")), 3);
  EXPECT_EQ(exit_code_of(internal("")), 1);
}

}  // namespace
}  // namespace viaduct::ctl
